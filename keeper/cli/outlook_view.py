"""Forecasts and bands, as tables for people and as JSON for programs. Volatilities are annual, as shares of one."""

from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from keeper.cli.render import mined_line, moment
from keeper.forecast import Outlook
from keeper.forecast.ranking import Ranking
from keeper.services.strategist import StrategistResult

WAD = 10**18


def outlook_view(found: Outlook) -> RenderableType:
    """The ranking, each asset's volatility, and their correlations."""
    horizon = f"{found.horizon} bar{'s' if found.horizon > 1 else ''} of {_span(found.step_s)}"
    assets = Table(title=f"Volatility a year, over the next {horizon}", title_justify="left", title_style="bold")
    assets.add_column("asset")
    for heading in ("volatility", *(f"with {name}" for name in found.assets)):
        assets.add_column(heading, justify="right")
    for i, name in enumerate(found.assets):
        volatility = f"{found.variances[i] ** 0.5:.2%}"
        assets.add_row(escape(name), volatility, *(f"{each:.2f}" for each in found.correlations[i]))
    ranked = [] if found.ranking is None else _ranking_parts(found.ranking)
    lines = [Text(f"{name} is forecast by the EWMA: {why}", "yellow") for name, why in found.fallbacks.items()]
    return Group(
        *ranked, Text(found.reason, "bold"), assets, *lines, Text(f"After {found.bars} bars until {moment(found.at)}")
    )


def bands_view(result: StrategistResult) -> RenderableType:
    """What is forecast, what the bands are, should be and may be now, and what was sent."""
    plan, outlook = result.plan, result.plan.outlook
    table = Table(title=f"Bands of {plan.snapshot.address}", title_justify="left", title_style="bold")
    table.add_column("asset")
    for heading in ("target", "volatility", "band now", "wanted", "may be set now", "the rest from"):
        table.add_column(heading, justify="right")
    for i, (asset, move) in enumerate(zip(plan.snapshot.assets, plan.bands.moves, strict=True)):
        table.add_row(
            escape(asset.symbol),
            f"{asset.target / WAD:.2%}",
            f"{outlook.variances[i] ** 0.5:.2%}",
            f"{move.now / WAD:.4%}",
            f"{move.wanted / WAD:.4%}",
            f"{move.settable / WAD:.4%}",
            _rest(move.settable != move.wanted, move.follows_at),
        )
    rails = plan.rails
    lines = [
        f"Rails {rails.narrowest / WAD:.4%} to {rails.widest / WAD:.4%}, {rails.speed / WAD:.4%} a day since "
        f"{moment(rails.set_at)}",
        f"Forecast of {outlook.horizon} bars of {_span(outlook.step_s)}; {outlook.reason}",
        f"Decision: {plan.decision.reason}"
        + ("" if plan.decision.until is None else f" (until {moment(plan.decision.until)})"),
    ]
    if result.mined is not None:
        lines.append(mined_line(result.mined))
    elif not result.armed:
        lines.append("Dry run: nothing was sent; --arm sends")
    return Group(table, *(Text(line) for line in lines))


def payload_of_outlook(found: Outlook) -> dict[str, Any]:
    """Everything that is forecast, and how the forecasters did."""
    return {
        "at": found.at,
        "bars": found.bars,
        "step_s": found.step_s,
        "horizon": found.horizon,
        "forecaster": found.name,
        "reason": found.reason,
        "volatility": {name: float(each**0.5) for name, each in zip(found.assets, found.variances, strict=True)},
        "correlation": {
            name: dict(zip(found.assets, map(float, row), strict=True))
            for name, row in zip(found.assets, found.correlations, strict=True)
        },
        "fallbacks": dict(found.fallbacks),
        "ranking": None if found.ranking is None else _payload_of_ranking(found.ranking),
    }


def payload_of_bands(result: StrategistResult) -> dict[str, Any]:
    """A strategist's pass. Bands are shares of NAV; what is WAD on chain has a string beside it."""
    plan = result.plan
    return {
        "vault": plan.snapshot.address,
        "block": plan.snapshot.block.number,
        "now": plan.now,
        "armed": result.armed,
        "strategist": plan.strategist,
        "rails": {
            "narrowest": plan.rails.narrowest / WAD,
            "widest": plan.rails.widest / WAD,
            "speed": plan.rails.speed / WAD,
            "set_at": plan.rails.set_at,
        },
        "reason": plan.decision.reason,
        "until": plan.decision.until,
        "forecast": payload_of_outlook(plan.outlook),
        "bands": [
            {
                "asset": asset.address,
                "symbol": asset.symbol,
                "target": asset.target / WAD,
                "half_width": half_width,
                "now": move.now / WAD,
                "wanted": move.wanted / WAD,
                "settable": move.settable / WAD,
                "settable_wad": str(move.settable),
                "follows_at": move.follows_at,
            }
            for asset, move, half_width in zip(plan.snapshot.assets, plan.bands.moves, plan.half_widths, strict=True)
        ],
        "simulated_gas": None if plan.simulation is None else plan.simulation.gas,
        "calldata": None if plan.call is None else "0x" + plan.call.data.hex(),
        "target": None if plan.call is None else plan.call.target,
        "transaction": None if result.mined is None else result.mined.hash,
        "gas_used": None if result.mined is None else result.mined.gas_used,
    }


def _ranking_parts(ranking: Ranking) -> list[RenderableType]:
    title = f"Forecasters over {ranking.count} forecasts, fitted anew every {ranking.plan.refit} bars; lower is better"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("forecaster")
    for heading in ("QLIKE", "MSE", "against ewma", "DM", "p"):
        table.add_column(heading, justify="right")
    for score in ranking.scores:
        test = score.test
        name = f"[bold green]{score.name}[/]" if score.name == ranking.used else score.name
        compared = (
            ("", "", "")
            if test is None
            else (f"{test.difference:+.4f}", f"{test.statistic:+.2f}", f"{test.p_value:.3f}")
        )
        table.add_row(name, f"{score.qlike:.4f}", f"{score.mse:.4g}", *compared)
    notes = [
        Text(f"{score.name} left {asset} to the EWMA: {why}", "yellow")
        for score in ranking.scores
        for asset, why in score.fallbacks.items()
    ]
    left_out = [Text(f"{name} was left out: {why}", "yellow") for name, why in ranking.left_out.items()]
    return [table, *notes, *left_out]


def _payload_of_ranking(ranking: Ranking) -> dict[str, Any]:
    return {
        "used": ranking.used,
        "forecasts": ranking.count,
        "every": ranking.plan.every,
        "refit": ranking.plan.refit,
        "scores": [
            {
                "forecaster": score.name,
                "qlike": score.qlike,
                "mse": score.mse,
                "difference": None if score.test is None else score.test.difference,
                "dm": None if score.test is None else score.test.statistic,
                "p": None if score.test is None else score.test.p_value,
                "fallbacks": dict(score.fallbacks),
            }
            for score in ranking.scores
        ],
        "left_out": dict(ranking.left_out),
    }


def _rest(is_left: bool, follows_at: int | None) -> str:
    if not is_left:
        return ""
    return "never" if follows_at is None else moment(follows_at)


def _span(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"
