"""The command line: `equipoise`. Thin: parse, call a service, print.

What a person meets as an error is one line on stderr and a non-zero exit: 1 for a job that failed, 2 for a command line
that makes no sense.
"""

import getpass
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from eth_utils.address import is_address, to_checksum_address
from rich.console import Console
from rich.markup import escape

from keeper import settings as settings_module
from keeper.errors import ConfigurationError, EquipoiseError
from keeper.settings import Settings

# What is heavy to load (web3, scipy, the compiler) is imported by the command that needs it.
if TYPE_CHECKING:
    from keeper.chain.rpc import Client
    from keeper.services.keeper_pass import PassResult

app = typer.Typer(
    name="equipoise",
    help="An on-chain index fund that keeps itself in balance.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
keeper_app = typer.Typer(help="Keep vaults in balance.", no_args_is_help=True)
app.add_typer(keeper_app, name="keeper")

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


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """An on-chain index fund that keeps itself in balance."""


@app.command()
def demo(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """The whole story on a devnet: deploy, mint, prices move, rebalance, redeem."""
    from keeper.cli import payload, render, story
    from keeper.services import demo as demo_service

    settings = settings_module.load(config)
    steps = Console(stderr=True, highlight=False)
    told = demo_service.run(settings, lambda line: steps.print(f"[dim]…[/] {escape(line)}"))
    if as_json:
        _print_json(payload.of_story(told))
    else:
        story.tell(render.console(), told)


@app.command()
def doctor(
    vault: Annotated[str | None, typer.Argument(help="A vault to check too.", metavar="[VAULT]")] = None,
    config: ConfigOption = None,
    rpc_url: RpcOption = None,
    chain_id: ChainOption = None,
    executor: ExecutorOption = None,
    key_file: KeyOption = None,
    password_file: PasswordOption = None,
    ledger_file: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that everything a keeper needs is in place; exits with 1 when something is not."""
    from keeper.cli import payload, render
    from keeper.services.doctor import Status, examine

    address = None if vault is None else _address(vault)
    given = _given(rpc_url, chain_id, executor, key_file, password_file, None, ledger_file)
    rows = list(examine(settings_module.load(config, given), address))
    if as_json:
        _print_json({"rows": payload.of_doctor(rows)})
    else:
        render.console().print(render.doctor_table(rows))
    if any(row.status is Status.ERROR for row in rows):
        raise typer.Exit(1)


@app.command()
def plan(
    vault: VaultArgument,
    config: ConfigOption = None,
    rpc_url: RpcOption = None,
    chain_id: ChainOption = None,
    executor: ExecutorOption = None,
    as_json: JsonOption = False,
) -> None:
    """What the keeper would do with a vault now, and why; sends nothing."""
    from keeper.cli import payload, render
    from keeper.services.plan import plan as make_plan

    address = _address(vault)
    settings = settings_module.load(config, _given(rpc_url, chain_id, executor, None, None, None, None))
    made = make_plan(_client(settings).connect(), settings, address)
    if as_json:
        _print_json(payload.of_plan(made))
    else:
        render.console().print(render.plan_view(made))


@app.command(context_settings={"ignore_unknown_options": True})  # lets the service say what is wrong with -5
def route(
    sell: Annotated[str, typer.Argument(help="Token to sell: address, or symbol of one of the settings'.")],
    buy: Annotated[str, typer.Argument(help="Token to buy, likewise.")],
    amount: Annotated[str, typer.Argument(help="Whole tokens to sell, as in 12.5.")],
    is_exact_out: Annotated[bool, typer.Option("--exact-out", help="The amount is of what is bought.")] = False,
    config: ConfigOption = None,
    rpc_url: RpcOption = None,
    chain_id: ChainOption = None,
    as_json: JsonOption = False,
) -> None:
    """The best route for a swap, and how much better any other could be; sends nothing."""
    from keeper.cli import payload, render
    from keeper.services.route import route_swap

    settings = settings_module.load(config, _given(rpc_url, chain_id, None, None, None, None, None))
    found = route_swap(_client(settings).connect(), settings, sell, buy, amount, is_exact_out)
    if as_json:
        _print_json(payload.of_swap_route(found))
    else:
        render.console().print(render.swap_route_view(found))


@keeper_app.command()
def once(
    vaults: Annotated[list[str], typer.Argument(help="The vaults' addresses.", metavar="VAULT...")],
    arm: Annotated[bool, typer.Option("--arm", help="Send what is due. Without it this is a dry run.")] = False,
    config: ConfigOption = None,
    rpc_url: RpcOption = None,
    chain_id: ChainOption = None,
    executor: ExecutorOption = None,
    key_file: KeyOption = None,
    password_file: PasswordOption = None,
    password_fd: PasswordFdOption = None,
    ledger_file: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """One pass over each vault; a dry run unless armed. One vault's error does not stop the others."""
    from keeper.cli import payload
    from keeper.execution import signer as signers
    from keeper.ledger import Ledger
    from keeper.services.keeper_pass import keeper_pass

    addresses = [_address(vault) for vault in vaults]
    given = _given(rpc_url, chain_id, executor, key_file, password_file, password_fd, ledger_file)
    settings = settings_module.load(config, given)
    client = _client(settings)
    # Before anything is asked of the endpoint: what is wrong with the key needs no chain to be seen.
    signer = signers.of(settings, client, _ask_password if sys.stdin.isatty() else None) if arm else None
    sender = signers.sender_of(settings)
    client.connect()
    ledger = Ledger(settings.ledger_file)
    results: list[dict[str, Any]] = []
    failed = False
    try:
        for address in addresses:
            try:
                result = keeper_pass(client, settings, address, ledger, signer, sender)
            except EquipoiseError as error:
                failed = True
                _show(error)
                results.append({"vault": address, "armed": arm, "error": str(error), "transactions": []})
                continue
            results.append(payload.of_pass(result))
            if not as_json:
                _print_pass(result)
    finally:
        ledger.close()
    if as_json:
        _print_json({"armed": arm, "vaults": results})
    if failed:
        raise typer.Exit(1)


@keeper_app.command()
def stop(
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever finds the file.")] = "",
    config: ConfigOption = None,
) -> None:
    """Turn the kill switch on: no keeper on this machine with these settings signs or sends anything."""
    from keeper.operations.kill_switch import KillSwitch

    switch = KillSwitch(settings_module.load(config).operations.kill_switch_file)
    switch.turn_on(reason)
    typer.echo(f"Stopped: {switch.file} is on. `equipoise keeper resume` turns it off.")


@keeper_app.command()
def resume(
    address: Annotated[
        str | None, typer.Argument(help="A vault or an account whose circuit breakers to reset.", metavar="[VAULT]")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Turn the kill switch off; or, with an address, reset its circuit breakers and leave the switch as it is."""
    from keeper.operations.breaker_file import BreakerFile
    from keeper.operations.kill_switch import KillSwitch

    wanted = settings_module.load(config).operations
    if address is None:
        was_on = KillSwitch(wanted.kill_switch_file).turn_off()
        typer.echo("The kill switch is off." if was_on else "The kill switch was off already.")
        return
    closed = BreakerFile(wanted.breakers_file).reset(_address(address))
    for breaker in closed:
        typer.echo(f"Closed {breaker.name} of {breaker.scope}.")
    if not closed:
        typer.echo("No breaker of that address was open.")


@keeper_app.command()
def status(config: ConfigOption = None, ledger_file: LedgerOption = None, as_json: JsonOption = False) -> None:
    """Where the keeper stands, from its ledger and its files; asks no network."""
    from keeper.cli import payload, render
    from keeper.services.status import look

    found = look(settings_module.load(config, _given(None, None, None, None, None, None, ledger_file)))
    if as_json:
        _print_json(payload.of_status(found))
    else:
        render.console().print(render.status_view(found))


def main() -> None:
    """The console script."""
    debug = "--debug" in sys.argv
    _mount_devnet()
    try:
        settings_module.refuse_plain_arguments(sys.argv[1:])
        app()
    except EquipoiseError as error:
        if debug:
            raise
        _show(error)
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        _show(EquipoiseError(f"unexpected {type(error).__name__}: {error}; run again with --debug and report it"))
        sys.exit(1)


def _mount_devnet() -> None:
    """`equipoise devnet`, loaded only when it is asked for, or for the list of commands."""
    if "devnet" in sys.argv or not any(not argument.startswith("-") for argument in sys.argv[1:]):
        from devnet.cli import app as devnet_app

        app.add_typer(devnet_app, name="devnet")


def _client(settings: Settings) -> "Client":
    from keeper.chain.rpc import Client

    return Client(settings.rpc_url, settings.chain_id, settings.request_timeout_s, settings.read_attempts)


def _given(
    rpc_url: str | None,
    chain_id: int | None,
    executor: str | None,
    key_file: Path | None,
    password_file: Path | None,
    password_fd: int | None,
    ledger_file: Path | None,
) -> dict[str, Any]:
    """The settings that the command line gave, by name; None where it did not."""
    return {
        "rpc_url": rpc_url,
        "chain_id": chain_id,
        "executor": executor,
        "key_file": key_file,
        "password_file": password_file,
        "password_fd": password_fd,
        "ledger_file": ledger_file,
    }


def _ask_password() -> str:
    return getpass.getpass("Password of the key file: ")


def _address(text: str) -> str:
    if not is_address(text):
        raise ConfigurationError(f"{text!r} is not an address: give the vault's, 0x and 40 hex digits")
    return to_checksum_address(text)


def _print_pass(result: "PassResult") -> None:
    from keeper.cli import render

    console = render.console()
    console.print(render.plan_view(result.plan))
    if result.mined is not None:
        console.print(f"[bold green]sent[/] {escape(render.mined_line(result.mined))}")
    elif not result.armed:
        console.print("[dim]Dry run: nothing was sent. Pass --arm to send.[/]")


def _print_json(payload: Any) -> None:
    typer.echo(json.dumps(payload, indent=2, ensure_ascii=False))


def _show(error: EquipoiseError) -> None:
    line = " ".join(str(error).split())
    _errors.print(f"[red]error:[/] {escape(line)}")
