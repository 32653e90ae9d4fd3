"""`equipoise keeper`: keep vaults in balance, and stop, resume and look at the keeper that does."""

import signal
import threading
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from keeper import settings as settings_module
from keeper.cli.common import (
    CHAIN,
    KEY,
    ArmOption,
    ConfigOption,
    Given,
    JsonOption,
    address_of,
    client_of,
    password_asker,
    print_json,
    show,
    signer_of,
    takes,
)
from keeper.errors import EquipoiseError

if TYPE_CHECKING:
    from keeper.services.keeper_pass import PassResult

keeper_app = typer.Typer(help="Keep vaults in balance.", no_args_is_help=True)


@keeper_app.command()
@takes(*CHAIN, "executor", *KEY, "ledger_file")
def once(
    given: Given,
    vaults: Annotated[list[str], typer.Argument(help="The vaults' addresses.", metavar="VAULT...")],
    arm: ArmOption = False,
    as_json: JsonOption = False,
) -> None:
    """One pass over each vault; a dry run unless armed. One vault's error does not stop the others."""
    from keeper.cli import payload
    from keeper.execution import signer as signers
    from keeper.execution.signer.gated import GatedSigner
    from keeper.ledger import Ledger
    from keeper.operations.assembly import Gate
    from keeper.services.keeper_pass import keeper_pass

    addresses = [address_of(vault) for vault in vaults]
    settings = given.settings()
    client = client_of(settings)
    # Before anything is asked of the endpoint: what is wrong with the key needs no chain to be seen.
    signer = signer_of(settings, client, arm)
    gate = Gate.of(settings)
    sender = signers.sender_of(settings)
    client.connect()
    ledger = Ledger.of(settings)
    results: list[dict[str, Any]] = []
    failed = False
    try:
        for address in addresses:
            try:
                refuse = partial(gate.refuse, settings.chain_id, sender or "", address)
                hand = None if signer is None else GatedSigner(signer, refuse)
                result = keeper_pass(client, settings, address, ledger, hand, sender)
            except EquipoiseError as error:
                failed = True
                show(error)
                results.append({"vault": address, "armed": arm, "error": str(error), "transactions": []})
                continue
            results.append(payload.of_pass(result))
            if not as_json:
                _print_pass(result)
    finally:
        ledger.close()
    if as_json:
        print_json({"armed": arm, "vaults": results})
    if failed:
        raise typer.Exit(1)


@keeper_app.command()
@takes(*CHAIN, "executor", *KEY, "ledger_file")
def run(
    given: Given,
    vaults: Annotated[
        list[str] | None, typer.Argument(help="The vaults' addresses, in place of the settings'.", metavar="[VAULT...]")
    ] = None,
    arm: ArmOption = False,
) -> None:
    """Keep every vault of every chain in the settings, block after block; a dry run unless armed."""
    from keeper.cli import render
    from keeper.operations.assembly import Operations
    from keeper.operations.view import View
    from keeper.services import run as service

    own = {"vaults": tuple(address_of(vault) for vault in vaults)} if vaults else {}
    chains = settings_module.load_chains(given.config, {**given.values, **own})
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    with (
        View(render.console()) as view,
        Operations(next(iter(chains.values())), listeners=(view.listener,)) as operations,
    ):
        service.run(chains, operations, ending, armed=arm, ask_password=password_asker())


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
    closed = BreakerFile(wanted.breakers_file).reset(address_of(address))
    for breaker in closed:
        typer.echo(f"Closed {breaker.name} of {breaker.scope}.")
    if not closed:
        typer.echo("No breaker of that address was open.")


@keeper_app.command()
@takes("ledger_file")
def status(given: Given, as_json: JsonOption = False) -> None:
    """Where the keeper stands, from its ledger and its files; asks no network."""
    from keeper.cli import payload, render
    from keeper.services.status import look

    found = look(given.settings())
    if as_json:
        print_json(payload.of_status(found))
    else:
        render.console().print(render.status_view(found))


def _print_pass(result: "PassResult") -> None:
    from keeper.cli import render

    console = render.console()
    console.print(render.plan_view(result.plan))
    if result.mined is not None:
        console.print(f"[bold green]sent[/] {escape(render.mined_line(result.mined))}")
    elif not result.armed:
        console.print("[dim]Dry run: nothing was sent. Pass --arm to send.[/]")
