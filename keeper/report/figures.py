"""The page's charts. Floats; what tokens call themselves is escaped, since plotly reads names as HTML."""

from datetime import UTC, datetime
from html import escape
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from keeper.report.path import Cause
from keeper.report.performance import Performance, bridge

WAD = 10**18
_LINE, _HOLD, _TARGET, _MARK = "#2f7ed8", "#e08a1e", "#8a63d2", "#1a9c74"
_BAND = "rgba(138, 99, 210, 0.18)"
_ROW_PX = 170
_NAMES = {
    Cause.MARKET: "market",
    Cause.FILL: "rebalances",
    Cause.MINT: "mints",
    Cause.REDEEM: "redemptions",
    Cause.STREAMING_FEE: "streaming fee",
    Cause.GIFT: "gifts",
    Cause.LISTING: "assets added, removed",
}


def per_share(found: Performance) -> go.Figure:
    """NAV per share against hold and the targets, with a mark for every fill."""
    times = [_time(point.time) for point in found.points]
    figure = go.Figure()
    figure.add_scatter(
        x=times,
        y=[None if point.hold is None else point.hold / WAD for point in found.points],
        name="hold",
        line={"color": _HOLD, "dash": "dot"},
    )
    figure.add_scatter(
        x=times,
        y=[point.target / WAD for point in found.points],
        name="targets, no cost",
        line={"color": _TARGET, "dash": "dash"},
    )
    figure.add_scatter(
        x=times, y=[point.per_share / WAD for point in found.points], name="NAV per share", line={"color": _LINE}
    )
    at = {point.block: point.per_share / WAD for point in found.points}
    fills = [fill.filled.place for fill in found.fills]
    figure.add_scatter(
        x=[_time(place.time) for place in fills],
        y=[at[place.block] for place in fills],
        name="rebalance",
        mode="markers",
        marker={"color": _MARK, "size": 9, "symbol": "diamond"},
    )
    figure.update_yaxes(title_text="USD")
    return _styled(figure, 420)


def weights(found: Performance) -> go.Figure:
    """Each asset's weight, target and band, one below the other; rebalances are upright lines."""
    assets = list(found.points[-1].weights)
    figure = make_subplots(
        rows=len(assets),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.25 / max(len(assets), 1),
        subplot_titles=[escape(found.symbols[asset]) for asset in assets],
    )
    for row, asset in enumerate(assets, start=1):
        points = [point for point in found.points if asset in point.weights]
        times = [_time(point.time) for point in points]
        targets = [point.targets[asset] / WAD for point in points]
        bands = [point.bands[asset] / WAD for point in points]
        below = [target - band for target, band in zip(targets, bands, strict=True)]
        above = [target + band for target, band in zip(targets, bands, strict=True)]
        is_first = row == 1
        place: dict[str, Any] = {"row": row, "col": 1}
        figure.add_scatter(x=times, y=below, line={"width": 0}, hoverinfo="skip", showlegend=False, **place)
        figure.add_scatter(
            x=times,
            y=above,
            line={"width": 0},
            fill="tonexty",
            fillcolor=_BAND,
            name="band",
            showlegend=is_first,
            **place,
        )
        figure.add_scatter(
            x=times, y=targets, line={"color": _TARGET, "dash": "dash"}, name="target", showlegend=is_first, **place
        )
        figure.add_scatter(
            x=times,
            y=[point.weights[asset] / WAD for point in points],
            line={"color": _LINE},
            name="weight",
            showlegend=is_first,
            **place,
        )
    for fill in found.fills:
        figure.add_vline(x=_time(fill.filled.place.time), line={"color": _MARK, "width": 1, "dash": "dot"})
    figure.update_yaxes(tickformat=".1%")
    return _styled(figure, 80 + _ROW_PX * len(assets))


def costs(found: Performance) -> go.Figure:
    """What the period cost, part by part."""
    costs = found.costs
    parts = {
        "pool fees": costs.pool_fees,
        "impact": costs.impact,
        "kept": costs.kept,
        "gas": costs.gas,
        "streaming fee": costs.shares.streaming,
        "mint fees": costs.shares.mint,
        "redeem fees": costs.shares.redeem,
    }
    figure = go.Figure(
        go.Waterfall(
            x=[*parts, "all"],
            y=[*(value / WAD for value in parts.values()), 0],
            measure=["relative"] * len(parts) + ["total"],
            text=[*(f"{value / WAD:,.2f}" for value in parts.values()), f"{costs.total / WAD:,.2f}"],
            increasing={"marker": {"color": _HOLD}},
            decreasing={"marker": {"color": _MARK}},
            totals={"marker": {"color": _LINE}},
            name="costs",
        )
    )
    figure.update_yaxes(title_text="USD")
    return _styled(figure, 380)


def nav(found: Performance) -> go.Figure:
    """How NAV became what it is."""
    moved = [(cause, value) for cause, (value, _) in bridge(found.path).items() if value]
    figure = go.Figure(
        go.Waterfall(
            x=["start", *(_NAMES[cause] for cause, _ in moved), "end"],
            y=[found.path.nav_start / WAD, *(value / WAD for _, value in moved), 0],
            measure=["absolute", *["relative"] * len(moved), "total"],
            increasing={"marker": {"color": _MARK}},
            decreasing={"marker": {"color": _HOLD}},
            totals={"marker": {"color": _LINE}},
            name="NAV",
        )
    )
    figure.update_yaxes(title_text="USD")
    return _styled(figure, 380)


def _styled(figure: go.Figure, height: int) -> go.Figure:
    """Colours of the page shine through; the page's script sets those of text and grid."""
    return figure.update_layout(
        template="none",
        height=height,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 60, "r": 15, "t": 30, "b": 45},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="x unified",
        font={"family": "system-ui, sans-serif", "size": 12},
    )


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
