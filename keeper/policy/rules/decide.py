"""The decision on one basket: is a rebalance due and why, to which weights, and what is it worth."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from keeper.policy.rules.compiled import compiled
from keeper.policy.rules.spec import YEAR_S, Kind, Penalty, Reason, Record
from keeper.policy.rules.trade import cost_of, fill_trades

Floats = npt.NDArray[np.float64]

_NEVER, _CALENDAR, _BOTH, _EITHER = int(Kind.NEVER), int(Kind.CALENDAR), int(Kind.BOTH), int(Kind.EITHER)
_NOT_DUE, _COOLING_DOWN = int(Reason.NOT_DUE), int(Reason.COOLING_DOWN)
_TOO_SMALL, _NOT_WORTH_IT = int(Reason.TOO_SMALL), int(Reason.NOT_WORTH_IT)
_BY_CALENDAR, _BY_BAND, _BY_BOTH, _STEP = (
    int(Reason.CALENDAR),
    int(Reason.BAND),
    int(Reason.CALENDAR_AND_BAND),
    int(Reason.STEP),
)
_TRACKING = int(Penalty.TRACKING)
# What separates a weight on its band's edge, where a trade to it left the weight, from one outside.
_ROUNDING = 1e-12
_SECTIONS = 24
_GOLDEN = (5.0**0.5 - 1.0) / 2.0


class Clocks(NamedTuple):
    """Unix seconds of what the calendar, the cool-down and a gradual rebalance count from."""

    now: int
    completed_at: int  # the last rebalance that ended
    traded_at: int  # the last trade
    tick_at: int  # the last tick of the cron line not after now; 0 without one
    steps_left: int  # of a gradual rebalance; 0 when none runs


class Costs(NamedTuple):
    """What trades cost: by asset the share that a pool keeps and the USD on each side of it, and gas in USD."""

    fees: Floats
    depths: Floats
    gas: float  # of a rebalance
    gas_per_asset: float  # of each asset that it trades


class Verdict(NamedTuple):
    """A reason, a share of NAV to be sold, and USD."""

    reason: int  # a Reason
    turnover: float
    benefit: float
    cost: float


@njit(error_model="numpy")
def due(policy: Record, clocks: Clocks, weights: Floats, targets: Floats, band: Floats) -> int:
    """A Reason: what makes a rebalance due, steps of a running one first; cool-downs are not looked at."""
    if policy.kind == _NEVER:
        return _NOT_DUE
    if clocks.steps_left > 0:
        return _STEP if clocks.now >= clocks.traded_at + policy.step_s else _NOT_DUE
    by_calendar = by_band = False
    if policy.kind in (_CALENDAR, _BOTH, _EITHER):
        if policy.interval_s > 0:
            by_calendar = clocks.now >= clocks.completed_at + policy.interval_s
        else:
            by_calendar = clocks.tick_at > clocks.completed_at
    if policy.kind == _CALENDAR:
        return _BY_CALENDAR if by_calendar else _NOT_DUE
    if policy.kind == _BOTH and not by_calendar:
        return _NOT_DUE
    for i in range(len(weights)):
        if abs(weights[i] - targets[i]) > band[i] + _ROUNDING:
            by_band = True
            break
    if by_band:
        return _BY_BOTH if by_calendar else _BY_BAND
    return _BY_CALENDAR if by_calendar and policy.kind == _EITHER else _NOT_DUE


@compiled()
def decide(
    policy: Record,
    clocks: Clocks,
    costs: Costs,
    nav: float,
    weights: Floats,
    targets: Floats,
    variances: Floats,
    band: Floats,
    aim: Floats,
    trades: Floats,
) -> Verdict:
    """Whether to rebalance, why, and what for; the changes of the weights go into `trades` where it is due.

    Where a guarded policy would pay more than the whole is worth, it proposes the part that is worth most, if any is worth
    its cost: impact grows with the square of a trade.

    :param nav: USD
    :param variances: of each asset's return against the basket's, a year
    :param band: half-widths at which a trade is due, shares of NAV; `aim` likewise, where it ends
    """
    reason = due(policy, clocks, weights, targets, band)
    if reason == _NOT_DUE:
        return Verdict(_NOT_DUE, 0.0, 0.0, 0.0)
    turnover = fill_trades(weights, targets, band, aim, reason == _STEP, trades)
    part = 1.0
    if policy.steps > 1:
        part = 1.0 / (clocks.steps_left if reason == _STEP else policy.steps)
    if policy.max_trade_usd > 0.0 and turnover * part * nav > policy.max_trade_usd:
        part = policy.max_trade_usd / (turnover * nav)
    count = 0
    for i in range(len(trades)):
        trades[i] *= part
        if trades[i] != 0.0:
            count += 1
    turnover *= part
    if turnover <= _ROUNDING:
        return Verdict(_NOT_DUE, 0.0, 0.0, 0.0)
    gas = costs.gas + costs.gas_per_asset * count
    cost = cost_of(trades, nav, costs.fees, costs.depths) + gas
    benefit = benefit_of(policy, clocks, nav, weights, targets, variances, band, trades, 1.0)
    if policy.is_guarded and cost > benefit:
        part = _best_part(policy, clocks, costs, nav, weights, targets, variances, band, trades)
        benefit_part = benefit_of(policy, clocks, nav, weights, targets, variances, band, trades, part)
        smaller = trades * part
        cost_part = cost_of(smaller, nav, costs.fees, costs.depths) + gas
        if cost_part > benefit_part:
            return Verdict(_NOT_WORTH_IT, turnover, benefit, cost)
        trades[:] = smaller
        turnover, benefit, cost = turnover * part, benefit_part, cost_part
    if reason != _STEP and clocks.now < clocks.traded_at + policy.cooldown_s:
        reason = _COOLING_DOWN
    elif turnover * nav < policy.min_trade_usd:
        reason = _TOO_SMALL
    return Verdict(reason, turnover, benefit, cost)


@njit(error_model="numpy")
def _best_part(
    policy: Record,
    clocks: Clocks,
    costs: Costs,
    nav: float,
    weights: Floats,
    targets: Floats,
    variances: Floats,
    band: Floats,
    trades: Floats,
) -> float:
    """The part of the trades that is worth most, by golden section: benefit is concave in it and cost convex."""
    low, high = 0.0, 1.0
    for _ in range(_SECTIONS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        worth_left = benefit_of(policy, clocks, nav, weights, targets, variances, band, trades, left)
        worth_left -= cost_of(trades * left, nav, costs.fees, costs.depths)
        worth_right = benefit_of(policy, clocks, nav, weights, targets, variances, band, trades, right)
        worth_right -= cost_of(trades * right, nav, costs.fees, costs.depths)
        if worth_left > worth_right:
            high = right
        else:
            low = left
    return (low + high) / 2.0


@njit(error_model="numpy")
def benefit_of(
    policy: Record,
    clocks: Clocks,
    nav: float,
    weights: Floats,
    targets: Floats,
    variances: Floats,
    band: Floats,
    trades: Floats,
    part: float,
) -> float:
    """USD that a part of a trade saves: how much less its squared deviations cost a year, for as long as that lasts.

    A weight diffuses over its half-width b in b²/v years, the expected exit time of a Brownian motion from the middle of
    ±b; that is how long a trade of this asset lasts, a year at most. On a calendar it lasts until the next rebalance.
    """
    period = policy.interval_s if policy.interval_s > 0 else clocks.now - clocks.completed_at
    period_years = min(period / YEAR_S, 1.0)
    total = 0.0
    for i in range(len(weights)):
        off = weights[i] - targets[i]
        left = off + trades[i] * part
        holding = 1.0
        if policy.kind == _CALENDAR:
            holding = period_years
        else:
            variance = targets[i] ** 2 * variances[i]
            if variance > 0.0:
                holding = min(band[i] ** 2 / variance, 1.0)
            if policy.kind == _BOTH:
                holding = max(holding, period_years)
        saved = (off**2 - left**2) * holding
        if policy.penalty == _TRACKING and targets[i] < 1.0:
            # The sum of d² times these is the variance of the whole for two assets, and for many alike.
            saved *= variances[i] / (1.0 - targets[i])
        total += saved
    benefit: float = 0.5 * policy.risk_aversion * total * nav
    return benefit
