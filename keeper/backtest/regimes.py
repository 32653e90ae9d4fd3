"""The adaptive policy against the best fixed band: both chosen on some paths, and judged on others."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keeper.backtest.engine import backtest
from keeper.backtest.fund import ORACLE_TERMS, Fund
from keeper.backtest.guards import Share, share_of
from keeper.backtest.metrics import Floats, Metrics, metrics, tracking_errors
from keeper.history.prices import PricePaths
from keeper.history.scenarios import scenario
from keeper.policy.rules import Aim, Kind, Penalty, RebalancingPolicy

MOST_COST = 0.8  # of the fixed band's, that the adaptive policy may have
FUND = Fund(
    ("WETH", "WBTC", "LINK", "USDC"),
    (0.3, 0.3, 0.2, 0.2),
    nav_usd=5e6,
    fee=(0.0005, 0.0005, 0.003, 0.0001),
    depth_usd=(6e7, 6e7, 2e7, 2e8),
    gas_usd=8,
    gas_asset_usd=2,
    terms=ORACLE_TERMS,
)
_STEP_S = 4 * 3_600
_WIDTHS = tuple(float(width) for width in np.geomspace(0.004, 0.15, 32))
_AVERSIONS = tuple(float(each) for each in np.geomspace(0.1, 3_000, 80))  # to widths as far apart as the fixed ones
_LEVEL = 0.975  # sure that the adaptive policy tracks no worse on as many other paths


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
        """The adaptive policy's cost over the fixed band's; without end where that never traded."""
        if self.fixed_metrics.cost_bps == 0:
            return 1.0 if self.adaptive_metrics.cost_bps == 0 else math.inf
        return self.adaptive_metrics.cost_bps / self.fixed_metrics.cost_bps

    @property
    def tracking_ratio(self) -> float:
        """Its tracking error over the fixed band's."""
        return self.adaptive_metrics.tracking_error / self.fixed_metrics.tracking_error

    @property
    def is_won(self) -> bool:
        """Whether the adaptive policy tracks no worse, at `MOST_COST` of the cost at most."""
        return self.tracking_ratio <= 1 and self.cost_ratio <= MOST_COST

    @property
    def verdict(self) -> str:
        """In words, with by how much where it loses."""
        if self.is_won:
            return f"wins: tracks {1 - self.tracking_ratio:.1%} better at {self.cost_ratio:.2f} times the cost"
        lost = []
        if self.tracking_ratio > 1:
            lost.append(f"tracks {self.tracking_ratio - 1:.1%} worse")
        if self.cost_ratio > MOST_COST:
            lost.append(f"costs {self.cost_ratio:.2f} times as much, asked for {MOST_COST:g}")
        return "loses: " + ", and ".join(lost)


@dataclass(frozen=True, slots=True)
class Tally:
    """Duels of one regime, each on paths of its own. Ratios are the adaptive policy's over the fixed band's."""

    regime: str
    aim: Aim  # of the fixed bands
    duels: tuple[Duel, ...]

    @property
    def won(self) -> Share:
        """How many of them the adaptive policy wins."""
        return share_of([each.is_won for each in self.duels])

    @property
    def cost_ratios(self) -> tuple[float, float, float]:
        """Mean, least, most."""
        return _spread([each.cost_ratio for each in self.duels])

    @property
    def tracking_ratios(self) -> tuple[float, float, float]:
        """Mean, least, most."""
        return _spread([each.tracking_ratio for each in self.duels])

    @property
    def verdict(self) -> str:
        """In words: where all are won, that; else the worst by cost and by tracking, where those lose."""
        lost = [each for each in self.duels if not each.is_won]
        if not lost:
            return "wins all"
        worst_cost, worst_tracking = max(self.cost_ratios), max(self.tracking_ratios)
        told = []
        if worst_cost > MOST_COST:
            told.append(f"costs up to {worst_cost:.2f} times as much, asked for {MOST_COST:g}")
        if worst_tracking > 1:
            told.append(f"tracks up to {worst_tracking - 1:.1%} worse")
        return f"loses {len(lost)} of {len(self.duels)}: " + ", and ".join(told)


def duel(
    regime: str, seeds: tuple[int, int], bars: int, paths: int, aims: Sequence[Aim] = (Aim.CENTRE,)
) -> tuple[Duel, ...]:
    """Choose on paths of the first seed, judge on those of the second; a duel for each aim of the fixed band.

    The fixed band is the one of least tracking error squared plus cost among many widths, as someone who minds both alike
    would choose. The adaptive policy counts deviations by the tracking error that they bring, which is what it is judged by;
    of many aversions it has the cheapest that is sure to track no worse on as many other paths, as far as the sample tells.

    :param aims: of the fixed band: the target, as fixed bands do, or the edge
    """
    sample, judged = (_paths(regime, seed, bars, paths) for seed in seeds)
    adaptive = [
        RebalancingPolicy(Kind.COST_AWARE, Aim.BETWEEN, risk_aversion=each, penalty=Penalty.TRACKING)
        for each in _AVERSIONS
    ]
    fixed = [RebalancingPolicy(Kind.BAND, aim, band_abs=width, is_guarded=False) for aim in aims for width in _WIDTHS]
    runs = backtest(FUND, sample, [*adaptive, *fixed])
    found, errors = metrics(runs), tracking_errors(runs)
    chosen = []
    for place in range(len(_AVERSIONS), len(found), len(_WIDTHS)):
        best = place + _best_fixed(found[place : place + len(_WIDTHS)])
        cheapest = _cheapest(found[: len(adaptive)], errors[: len(adaptive)], errors[best])
        chosen += [runs.policies[best], adaptive[cheapest]]
    after = metrics(backtest(FUND, judged, chosen))
    trials = len(_WIDTHS) + len(_AVERSIONS)
    return tuple(
        Duel(regime, chosen[at], chosen[at + 1], after[at], after[at + 1], trials) for at in range(0, len(chosen), 2)
    )


def _paths(regime: str, seed: int, bars: int, paths: int) -> PricePaths:
    return scenario(regime, FUND.assets, stable=("USDC",), bars=bars, paths=paths, step_s=_STEP_S, seed=seed)


def _best_fixed(found: Sequence[Metrics]) -> int:
    # A squared tracking error is worth so much that the middle of the widths pays as much for it as for trading.
    costs = np.array([each.cost_bps for each in found]) / 10_000
    errors = np.array([each.tracking_error for each in found])
    middle = len(found) // 2
    return int(np.argmin(costs + costs[middle] / errors[middle] ** 2 * errors**2))


def _cheapest(found: Sequence[Metrics], errors: Floats, limits: Floats) -> int:
    """The place of the cheapest whose mean tracking error stays under the limits' on as many other paths.

    The mean of n further normal values lies below mean + t s √(2/n), with Student's t of n - 1 degrees of freedom.

    :param errors: (policies, paths) of tracking; `limits` (paths,)
    """
    from scipy.stats import t  # type: ignore[import-untyped]

    off, paths = errors - limits, len(limits)
    reach = off.mean(axis=1) + t.ppf(_LEVEL, paths - 1) * off.std(axis=1, ddof=1) * math.sqrt(2 / paths)
    able = np.flatnonzero(reach <= 0)
    if len(able):
        return int(min(able, key=lambda place: found[place].cost_bps))
    return int(np.argmin(errors.mean(axis=1)))


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    return float(np.mean(values)), min(values), max(values)
