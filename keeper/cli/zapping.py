"""`equipoise vault zap`: one token into shares, and shares into one token."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from keeper import settings as settings_module
from keeper.cli.common import (
    CHAIN,
    KEY,
    Given,
    JsonOption,
    VaultArgument,
    address_of,
    client_of,
    print_json,
    signer_of,
    takes,
)

if TYPE_CHECKING:
    from keeper.chain.rpc import Client
    from keeper.services.zap import ZapPlan
    from keeper.settings import Settings

vault_app = typer.Typer(help="Shares of a vault.", no_args_is_help=True)
zap_app = typer.Typer(help="One token into shares of a vault, and back.", no_args_is_help=True)
vault_app.add_typer(zap_app, name="zap")

ZapOption = Annotated[str | None, typer.Option("--zap", help="The IndexZap to go through.")]
ArmOption = Annotated[bool, typer.Option("--arm", help="Approve and send. Without it this is a dry run.")]


@zap_app.command()
@takes(*CHAIN, *KEY)
def mint(
    given: Given,
    vault: VaultArgument,
    amount: Annotated[str, typer.Argument(help="Whole tokens to give, as in 12.5.")],
    token: Annotated[str, typer.Argument(help="Token to give: address, or symbol of one of the settings'.")],
    arm: ArmOption = False,
    zap: ZapOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give one token, get shares: swaps, the shares at least, and, armed, the transaction."""
    from keeper.services.zap import plan_mint

    settings = settings_module.load(given.config, dict(given.values) | {"zap": zap})
    _run(settings, arm, as_json, lambda client: plan_mint(client, settings, address_of(vault), token, amount))


@zap_app.command()
@takes(*CHAIN, *KEY)
def redeem(
    given: Given,
    vault: VaultArgument,
    shares: Annotated[str, typer.Argument(help="Whole shares to give, as in 12.5.")],
    token: Annotated[str, typer.Argument(help="Token to get: address, or symbol of one of the settings'.")],
    arm: ArmOption = False,
    zap: ZapOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give shares, get one token: swaps, the amount at least, and, armed, the transaction."""
    from keeper.services.zap import plan_redeem

    settings = settings_module.load(given.config, dict(given.values) | {"zap": zap})
    _run(settings, arm, as_json, lambda client: plan_redeem(client, settings, address_of(vault), shares, token))


def _run(settings: "Settings", arm: bool, as_json: bool, make: "Callable[[Client], ZapPlan]") -> None:
    """Plan, send when armed, and print."""
    from keeper.cli import render
    from keeper.operations.kill_switch import KillSwitch
    from keeper.services.zap import execute

    client = client_of(settings)
    signer = signer_of(settings, client, arm)
    client.connect()
    plan = make(client)
    done = None
    if signer is not None:
        switch = KillSwitch(settings.operations.kill_switch_file)
        switch.prepare()
        switch.refuse_if_killed()
        done = execute(client, settings, signer, plan)
    if as_json:
        print_json(_payload(plan, done))
        return
    render.console().print(_view(plan))
    if done is None:
        typer.echo("Dry run: nothing was sent. Pass --arm to approve and send.")
    else:
        typer.echo(f"Got {render.exact_amount(done[0], plan.wanted.decimals)} {plan.wanted.symbol}, gas {done[1]:,}")


def _view(plan: "ZapPlan") -> Group:
    from keeper.cli import render

    table = Table(title=f"Zap at block {plan.block.number}", title_justify="left", title_style="bold")
    for heading in ("venue", "pool"):
        table.add_column(heading)
    for heading in ("of what is there", "sells", "buys"):
        table.add_column(heading, justify="right")
    for leg in plan.legs:
        token_in, token_out = plan.tokens[leg.token_in], plan.tokens[leg.token_out]
        table.add_row(
            leg.venue,
            leg.pool,
            render.percent(leg.share),
            escape(f"{render.amount(leg.amount_in, token_in.decimals)} {token_in.symbol}"),
            escape(f"{render.amount(leg.amount_out, token_out.decimals)} {token_out.symbol}"),
        )
    given_, wanted = plan.given, plan.wanted
    back = ", ".join(
        f"{render.exact_amount(left, plan.tokens[token].decimals)} {plan.tokens[token].symbol}"
        for token, left in plan.back.items()
    )
    lines = [
        f"Gives {render.exact_amount(plan.amount_in, given_.decimals)} {given_.symbol} for "
        f"{render.exact_amount(plan.amount_out, wanted.decimals)} {wanted.symbol}, "
        f"at least {render.exact_amount(plan.least_out, wanted.decimals)}",
        f"Comes back: {back or 'nothing'}",
        f"Gas about {plan.gas:,} at {plan.gas_price / 1e9:.3f} gwei",
    ]
    if plan.certificate is not None:
        told = render.cost_certificate_line if plan.is_mint else render.certificate_line
        lines.append(told(plan.certificate))
    return Group(table, *(Text(line) for line in lines))


def _payload(plan: "ZapPlan", done: tuple[int, int] | None) -> dict[str, Any]:
    from keeper.cli import payload

    return {
        "block": plan.block.number,
        "vault": plan.vault,
        "goal": "mint" if plan.is_mint else "redeem",
        "token_in": plan.given.address,
        "token_out": plan.wanted.address,
        "amount_in": str(plan.amount_in),
        "amount_out": str(plan.amount_out),
        "least_out": str(plan.least_out),
        "back": {token: str(left) for token, left in plan.back.items()},
        "gas": plan.gas,
        "gas_price": str(plan.gas_price),
        "deadline": plan.deadline,
        "certificate": None if plan.certificate is None else payload.of_certificate(plan.certificate),
        "legs": [
            {
                "pool": leg.pool,
                "venue": leg.venue,
                "token_in": leg.token_in,
                "token_out": leg.token_out,
                "amount_in": str(leg.amount_in),
                "amount_out": str(leg.amount_out),
                "share": str(leg.share),
            }
            for leg in plan.legs
        ],
        "data": "0x" + plan.data.hex(),
        "armed": done is not None,
        "got": None if done is None else str(done[0]),
        "gas_used": None if done is None else done[1],
    }
