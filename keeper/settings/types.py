"""What settings are made of: values that are checked as they are read, and the base of a group."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from eth_utils.address import is_address, to_checksum_address
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr


def _checksummed(value: str) -> str:
    if not is_address(value):
        raise ValueError(f"{value!r} is not an address")
    return to_checksum_address(value)


def _expanded(value: object) -> object:
    return Path(value).expanduser() if isinstance(value, str) else value


def _url(value: SecretStr) -> SecretStr:
    return _with_scheme(value, "http", "https")


def _socket_url(value: SecretStr) -> SecretStr:
    return _with_scheme(value, "ws", "wss")


def _with_scheme(value: SecretStr, *schemes: str) -> SecretStr:
    parts = urlsplit(value.get_secret_value())  # raises on its own for brackets that do not close
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"not an {' or '.join(f'{scheme}://' for scheme in schemes)} URL")
    try:
        parts.port  # noqa: B018 (looking at it is what checks it)
    except ValueError:
        raise ValueError("the URL's port is no port") from None  # the library's own text repeats it
    return value


def _database(value: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        parts.port  # noqa: B018 (looking at it is what checks it)
    except ValueError:
        raise ValueError("not a postgresql+psycopg:// URL") from None  # the library's own text repeats parts of it
    if parts.scheme != "postgresql+psycopg" or not parts.path.strip("/"):
        raise ValueError("not a postgresql+psycopg://user:password@host/database URL")
    if "@" in parts.path + parts.query or parts.fragment:
        raise ValueError("the URL's user or password has characters that have to be percent-encoded")
    return value


def _host_and_port(value: str) -> str:
    parts = urlsplit(f"//{value}")
    # `port` raises on its own for what is none, in words that repeat only the port.
    if parts.hostname is None or parts.port is None or parts.netloc != value or "@" in value:
        raise ValueError(f"{value!r} is not host:port, as in 127.0.0.1:9464")
    return value


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or value != f"{parts.scheme}://{parts.netloc}":
        raise ValueError(f"{value!r} is not scheme://host or scheme://host:port, as in https://index.example")
    return value


Address = Annotated[str, AfterValidator(_checksummed)]
FilePath = Annotated[Path, BeforeValidator(_expanded)]
HostPort = Annotated[str, AfterValidator(_host_and_port)]
Origin = Annotated[str, AfterValidator(_origin)]
SecretUrl = Annotated[SecretStr, AfterValidator(_url)]  # a user or a path in it is often a key to the service
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database)]
SecretSocketUrl = Annotated[SecretStr, AfterValidator(_socket_url)]


class Group(BaseModel):
    """A table of settings that belong together; refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
