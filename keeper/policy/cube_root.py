"""The cube-root law of how far a weight may stray: half-width = k (cost × variance)^⅓.

Plain arithmetic, for floats and arrays, and compiled by `keeper.policy.rules`. With proportional cost c, a weight's variance v
a year and a penalty λ a year for a squared deviation of one (Janeček and Shreve, Finance and Stochastics 8, 2004):

    k = (3/(2λ))^⅓   where c v/b + λ b²/3 is least: trades of b each, a weight that is anywhere on ±b
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Number = TypeVar("Number", float, npt.NDArray[np.float64])


def cube_root_width(factor: float, cost: float, variance: Number) -> Number:
    """Half-width as a share of NAV.

    :param factor: k
    :param cost: of trading a dollar, as a share of it
    :param variance: of the weight, a year; one, or those of several assets
    """
    found: Number = factor * (cost * variance) ** (1.0 / 3.0)
    return found


def factor_of(penalty: float) -> float:
    """The k above.

    :param penalty: λ, share of NAV a year that a squared deviation of one costs
    """
    return float((3.0 / (2.0 * penalty)) ** (1.0 / 3.0))
