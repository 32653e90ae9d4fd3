"""The page's charts. Floats; what tokens call themselves is escaped, since plotly reads names as HTML."""

from collections.abc import Mapping
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
_BAR_PX = 34
_HEAD_PX = 90
_LABEL = 0.65  # of the bars' width, which is enough on a phone
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
    # The first asset's name stands where the legend would.
    styled = _styled(figure, _HEAD_PX + _ROW_PX * len(assets))
    return styled.update_layout(margin_t=65, legend={"y": 1, "yref": "container", "yanchor": "top"})


def costs(found: Performance) -> go.Figure:
    """What the period cost, part by part."""
    costs = found.costs
    parts = {
        "pool fees": costs.pool_fees,
        "impact": costs.impact,
        "kept": costs.kept,
        "oracle difference": None,
        "gas": costs.gas,
        "streaming fee": costs.shares.streaming,
        "mint fees": costs.shares.mint,
        "redeem fees": costs.shares.redeem,
        "all": None,
    }
    return _waterfall(parts, up=_HOLD, down=_MARK)


def nav(found: Performance) -> go.Figure:
    """How NAV became what it is."""
    moved = {_NAMES[cause]: value for cause, (value, _) in bridge(found.path).items() if value}
    return _waterfall({**moved, "all": None}, up=_MARK, down=_HOLD)


def _waterfall(parts: Mapping[str, int | None], up: str, down: str) -> go.Figure:
    """WAD USD by name, from the top down; None is the sum of what stands above."""
    values, sums, edges = list(parts.values()), [], [0]
    for value in values:
        edges.append(edges[-1] + (value or 0))
        sums.append(edges[-1] if value is None else value)
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            y=list(parts),
            x=[(value or 0) / WAD for value in values],
            measure=["total" if value is None else "relative" for value in values],
            text=[f"{value / WAD:z,.2f}" for value in sums],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
            increasing={"marker": {"color": up}},
            decreasing={"marker": {"color": down}},
            totals={"marker": {"color": _LINE}},
            connector={"visible": False},
        )
    )
    low, high = min(edges) / WAD, max(edges) / WAD
    room = _LABEL * ((high - low) or 1)  # for the figures beside the bars
    figure.update_xaxes(title_text="USD", range=[low - room if low < 0 else 0, high + room])
    figure.update_yaxes(autorange="reversed", automargin=True)
    styled = _styled(figure, _HEAD_PX + _BAR_PX * len(parts))
    return styled.update_layout(hovermode=False)


def _styled(figure: go.Figure, height: int) -> go.Figure:
    """Colours of the page shine through; the page's script sets those of text and of the axes that it finds here."""
    figure.update_xaxes(showgrid=True)
    figure.update_yaxes(showgrid=True)
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
