"""One fund through one path of prices under one policy, bar by bar, compiled; and many of them on all cores."""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from keeper.backtest.auction import Basket, close, fill, is_open, let_expire
from keeper.backtest.fund import Terms
from keeper.backtest.results import Record, conclude, measure
from keeper.backtest.settlement import drift_of
from keeper.policy.rules.compiled import compiled
from keeper.policy.rules.decide import Clocks, Costs, decide
from keeper.policy.rules.spec import YEAR_S, Kind, Reason
from keeper.policy.rules.trade import fill_impacts, proportional_costs
from keeper.policy.rules.variance import update
from keeper.policy.rules.widths import fill_widths

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_COST_AWARE = int(Kind.COST_AWARE)
_COOLING_DOWN, _TOO_SMALL, _NOT_WORTH_IT = int(Reason.COOLING_DOWN), int(Reason.TOO_SMALL), int(Reason.NOT_WORTH_IT)
_FIRST_TRADE, _STEP = int(Reason.CALENDAR), int(Reason.STEP)
_LONG_AGO = -(2**40)


class World(NamedTuple):
    """What all runs share."""

    times: Ints  # (bars,) unix s
    targets: Floats  # (assets,)
    growth: Floats  # (assets,) of the rate of a yield-bearing asset, a year
    nav: float  # USD at the first bar
    step: float  # s, median


class Series(NamedTuple):
    """What is kept of every bar; empty arrays when nothing is."""

    values: Floats  # (bars,) NAV per share with gas paid, over the first
    weights: Floats  # (bars, assets) after the bar's trade


@njit(error_model="numpy")
def run_one(
    prices: Floats,
    returns: Floats,
    policy: Record,
    ticks: Ints,
    world: World,
    costs: Costs,
    terms: Terms,
    series: Series,
    state: Record,
    out: Record,
) -> None:
    """One path under one policy, into `out`, a record of RESULT.

    :param prices: (bars, assets) USD
    :param returns: (bars,) log return of the basket that is on target at every bar, without cost
    :param ticks: (bars,) unix s of the last tick of the policy's cron line not after the bar, 0 for none; empty without one
    :param state: a record of STATE, zeros
    """
    bars, count = prices.shape
    targets = world.targets
    basket = Basket(
        np.empty(count), np.empty(count), targets, np.zeros(count), np.zeros(count), np.empty(count), np.ones(count)
    )
    values, weights = basket.values, basket.weights
    balances, variances, growth = np.empty(count), np.zeros(count), np.ones(count)
    band, aim, impacts = np.empty(count), np.empty(count), np.zeros(count)
    is_dynamic = policy.kind == _COST_AWARE or policy.width_factor > 0.0
    for i in range(count):
        balances[i] = world.nav * targets[i] / prices[0, i]
    shares = proportional_costs(targets, costs.fees)
    fill_widths(policy, targets, variances, shares, 0.0, impacts, band, aim)
    state.completed_at, state.loss_at = world.times[0], world.times[0]
    state.traded_at, state.ended_at = _LONG_AGO, _LONG_AGO
    log_first = math.log(world.nav)
    supply_rate = -math.log(1.0 - terms.streaming)
    if len(series.values) > 0:
        series.values[0] = 1.0
        series.weights[0] = targets

    for bar in range(1, bars):
        now = world.times[bar]
        elapsed = now - world.times[bar - 1]
        state.log_supply += supply_rate * elapsed / YEAR_S
        _accrue(world, elapsed, growth, balances)
        nav = _value(balances, prices[bar], values, weights)
        if is_dynamic or policy.is_guarded:
            for i in range(count):
                growth[i] *= prices[bar, i] / prices[bar - 1, i]
            update(variances, growth, targets, elapsed, now - world.times[0], policy.half_life_s)
        if is_dynamic:
            fill_impacts(targets, costs.depths, nav, impacts)
            fixed = (costs.gas + 2.0 * costs.gas_per_asset) / nav
            fill_widths(policy, targets, variances, shares, fixed, impacts, band, aim)

        let_expire(terms, state, now, world.step)
        clocks = Clocks(now, state.completed_at, state.traded_at, ticks[bar] if len(ticks) > 0 else 0, state.steps_left)
        verdict = decide(policy, clocks, costs, nav, weights, targets, variances, band, aim, basket.trades)
        _count(out, verdict.reason)
        if (
            verdict.reason >= _FIRST_TRADE
            and is_open(terms, state, out, basket, prices[bar], nav, now)
            and fill(terms, state, out, basket, costs, prices[bar], nav, now, world.step)
        ):
            nav = _trade(basket, prices[bar], balances)
            state.traded_at = now
            state.steps_left = state.steps_left - 1 if verdict.reason == _STEP else policy.steps - 1
            if state.steps_left == 0:
                state.completed_at = now
            close(terms, state, basket, nav, now)
        elif state.steps_left > 0 and verdict.reason < _COOLING_DOWN and now >= state.traded_at + policy.step_s:
            # Prices brought the basket back before the schedule did.
            state.steps_left = 0
            state.completed_at = now

        drift = drift_of(values, targets, nav)
        log_net = measure(out, state, math.log(nav) - log_first, returns[bar], drift)
        if len(series.values) > 0:
            series.values[bar] = math.exp(log_net)
            series.weights[bar] = weights
    conclude(out, state)


