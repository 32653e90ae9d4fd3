"""One HTML file with everything in it: charts, script and style; it asks no network, and nothing foreign in it is markup."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import plotly.graph_objects as go
import plotly.io
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from keeper.report import figures
from keeper.report.books import Books
from keeper.report.exports import whole
from keeper.report.path import Cause
from keeper.report.performance import Performance, bridge

WAD = 10**18
_BPS = 10_000
_TEMPLATE = Path(__file__).with_name("page.html.jinja")
_MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class _Chart:
    title: str
    note: str
    html: Markup


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
            "Pool fees, impact and what was kept are the oracle difference; gas was the keeper's.",
            figures.costs,
        ),
        ("NAV", "From the first block to the last.", figures.nav),
    )
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        name=name,
        vault=found.vault,
        first=first.block,
        last=last.block,
        since=_moment(first.time),
        until=_moment(last.time),
        plotly=Markup(get_plotlyjs()),
        facts=_facts(found),
        charts=[_Chart(title, note, _html(draw(found), i)) for i, (title, note, draw) in enumerate(charts)],
        tables=[
            _bridge(found),
            _fills(found),
            *([] if books is None else [_lots(books, found), _disposals(books, found)]),
        ],
    )


def _html(figure: go.Figure, number: int) -> Markup:
    text = plotly.io.to_html(
        figure,
        include_plotlyjs=False,
        full_html=False,
        div_id=f"chart-{number}",
        config={"displaylogo": False, "responsive": True, "displayModeBar": False},
    )
    return Markup(text)


def _facts(found: Performance) -> list[tuple[str, str]]:
    hold, error = found.gain_of_hold, found.tracking_error
    return [
        ("NAV", f"{_usd(found.path.nav_end)} USD"),
        ("NAV per share", f"{found.path.per_share_end / WAD:,.4f} USD"),
        ("gain per share", f"{found.gain:+.3%}"),
        ("gain of hold", "unknown" if hold is None else f"{hold:+.3%}"),
        ("gain of the targets", f"{found.gain_of_target:+.3%}"),
        ("rebalances", str(len(found.fills))),
        ("turnover", f"{found.turnover:.2%}"),
        ("drawdown", f"{found.drawdown:.2%}"),
        ("tracking error, a year", "unknown" if error is None else f"{error:.2%}"),
    ]


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
            f"{fill.oracle_difference * _BPS / fill.filled.value_out:,.2f}" if fill.filled.value_out else "",
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
            whole(lot.quantity, found.decimals[lot.asset]),
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
            whole(gone.quantity, found.decimals[gone.asset]),
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
    return f"{value / WAD:,.2f}"


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
