"""What has to hold of the rows, universe by universe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from routing_bench.measure import Row

MOST_GAP_BPS, MOST_GAP_NET_BPS = 0.5, 2.0
FLOAT_ERROR_BPS = 1e-5
MOST_CVXPY_ERROR = 1e-6
MOST_P50_MS = {500: 10.0, 1_000: 60.0, 10_000: 500.0}  # by pools
LEAST_CVXPY_RATIO = {500: 50.0}


@dataclass(frozen=True, slots=True)
class Target:
    """A figure of one universe against its limit."""

    target: str
    universe: str
    value: float
    limit: float
    passed: bool


def targets(rows: Sequence[Row]) -> list[Target]:
    """Every target that the rows speak of."""
    return [
        *_at_most(rows, "rebalances without a route", lambda row: row.without_route, 0),
        *_at_most(rows, "median gap, bp", lambda row: row.gap_bps, MOST_GAP_BPS),
        *_at_most(rows, "median gap net of gas, bp", lambda row: row.gap_net_bps, MOST_GAP_NET_BPS),
        *_at_least(rows, "least gap, bp", lambda row: row.least_gap_bps, -FLOAT_ERROR_BPS),
        *_at_most(rows, "objective off cvxpy's, relative", lambda row: row.cvxpy_error, MOST_CVXPY_ERROR),
        *_at_most(rows, "p50, ms", lambda row: row.p50_ms, MOST_P50_MS),
        *_at_least(rows, "times as fast as cvxpy", lambda row: row.cvxpy_ratio, LEAST_CVXPY_RATIO),
        *_at_least(rows, "mean loss of the grid, bp", lambda row: row.grid_loss_bps, 0.0),
    ]


_Figure = Callable[[Row], float | None]
_Limit = float | Mapping[int, float]


def _at_most(rows: Sequence[Row], name: str, figure: _Figure, limit: _Limit) -> list[Target]:
    return [Target(name, row.universe, value, most, value <= most) for row, value, most in _known(rows, figure, limit)]


def _at_least(rows: Sequence[Row], name: str, figure: _Figure, limit: _Limit) -> list[Target]:
    return [
        Target(name, row.universe, value, least, value >= least) for row, value, least in _known(rows, figure, limit)
    ]


def _known(rows: Sequence[Row], figure: _Figure, limit: _Limit) -> list[tuple[Row, float, float]]:
    """Rows that have the figure, and a limit for it."""
    found = []
    for row in rows:
        value, bound = figure(row), limit.get(row.pools) if isinstance(limit, Mapping) else limit
        if value is not None and bound is not None:
            found.append((row, value, bound))
    return found
