"""Reports as tables for people and as JSON for programs; USD, prices and amounts in JSON are exact decimal strings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from keeper.cli.render import amount, console, moment, usd
from keeper.report.books import Books
from keeper.report.costs import FillCost
from keeper.report.exports import whole
from keeper.report.performance import Performance, bridge
from keeper.report.reconcile import Check

__all__ = [
    "books_view",
    "checks_view",
    "console",
    "of_books",
    "of_checks",
    "of_performance",
    "performance_view",
]

WAD = 10**18
_ROWS = 20


def performance_view(found: Performance) -> RenderableType:
    """A vault's period."""
    first, last, costs = found.points[0], found.points[-1], found.costs
    table = _table(
        f"{escape(found.symbols[found.vault])}, blocks {first.block} to {last.block}", "", "start", "end", "gain"
    )
    hold = found.gain_of_hold
    table.add_row("NAV", usd(found.path.nav_start), usd(found.path.nav_end), "")
    table.add_row("NAV per share", usd(found.path.per_share_start), usd(found.path.per_share_end), f"{found.gain:+.3%}")
    table.add_row("hold", usd(first.per_share), _or_unknown(last.hold), "unknown" if hold is None else f"{hold:+.3%}")
    table.add_row("targets, no cost", usd(first.per_share), usd(last.target), f"{found.gain_of_target:+.3%}")
    error = "unknown" if found.tracking_error is None else f"{found.tracking_error:.2%}"
    table.caption = (
        f"Turnover {found.turnover:.2%}, drawdown {found.drawdown:.2%}, tracking error {error} a year\n"
        f"{moment(first.time)} to {moment(last.time)}"
    )
    table.caption_justify = "left"
    moved = _table("Where it came from", "cause", "NAV", "NAV per share")
    for cause, (nav, share) in bridge(found.path).items():
        if nav or share:
            moved.add_row(cause.value.replace("_", " "), usd(nav), f"{share / WAD:,.6f} USD")
    parts = _table("Costs", "part", "USD")
    for name, value in _costs(found).items():
        parts.add_row(name.replace("_", " "), usd(value))
    parts.caption = f"Of {len(found.fills)} rebalances; pool fees, impact and kept are the oracle difference"
    if costs.gas_unpriced:
        parts.caption += f"; gas of {costs.gas_unpriced} transactions had no price"
    return Group(table, moved, parts)


def of_performance(found: Performance) -> dict[str, Any]:
    """A vault's period, as JSON."""
    path = found.path
    return {
        "vault": found.vault,
        "first_block": found.points[0].block,
        "last_block": found.points[-1].block,
        "nav_start": whole(path.nav_start, 18),
        "nav_end": whole(path.nav_end, 18),
        "nav_per_share_start": whole(path.per_share_start, 18),
        "nav_per_share_end": whole(path.per_share_end, 18),
        "gain": found.gain,
        "gain_of_hold": found.gain_of_hold,
        "gain_of_target": found.gain_of_target,
        "turnover": found.turnover,
        "tracking_error": found.tracking_error,
        "drawdown": found.drawdown,
        "steps": {
            cause.value: {"nav": whole(nav, 18), "nav_per_share": whole(share, 18)}
            for cause, (nav, share) in bridge(path).items()
        },
        "costs": {name: whole(value, 18) for name, value in _costs(found).items()}
        | {"gas_wei": str(found.costs.gas_wei), "gas_unpriced": found.costs.gas_unpriced},
        "fills": [_of_fill(fill) for fill in found.fills],
        "points": [
            {
                "block": point.block,
                "time": point.time,
                "nav": whole(point.nav, 18),
                "nav_per_share": whole(point.per_share, 18),
                "hold": None if point.hold is None else whole(point.hold, 18),
                "target": whole(point.target, 18),
            }
            for point in found.points
        ],
    }


def books_view(books: Books, symbols: Mapping[str, str], decimals: Mapping[str, int]) -> RenderableType:
    """What is left, and the last disposals."""
    lots = _table(f"Lots of {escape(books.owner)}, {books.method.value}", "asset", "quantity", "cost", "since", "from")
    for lot in books.lots[-_ROWS:]:
        since = "unknown" if lot.acquired_at is None else moment(lot.acquired_at)
        held = amount(lot.quantity, decimals[lot.asset])
        lots.add_row(escape(symbols[lot.asset]), held, _or_unknown(lot.cost), since, lot.source)
    gone = _table("Disposals", "asset", "quantity", "proceeds", "basis", "gain", "at", "by")
    for each in books.disposals[-_ROWS:]:
        gone.add_row(
            escape(symbols[each.asset]),
            amount(each.quantity, decimals[each.asset]),
            usd(each.proceeds),
            _or_unknown(each.basis),
            _or_unknown(each.gain),
            moment(each.disposed_at),
            each.source,
        )
    line = (
        f"{len(books.lots)} lots that cost {usd(books.cost)}, {len(books.disposals)} disposals with {usd(books.gain)} "
        f"realised; the last {_ROWS} of each are shown. Bookkeeping, not tax advice."
    )
    return Group(lots, gone, Text(line))


