"""What a run comes to, and what it carries from bar to bar: records that compiled code writes.

Money of costs is a share of the NAV at its time, added up. Returns are logarithmic, per share and bar, gas paid.
"""

import math
from typing import Any

from numba import njit

from keeper.policy.rules.spec import record_type

Record = Any  # an element of an array of RESULT or of STATE

RESULT = record_type(
    [
        ("log_growth", "f8"),  # of NAV per share, gas and streaming fee paid
        ("log_gross", "f8"),  # of NAV per share
        ("turnover", "f8"),  # sold, shares of NAV
        ("fees", "f8"),  # to pools
        ("impact", "f8"),
        ("gas", "f8"),
        ("concession", "f8"),  # to fillers, beyond the route: an auction that starts under the market
        ("streaming", "f8"),  # to the fee's recipient, logarithm of the growth of the supply
        ("gas_usd", "f8"),
        ("sum_1", "f8"),  # of returns, of their squares, cubes and fourth powers
        ("sum_2", "f8"),
        ("sum_3", "f8"),
        ("sum_4", "f8"),
        ("track_1", "f8"),  # of returns less the target basket's, and of their squares
        ("track_2", "f8"),
        ("drift_2", "f8"),  # of squared drifts, after the bar's trade
        ("drawdown", "f8"),  # the deepest, share of the peak
        ("trades", "i8"),
        ("assets_traded", "i8"),
        ("openings", "i8"),
        ("cooling_down", "i8"),  # bars at which a due rebalance was held back, by reason
        ("too_small", "i8"),
        ("not_worth_it", "i8"),
        ("over_bound", "i8"),  # the route did not meet the bound
        ("over_budget", "i8"),
        ("refused", "i8"),  # by the vault's other rules
        ("bars", "i8"),
    ]
)
STATE = record_type(
    [
        ("completed_at", "i8"),  # unix s, the last rebalance
        ("traded_at", "i8"),
        ("opened_at", "i8"),
        ("ended_at", "i8"),  # the last opening
        ("asked_at", "i8"),  # when a governance auction's prices were taken
        ("loss_at", "i8"),
        ("steps_left", "i8"),  # of a gradual rebalance
        ("is_open", "?"),
        ("is_asked", "?"),
        ("loss", "f8"),  # of the budget, share of NAV, at loss_at
        ("log_supply", "f8"),
        ("log_net", "f8"),  # NAV per share with gas paid, over the first
        ("peak", "f8"),
        ("fall", "f8"),  # the deepest so far, logarithm
    ]
)


@njit(error_model="numpy")
def measure(out: Record, state: Record, log_nav: float, basket: float, drift: float) -> float:
    """Take a bar's end into the result; gives back the logarithm of NAV per share with gas paid.

    :param log_nav: of NAV over the first
    :param basket: log return of the target basket
    """
    log_net: float = log_nav - state.log_supply - out.gas
    step = log_net - state.log_net
    state.log_net = log_net
    square = step * step
    out.sum_1 += step
    out.sum_2 += square
    out.sum_3 += square * step
    out.sum_4 += square * square
    off = step - basket
    out.track_1 += off
    out.track_2 += off * off
    out.drift_2 += drift * drift
    state.peak = max(state.peak, log_net)
    state.fall = max(state.fall, state.peak - log_net)
    out.bars += 1
    return log_net


@njit(error_model="numpy")
def conclude(out: Record, state: Record) -> None:
    """Write what is known at the end alone."""
    out.log_growth = state.log_net
    out.log_gross = state.log_net + out.gas
    out.streaming = state.log_supply
    out.drawdown = 1.0 - math.exp(-state.fall)
