"""The command line: `equipoise`. Thin: parse, call a service, print.

What a person meets as an error is one line on stderr and a non-zero exit: 1 for a job that failed, 2 for a command line
that makes no sense.
"""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from keeper import settings as settings_module
from keeper.cli import funds
from keeper.cli.backtesting import backtest
from keeper.cli.common import (
    CHAIN,
    ConfigOption,
    Given,
    JsonOption,
    VaultArgument,
    address_of,
    client_of,
    print_json,
    show,
    takes,
)
from keeper.cli.forecasting import forecast, strategist_app
from keeper.cli.history import history_app
from keeper.cli.keeping import keeper_app
from keeper.cli.reporting import report_app
from keeper.cli.serving import page_shower
from keeper.cli.serving import serve as serve_command
from keeper.cli.zapping import vault_app
from keeper.errors import EquipoiseError

# What is heavy to load (web3, scipy, the compiler) is imported by the command that needs it.
app = typer.Typer(
    name="equipoise",
    help="An on-chain index fund that keeps itself in balance.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(keeper_app, name="keeper")
app.add_typer(history_app, name="history")
app.command()(funds.design)
app.command()(funds.deploy)
app.add_typer(strategist_app, name="strategist")
app.command()(forecast)
app.add_typer(report_app, name="report")
app.add_typer(vault_app, name="vault")
app.command()(backtest)
app.command("serve")(serve_command)


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """An on-chain index fund that keeps itself in balance."""


@app.command()
def demo(
    config: ConfigOption = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Then show it as a page, with a wallet that has tokens, until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option(help="Of the page; 0: any free one.", min=0, max=65_535)] = 8080,
    as_json: JsonOption = False,
) -> None:
    """The whole story on a devnet: deploy, mint, prices move, rebalance, redeem."""
    from keeper.cli import payload, render, story
    from keeper.services import demo as demo_service

    settings = settings_module.load(config)
    steps = Console(stderr=True, highlight=False)
    show_page = page_shower() if serve else None

    def tell(line: str) -> None:
        steps.print(f"[dim]…[/] {escape(line)}", soft_wrap=True)

    def after(stage: demo_service.Stage) -> None:
        if as_json:
            print_json(payload.of_story(stage.story))
        else:
            story.tell(render.console(), stage.story)
        if show_page is not None:
            show_page(stage, port, tell)

    demo_service.run(settings, tell, after)


@app.command()
@takes(*CHAIN, "executor", "key_file", "password_file", "ledger_file")
def doctor(
    given: Given,
    vault: Annotated[str | None, typer.Argument(help="A vault to check too.", metavar="[VAULT]")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that everything a keeper needs is in place; exits with 1 when something is not."""
    from keeper.cli import payload, render
    from keeper.services.doctor import Status, examine

    address = None if vault is None else address_of(vault)
    rows = list(examine(given.settings(), address))
    if as_json:
        print_json({"rows": payload.of_doctor(rows)})
    else:
        render.console().print(render.doctor_table(rows))
    if any(row.status is Status.ERROR for row in rows):
        raise typer.Exit(1)


@app.command()
@takes(*CHAIN, "executor")
def plan(
    given: Given,
    vault: VaultArgument,
    as_json: JsonOption = False,
) -> None:
    """What the keeper would do with a vault now, and why; sends nothing."""
    from keeper.cli import payload, render
    from keeper.services.plan import plan as make_plan

    address = address_of(vault)
    settings = given.settings()
    made = make_plan(client_of(settings).connect(), settings, address)
    if as_json:
        print_json(payload.of_plan(made))
    else:
        render.console().print(render.plan_view(made))


@app.command(context_settings={"ignore_unknown_options": True})  # lets the service say what is wrong with -5
@takes(*CHAIN)
def route(
    given: Given,
    sell: Annotated[str, typer.Argument(help="Token to sell: address, or symbol of one of the settings'.")],
    buy: Annotated[str, typer.Argument(help="Token to buy, likewise.")],
    amount: Annotated[str, typer.Argument(help="Whole tokens to sell, as in 12.5.")],
    is_exact_out: Annotated[bool, typer.Option("--exact-out", help="The amount is of what is bought.")] = False,
    as_json: JsonOption = False,
) -> None:
    """The best route for a swap, and how much better any other could be; sends nothing."""
    from keeper.cli import payload, render
    from keeper.services.route import route_swap

    settings = given.settings()
    found = route_swap(client_of(settings).connect(), settings, sell, buy, amount, is_exact_out)
    if as_json:
        print_json(payload.of_swap_route(found))
    else:
        render.console().print(render.swap_route_view(found))


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
        show(error)
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        show(EquipoiseError(f"unexpected {type(error).__name__}: {error}; run again with --debug and report it"))
        sys.exit(1)


def _mount_devnet() -> None:
    """`equipoise devnet`, loaded only when it is asked for, or for the list of commands."""
    if "devnet" in sys.argv or not any(not argument.startswith("-") for argument in sys.argv[1:]):
        from devnet.cli import app as devnet_app

        app.add_typer(devnet_app, name="devnet")
