"""The whole rebalance as one convex problem, solved by its dual: one price per token.

Maximise the oracle value of what is bought plus (reward - 1) times that of what is sold, subject to what the pools
allow, 0 <= sold <= surplus and 0 <= bought <= deficit. For given token prices each pool answers on its own, in closed
form, and the pools' profits plus the value of the limits are an upper bound on what any route can reach; the prices
that make it least make the pools' trades add up (Diamandis, Resnick, Chitra, Angeris 2023, arXiv 2302.04938).

A surplus is worth (1 - reward) to us, so its price never falls below that; where it stays above, all of it is sold. A
deficit is worth 1 until it is full: while it fills its price is at most 1, and if even the first dollar costs more
than 1 it is not bought and its price is at least 1. Which of the two holds is found by trying.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from keeper.routing.network import Bools, Floats, Network, Trades

# No log-price of a token that matters is farther from its reference than this.
_FARTHEST = 12.0
_FLIPS = 8
# Share of the turnover that flows may be off by before a deficit is taken for the other kind.
_NOISE = 1e-5
# Next to a small trade deep pools make the bound nearly piecewise linear, on which any descent is slow. So pools are
# taken as no deeper than these multiples of the turnover, one after the other, each starting from the prices of the
# last; at the last multiple the price impact that this invents is below a hundredth of a basis point.
_DEPTHS = (1e2, 1e3, 1e4, 1e5, 1e6)
_STEPS = 200
_FLAT = 1e-10
_ROUNDING = 1e-15


class Basket(NamedTuple):
    """USD that may be sold and bought, per token of the network."""

    surplus: Floats
    deficit: Floats


class Solution(NamedTuple):
    """Log-prices at the optimum, the trades there, and USD of each token bought."""

    log_prices: Floats
    trades: Trades
    bought: Floats


class _Bound(NamedTuple):
    """The dual's value and its slope by log-price."""

    value: float
    slope: Floats


def solve_dual(network: Network, basket: Basket, reward: float, start: Floats) -> Solution:
    """The best flows when removing a dollar of drift is worth `reward` dollars, which may be negative.

    Starts from log-prices `start`. The flows are floats that add up to about ten digits; `schedule` makes them exact.
    Some surplus, some deficit and some segments must be there.
    """
    scale = min(basket.surplus.sum(), basket.deficit.sum())
    surplus, deficit = basket.surplus / scale, basket.deficit / scale
    deepest = network.liquidity.max() / scale
    filling = deficit > 0
    log_prices = start
    for depth in _DEPTHS:
        shallow = replace(network, liquidity=np.minimum(network.liquidity / scale, depth))
        for _ in range(_FLIPS):
            log_prices = _best_prices(shallow, surplus, deficit, filling, reward, log_prices)
            flow = shallow.net_flow(shallow.trades(log_prices))
            wrong = (filling & (flow < -_NOISE)) | (~filling & (deficit > 0) & (flow > deficit + _NOISE))
            if not wrong.any():
                break
            filling = filling ^ wrong
        if depth >= deepest:
            break
    trades = shallow.trades(log_prices)
    bought = np.clip(shallow.net_flow(trades), 0.0, deficit)
    return Solution(log_prices, Trades(*(amounts * scale for amounts in trades)), bought * scale)


def _best_prices(
    network: Network, surplus: Floats, deficit: Floats, filling: Bools, reward: float, start: Floats
) -> Floats:
    least = np.where(surplus > 0, np.log(1 - reward), np.where((deficit > 0) & ~filling, 0.0, -_FARTHEST))
    most = np.where(filling, 0.0, _FARTHEST)

    def bound(log_prices: Floats) -> _Bound:
        prices = np.exp(log_prices)
        trades = network.trades(log_prices)
        value = trades.profit.sum() + surplus @ (prices - (1 - reward)) + deficit[filling] @ (1 - prices[filling])
        slope = network.net_flow(trades) + surplus - np.where(filling, deficit, 0.0)
        return _Bound(float(value), slope * prices)

    return _minimum(bound, network.curvature, start, least, most)


def _minimum(
    bound: Callable[[Floats], _Bound],
    curvature: Callable[[Floats], Floats],
    start: Floats,
    least: Floats,
    most: Floats,
) -> Floats:
    """Projected Newton steps with Levenberg's damping, since the curvature is nought where no pool trades.

    Close to the minimum the value's gains vanish in its rounding before the slope is small; there a step counts if
    it lowers the slope.
    """
    at = np.clip(start, least, most)
    here = bound(at)
    damping = 1e-3
    for _ in range(_STEPS):
        free = _free(at, here.slope, least, most)
        steepest = np.abs(here.slope[free]).max(initial=0.0)
        if steepest < _FLAT:
            break
        matrix = curvature(at)[np.ix_(free, free)]
        step = np.zeros_like(at)
        step[free] = np.linalg.solve(matrix + damping * np.eye(len(matrix)), -here.slope[free])
        next_at = np.clip(at + step, least, most)
        there = bound(next_at)
        flatter = np.abs(there.slope[_free(next_at, there.slope, least, most)]).max(initial=0.0) < steepest
        if there.value < here.value - _ROUNDING or (there.value <= here.value + _ROUNDING and flatter):
            at, here = next_at, there
            damping = max(damping / 8, 1e-9)
        else:
            damping *= 4
    return at


def _free(at: Floats, slope: Floats, least: Floats, most: Floats) -> Bools:
    """The prices that can still move downhill: not those held by a limit."""
    held: Bools = ((at <= least) & (slope > 0)) | ((at >= most) & (slope < 0))
    return ~held
