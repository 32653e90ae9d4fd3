"""How much better than a route any other one could be.

At any token prices whatsoever the pools' best profits plus the worth of the limits are at least what any route can reach on
these pools (weak duality). With gas, a pool whose profit does not reach its gas counts nothing: the bound of the problem with
fixed costs. So the bound holds whatever the solver did; the solver only makes it tight. It is raised by what rounding of the
floats could hide.

What it covers: routes that use each of the pools given at most once, as far as their state was read (the ticks loaded), and
pass no more than `RATE_FLOW` times the turnover through one wrapper. Where pools contradict each other by more than their
fees, so that circles would pay, it covers routes that go through the tokens in the solver's order: what running in circles
earns is arbitrage, and no part of the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from keeper.markets.price_curves import Rate
from keeper.routing.dual import RATE_FLOW, Basket
from keeper.routing.network import KINDS, Floats, Network

# Relative error of one term of the bound, with a wide margin. What a curve pays for an amount is right to a few roundings,
# and where rounding moves the amount off the most profitable one, the profit changes by the square of that.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a route is worth and what no route exceeds, in USD: bought, less the cost of what is sold, less gas.

    What a dollar of either side counts is that of the problem (of a swap exact in: only what is bought; exact out: what is
    sold). `turnover` is the value sold, at the prices of the problem.
    """

    bound: float
    worth: float
    gas: float
    turnover: float

    @property
    def gap_bps(self) -> float:
        """Basis points of the turnover by which another route could be better at most."""
        return (self.bound - self.worth) / self.turnover * 1e4


def certify(
    network: Network, basket: Basket, log_prices: Floats, gas: Floats, sold: Floats, bought: Floats, gas_paid: float
) -> Certificate:
    """The certificate of a route that sells and buys these USD per token, with the bound at `log_prices`."""
    bound = upper_bound(network, basket, log_prices, gas)
    worth = float(bound.worth @ bought - basket.cost * sold.sum() - gas_paid)
    return Certificate(bound.value, worth, gas_paid, float(sold.sum()))


class Bound(NamedTuple):
    """USD that no route exceeds, when a dollar of each token bought counts `worth`."""

    value: float
    worth: Floats


def upper_bound(network: Network, basket: Basket, log_prices: Floats, gas: Floats) -> Bound:
    """The bound on the worth of what is bought, less the cost of what is sold, less gas.

    Where a deficit has to be filled at any cost, a dollar of it counts its own price: for routes that fill it, the bound is one
    on their cost.

    :param log_prices: of the network's tokens; any are valid, those of the dual's minimum make the bound tight
    :param gas: USD that a swap costs, per edge
    """
    prices = np.exp(log_prices)
    gain, spent = _profits(network, prices, log_prices, RATE_FLOW * basket.turnover)
    profit = np.maximum(gain - spent + _ROUNDING * (gain + spent) - gas, 0.0)
    profit = _best_of_each_pool(network, profit)
    worth = np.full(len(prices), basket.worth) if np.isfinite(basket.worth) else np.maximum(prices, 1.0)
    over = np.maximum(prices - basket.cost, 0.0)
    under = np.maximum(worth - prices, 0.0)
    value = profit.sum() + _product(basket.surplus, over) + _product(basket.deficit, under)
    return Bound(float(value * (1 + _ROUNDING)), worth)


def _best_of_each_pool(network: Network, profit: Floats) -> Floats:
    """A route uses one pair of a pool, in one direction."""
    best = np.zeros(network.pool.max(initial=-1) + 1)
    np.maximum.at(best, network.pool, profit)
    return best


def _product(limits: Floats, margins: Floats) -> float:
    """Limits without end count nothing where there is no margin on them, and without end where there is."""
    counting = (limits > 0) & (margins > 0)
    return float(limits[counting] @ margins[counting])


def _profits(network: Network, prices: Floats, log_prices: Floats, rate_flow: float) -> tuple[Floats, Floats]:
    """What each edge's best trade at `prices` brings and what it costs, by the curves themselves."""
    trades = network.unshortened().trades(log_prices)
    paid, out = trades.paid.copy(), trades.out.copy()
    price = prices[network.source] / prices[network.target] / (network.gamma_in * network.gamma_out)
    for number, kind in enumerate(KINDS):
        at = np.flatnonzero(network.kind == number)
        if not len(at):
            continue
        rows = network.parameters[at]
        if kind is Rate:
            rows[:, 1] = np.minimum(rows[:, 1], rate_flow)
        moved, brought = kind.most_profitable(rows, price[at])
        paid[at], out[at] = moved / network.gamma_in[at], brought * network.gamma_out[at]
    return prices[network.target] * out, prices[network.source] * paid
