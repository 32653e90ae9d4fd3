"""What the commands share: options, and how results and errors are printed."""

import getpass
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

import typer
from eth_utils.address import is_address, to_checksum_address
from rich.console import Console
from rich.markup import escape

from keeper import settings as settings_module
from keeper.errors import ConfigurationError, EquipoiseError
from keeper.settings import Settings

if TYPE_CHECKING:
    from keeper.chain.rpc import Client
    from keeper.execution.signer import Signer

_errors = Console(stderr=True, highlight=False, soft_wrap=True)

P = ParamSpec("P")

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file; equipoise.toml when it exists.")]
ArmOption = Annotated[bool, typer.Option("--arm", help="Send what is due. Without it this is a dry run.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
VaultArgument = Annotated[str, typer.Argument(help="The vault's address.", metavar="VAULT", show_default=False)]


def client_of(settings: Settings) -> "Client":
    """The settings' endpoints, of which nothing has been asked yet."""
    from keeper.chain import connect

    return connect.client_of(settings)


# Settings that the command line may give, by their names.
_OPTIONS = {
    "rpc_url": Annotated[str | None, typer.Option("--rpc-url", help="JSON-RPC endpoint.")],
    "chain_id": Annotated[int | None, typer.Option("--chain-id", help="Chain that the endpoint has to serve.")],
    "executor": Annotated[str | None, typer.Option("--executor", help="The keeper's RouteExecutor.")],
    "zap": Annotated[str | None, typer.Option("--zap", help="The IndexZap to go through.")],
    "key_file": Annotated[Path | None, typer.Option("--key-file", help="Keystore v3 file of the keeper's key.")],
    "password_file": Annotated[Path | None, typer.Option("--password-file", help="File with the keystore's password.")],
    "password_fd": Annotated[int | None, typer.Option("--password-fd", help="File descriptor to read it from.")],
    "ledger_file": Annotated[Path | None, typer.Option("--ledger-file", help="SQLite file of the ledger.")],
}
CHAIN = ("rpc_url", "chain_id")
KEY = ("key_file", "password_file", "password_fd")


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line gave of the settings: a file, and values by name, None where it gave none."""

    config: Path | None
    values: Mapping[str, Any]

    def settings(self) -> Settings:
        """Raises as `settings.load`."""
        return settings_module.load(self.config, dict(self.values))


def takes(*names: str) -> Callable[[Callable[Concatenate[Given, P], None]], Callable[P, None]]:
    """Have a command take `--config` and the options of these settings; its first argument is what was given of them.

    They stand before `--json`, the last of every command.
    """

    def decorate(command: Callable[Concatenate[Given, P], None]) -> Callable[P, None]:
        @wraps(command)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
            values = {name: kwargs.pop(name) for name in names}
            config: Any = kwargs.pop("config")
            command(Given(config, values), *args, **kwargs)

        _, *own = inspect.signature(command).parameters.values()
        last = [own.pop()] if own and own[-1].name == "as_json" else []
        options = {"config": ConfigOption} | {name: _OPTIONS[name] for name in names}
        keyword = inspect.Parameter.KEYWORD_ONLY
        added = [inspect.Parameter(name, keyword, default=None, annotation=each) for name, each in options.items()]
        parameters = [*own, *added, *(each.replace(kind=keyword) for each in last)]
        wrapper.__signature__ = inspect.Signature(parameters, return_annotation=None)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
        return wrapper

    return decorate


def signer_of(settings: Settings, client: "Client", arm: bool) -> "Signer | None":
    """Who signs, None in a dry run. Asks a person for the key file's password where there is a terminal."""
    from keeper.execution import signer as signers

    return signers.of(settings, client, password_asker()) if arm else None


def password_asker() -> Callable[[], str] | None:
    """How to ask a person for a password; None where there is nobody."""
    return ask_password if sys.stdin.isatty() else None


def ask_password() -> str:
    """The key file's password, from a person."""
    return getpass.getpass("Password of the key file: ")


def address_of(text: str) -> str:
    """A vault's checksum address.

    :raises ConfigurationError: it is none
    """
    if not is_address(text):
        raise ConfigurationError(f"{text!r} is not an address: give the vault's, 0x and 40 hex digits")
    return to_checksum_address(text)


def write(file: Path, text: str) -> None:
    """Write a file that the command line names, to the character.

    :raises ConfigurationError: it cannot be written
    """
    try:
        file.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written ({error.strerror}): name another file") from None


def print_json(payload: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(payload, indent=2, ensure_ascii=False))


def show(error: EquipoiseError) -> None:
    """Print an error as one line on stderr."""
    line = " ".join(str(error).split())
    _errors.print(f"[red]error:[/] {escape(line)}")
