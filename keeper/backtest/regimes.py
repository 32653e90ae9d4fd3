"""The adaptive policy against the best fixed band: both chosen on some paths, and judged on others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keeper.backtest.engine import backtest
from keeper.backtest.fund import Fund
from keeper.backtest.metrics import Metrics, metrics
from keeper.history.prices import PricePaths
from keeper.policy.rules import Aim, Kind, RebalancingPolicy

MOST_COST = 0.8  # of the fixed band's, that the adaptive policy may have
_WIDTHS = tuple(float(width) for width in np.geomspace(0.004, 0.15, 32))
_AVERSIONS = tuple(float(each) for each in np.geomspace(0.2, 400, 60))
# What the adaptive policy has to track better by in sample, so that the luck of a sample does not decide out of it.
_MARGIN = 0.1


@dataclass(frozen=True, slots=True)
class Duel:
    """Out of sample, of what was chosen in sample."""

    regime: str
    fixed: RebalancingPolicy
    adaptive: RebalancingPolicy
    fixed_metrics: Metrics
    adaptive_metrics: Metrics
    trials: int

    @property
    def cost_ratio(self) -> float:
        """The adaptive policy's cost over the fixed band's."""
        return self.adaptive_metrics.cost_bps / self.fixed_metrics.cost_bps

    @property
    def tracking_ratio(self) -> float:
        """Its tracking error over the fixed band's."""
        return self.adaptive_metrics.tracking_error / self.fixed_metrics.tracking_error

    @property
    def verdict(self) -> str:
        """In words, with by how much where it loses."""
        lost = []
        if self.tracking_ratio > 1:
            lost.append(f"tracks {self.tracking_ratio - 1:.1%} worse")
        if self.cost_ratio > MOST_COST:
            lost.append(f"costs {self.cost_ratio:.2f} times as much, asked for {MOST_COST:g}")
        if lost:
            return "loses: " + ", and ".join(lost)
        return f"wins: tracks {1 - self.tracking_ratio:.1%} better at {self.cost_ratio:.2f} times the cost"


def duel(regime: str, fund: Fund, sample: PricePaths, judged: PricePaths, aim: Aim = Aim.CENTRE) -> Duel:
    """Choose on `sample`, judge on `judged`.

    The fixed band is the one of least tracking error squared plus cost among many widths, as someone who minds both alike
    would choose; the adaptive policy is the cheapest among many aversions that tracks a little better than it there.

    :param aim: of the fixed band: the target, as fixed bands do, or the edge
    """
    fixed = [RebalancingPolicy(Kind.BAND, aim, band_abs=width, is_guarded=False) for width in _WIDTHS]
    adaptive = [RebalancingPolicy(Kind.COST_AWARE, Aim.BETWEEN, risk_aversion=each) for each in _AVERSIONS]
    found = metrics(backtest(fund, sample, [*fixed, *adaptive]))
    fixed_found, adaptive_found = found[: len(fixed)], found[len(fixed) :]
    price = _price(fixed_found)
    best = int(np.argmin([each.cost_bps / 10_000 + price * each.tracking_error**2 for each in fixed_found]))
    limit = fixed_found[best].tracking_error * (1 - _MARGIN)
    able = [place for place, each in enumerate(adaptive_found) if each.tracking_error <= limit]
    if able:
        chosen = min(able, key=lambda place: adaptive_found[place].cost_bps)
    else:
        chosen = int(np.argmin([each.tracking_error for each in adaptive_found]))
    after = metrics(backtest(fund, judged, [fixed[best], adaptive[chosen]]))
    return Duel(regime, fixed[best], adaptive[chosen], after[0], after[1], len(found))


def _price(found: Sequence[Metrics]) -> float:
    """What a squared tracking error is worth, a year: so that the middle of the widths pays as much for it as for trading."""
    costs = np.array([each.cost_bps for each in found]) / 10_000
    errors = np.array([each.tracking_error for each in found])
    middle = len(found) // 2
    return float(costs[middle] / errors[middle] ** 2)
