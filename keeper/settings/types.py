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
    parts = urlsplit(value.get_secret_value())  # raises on its own for brackets that do not close
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not an http:// or https:// URL")
    try:
        parts.port  # noqa: B018 (looking at it is what checks it)
    except ValueError:
        raise ValueError("the URL's port is no port") from None  # the library's own text repeats it
    return value


def _host_and_port(value: str) -> str:
    parts = urlsplit(f"//{value}")
    # `port` raises on its own for what is none, in words that repeat only the port.
    if parts.hostname is None or parts.port is None or parts.netloc != value or "@" in value:
        raise ValueError(f"{value!r} is not host:port, as in 127.0.0.1:9464")
    return value


Address = Annotated[str, AfterValidator(_checksummed)]
FilePath = Annotated[Path, BeforeValidator(_expanded)]
HostPort = Annotated[str, AfterValidator(_host_and_port)]
SecretUrl = Annotated[SecretStr, AfterValidator(_url)]  # a user or a path in it is often a key to the service


class Group(BaseModel):
    """A table of settings that belong together; refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
