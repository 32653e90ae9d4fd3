"""A study as one HTML file: no network, every name escaped."""

import html

from keeper.backtest.study import Study

_MOST_POINTS = 2_000


def page(study: Study) -> str:
    """The page's text: NAV per share of the first path by policy, and cost against tracking error."""
    import plotly.graph_objects as go
    from plotly.io import to_html

    runs = study.runs
    assert runs.values is not None
    every = max(runs.prices.bars // _MOST_POINTS, 1)
    times = runs.prices.times[::every].astype("datetime64[s]")
    names = [html.escape(name) for name in study.names]
    values = go.Figure(
        [
            go.Scatter(x=times, y=runs.values[place, 0, ::every], name=name, mode="lines")
            for place, name in enumerate(names)
        ]
    )
    values.update_layout(title="NAV per share, first path, gas paid", yaxis_title="of the first")
    rows = [row for row in study.rows if row.name != "hold"]
    frontier = go.Figure(
        go.Scatter(
            x=[row.metrics.tracking_error * 100 for row in rows],
            y=[row.metrics.cost_bps for row in rows],
            text=[html.escape(row.name) for row in rows],
            mode="markers",
        )
    )
    frontier.update_layout(
        title="What tracking costs", xaxis_title="tracking error, % a year", yaxis_title="cost, bps of NAV a year"
    )
    first = to_html(values, include_plotlyjs=True, full_html=False)
    second = to_html(frontier, include_plotlyjs=False, full_html=False)
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Backtest</title>'
    trials = f"<p>{study.trials} trials.</p>"
    return (
        f"<!doctype html><html lang=en><head>{head}</head><body><h1>Backtest</h1>{trials}{first}{second}</body></html>"
    )
