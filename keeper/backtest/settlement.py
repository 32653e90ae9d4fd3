"""The vault's rules for a fill (contracts/modules/settlement.vy, auction.vy, loss_budget.vy) on floats, compiled."""

import numpy as np
import numpy.typing as npt
from numba import njit

from keeper.backtest.fund import Auction, Terms
from keeper.policy.rules.trade import received

Floats = npt.NDArray[np.float64]

_ORACLE = int(Auction.ORACLE)


@njit(error_model="numpy")
def drift_of(values: Floats, targets: Floats, nav: float) -> float:
    """Half the sum of what the weights are off their targets."""
    off = 0.0
    for i in range(len(values)):
        off += abs(values[i] - targets[i] * nav)
    return 0.5 * off / nav


@njit(error_model="numpy")
def bound_at(terms: Terms, elapsed: float) -> float:
    """The least value in per value out, so many seconds after the opening."""
    top, low = 1.0 + terms.start_premium, 1.0 - terms.max_discount
    if terms.auction != _ORACLE:
        top, low = 1.0 + terms.price_range, 1.0 - terms.price_range
    return top - (top - low) * min(elapsed / terms.duration, 1.0)


@njit(error_model="numpy")
def route(trades: Floats, nav: float, fees: Floats, depths: Floats, moved: Floats) -> tuple[float, float, float]:
    """What the wanted changes of weights become on the pools: USD by asset into `moved`, negative for what is sold.

    :return: USD sold, USD bought, and USD of pools' fees between them
    """
    sold = bought_share = proceeds = paid = 0.0
    for i in range(len(trades)):
        moved[i] = 0.0
        if trades[i] < 0.0:
            moved[i] = trades[i] * nav
            sold -= moved[i]
            proceeds += received(-moved[i], fees[i], depths[i])
            paid -= moved[i] * fees[i]
        else:
            bought_share += trades[i]
    bought = 0.0
    if bought_share > 0.0:
        for i in range(len(trades)):
            if trades[i] > 0.0:
                given = proceeds * trades[i] / bought_share
                moved[i] = received(given, fees[i], depths[i])
                bought += moved[i]
                paid += given * fees[i]
    return sold, bought, paid


@njit(error_model="numpy")
def settles(values: Floats, after: Floats, targets: Floats, bound: float, tolerance: float) -> bool:
    """Whether the vault takes a fill: only surplus sold, only deficit bought, enough came, drift fell by half of it."""
    nav = nav_after = value_out = value_in = 0.0
    for i in range(len(values)):
        nav += values[i]
        nav_after += after[i]
    slack = tolerance * nav_after
    for i in range(len(values)):
        wanted = targets[i] * nav_after
        if after[i] < values[i]:
            if values[i] <= targets[i] * nav or after[i] < wanted - slack:
                return False
            value_out += values[i] - after[i]
        elif after[i] > values[i] and values[i] < targets[i] * nav:
            if after[i] > wanted + slack:
                return False
            value_in += after[i] - values[i]
    if value_out <= 0.0 or value_in < value_out * bound:
        return False
    return drift_of(values, targets, nav) - drift_of(after, targets, nav_after) > value_out / (2.0 * nav)


@njit(error_model="numpy")
def drained(loss: float, terms: Terms, elapsed: float) -> float:
    """What is left of a loss in the budget after so many seconds, share of NAV."""
    return max(loss - terms.max_loss * elapsed / terms.loss_window, 0.0)
