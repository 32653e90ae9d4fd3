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

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from keeper.routing.network import Bools, Floats, Network, Trades, sum_by

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
_FINE: Stages = ((1e3, 1e-2), (3e4, 1e-2), (1e6, 1e-9))
_FINEST: Stages = (*((3.0**k, 1e-4) for k in range(3, 12)), (3e5, 1e-5), (1e6, 1e-9))
# Share of what trades that may be missing from flows that a descent has found.
_ASTRAY = 1e-6
# Below this share of the turnover a trade is as good as none.
_SMALLEST = 1e-2
_STEPS = 200
# After so many steps corners are looked at, so many in a row, where an edge pulls so many times as hard.
_PATIENCE, _CORNERS, _STIFFER = 20, 4, 2.0
_ROUNDING = 1e-15
_FIRST_DAMPING, _LEAST_DAMPING, _LESS, _MORE = 10.0, 1e-2, 10, 4
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
        return float(max(self.sold.sum(), self.bought.sum(), _SMALLEST * basket.turnover))


class _Point(NamedTuple):
    """The dual's value, its slope by log-price, and the trades that it comes from."""

    value: float
    slope: Floats
    trades: Trades


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

    def point(log_prices: Floats) -> _Point:
        prices = np.exp(log_prices)
        trades = network.trades(log_prices)
        value = trades.profit.sum() + limited @ (prices - cost) + wanted @ (worth - prices)
        slope = network.net_flow(trades) + limited - wanted
        return _Point(float(value), slope * prices, trades)

    return _minimum(point, network, start, least, most, flat)


def _minimum(
    point: Callable[[Floats], _Point],
    network: Network,
    start: Floats,
    least: Floats,
    most: Floats,
    flat: float,
) -> tuple[Floats, Trades]:
    """Projected Newton steps with Levenberg's damping, since the curvature is nought where no pool trades.

    A pool that begins to trade, or whose liquidity is denser further on, makes a corner in the slope. Where steps run into
    corners so often that the damping holds up everything else, the next step goes by what lies beyond the corner.

    Close to the minimum the value's gains vanish in its rounding before the slope is small; there a step counts if it
    lowers the slope.
    """
    at = np.clip(start, least, most)
    here = point(at)
    lines = _tangents(network, at, here)
    damping, eased, corners = _FIRST_DAMPING, True, 0
    for number in range(_STEPS):
        free = _free(at, here.slope, least, most)
        steepest = np.abs(here.slope[free]).max(initial=0.0)
        # Next to a trade much smaller than the basket, flows have to be that much closer to be of use.
        if steepest < flat * min(max(here.trades.out.sum(), _SMALLEST), 1.0):
            break
        slope = here.slope + lines.off
        moving = np.flatnonzero(free & (slope != 0))
        matrix = network.curvature(lines.pull)[np.ix_(moving, moving)]
        matrix.flat[:: len(moving) + 1] += damping
        step = np.zeros(len(at))
        try:
            step[moving] = -np.linalg.solve(matrix, slope[moving])
        except np.linalg.LinAlgError:
            # Next to the deepest pool the damping is lost in the rounding.
            damping, eased = damping * _MORE, False
            continue
        for next_at in _steps(at, step, least, most):
            there = point(next_at)
            flatter = np.abs(there.slope[_free(next_at, there.slope, least, most)]).max(initial=0.0) < steepest
            if there.value < here.value - _ROUNDING or (there.value <= here.value + _ROUNDING and flatter):
                at, here = next_at, there
                lines = _tangents(network, at, here)
                damping, eased, corners = max(damping / (_LESS if eased else 1.0), _LEAST_DAMPING), True, 0
                break
        else:
            stiffer = there.trades.pull > _STIFFER * lines.pull
            if number >= _PATIENCE and corners < _CORNERS and stiffer.any():
                lines, corners = (
                    _cornered(network, lines, stiffer, next_at - at, _tangents(network, next_at, there)),
                    corners + 1,
                )
            else:
                lines = _tangents(network, at, here)
                damping, eased, corners = damping * _MORE, False, 0
    return at, here.trades


class _Lines(NamedTuple):
    """Every edge's flow as a line in the log-prices: USD paid and taken at the point of the descent, and the pull.

    `off` is by how much the slope there differs from the true one, since some of the lines touch elsewhere.
    """

    brought: Floats
    taken: Floats
    pull: Floats
    off: Floats


def _tangents(network: Network, log_prices: Floats, here: _Point) -> _Lines:
    prices, trades = np.exp(log_prices), here.trades
    return _Lines(
        prices[network.target] * trades.out, prices[network.source] * trades.paid, trades.pull, np.zeros_like(prices)
    )


def _cornered(network: Network, lines: _Lines, stiffer: Bools, step: Floats, there: _Lines) -> _Lines:
    """The lines with those of the edges that a step ran into, as they are beyond the corner."""
    back = there.pull * (step[network.target] - step[network.source])
    brought = np.where(stiffer, there.brought - back, lines.brought)
    taken = np.where(stiffer, there.taken - back, lines.taken)
    more = sum_by(network.target, brought - lines.brought, len(step))
    less = sum_by(network.source, taken - lines.taken, len(step))
    return _Lines(brought, taken, np.where(stiffer, there.pull, lines.pull), lines.off + more - less)


def _steps(at: Floats, step: Floats, least: Floats, most: Floats) -> Iterator[Floats]:
    """The step with every price held back by its own limit; then, as far as the first limit lets all of them go.

    The second is for prices that no pool pulls apart, which have to move together, as all do when only the general level of
    prices is wrong.
    """
    whole = at + step
    yield np.clip(whole, least, most)
    room = np.where(step > 0, most - at, least - at)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.nanmin(np.where(step != 0, room / step, np.inf))
    if 0 < part < 1:
        yield np.clip(at + part * step, least, most)


def _free(at: Floats, slope: Floats, least: Floats, most: Floats) -> Bools:
    """The prices that can still move downhill: not those held by a limit."""
    held: Bools = ((at <= least) & (slope > 0)) | ((at >= most) & (slope < 0))
    return ~held
