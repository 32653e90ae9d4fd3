"""`equipoise design` and `equipoise deploy`: weights for a risk profile, and the vault that has them."""

import csv
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from keeper.cli.common import (
    CHAIN,
    KEY,
    Given,
    JsonOption,
    address_of,
    client_of,
    print_json,
    signer_of,
    takes,
)
from keeper.errors import DesignError

if TYPE_CHECKING:
    from keeper.design.design import Design
    from keeper.services.deploy import Ready

_WAD = 10**18


def design(
    history: Annotated[Path, typer.Argument(help="Prices, .csv or .parquet.", metavar="HISTORY")],
    profile: Annotated[str, typer.Option("--profile", help="conservative, balanced or aggressive.")] = "balanced",
    method: Annotated[
        str | None,
        typer.Option("--method", help="minimum-variance, risk-parity, mean-variance, equal or market-cap."),
    ] = None,
    max_volatility: Annotated[float | None, typer.Option("--max-volatility", help="Annual, as in 0.5.")] = None,
    max_weight: Annotated[float | None, typer.Option("--max-weight", help="Of each asset.")] = None,
    min_weight: Annotated[float | None, typer.Option("--min-weight", help="Of each asset.")] = None,
    stable_min: Annotated[float | None, typer.Option("--stable-min", help="Of all stable-coins together.")] = None,
    stable_max: Annotated[float | None, typer.Option("--stable-max", help="Of all stable-coins together.")] = None,
    stable: Annotated[
        list[str] | None, typer.Option("--stable", help="An asset that is a stable-coin; known ones without it.")
    ] = None,
    market_caps: Annotated[
        Path | None, typer.Option("--market-caps", help="CSV of asset,usd, for the method market-cap.")
    ] = None,
    deploy_file: Annotated[
        Path | None, typer.Option("--deploy-file", help="File to write for `equipoise deploy`.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="The share's, in the deploy file.")] = "Equipoise Index",
    symbol: Annotated[str, typer.Option("--symbol", help="The share's, in the deploy file.")] = "EQX",
    guardian: Annotated[str | None, typer.Option("--guardian", help="Who may pause the vault.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Weights and bands for a risk profile, out of a price history, with the reasons."""
    from keeper.design import deploy_file as deploy_files
    from keeper.design import profiles
    from keeper.design.design import design as make
    from keeper.history import read
    from keeper.services.design import plan_of

    wanted = profiles.profile(profile)
    options = {
        "max_volatility": max_volatility,
        "max_weight": max_weight,
        "min_weight": min_weight,
        "stable_min": stable_min,
        "stable_max": stable_max,
    }
    limits = replace(wanted.limits, **{key: value for key, value in options.items() if value is not None})
    caps = None if market_caps is None else _caps(market_caps)
    found = make(read(history), _method(method, wanted.method), limits, wanted.risk_aversion, stable, caps)
    if deploy_file is not None:
        plan = plan_of(found, name, symbol, None if guardian is None else address_of(guardian))
        deploy_files.write(plan, deploy_file, dict(zip(found.assets, found.reasons, strict=True)))
    if as_json:
        print_json(_design_payload(found, profile))
        return
    _print_design(found, profile, wanted.reason)
    if deploy_file is not None:
        typer.echo(f"Wrote {deploy_file}: look at it, then `equipoise deploy {deploy_file}`")


@takes(*CHAIN, *KEY)
def deploy(
    given: Given,
    file: Annotated[Path, typer.Argument(help="A deploy file, as `equipoise design` writes it.", metavar="FILE")],
    arm: Annotated[bool, typer.Option("--arm", help="Deploy. Without it this is a dry run.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a deploy file against the chain and, armed, deploy its oracle and its vault; the signer owns both."""
    from keeper.design.deploy_file import load
    from keeper.operations.kill_switch import KillSwitch
    from keeper.services import deploy as service

    plan = load(file)
    settings = given.settings()
    client = client_of(settings)
    signer = signer_of(settings, client, arm)
    client.connect()
    ready = service.prepare(client, settings, plan)
    deployed = None
    if signer is not None:
        switch = KillSwitch(settings.operations.kill_switch_file)
        switch.prepare()
        switch.refuse_if_killed()
        steps = Console(stderr=True, highlight=False)
        deployed = service.deploy(
            client, settings, signer, plan, ready, lambda line: steps.print(f"[dim]…[/] {escape(line)}")
        )
    if as_json:
        print_json(
            {
                "armed": arm,
                "name": plan.name,
                "symbol": plan.symbol,
                "oracle": plan.oracle if deployed is None else deployed.oracle,
                "vault": None if deployed is None else deployed.vault,
                "assets": [_ready_payload(each) for each in ready],
            }
        )
        return
    _print_ready(plan.name, plan.symbol, ready)
    if deployed is None:
        typer.echo("Dry run: nothing was sent. Pass --arm to deploy.")
    else:
        typer.echo(f"Deployed the vault {deployed.vault} with the oracle {deployed.oracle}")


def _method(given_name: str | None, default: Any) -> Any:
    from keeper.design.profiles import Method

    if given_name is None:
        return default
    try:
        return Method(given_name)
    except ValueError:
        raise DesignError(f"method {given_name!r} is unknown: use one of {', '.join(Method)}") from None


def _caps(file: Path) -> dict[str, float]:
    try:
        rows = [row for row in csv.reader(file.read_text(encoding="utf-8").splitlines()) if row]
        # A first line that names the columns has no number.
        return {row[0].strip(): float(row[1]) for row in rows if not row[1].strip().isalpha()}
    except OSError as error:
        raise DesignError(f"{file} cannot be read ({error.strerror}): check its path") from None
    except (ValueError, IndexError):
        raise DesignError(
            f"{file} is no table of asset,usd: write a line for each asset, as in WETH,360000000000"
        ) from None


def _design_payload(found: "Design", profile: str) -> dict[str, Any]:
    rows = zip(
        found.assets,
        found.stable,
        found.targets,
        found.bands,
        found.volatility,
        found.figures.risk,
        found.reasons,
        strict=True,
    )
    return {
        "profile": profile,
        "method": found.method.value,
        "limits": asdict(found.limits),
        "assets": [
            {
                "asset": asset,
                "stable": stable,
                "target": str(target),
                "band": str(band),
                "volatility": volatility,
                "risk": risk,
                "reason": reason,
            }
            for asset, stable, target, band, volatility, risk, reason in rows
        ],
        "volatility": found.figures.volatility,
        "drawdown": found.figures.drawdown,
        "effective_assets": found.figures.effective_assets,
        "walk_forward": None if found.walk_forward is None else asdict(found.walk_forward),
    }


def _print_design(found: "Design", profile: str, reason: str) -> None:
    from keeper.cli import render

    table = Table(title=f"A {profile} basket by {found.method.value}", title_justify="left", title_style="bold")
    table.add_column("asset")
    for column in ("weight", "± band", "of the risk"):
        table.add_column(column, justify="right")
    table.add_column("why")
    for place, asset in enumerate(found.assets):
        table.add_row(
            escape(asset),
            f"{found.targets[place] / _WAD:.2%}",
            f"{found.bands[place] / _WAD:.2%}",
            f"{round(found.figures.risk[place], 3) + 0:.1%}",
            escape(found.reasons[place]),
        )
    console = render.console()
    console.print(table)
    console.print(f"{profile}: {reason}", markup=False)
    figures = found.figures
    console.print(
        f"Volatility {figures.volatility:.1%} a year, of {found.limits.max_volatility:.1%} allowed; largest fall in the "
        f"history {figures.drawdown:.1%}; as concentrated as {figures.effective_assets:.1f} equal assets"
    )
    if found.walk_forward is None:
        console.print("Out of sample: the history is too short to look")
        return
    held = found.walk_forward
    left_out = f"; {held.unmet} folds left out, in which no weights kept to the limits" if held.unmet else ""
    console.print(
        f"Out of sample, {held.folds} folds: volatility {held.outside:.1%} where the window before had {held.inside:.1%}; "
        f"{held.turnover:.1%} of the weights moved from fold to fold{left_out}"
    )


def _ready_payload(each: "Ready") -> dict[str, Any]:
    return {
        "symbol": each.plan.symbol,
        "address": each.plan.address,
        "target": str(each.terms.target),
        "band": str(each.terms.band),
        "units": str(each.terms.units),
        "price": str(each.price),
        "answered_at": each.answered_at,
    }


def _print_ready(name: str, symbol: str, ready: "tuple[Ready, ...]") -> None:
    from keeper.cli import render

    table = Table(title=escape(f"{name} ({symbol})"), title_justify="left", title_style="bold")
    table.add_column("asset")
    table.add_column("address")
    for column in ("target", "± band", "price, USD", "units of a share"):
        table.add_column(column, justify="right")
    for each in ready:
        table.add_row(
            escape(each.plan.symbol),
            each.plan.address,
            f"{each.terms.target / _WAD:.2%}",
            f"{each.terms.band / _WAD:.2%}",
            f"{each.price / _WAD:,.6g}",
            render.exact_amount(each.terms.units, each.plan.decimals),
        )
    render.console().print(table)
