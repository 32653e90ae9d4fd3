"""Guards against fooling oneself: intervals for a Sharpe ratio, its deflation by the trials, splits that walk forward."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keeper.errors import ConfigurationError

Floats = npt.NDArray[np.float64]

_EULER = 0.5772156649015329
_DRAWS = 1_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A Sharpe ratio a year, the mean over the paths, with a confidence interval."""

    sharpe: float
    low: float
    high: float
    paths: int
    block: int | None  # bars, mean length of a bootstrap's blocks; None with several paths


def sharpe_interval(returns: Floats, per_year: float, level: float = 0.95, seed: int = 0) -> Interval:
    """Sharpe ratio of (paths, bars) returns with its interval.

    Of one path it is the percentile interval of a stationary block bootstrap: blocks keep the clusters of volatility that
    independent draws would tear apart (Politis and Romano, 1994); their mean length is the one that Politis and White (2004,
    corrected 2009) choose for the squared returns, 1 at least. Several paths are drawn independently, and tell themselves
    how much a path's ratio varies: it is Student's interval of the mean over them.

    :param per_year: bars a year
    :raises ConfigurationError: fewer than ten returns, or a path on which all are alike
    """
    _need(returns)
    ratios = _sharpes(returns, per_year)
    if len(ratios) == 1:
        low, high, block = _bootstrapped(returns[0], per_year, level, seed)
        return Interval(float(ratios[0]), low, high, 1, block)
    from scipy.stats import t  # type: ignore[import-untyped]

    mean, error = float(ratios.mean()), float(ratios.std(ddof=1) / math.sqrt(len(ratios)))
    reach = float(t.ppf((1 + level) / 2, len(ratios) - 1)) * error
    return Interval(mean, mean - reach, mean + reach, len(ratios), None)


def _sharpes(returns: Floats, per_year: float) -> Floats:
    spread = returns.std(axis=1)
    found: Floats = returns.mean(axis=1) / np.where(spread > 0, spread, np.inf) * np.sqrt(per_year)
    return found


def _bootstrapped(returns: Floats, per_year: float, level: float, seed: int) -> tuple[float, float, int]:
    """Both ends of the interval, and the blocks' mean length."""
    from arch.bootstrap import StationaryBootstrap, optimal_block_length

    found = float(optimal_block_length(returns**2)["stationary"].iloc[0])
    block = round(max(found if np.isfinite(found) else 1.0, 1.0))
    bootstrap = StationaryBootstrap(block, returns, seed=np.random.default_rng(seed))
    ends = bootstrap.conf_int(
        lambda sample: _sharpes(sample[np.newaxis], per_year), reps=_DRAWS, method="percentile", size=level
    )
    return float(ends[0, 0]), float(ends[1, 0]), block


def deflated_sharpe(returns: Floats, trial_sharpes: Floats) -> float:
    """The probability that a Sharpe ratio is above what the best of so many trials shows by luck alone.

    Bailey and López de Prado (2014, Journal of Portfolio Management 40): the luckiest of N trials without skill is expected
    at √V ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e))), V the variance of the trials' ratios; the ratio's own error has the
    skewness and kurtosis of the returns in it.

    :param returns: (bars,) of the chosen trial
    :param trial_sharpes: of every trial, the chosen one with them, per bar and not annualised
    :raises ConfigurationError: fewer than ten returns, or all alike
    """
    from scipy.stats import kurtosis, norm, skew

    _need(returns[np.newaxis])
    sharpe = returns.mean() / returns.std(ddof=1)
    trials = len(trial_sharpes)
    lucky = 0.0
    if trials > 1:
        spread = float(np.std(trial_sharpes, ddof=1))
        lucky = spread * float((1 - _EULER) * norm.ppf(1 - 1 / trials) + _EULER * norm.ppf(1 - 1 / (trials * math.e)))
    error = np.sqrt(1 - skew(returns) * sharpe + (kurtosis(returns, fisher=False) - 1) / 4 * sharpe**2)
    return float(norm.cdf((sharpe - lucky) * np.sqrt(len(returns) - 1) / error))


@dataclass(frozen=True, slots=True)
class Split:
    """Bars to choose on, [start, middle], and to judge on, [middle, stop]: they share a price and no return."""

    start: int
    middle: int
    stop: int


def walk_forward(bars: int, folds: int) -> list[Split]:
    """Splits of a growing past and the next part of the future, each part as long.

    :raises ConfigurationError: fewer than ten bars for each part
    """
    part = (bars - 1) // (folds + 1)
    if folds < 1 or part < 10:
        raise ConfigurationError(
            f"{bars} bars in {folds} folds: give at least one fold, and ten bars for each and the first"
        )
    return [Split(0, part * (fold + 1), part * (fold + 2)) for fold in range(folds)]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of so many trials, with a confidence interval of the share."""

    count: int
    trials: int
    low: float
    high: float


def share_of(outcomes: Sequence[bool], level: float = 0.95) -> Share:
    """The share that came true, with the interval of Wilson (1927, JASA 22), which says something at none and at all too.

    :raises ConfigurationError: no outcome
    """
    from scipy.stats import binomtest

    if not outcomes:
        raise ConfigurationError("no trial has no share: give one at least")
    count = sum(outcomes)
    ends = binomtest(count, len(outcomes)).proportion_ci(level, method="wilson")
    return Share(count, len(outcomes), float(ends.low), float(ends.high))


def _need(returns: Floats) -> None:
    bars = returns.shape[1]
    if bars < 10 or not (returns.std(axis=1) > 0).all():
        raise ConfigurationError(f"{bars} returns do not make a Sharpe ratio: give ten at least that differ")
