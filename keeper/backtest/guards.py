"""Guards against fooling oneself: intervals for a Sharpe ratio, its deflation by the trials, splits that walk forward."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keeper.errors import ConfigurationError

Floats = npt.NDArray[np.float64]

_EULER = 0.5772156649015329
_DRAWS = 1_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A Sharpe ratio a year with a confidence interval."""

    sharpe: float
    low: float
    high: float
    block: int  # bars, mean length


def sharpe_interval(returns: Floats, per_year: float, level: float = 0.95, seed: int = 0) -> Interval:
    """Sharpe ratio of (bars,) returns with the percentile interval of a stationary block bootstrap.

    Blocks keep the clusters of volatility that independent draws would tear apart (Politis and Romano, 1994); their mean
    length is the one that Politis and White (2004, corrected 2009) choose for the squared returns, 1 at least.

    :param per_year: bars a year
    :raises ConfigurationError: fewer than ten returns, or all alike
    """
    from arch.bootstrap import StationaryBootstrap, optimal_block_length

    _need(returns)
    found = float(optimal_block_length(returns**2)["stationary"].iloc[0])
    block = max(found if np.isfinite(found) else 1.0, 1.0)
    bootstrap = StationaryBootstrap(round(block), returns, seed=np.random.default_rng(seed))

    def ratio(sample: Floats) -> Floats:
        spread = sample.std()
        return np.atleast_1d(sample.mean() / spread * np.sqrt(per_year) if spread > 0 else 0.0)

    ends = bootstrap.conf_int(ratio, reps=_DRAWS, method="percentile", size=level)
    return Interval(float(ratio(returns)[0]), float(ends[0, 0]), float(ends[1, 0]), round(block))


def deflated_sharpe(returns: Floats, trial_sharpes: Floats) -> float:
    """The probability that a Sharpe ratio is above what the best of so many trials shows by luck alone.

    Bailey and López de Prado (2014, Journal of Portfolio Management 40): the luckiest of N trials without skill is expected
    at √V ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e))), V the variance of the trials' ratios; the ratio's own error has the
    skewness and kurtosis of the returns in it.

    :param returns: (bars,) of the chosen trial
    :param trial_sharpes: of every trial, the chosen one with them, per bar and not annualised
    :raises ConfigurationError: fewer than ten returns, or all alike
    """
    from scipy.stats import kurtosis, norm, skew  # type: ignore[import-untyped]

    _need(returns)
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


def _need(returns: Floats) -> None:
    if len(returns) < 10 or not returns.std() > 0:
        raise ConfigurationError(f"{len(returns)} returns do not make a Sharpe ratio: give ten at least that differ")
