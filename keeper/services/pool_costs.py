"""What it costs to trade each asset of a basket on the pools that there are: a fee and a depth, as the rules want them. Pure.

All pools of an asset are taken together, as the best split of a trade over them would use them, and the tokens on their other
sides count at their reference prices. A constant-product pool of fee f with D dollars on each side pays 1/(1/(x(1 − f)) + 1/D)
for x: what is paid for two sizes tells both. Both directions are asked, since a pool may be off the oracle's price: what one
gains by that the other loses.
"""

from collections.abc import Iterable, Mapping
from math import exp, inf, sqrt
from typing import NamedTuple

import numpy as np

from keeper.markets import Pool
from keeper.routing.network import Network, build, sum_by

# Trades that are asked for, as shares of NAV.
_SMALL, _LARGE = 1e-3, 5e-2
# Bounds of the logarithm of the price at which pools are asked, and how often the interval is halved.
_FURTHEST, _HALVINGS = 5.0, 50
# No pool counts as deeper than so many NAVs; beyond there is no impact to speak of.
_DEEPEST = 1e4
_ROUNDING = 1e-9
# What comes out at least, per dollar: of pools that give nothing.
_LEAST = 1e-6


class PoolCost(NamedTuple):
    """Of one asset's pools together."""

    fee: float  # share that they keep
    depth_usd: float  # on each side; infinite without price impact


class Paid(NamedTuple):
    """What comes out for what goes in, USD."""

    given: float
    received: float


def pool_costs(pools: Iterable[Pool], usd: Mapping[str, float], nav_usd: float) -> dict[str, PoolCost]:
    """By asset; those without a pool are left out. The token that most liquidity is against is money, and costs nothing.

    :param usd: of a base unit of each asset
    """
    network = build(pools, usd).no_deeper_than(nav_usd * _DEEPEST, nav_usd)
    found: dict[str, PoolCost] = {}
    money = _money(network)
    for place, token in enumerate(network.tokens):
        if token in usd:
            ways = (network.source == place, network.target == place)
            if place == money:
                found[token] = PoolCost(0.0, inf)
            elif all(way.any() for way in ways):
                found[token] = _mean(*(_fitted(network.only(np.flatnonzero(way)), place, nav_usd) for way in ways))
    return found


def fit(small: Paid, large: Paid, best: float = inf) -> PoolCost:
    """The constant-product pool that pays both. Its fee is below zero where the price is better than the reference.

    :param best: what the first dollar brings, which tells more where the pools are used up before the large trade
    """
    slope = 1 / small.received - 1 / large.received
    left = min((1 / small.given - 1 / large.given) / slope, best) if slope > 0 else best
    impact = 1 / large.received - 1 / (large.given * left)
    # What is flatter than no impact at all is so by rounding.
    return PoolCost(1 - left, 1 / impact if impact * large.received > _ROUNDING else inf)


def _mean(sale: PoolCost, purchase: PoolCost) -> PoolCost:
    """Of both directions; none keeps less than nothing."""
    fee = 1 - sqrt((1 - sale.fee) * (1 - purchase.fee))
    impact = (1 / sale.depth_usd + 1 / purchase.depth_usd) / 2
    return PoolCost(max(fee, 0.0), 1 / impact if impact > 0 else inf)


def _money(network: Network) -> int:
    """The token with most liquidity at the present prices, wrappers aside; -1 without any."""
    depth = np.where(network.is_rate, 0.0, network.liquidity[network.first] * network.scale)
    return int(np.argmax(sum_by(network.source, depth, len(network.tokens)))) if len(depth) else -1


def _fitted(ways: Network, place: int, nav_usd: float) -> PoolCost:
    """:param ways: the edges from the asset at this place, or those to it"""
    small, large = (_paid(ways, place, share * nav_usd) for share in (_SMALL, _LARGE))
    return fit(small, large, exp(-2 * float(ways.hurdle.min())))


def _paid(ways: Network, place: int, given: float) -> Paid:
    """What the pools pay for so much, when all of them trade to one price. What they cannot take brings nothing."""
    low, high = -_FURTHEST, _FURTHEST
    sign = -1.0 if (ways.source == place).all() else 1.0
    prices = np.zeros(len(ways.tokens))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        prices[place] = sign * middle
        low, high = (middle, high) if ways.trades(prices).paid.sum() < given else (low, middle)
    prices[place] = sign * high
    trades = ways.trades(prices)
    # Where a curve ends the last step may be a long one; what is too much is taken back at the price that was reached.
    excess = max(float(trades.paid.sum()) - given, 0.0)
    return Paid(given, max(float(trades.out.sum()) - excess * exp(-high), given * _LEAST))
