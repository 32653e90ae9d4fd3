"""The vault's side of a rebalance in a backtest: when it opens, at what price it is filled, what that does. Compiled."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from keeper.backtest.fund import Auction, Terms
from keeper.backtest.results import Record
from keeper.backtest.settlement import bound_at, drained, drift_of, route, settles
from keeper.policy.rules.decide import Costs

Floats = npt.NDArray[np.float64]

_NONE, _ORACLE, _GOVERNANCE = int(Auction.NONE), int(Auction.ORACLE), int(Auction.GOVERNANCE)
_LEAST_PART = 1e-6  # of a rebalance that the loss budget cuts down
_LEAST_SHARE = 0.01  # and the bound
_HALVINGS = 20


class Basket(NamedTuple):
    """The basket at a bar, (assets,): USD, and the changes of it that a policy and a route make."""

    values: Floats
    weights: Floats
    targets: Floats
    trades: Floats  # wanted changes of the weights
    moved: Floats  # USD
    after: Floats  # USD
    asked: Floats  # prices at which a governance auction was asked for


@njit(error_model="numpy")
def let_expire(terms: Terms, state: Record, now: int, step: float) -> None:
    """End an opening whose time is over."""
    if state.is_open and now - state.opened_at > max(terms.duration, step / 2.0):
        state.is_open = False
        state.ended_at = state.opened_at + terms.duration


@njit(error_model="numpy")
def is_open(terms: Terms, state: Record, out: Record, basket: Basket, prices: Floats, nav: float, now: int) -> bool:
    """Whether a fill may be tried now; opens a rebalance where the terms let it."""
    if terms.auction == _NONE or state.is_open:
        return True
    is_outside = terms.band == 0.0 and drift_of(basket.values, basket.targets, nav) > terms.closing_tolerance
    if terms.band > 0.0:
        for i in range(len(prices)):
            is_outside = is_outside or abs(basket.weights[i] - basket.targets[i]) > terms.band
    if not is_outside or now < state.ended_at + terms.cooldown:
        out.cooling_down += 1
        return False
    if terms.auction == _GOVERNANCE:
        if not state.is_asked:
            state.is_asked, state.asked_at = True, now
            basket.asked[:] = prices
        if now < state.asked_at + terms.delay:
            return False
    state.is_open, state.opened_at = True, now
    out.openings += 1
    return True


@njit(error_model="numpy")
def fill(
    terms: Terms,
    state: Record,
    out: Record,
    basket: Basket,
    costs: Costs,
    prices: Floats,
    nav: float,
    now: int,
    step: float,
) -> bool:
    """Trade `basket.trades` if the vault's rules let it: `basket.after` has the values then. Otherwise says why not in `out`.

    A bar stands for the half step before and after it: an auction that is shorter is over by then.
    """
    sold, bought, paid = route(basket.trades, nav, costs.fees, costs.depths, basket.moved)
    shift = _shift(basket.moved, prices, basket.asked) if terms.auction == _GOVERNANCE else 1.0
    bound = bound_at(terms, now - state.opened_at + step / 2.0) * shift if terms.auction != _NONE else 0.0
    if bought < sold * bound:
        # What the last bound will take waits for it; of the rest as much is filled as the bound of now takes.
        is_later = bought >= sold * bound_at(terms, terms.duration) * shift
        if is_later or not _cut(basket, costs, nav, bound):
            out.over_bound += 1
            return False
        sold, bought, paid = route(basket.trades, nav, costs.fees, costs.depths, basket.moved)
    concession = 0.0
    if terms.auction == _GOVERNANCE:
        # Bidders compete, but nobody bids more than the price that the auction starts at.
        concession = max(bought - sold * bound_at(terms, 0.0) * shift, 0.0)
    if terms.auction == _ORACLE and bought < sold:
        state.loss = drained(state.loss, terms, now - state.loss_at)
        state.loss_at = now
        part = (terms.max_loss - state.loss) / ((sold - bought) / nav)
        if part <= _LEAST_PART:
            out.over_budget += 1
            return False
        if part < 1.0:
            # A smaller trade loses less than pro rata.
            for i in range(len(prices)):
                basket.trades[i] *= part
            sold, bought, paid = route(basket.trades, nav, costs.fees, costs.depths, basket.moved)
    kept = 1.0 - concession / bought if bought > 0.0 else 1.0
    traded = 0
    for i in range(len(prices)):
        moved = basket.moved[i]
        basket.after[i] = basket.values[i] + (moved * kept if moved > 0.0 else moved)
        traded += moved != 0.0
    if terms.auction == _ORACLE:
        if not settles(basket.values, basket.after, basket.targets, bound, terms.closing_tolerance):
            out.refused += 1
            return False
        state.loss += max(sold - bought, 0.0) / nav
    gas = costs.gas + costs.gas_per_asset * traded
    out.turnover += sold / nav
    out.fees += paid / nav
    out.impact += (sold - bought - paid) / nav
    out.concession += concession / nav
    out.gas_usd += gas
    out.gas -= math.log(1.0 - gas / nav) if gas > 0.0 else 0.0
    out.trades += 1
    out.assets_traded += traded
    return True


@njit(error_model="numpy")
def _cut(basket: Basket, costs: Costs, nav: float, bound: float) -> bool:
    """Cut the trades to the largest part whose route meets the bound, by halving; False where there is hardly any."""
    low, high = 0.0, 1.0
    wanted = basket.trades.copy()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        for i in range(len(wanted)):
            basket.trades[i] = wanted[i] * middle
        sold, bought, _ = route(basket.trades, nav, costs.fees, costs.depths, basket.moved)
        if bought >= sold * bound:
            low = middle
        else:
            high = middle
    for i in range(len(wanted)):
        basket.trades[i] = wanted[i] * low
    return low >= _LEAST_SHARE


@njit(error_model="numpy")
def close(terms: Terms, state: Record, basket: Basket, nav: float, now: int) -> None:
    """End an opening that a fill has completed.

    :param nav: after the fill
    """
    state.is_asked = False
    is_complete = drift_of(basket.values, basket.targets, nav) <= terms.closing_tolerance
    if state.is_open and (terms.auction == _GOVERNANCE or is_complete):
        state.is_open = False
        state.ended_at = now


@njit(error_model="numpy")
def _shift(moved: Floats, prices: Floats, asked: Floats) -> float:
    """By how much the prices that a governance auction was asked at make its ratio dearer at the prices of now."""
    sold = sold_then = bought = bought_then = 0.0
    for i in range(len(moved)):
        then = abs(moved[i]) * asked[i] / prices[i]
        if moved[i] < 0.0:
            sold -= moved[i]
            sold_then += then
        else:
            bought += moved[i]
            bought_then += then
    if sold == 0.0 or bought_then == 0.0:
        return 1.0
    return (sold_then / sold) * (bought / bought_then)
