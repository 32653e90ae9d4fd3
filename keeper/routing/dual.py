"""The whole rebalance as one convex problem, solved by its dual: one price per token.

Maximise the worth of what is bought less the cost of what is sold, subject to what the pools allow, 0 <= sold <= surplus
and 0 <= bought <= deficit. For given token prices each pool answers on its own, in closed form, and the pools' profits
plus the value of the limits are an upper bound on what any route can reach; the prices that make it least make the pools'
trades add up (Diamandis, Resnick, Chitra, Angeris 2023, arXiv 2302.04938).

A surplus costs us `cost` a dollar, so its price never falls below that; where it stays above, all of it is sold. A deficit
is worth `worth` a dollar until it is full: while it fills its price is at most that, and if even the first dollar costs more
it is not bought and its price is at least that. Which of the two holds is found by trying.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from keeper.routing.descent import SMALLEST, Question, Trades, lowest
from keeper.routing.network import Bools, Floats, Network

# No log-price of a token that matters is farther from its reference than this.
FARTHEST = 12.0
Stages = tuple[tuple[float, float], ...]

# What a dollar of a deficit that has to be filled counts when two sets of pools are compared.
AT_ANY_COST = 1e3
_FLIPS = 8
# Share of the turnover that flows may be off by before a deficit is taken for the other kind.
_NOISE = 1e-5
# Next to a small trade deep pools make the bound nearly piecewise linear, on which any descent is slow. So pools are
# taken as no deeper than these multiples of the turnover, one after the other, each starting from the prices of the
# last; at the last multiple the price impact that this invents is below a hundredth of a basis point.
_STAGES: Stages = ((1e3, 3e-2), (1e4, 3e-2), (1e5, 3e-2), (1e6, 1e-5))
_FINE: Stages = ((1e6, 1e-9),)
_FINEST: Stages = (*((3.0**k, 1e-4) for k in range(3, 12)), (3e5, 1e-5), (1e6, 1e-9))
# Share of what trades that may be missing from flows that a descent has found.
_ASTRAY = 1e-6
# A wrapper never has to carry more than this many times the turnover.
RATE_FLOW = 4.0


class Basket(NamedTuple):
    """What may be sold and bought, in USD per token of the network, inf for no limit.

    A dollar sold costs `cost` (nought: everything has to go), a dollar bought is worth `worth` (inf: the deficit has to be
    filled at any cost). A token without limit is worth, or costs, just that.
    """

    surplus: Floats
    deficit: Floats
    cost: float
    worth: float = 1.0

    @property
    def turnover(self) -> float:
        """The most that can change hands, in USD; one of the sides has a limit."""
        return float(min(self.surplus.sum(), self.deficit.sum()))

    def at_most(self, usd: float) -> Basket:
        """The same with no more than `usd` of any token, where there is a limit."""
        surplus, deficit = (
            np.where(np.isfinite(limit), np.minimum(limit, usd), limit) for limit in (self.surplus, self.deficit)
        )
        return self._replace(surplus=surplus, deficit=deficit)

    def scaled(self, unit: float) -> Basket:
        """The same in units of `unit` USD."""
        return self._replace(surplus=self.surplus / unit, deficit=self.deficit / unit)


class Solution(NamedTuple):
    """Log-prices at the optimum, the trades there, and USD of each token sold and bought.

    `missing` is what pools take beyond that and nobody has: next to nothing where the descent has reached the optimum.
    """

    log_prices: Floats
    trades: Trades
    sold: Floats
    bought: Floats
    missing: Floats

    def traded(self, basket: Basket) -> float:
        """USD that change hands, but a hundredth of the turnover at least: flows are not good to more digits."""
        return float(max(self.sold.sum(), self.bought.sum(), SMALLEST * basket.turnover))


def explore(network: Network, basket: Basket, start: Floats) -> Solution:
    """The best flows on many pools, to within 1e-5 of the turnover; the descent starts from log-prices `start`.

    Some surplus, some deficit and some edge must be there.
    """
    return _descend(network, basket, start, _STAGES)


def explore_again(network: Network, basket: Basket, start: Floats) -> Solution:
    """As `explore`, from the prices that were best before a few edges went."""
    return _descend(network, basket, start, _STAGES[1::2])


def refine(network: Network, basket: Basket, start: Floats) -> Solution:
    """As `explore`, from prices close to the best, and to about nine digits; `schedule` makes the flows exact."""
    solution = _descend(network, basket, start, _FINE)
    if solution.missing.sum() > _ASTRAY * solution.traded(basket):
        # Few pools leave prices free over long stretches, on which the descent may give up: take it in smaller steps.
        solution = _descend(network, basket, np.zeros_like(start), _FINEST)
    return solution


def _descend(network: Network, basket: Basket, start: Floats, stages: Stages) -> Solution:
    scale = basket.turnover
    unit = basket.scaled(scale)
    filling = unit.deficit > 0
    log_prices = start
    small = network.in_units_of(scale)
    for depth, roughly in stages:
        shallow = small.no_deeper_than(depth, RATE_FLOW)
        is_last = bool((shallow.scale == 1).all()) and not shallow.is_rate.any()
        flat = stages[-1][1] if is_last else roughly
        for _ in range(_FLIPS):
            log_prices, trades = _best_prices(shallow, unit, filling, log_prices, flat)
            flow = shallow.net_flow(trades)
            wrong = (filling & (flow < -_NOISE)) | (~filling & (unit.deficit > 0) & (flow > unit.deficit + _NOISE))
            if not wrong.any():
                break
            filling = filling ^ wrong
        if is_last:
            break
    bought = np.clip(flow, 0.0, unit.deficit)
    sold = np.clip(-flow, 0.0, unit.surplus)
    missing = np.maximum(-flow - sold, 0.0)
    return Solution(
        log_prices, Trades(*(amounts * scale for amounts in trades)), sold * scale, bought * scale, missing * scale
    )


def _best_prices(network: Network, basket: Basket, filling: Bools, start: Floats, flat: float) -> tuple[Floats, Trades]:
    surplus, deficit, cost, worth = basket
    with np.errstate(divide="ignore"):
        log_cost, log_worth = max(np.log(cost), -FARTHEST), min(np.log(worth), FARTHEST)
    least = np.where(surplus > 0, log_cost, np.where((deficit > 0) & ~filling, log_worth, -FARTHEST))
    most = np.where(filling, log_worth, FARTHEST)
    # Without a limit the price cannot leave the worth of the token, and the limit's own value is nought there.
    most = np.where(np.isinf(surplus), least, most)
    least = np.where(filling & np.isinf(deficit), most, least)
    limited = np.where(np.isinf(surplus), 0.0, surplus)
    wanted = np.where(filling & np.isfinite(deficit), deficit, 0.0)
    # Of a deficit that has to be filled the worth is the same whatever the prices, and left out.
    worth = 0.0 if np.isinf(worth) else worth

    question = Question(limited, wanted, least, most, cost, worth)
    return lowest(network.arrays(), question, start, flat)
