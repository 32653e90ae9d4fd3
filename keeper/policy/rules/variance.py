"""Running variances of each asset's return against the basket's, exponentially weighted (RiskMetrics 1994), per year."""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from keeper.policy.rules.spec import YEAR_S

Floats = npt.NDArray[np.float64]

_LOG_HALF = math.log(0.5)


@njit(error_model="numpy")
def update(
    variances: Floats, growth: Floats, targets: Floats, elapsed_s: float, seen_s: float, half_life_s: float
) -> None:
    """Take one bar into `variances`. Nothing later than the bar is looked at.

    The first half-life counts every bar alike, or the first returns would stand for all of them.

    :param growth: price of each asset over its last
    :param elapsed_s: since the last bar
    :param seen_s: since the first bar, this one included
    """
    basket = 0.0
    for i in range(len(growth)):
        basket += targets[i] * growth[i]
    fresh = max(1.0 - math.exp(_LOG_HALF * elapsed_s / half_life_s), elapsed_s / seen_s)
    for i in range(len(growth)):
        off = growth[i] - basket
        variances[i] += fresh * (off * off * YEAR_S / elapsed_s - variances[i])


def over(times: npt.NDArray[np.int64], prices: Floats, targets: Floats, half_life_s: float) -> Floats:
    """The variances at the end of a history.

    :param times: (bars,) unix s; `prices` (bars, assets)
    """
    variances = np.zeros(prices.shape[1])
    for bar in range(1, len(times)):
        elapsed, seen = float(times[bar] - times[bar - 1]), float(times[bar] - times[0])
        update(variances, prices[bar] / prices[bar - 1], targets, elapsed, seen, half_life_s)
    return variances
