"""One HTML file with everything in it: charts, script and style; it asks no network, and nothing foreign in it is markup.

The chart library is in it as gzip in Base64, which the page inflates: 2 MB in place of 4.9.
"""

import base64
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from plotly.io.json import to_json_plotly
from plotly.offline import get_plotlyjs

from keeper.report import figures
from keeper.report.books import Books
from keeper.report.path import Cause
from keeper.report.performance import Performance, bridge

WAD = 10**18
_BPS = 10_000
_TEMPLATE = Path(__file__).with_name("page.html.jinja")
_MOST_ROWS = 500
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class _Figure:
    """A number that is read first, and what it is to be compared with."""

    title: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class _Chart:
    title: str
    note: str
    json: Markup  # plotly's; what stands in it cannot end a script element


@dataclass(frozen=True, slots=True)
class _Table:
    title: str
    note: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def render(found: Performance, name: str, books: Books | None = None) -> str:
    """The page's text.

    :param name: of the vault, foreign text
    :param books: whose lots are shown
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    first, last = found.points[0], found.points[-1]
    charts = (
        (
            "NAV per share",
            "Against the first basket, kept, and the targets, rebalanced without cost.",
            figures.per_share,
        ),
        ("Weights", "Dashed: the target; shaded: its band; upright lines: rebalances.", figures.weights),
        (
            "Costs",
            "Pool fees, impact and what was kept are the oracle difference. The keeper paid the gas; who minted or "
            "redeemed paid the fees of that.",
            figures.costs,
        ),
        (
            "What moved NAV",
            f"From {_usd(found.path.nav_start)} to {_usd(found.path.nav_end)} USD.",
            figures.nav,
        ),
    )
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        name=name,
        vault=found.vault,
        first=first.block,
        last=last.block,
        since=_moment(first.time),
        until=_moment(last.time),
        plotly=base64.b64encode(gzip.compress(get_plotlyjs().encode(), mtime=0)).decode(),
        headline=_headline(found),
        facts=_facts(found),
        charts=[_Chart(title, note, Markup(to_json_plotly(draw(found)))) for title, note, draw in charts],
        tables=[
            _bridge(found),
            _fills(found),
            *([] if books is None else [_lots(books, found), _disposals(books, found)]),
        ],
    )


def _headline(found: Performance) -> list[_Figure]:
    costs, sold = found.costs, sum(fill.filled.value_out for fill in found.fills)
    days = (found.points[-1].time - found.points[0].time) / _DAY_S
    hold, paid = found.gain_of_hold, costs.oracle_difference + costs.gas
    return [
        _Figure("NAV per share", f"{_usd(found.path.per_share_end)} USD", f"{found.gain:+.2%} in {days:,.1f} days"),
        _Figure(
            "Against hold",
            "unknown" if hold is None else f"{_beyond(found.gain, hold):+.2%}",
            "an asset has no price any more" if hold is None else f"the first basket, kept: {hold:+.2%}",
        ),
        _Figure(
            "Against the targets",
            f"{_beyond(found.gain, found.gain_of_target):+.2%}",
            f"rebalanced without cost: {found.gain_of_target:+.2%}",
        ),
        _Figure(
            "Cost of rebalancing",
            f"{paid * _BPS / sold:,.1f} bps" if sold else "none",
            f"{_usd(paid)} USD, gas with it, on {_usd(sold)} sold",
        ),
    ]


def _facts(found: Performance) -> list[tuple[str, str]]:
    error, shares = found.tracking_error, found.costs.shares
    return [
        ("NAV", f"{_usd(found.path.nav_end)} USD"),
        ("rebalances", str(len(found.fills))),
        ("turnover", f"{found.turnover:.2%}"),
        ("drawdown", f"{found.drawdown:.2%}"),
        ("tracking error, a year", "unknown" if error is None else f"{error:.2%}"),
        ("fees in shares", f"{_usd(shares.streaming + shares.mint + shares.redeem)} USD"),
    ]


def _beyond(gain: float, other: float) -> float:
    """How much more one made than another."""
    return (1 + gain) / (1 + other) - 1 if other > -1 else 0.0


def _bridge(found: Performance) -> _Table:
    rows = [
        (cause.value.replace("_", " "), _usd(nav), f"{share / WAD:,.6f}")
        for cause, (nav, share) in bridge(found.path).items()
        if nav or share or cause in (Cause.MARKET, Cause.FILL)
    ]
    path = found.path
    rows.append(
        ("all", _usd(path.nav_end - path.nav_start), f"{(path.per_share_end - path.per_share_start) / WAD:,.6f}")
    )
    return _Table(
        "Where it came from", "In USD; the lines add up to the last.", ("cause", "NAV", "NAV per share"), rows
    )


def _fills(found: Performance) -> _Table:
    header = ("time", "sold", "oracle difference", "of that bps", "pool fees", "impact", "kept", "gas")
    rows = [
        (
            _moment(fill.filled.place.time),
            _usd(fill.filled.value_out),
            _usd(fill.oracle_difference),
            f"{fill.oracle_difference * _BPS / fill.filled.value_out:z,.2f}" if fill.filled.value_out else "",
            _usd(fill.pool_fees),
            _usd(fill.impact),
            _usd(fill.kept),
            "unknown" if fill.gas is None else _usd(fill.gas),
        )
        for fill in found.fills[-_MOST_ROWS:]
    ]
    return _Table("Rebalances", f"In USD; the last {_MOST_ROWS} at most.", header, rows)


def _lots(books: Books, found: Performance) -> _Table:
    rows = [
        (
            found.symbols[lot.asset],
            _amount(lot.quantity, found.decimals[lot.asset]),
            "unknown" if lot.cost is None else _usd(lot.cost),
            "unknown" if lot.acquired_at is None else _moment(lot.acquired_at),
            lot.source,
        )
        for lot in books.lots[-_MOST_ROWS:]
    ]
    return _Table(
        "Lots", f"By {books.method.value}, cost in USD.", ("asset", "quantity", "cost", "since", "from"), rows
    )


def _disposals(books: Books, found: Performance) -> _Table:
    rows = [
        (
            found.symbols[gone.asset],
            _amount(gone.quantity, found.decimals[gone.asset]),
            _usd(gone.proceeds),
            "unknown" if gone.basis is None else _usd(gone.basis),
            "unknown" if gone.gain is None else _usd(gone.gain),
            _moment(gone.disposed_at),
            gone.source,
        )
        for gone in books.disposals[-_MOST_ROWS:]
    ]
    note = f"By {books.method.value}, in USD; realised {_usd(books.gain)} in all. The last {_MOST_ROWS} at most."
    return _Table("Disposals", note, ("asset", "quantity", "proceeds", "basis", "gain", "at", "by"), rows)


def _usd(value: int) -> str:
    return f"{value / WAD:z,.2f}"


def _amount(base_units: int, decimals: int) -> str:
    """Whole tokens; the files for tax software have every digit."""
    return f"{Decimal(base_units).scaleb(-decimals):,.6f}"


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
