"""Bands from volatility: wide where a weight wanders much, narrow where it does not.

The half-width is the one of `keeper.policy.bands`: at it the yearly cost of rebalancing and what being off target is counted as
are least together.
"""

import numpy as np

from keeper.design.feasible import Floats
from keeper.design.rounding import BASIS_POINT, WAD
from keeper.policy.bands import weight_variances
from keeper.policy.cube_root import cube_root_width, factor_of

COST = 0.003  # of a trade: fees and impact of the pools, 30 bps
PENALTY = 1.0  # a year off target by 10 % of NAV counts as 0.3 %
NARROWEST = 100 * BASIS_POINT  # under it gas and fees eat what precision brings; over every closing tolerance there is
WIDEST = 1_000 * BASIS_POINT
SPEED = 100 * BASIS_POINT  # a day: a week from a narrow to a wide band


def bands(weights: Floats, covariance: Floats) -> tuple[int, ...]:
    """Half-widths in WAD, whole basis points rounded down, inside of the rails and no wider than half the target.

    :param weights: (assets,) targets
    :param covariance: (assets, assets) annual
    """
    widths = cube_root_width(factor_of(PENALTY), COST, weight_variances(weights, covariance))
    # Where a band is as wide as its target, an asset could vanish without a rebalance.
    capped = np.minimum(widths, weights / 2)
    return tuple(
        min(max(int(width * WAD) // BASIS_POINT * BASIS_POINT, NARROWEST), WIDEST) for width in capped.tolist()
    )
