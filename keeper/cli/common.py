"""What the commands share: options, and how results and errors are printed."""

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from eth_utils.address import is_address, to_checksum_address
from rich.console import Console
from rich.markup import escape

from keeper.errors import ConfigurationError, EquipoiseError
from keeper.settings import Settings

if TYPE_CHECKING:
    from keeper.chain.rpc import Client

_errors = Console(stderr=True, highlight=False, soft_wrap=True)

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file; equipoise.toml when it exists.")]
RpcOption = Annotated[str | None, typer.Option("--rpc-url", help="JSON-RPC endpoint.")]
ChainOption = Annotated[int | None, typer.Option("--chain-id", help="Chain that the endpoint has to serve.")]
ExecutorOption = Annotated[str | None, typer.Option("--executor", help="The keeper's RouteExecutor.")]
KeyOption = Annotated[Path | None, typer.Option("--key-file", help="Keystore v3 file of the keeper's key.")]
PasswordOption = Annotated[Path | None, typer.Option("--password-file", help="File with the keystore's password.")]
PasswordFdOption = Annotated[int | None, typer.Option("--password-fd", help="File descriptor to read it from.")]
LedgerOption = Annotated[Path | None, typer.Option("--ledger-file", help="SQLite file of the ledger.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
VaultArgument = Annotated[str, typer.Argument(help="The vault's address.", metavar="VAULT", show_default=False)]


def client_of(settings: Settings) -> "Client":
    """The settings' endpoints, of which nothing has been asked yet."""
    from keeper.chain import connect

    return connect.client_of(settings)


def given(
    rpc_url: str | None = None,
    chain_id: int | None = None,
    executor: str | None = None,
    key_file: Path | None = None,
    password_file: Path | None = None,
    password_fd: int | None = None,
    ledger_file: Path | None = None,
) -> dict[str, Any]:
    """The settings that the command line gave, by name; None where it did not."""
    return dict(locals())


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


def print_json(payload: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(payload, indent=2, ensure_ascii=False))


def show(error: EquipoiseError) -> None:
    """Print an error as one line on stderr."""
    line = " ".join(str(error).split())
    _errors.print(f"[red]error:[/] {escape(line)}")
