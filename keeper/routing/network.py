"""Pools as flat arrays in USD units, and what all of them trade at given prices.

Everything is floats scaled so that one unit of any token is one dollar at its reference price: raw base units, which
range over thirty decades, make the solver fail silently. A pool is two directed edges; an edge is a run of segments,
each a constant product with fixed liquidity L. With z the square root of the input per output price, moving z
upwards from `low` to `high` takes L * (high - low) of the input and pays L * (1/low - 1/high) of the output.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations
from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from keeper.markets import Pool
from keeper.markets.pool import FEE_UNIT
from keeper.markets.price_curves import Ladder
from keeper.routing.problem import WAD, RebalanceProblem

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]

# A guess that ends just short of a pool's last liquidity can be carried out exactly; one that ends on it may not.
_STOP_SHORT = 1 - 1e-5


class Edge(NamedTuple):
    """One direction of one pool."""

    pool: Pool
    token_in: str
    token_out: str


class Trades(NamedTuple):
    """What each edge trades, in USD: input with fee, output, and the profit at the prices asked."""

    paid: Floats
    out: Floats
    profit: Floats


@dataclass(frozen=True, slots=True)
class Network:
    """Edges and segments as arrays; `usd` is USD per base unit of each token, `gamma` what the fee leaves per edge."""

    tokens: tuple[str, ...]
    usd: Floats
    edges: tuple[Edge, ...]
    source: Ints
    target: Ints
    gamma: Floats
    segment_edge: Ints
    low: Floats
    high: Floats
    liquidity: Floats

    def trades(self, log_prices: Floats) -> Trades:
        """Every edge's best trade at `log_prices`: swap until the marginal price meets theirs. Closed form."""
        prices = np.exp(log_prices)
        stop = np.sqrt(self.gamma * prices[self.target] / prices[self.source])
        reached = np.clip(stop[self.segment_edge], self.low, self.high)
        moved = self.liquidity * (reached - self.low)
        paid = _sum_by(self.segment_edge, moved, len(self.edges)) / self.gamma
        out = _sum_by(self.segment_edge, moved / (reached * self.low), len(self.edges))
        return Trades(paid, out, prices[self.target] * out - prices[self.source] * paid)

    def curvature(self, log_prices: Floats) -> Floats:
        """Second derivative of the pools' profit by `log_prices` at balanced flows: a graph Laplacian.

        A pool that is trading inside a segment pulls its two tokens together with its depth there; one that is not
        trading, or is used up, does not.
        """
        prices = np.exp(log_prices)
        stop = np.sqrt(self.gamma * prices[self.target] / prices[self.source])[self.segment_edge]
        inside = (stop > self.low) & (stop < self.high)
        weight = _sum_by(self.segment_edge[inside], (self.liquidity / stop)[inside], len(self.edges))
        weight *= prices[self.target] / 2
        matrix = np.zeros((len(self.tokens), len(self.tokens)))
        np.add.at(matrix, (self.source, self.source), weight)
        np.add.at(matrix, (self.target, self.target), weight)
        np.add.at(matrix, (self.source, self.target), -weight)
        np.add.at(matrix, (self.target, self.source), -weight)
        return matrix

    def net_flow(self, trades: Trades) -> Floats:
        """USD of each token that the edges together pay (positive) or take (negative)."""
        count = len(self.tokens)
        return _sum_by(self.target, trades.out, count) - _sum_by(self.source, trades.paid, count)

    def without(self, closed: frozenset[int]) -> Network:
        """The same edges with those in `closed` made to trade nothing; edge numbers stay what they are."""
        if not closed:
            return self
        open_segments = ~np.isin(self.segment_edge, list(closed))
        return replace(
            self,
            segment_edge=self.segment_edge[open_segments],
            low=self.low[open_segments],
            high=self.high[open_segments],
            liquidity=self.liquidity[open_segments],
        )


def build_network(problem: RebalanceProblem) -> Network:
    """The part of `problem` that a route may use: pools between assets that trade and hubs, with liquidity."""
    traded = {token for side in (problem.surplus, problem.deficit) for token, amount in side.items() if amount}
    pools = [pool for pool in problem.pools if _usable(pool, traded, problem.hubs)]
    reference = _reference_prices(problem, pools, traded)

    tokens = tuple(sorted(reference))
    number = {token: at for at, token in enumerate(tokens)}
    edges: list[Edge] = []
    rows: list[tuple[int, float, float, float]] = []
    for pool in pools:
        for token_in, token_out in permutations(pool.tokens, 2):
            edge = Edge(pool, token_in, token_out)
            if not {edge.token_in, edge.token_out} <= reference.keys():
                continue
            curve = pool.price_curve(token_in, token_out)
            if isinstance(curve, Ladder):
                segments = _oriented(curve.scaled(reference[token_in], reference[token_out]))
                rows.extend((len(edges), *segment) for segment in segments)
                edges.append(edge)
    columns = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return Network(
        tokens=tokens,
        usd=np.array([reference[token] for token in tokens]),
        edges=tuple(edges),
        source=np.array([number[edge.token_in] for edge in edges], dtype=np.intp),
        target=np.array([number[edge.token_out] for edge in edges], dtype=np.intp),
        gamma=np.array([1 - edge.pool.fee / FEE_UNIT for edge in edges]),
        segment_edge=columns[:, 0].astype(np.intp),
        low=columns[:, 1],
        high=columns[:, 2],
        liquidity=columns[:, 3],
    )


def _sum_by(groups: Ints, amounts: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(groups, amounts, count), dtype=np.float64)


def _usable(pool: Pool, traded: set[str], hubs: frozenset[str] | None) -> bool:
    return hubs is None or all(token in traded or token in hubs for token in pool.tokens)


def _oriented(curve: Ladder) -> list[tuple[float, float, float]]:
    rows = list(zip(curve.low.tolist(), curve.high.tolist(), curve.liquidity.tolist(), strict=True))
    low, high, liquidity = rows[-1]
    rows[-1] = (low, low + (high - low) * _STOP_SHORT, liquidity)
    return rows


def _reference_prices(problem: RebalanceProblem, pools: list[Pool], traded: set[str]) -> dict[str, float]:
    """USD per base unit: the oracle's for tokens it prices, else the deepest pool's against a token already priced.

    They only scale the numbers. Tokens that no chain of pools connects to the assets that trade are left out.
    """
    usd = {token: problem.prices[token] / WAD / 10 ** problem.decimals[token] for token in traded}
    while True:
        depth: dict[str, float] = {}
        found: dict[str, float] = {}
        for pool in pools:
            for hub, known in permutations(pool.tokens, 2):
                curve = pool.price_curve(hub, known) if known in usd and hub not in usd else None
                if not isinstance(curve, Ladder):
                    continue
                price = _oracle_price(problem, hub) or pool.marginal_price(hub, known) * usd[known]
                deep = float(curve.liquidity[0]) * sqrt(price * usd[known])
                if deep > depth.get(hub, 0.0):
                    depth[hub], found[hub] = deep, price
        if not found:
            return usd
        usd |= found


def _oracle_price(problem: RebalanceProblem, token: str) -> float:
    if token not in problem.prices or token not in problem.decimals:
        return 0.0
    return problem.prices[token] / WAD / float(10 ** problem.decimals[token])
