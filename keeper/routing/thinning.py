"""Which legs to give up: what closing a pool loses, estimated for all of them at once.

Around a solution the pools are a network of conductances: `pull` says how much more flows per rise of the price's logarithm.
When a leg closes, its flow F goes around it, against the resistance R that the others have between its two tokens. That loses
what the leg earns and F^2 R / 2 (a quadratic model, as Newton's step has it). After each leg the model moves the flows, so
that the next one is judged without it; no problem is solved for that. What the legs really lose, the solve afterwards says.
"""

from __future__ import annotations

import numpy as np

from keeper.routing.dual import AT_ANY_COST, Basket, Solution
from keeper.routing.network import Floats, Ints, Network

# A side of the basket counts as used up within this share: then its price is free to move.
_FULL = 1 - 1e-6
# Of the stiffest pool, where nothing else holds a price.
_RIDGE = 1e-12
# Below this share of a conductance the leg has nothing beside it.
_ALONE = 1e-9


def least_missed(
    network: Network, basket: Basket, solution: Solution, gas: Floats, most: int
) -> tuple[list[int], list[float]]:
    """Edges to close, the least missed first: while one loses less than its `gas` (USD), and until `most` are left.

    With each, USD that it and those before it should lose, net of their gas.

    :param network: that of the solution; edges that do not trade count as closed
    """
    trades = solution.trades
    prices = np.exp(solution.log_prices)
    flow = prices[network.target] * trades.out
    pull, profit = trades.pull.copy(), trades.profit.copy()
    stake = min(basket.worth, AT_ANY_COST) - basket.cost
    left = flow > 0
    inverse = _inverse(network, basket, solution, pull)
    closed: list[int] = []
    losses: list[float] = []
    while left.any():
        beside = _between(inverse, network.target, network.source)
        share = np.maximum(1 - pull * beside, 0.0)
        has_other = share > _ALONE
        around = beside / np.where(has_other, share, 1.0)
        # Nothing goes around a leg that has nothing beside it: what it carries is neither sold nor bought.
        loss = profit + np.where(has_other, np.minimum(flow * flow * around / 2, stake * flow), stake * flow) - gas
        edge = int(np.argmin(np.where(left, loss, np.inf)))
        if loss[edge] >= 0 and left.sum() <= most:
            break
        closed.append(edge)
        losses.append(float(loss[edge]))
        left[edge] = False
        if has_other[edge]:
            across = inverse[:, network.target[edge]] - inverse[:, network.source[edge]]
            inverse = inverse + pull[edge] / share[edge] * np.outer(across, across)
            moved = flow[edge] * (inverse[:, network.target[edge]] - inverse[:, network.source[edge]])
            rise = moved[network.target] - moved[network.source]
            profit += flow * rise + pull * rise * rise / 2
            flow += pull * rise
            left &= flow > 0
        pull[edge] = 0.0
    return closed, np.cumsum(losses).tolist()


def _inverse(network: Network, basket: Basket, solution: Solution, pull: Floats) -> Floats:
    """How far each log-price gives way to a flow of a dollar into each token; those held by a limit do not."""
    partly_sold = (basket.surplus > 0) & (solution.sold < basket.surplus * _FULL)
    partly_bought = (basket.deficit > 0) & (solution.bought < basket.deficit * _FULL)
    held = partly_sold | partly_bought
    matrix = network.curvature(pull)
    touched = matrix.diagonal() > 0
    free: Ints = np.flatnonzero(~held & touched)
    inverse = np.zeros_like(matrix)
    if len(free):
        inner = matrix[np.ix_(free, free)]
        inner.flat[:: len(free) + 1] += _RIDGE * inner.diagonal().max()
        # Pools of extremely different depth may leave a matrix that has no inverse in floats.
        inverse[np.ix_(free, free)] = np.linalg.pinv(inner, rcond=_RIDGE, hermitian=True)
    return inverse


def _between(inverse: Floats, one: Ints, other: Ints) -> Floats:
    """Resistance between two tokens, per pair."""
    own = inverse.diagonal()
    return np.asarray(own[one] + own[other] - 2 * inverse[one, other], dtype=np.float64)
