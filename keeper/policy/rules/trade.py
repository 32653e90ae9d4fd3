"""What a trade from the weights of now to others sells, buys and costs, in USD."""

import numpy as np
import numpy.typing as npt
from numba import njit

from keeper.policy.rules.spec import Aim

Floats = npt.NDArray[np.float64]

_CENTRE = int(Aim.CENTRE)


@njit(error_model="numpy")
def received(given: float, fee: float, depth: float) -> float:
    """USD that a constant-product pool pays for `given` USD, at its own price before the trade.

    :param fee: share of what is given
    :param depth: USD on each side of the pool; infinite for a trade without impact
    """
    net = given * (1.0 - fee)
    return net / (1.0 + net / depth)


@njit(error_model="numpy")
def fill_trades(weights: Floats, targets: Floats, band: Floats, aim: Floats, is_step: bool, trades: Floats) -> float:
    """The wanted changes of the weights, positive for a purchase, into `trades`; gives back the share of NAV to be sold.

    An asset outside its band goes to its aim; one whose aim is the target goes there in any case, and so does every asset
    in a step of a gradual rebalance. What is lacking on the other side comes from assets on that side of their targets,
    pro rata to how far they are from them: they have enough, since all deviations sum to zero, and none passes its target.
    """
    sold = bought = 0.0
    spare_over = spare_under = 0.0
    for i in range(len(weights)):
        off = weights[i] - targets[i]
        trades[i] = 0.0
        if abs(off) > band[i] or aim[i] == 0.0 or is_step:
            beyond = max(abs(off) - aim[i], 0.0)
            trades[i] = -beyond if off > 0.0 else beyond
        if off > 0.0:
            sold -= trades[i]
            spare_over += off + trades[i]
        else:
            bought += trades[i]
            spare_under -= off + trades[i]
    if sold < bought and spare_over > 0.0:
        share = min((bought - sold) / spare_over, 1.0)
        for i in range(len(weights)):
            if weights[i] > targets[i]:
                trades[i] -= share * (weights[i] - targets[i] + trades[i])
    elif bought < sold and spare_under > 0.0:
        share = min((sold - bought) / spare_under, 1.0)
        for i in range(len(weights)):
            if weights[i] <= targets[i]:
                trades[i] += share * (targets[i] - weights[i] - trades[i])
    return max(sold, bought)


@njit(error_model="numpy")
def cost_of(trades: Floats, nav: float, fees: Floats, depths: Floats) -> float:
    """USD lost to fees and price impact: each asset has a pool against one money, which passes through between.

    :param trades: changes of weights, as `fill_trades` leaves them
    :param fees: share of what goes into each asset's pool
    :param depths: USD on each side of it
    """
    proceeds = bought = sold = 0.0
    for i in range(len(trades)):
        if trades[i] < 0.0:
            sold -= trades[i] * nav
            proceeds += received(-trades[i] * nav, fees[i], depths[i])
        else:
            bought += trades[i]
    if bought == 0.0:
        return 0.0
    value_in = 0.0
    for i in range(len(trades)):
        if trades[i] > 0.0:
            value_in += received(proceeds * trades[i] / bought, fees[i], depths[i])
    return sold - value_in


@njit(error_model="numpy")
def proportional_costs(targets: Floats, fees: Floats) -> Floats:
    """What a small trade in each asset costs, share of it: its own pool, and those of the others, which take the other side.

    They take it pro rata to their targets, as in `fill_impacts`.
    """
    mean = 0.0
    for i in range(len(targets)):
        mean += targets[i] * fees[i]
    costs = np.empty(len(targets))
    for i in range(len(targets)):
        rest = 1.0 - targets[i]
        costs[i] = fees[i] + ((mean - targets[i] * fees[i]) / rest if rest > 0.0 else 0.0)
    return costs


@njit(error_model="numpy")
def fill_impacts(targets: Floats, depths: Floats, nav: float, impacts: Floats) -> None:
    """What the square of a trade costs by asset, the others taking the other side pro rata; shares of NAV, of NAV's square."""
    count = len(targets)
    for i in range(count):
        rest = 1.0 - targets[i]
        impacts[i] = nav / depths[i]
        for other in range(count):
            if other != i and rest > 0.0:
                impacts[i] += nav / depths[other] * (targets[other] / rest) ** 2
