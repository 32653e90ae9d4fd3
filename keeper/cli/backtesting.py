"""`equipoise backtest`: policies on a history or on simulated prices, next to their peers."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from keeper.cli.common import JsonOption, print_json, write
from keeper.errors import ConfigurationError

if TYPE_CHECKING:
    from keeper.backtest.files import Job
    from keeper.backtest.study import Row, Study
    from keeper.history.prices import PricePaths

_ROWS = 25


def backtest(
    history: Annotated[Path | None, typer.Argument(help="Prices, .csv or .parquet.", metavar="[HISTORY]")] = None,
    policies: Annotated[
        Path, typer.Option("--policies", help="TOML file with [fund] and [policies.NAME].", show_default=False)
    ] = Path("policies.toml"),
    simulate: Annotated[
        str | None, typer.Option("--simulate", help="A seeded regime in place of a history.", metavar="NAME")
    ] = None,
    paths: Annotated[int, typer.Option("--paths", help="Of a simulation.", min=1)] = 20,
    bars: Annotated[int, typer.Option("--bars", help="Of a simulation.", min=20)] = 2_191,
    step_s: Annotated[int, typer.Option("--step-s", help="Seconds between them.", min=1)] = 14_400,
    seed: Annotated[int, typer.Option("--seed", help="Of a simulation.", min=0)] = 0,
    sweep: Annotated[
        list[str] | None, typer.Option("--sweep", help="POLICY.PARAMETER=LOW:HIGH:COUNT, or =A,B,C.")
    ] = None,
    folds: Annotated[int, typer.Option("--folds", help="Choices on the past, judged on what follows.", min=0)] = 3,
    scheduler: Annotated[str | None, typer.Option("--scheduler", help="A Dask scheduler's address.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page with pictures too.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run policies through the vault's rules on a history of prices, with what trading costs."""
    from keeper.backtest import files
    from keeper.backtest.study import study
    from keeper.cli import render

    job = files.load(policies)
    chosen = files.sweep(job.policies, sweep or ())
    found = study(job.fund, _prices(job, history, simulate, paths, bars, step_s, seed), chosen, folds, scheduler)
    if html is not None:
        from keeper.backtest.page import page

        write(html, page(found))
    if as_json:
        print_json(payload(found))
        return
    console = render.console()
    console.print(table(found))
    for line in lines(found):
        console.print(escape(line))


def _prices(
    job: "Job", history: Path | None, simulate: str | None, paths: int, bars: int, step_s: int, seed: int
) -> "PricePaths":
    from keeper.history import PricePaths, read
    from keeper.history.scenarios import scenario

    if (history is None) == (simulate is None):
        raise ConfigurationError("give a history or --simulate, one of them")
    if history is not None:
        return PricePaths.from_history(read(history).subset(job.fund.assets))
    assert simulate is not None
    return scenario(
        simulate,
        job.fund.assets,
        stable=job.stable,
        bars=bars,
        paths=paths,
        step_s=step_s,
        seed=seed,
        start_prices=100.0,
    )


def payload(found: "Study") -> dict[str, Any]:
    """As JSON: shares and ratios a year, costs in basis points of NAV a year."""
    return {
        "trials": found.trials,
        "deflated_sharpe": found.deflated,
        "theoretical_premium": found.theoretical_premium,
        "pool": {"growth": found.pool_growth, "loss_to_arbitrage": found.pool_loss},
        "folds": [asdict(fold) for fold in found.folds],
        "rows": [_row(each) for each in found.rows],
    }


def _row(row: "Row") -> dict[str, Any]:
    interval = None if row.interval is None else asdict(row.interval)
    cost = row.metrics.cost_bps
    return {"name": row.name, "is_peer": row.is_peer, **asdict(row.metrics), "cost_bps": cost, "interval": interval}


def table(found: "Study") -> Table:
    """Peers, and the best policies."""
    made = Table(title="A year, net of costs")
    for name in (
        "policy",
        "growth",
        "Sharpe",
        "95 %",
        "tracking",
        "turnover",
        "cost bps",
        "premium",
        "drawdown",
        "gas USD",
    ):
        made.add_column(name, justify="left" if name == "policy" else "right")
    for row in found.rows[:_ROWS]:
        each, interval = row.metrics, row.interval
        made.add_row(
            escape(row.name),
            f"{each.growth:+.2%}",
            f"{each.sharpe:.2f}",
            "" if interval is None else f"{interval.low:.2f} … {interval.high:.2f}",
            f"{each.tracking_error:.2%}",
            f"{each.turnover:.2f}",
            f"{each.cost_bps:.1f}",
            f"{each.premium:+.2%}",
            f"{each.drawdown:.1%}",
            f"{each.gas_usd:,.0f}",
            style="dim" if row.is_peer else "",
        )
    return made


def lines(found: "Study") -> list[str]:
    """What to read the table with."""
    told = [
        f"{found.trials} trials; the best of so many looks good by luck alone."
        + ("" if found.deflated is None else f" Probability that it is more: {found.deflated:.1%} (deflated Sharpe).")
    ]
    if len(found.rows) > _ROWS:
        told.append(f"{len(found.rows) - _ROWS} more rows with --json.")
    if (interval := found.rows[0].interval) is not None:
        many = f"of the mean over {interval.paths} paths, by how much they differ"
        told.append(
            f"95 %: of the Sharpe ratio {'on the path, by a block bootstrap' if interval.paths == 1 else many}."
        )
    for place, fold in enumerate(found.folds, 1):
        told.append(
            f"Walk-forward {place}: {fold.name} was best with a Sharpe ratio of {fold.in_sample:.2f}, "
            f"then {fold.out_of_sample:.2f}."
        )
    told.append(
        f"Rebalancing premium in theory: {found.theoretical_premium:+.2%} of growth a year, which is no gain in expected value."
    )
    told.append(
        f"A weighted pool without fees: {found.pool_growth:+.2%} growth a year, "
        f"after a loss of {found.pool_loss:.2%} to arbitrage."
    )
    return told
