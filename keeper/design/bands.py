"""Bands from volatility: wide where a weight wanders much, narrow where it does not.

Half-width b = (3·c·s² / (2·penalty))^(1/3): at it the yearly cost of rebalancing, c·s²/b, and what being off target is counted
as, penalty·b²/3, are least together. c is the cost of a trade as a share of it, s the annual volatility of the weight itself:
w times the volatility of the asset against the whole basket.
"""

import numpy as np

from keeper.design.feasible import Floats
from keeper.design.rounding import BASIS_POINT, WAD

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
    together = covariance @ weights
    against = np.diag(covariance) - 2 * together + weights @ together
    wanders = weights**2 * np.maximum(against, 0)
    widths = (3 * COST * wanders / (2 * PENALTY)) ** (1 / 3)
    # Where a band is as wide as its target, an asset could vanish without a rebalance.
    capped = np.minimum(widths, weights / 2)
    return tuple(
        min(max(int(width * WAD) // BASIS_POINT * BASIS_POINT, NARROWEST), WIDEST) for width in capped.tolist()
    )