def of_books(books: Books, symbols: Mapping[str, str], decimals: Mapping[str, int]) -> dict[str, Any]:
    """Lots and disposals, as JSON."""
    return {
        "owner": books.owner,
        "method": books.method.value,
        "gain": whole(books.gain, 18),
        "cost": whole(books.cost, 18),
        "lots": [
            {
                "number": lot.number,
                "asset": lot.asset,
                "symbol": symbols[lot.asset],
                "quantity": str(lot.quantity),
                "decimals": decimals[lot.asset],
                "cost": None if lot.cost is None else whole(lot.cost, 18),
                "acquired_at": lot.acquired_at,
                "source": lot.source,
                "tx": lot.tx,
            }
            for lot in books.lots
        ],
        "disposals": [
            {
                "lot": gone.lot or None,
                "asset": gone.asset,
                "symbol": symbols[gone.asset],
                "quantity": str(gone.quantity),
                "decimals": decimals[gone.asset],
                "proceeds": whole(gone.proceeds, 18),
                "basis": None if gone.basis is None else whole(gone.basis, 18),
                "gain": None if gone.gain is None else whole(gone.gain, 18),
                "acquired_at": gone.acquired_at,
                "disposed_at": gone.disposed_at,
                "source": gone.source,
                "tx": gone.tx,
            }
            for gone in books.disposals
        ],
    }


def checks_view(checks: Sequence[Check]) -> RenderableType:
    """What was compared, and the first difference of each."""
    table = _table("Reconciliation", "comparison", "values", "differences", "the first")
    for check in checks:
        first = escape(check.differences[0]) if check.differences else ""
        count = f"[red]{len(check.differences)}[/]" if check.differences else "[green]0[/]"
        table.add_row(check.name, str(check.compared), count, first)
    return table


def of_checks(checks: Iterable[Check]) -> dict[str, Any]:
    """The comparisons, as JSON."""
    rows = [{"name": each.name, "compared": each.compared, "differences": list(each.differences)} for each in checks]
    return {"agree": not any(row["differences"] for row in rows), "checks": rows}


def _costs(found: Performance) -> dict[str, int]:
    costs = found.costs
    return {
        "oracle_difference": costs.oracle_difference,
        "pool_fees": costs.pool_fees,
        "impact": costs.impact,
        "kept": costs.kept,
        "gas": costs.gas,
        "streaming_fee": costs.shares.streaming,
        "mint_fees": costs.shares.mint,
        "redeem_fees": costs.shares.redeem,
        "total": costs.total,
    }


def _of_fill(fill: FillCost) -> dict[str, Any]:
    return {
        "block": fill.filled.place.block,
        "time": fill.filled.place.time,
        "tx": fill.filled.place.tx,
        "value_out": whole(fill.filled.value_out, 18),
        "value_in": whole(fill.filled.value_in, 18),
        "oracle_difference": whole(fill.oracle_difference, 18),
        "pool_fees": whole(fill.pool_fees, 18),
        "impact": whole(fill.impact, 18),
        "kept": whole(fill.kept, 18),
        "gas_wei": str(fill.gas_wei),
        "gas": None if fill.gas is None else whole(fill.gas, 18),
        "prices_confirmed": fill.counted.is_confirmed,
        "legs": [
            {
                "pool": leg.pool,
                "token_in": leg.token_in,
                "token_out": leg.token_out,
                "amount_in": str(leg.amount_in),
                "amount_out": str(leg.amount_out),
                "planned_in": None if leg.planned_in is None else str(leg.planned_in),
                "planned_out": None if leg.planned_out is None else str(leg.planned_out),
                "fee": whole(leg.fee, 18),
                "loss": None if leg.loss is None else whole(leg.loss, 18),
            }
            for leg in fill.legs
        ],
    }


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _or_unknown(value: int | None) -> str:
    return "unknown" if value is None else usd(value)
