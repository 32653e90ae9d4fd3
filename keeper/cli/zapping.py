"""`equipoise vault zap`: one token into shares, and shares into one token."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

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

SlippageOption = Annotated[
    int | None,
    typer.Option("--slippage-bps", min=0, max=2_000, help="How much less than planned may come; policy.slippage_bps."),
]
ArmOption = Annotated[
    bool, typer.Option("--arm", help="Sign a permit or approve, and send. Without it this is a dry run.")
]


@zap_app.command()
@takes(*CHAIN, *KEY, "zap")
def mint(
    given: Given,
    vault: VaultArgument,
    amount: Annotated[str, typer.Argument(help="Whole tokens to give, as in 12.5.")],
    token: Annotated[str, typer.Argument(help="Token to give: ETH, address, or symbol of one of the settings'.")],
    arm: ArmOption = False,
    slippage_bps: SlippageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give one token, get shares: swaps, the shares at least, and, armed, the transaction."""
    from keeper.services.zap import plan_mint

    settings = given.settings()
    make = partial(plan_mint, settings=settings, vault=address_of(vault), token=token, amount=amount)
    _run(settings, arm, slippage_bps, as_json, make)


@zap_app.command()
@takes(*CHAIN, *KEY, "zap")
def redeem(
    given: Given,
    vault: VaultArgument,
    shares: Annotated[str, typer.Argument(help="Whole shares to give, as in 12.5.")],
    token: Annotated[str, typer.Argument(help="Token to get: ETH, address, or symbol of one of the settings'.")],
    arm: ArmOption = False,
    slippage_bps: SlippageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give shares, get one token: swaps, the amount at least, and, armed, the transaction."""
    from keeper.services.zap import plan_redeem

    settings = given.settings()
    make = partial(plan_redeem, settings=settings, vault=address_of(vault), shares=shares, token=token)
    _run(settings, arm, slippage_bps, as_json, make)


def _run(
    settings: "Settings",
    arm: bool,
    slippage_bps: int | None,
    as_json: bool,
    make: "Callable[[Client], ZapPlan]",
) -> None:
    """Plan, send when armed, and print."""
    from keeper.cli import render
    from keeper.operations.kill_switch import KillSwitch
    from keeper.services.unsigned import time_now
    from keeper.services.zap_order import execute, permitted

    client = client_of(settings)
    signer = signer_of(settings, client, arm)
    client.connect()
    plan = make(client)
    slippage_bps = settings.policy.slippage_bps if slippage_bps is None else slippage_bps
    deadline = time_now(client, settings, plan.block) + settings.policy.deadline_s
    data = plan.data(slippage_bps, deadline)
    done = None
    if signer is not None:
        switch = KillSwitch(settings.operations.kill_switch_file)
        switch.prepare()
        switch.refuse_if_killed()
        permit = permitted(client, settings, signer, plan, deadline)
        data = plan.data(slippage_bps, deadline, permit)
        done = execute(client, settings, signer, plan, data, permit)
    least = plan.least_out(slippage_bps)
    if as_json:
        print_json(_payload(plan, least) | _sent(deadline, data, done))
        return
    render.console().print(_view(plan, least))
    if done is None:
        typer.echo("Dry run: nothing was sent. Pass --arm to sign and send.")
    else:
        typer.echo(f"Got {render.exact_amount(done[0], plan.wanted.decimals)} {plan.wanted.symbol}, gas {done[1]:,}")


def _view(plan: "ZapPlan", least: int) -> Group:
    from keeper.cli import render
    from keeper.services.in_kind import Way

    table = render.route_table(plan.legs, plan.tokens, f"Zap at block {plan.block.number}")
    given_, wanted = plan.given, plan.wanted
    back = ", ".join(
        f"{render.exact_amount(left, plan.tokens[token].decimals)} {plan.tokens[token].symbol}"
        for token, left in plan.back.items()
    )
    lines = [
        f"Gives {render.exact_amount(plan.amount_in, given_.decimals)} {given_.symbol} for "
        f"{render.exact_amount(plan.amount_out, wanted.decimals)} {wanted.symbol}, "
        f"at least {render.exact_amount(least, wanted.decimals)}",
        f"Comes back: {back or 'nothing'}",
        f"Gas about {plan.gas:,} at {plan.gas_price / 1e9:.3f} gwei",
    ]
    if plan.problem is not None:
        lines.append(f"Not now: {plan.problem}")
    if plan.certificate is not None:
        told = render.cost_certificate_line if plan.way is Way.MINT else render.certificate_line
        lines.append(told(plan.certificate))
    return Group(table, *(Text(line) for line in lines))


def _payload(plan: "ZapPlan", least: int) -> dict[str, Any]:
    from keeper.cli import payload

    return {
        "block": plan.block.number,
        "vault": plan.vault,
        "goal": plan.way.value,
        "token_in": plan.given.address,
        "token_out": plan.wanted.address,
        "amount_in": str(plan.amount_in),
        "amount_out": str(plan.amount_out),
        "least_out": str(least),
        "back": {token: str(left) for token, left in plan.back.items()},
        "gas": plan.gas,
        "gas_price": str(plan.gas_price),
        "problem": plan.problem,
        "certificate": None if plan.certificate is None else payload.of_certificate(plan.certificate),
        "legs": payload.of_route(plan.legs, plan.tokens),
    }


def _sent(deadline: int, data: bytes, done: tuple[int, int] | None) -> dict[str, Any]:
    return {
        "deadline": deadline,
        "data": "0x" + data.hex(),
        "armed": done is not None,
        "got": None if done is None else str(done[0]),
        "gas_used": None if done is None else done[1],
    }