@njit(error_model="numpy")
def _accrue(world: World, elapsed: float, growth: Floats, balances: Floats) -> None:
    """What the rates of yield-bearing assets have grown by, into `growth`; their balances stand for more."""
    for i in range(len(balances)):
        growth[i] = 1.0
        if world.growth[i] != 1.0:
            growth[i] = world.growth[i] ** (elapsed / YEAR_S)
            balances[i] *= growth[i]


@njit(error_model="numpy")
def _trade(basket: Basket, prices: Floats, balances: Floats) -> float:
    """Take a fill into the balances; gives back the NAV after it, USD."""
    for i in range(len(balances)):
        if basket.after[i] != basket.values[i]:
            balances[i] = basket.after[i] / prices[i]
    return _value(balances, prices, basket.values, basket.weights)


@njit(error_model="numpy")
def _value(balances: Floats, prices: Floats, values: Floats, weights: Floats) -> float:
    """NAV, USD."""
    nav = 0.0
    for i in range(len(balances)):
        values[i] = balances[i] * prices[i]
        nav += values[i]
    for i in range(len(balances)):
        weights[i] = values[i] / nav
    return nav


@njit(error_model="numpy")
def _count(out: Record, reason: int) -> None:
    """A rebalance that is due and that the policy holds back."""
    if reason == _COOLING_DOWN:
        out.cooling_down += 1
    elif reason == _TOO_SMALL:
        out.too_small += 1
    elif reason == _NOT_WORTH_IT:
        out.not_worth_it += 1


@compiled(parallel=True)
def run_all(
    prices: Floats,
    returns: Floats,
    policies: Any,
    ticks: Ints,
    tick_of: Ints,
    world: World,
    costs: Costs,
    terms: Terms,
    series: Series,
    states: Any,
    results: Any,
) -> None:
    """Every policy on every path, on all cores.

    :param prices: (paths, bars, assets); `returns` (paths, bars)
    :param ticks: (cron lines, bars); `tick_of` (policies,) the line of each, -1 for none
    :param series: with (policies, paths) before their axes; of length 0 when not wanted
    :param states: (policies, paths) records of STATE, zeros; `results` likewise of RESULT
    """
    paths = len(prices)
    for run in prange(len(policies) * paths):
        config, path = run // paths, run % paths
        own_ticks = ticks[tick_of[config]] if tick_of[config] >= 0 else np.empty(0, np.int64)
        if len(series.values) > 0:
            own = Series(series.values[config, path], series.weights[config, path])
        else:
            own = Series(np.empty(0), np.empty((0, 0)))
        run_one(
            prices[path],
            returns[path],
            policies[config],
            own_ticks,
            world,
            costs,
            terms,
            own,
            states[config, path],
            results[config, path],
        )
