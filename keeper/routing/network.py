"""Pools as flat arrays in USD units, and what all of them trade at given prices.

Everything is floats scaled so that one unit of any token is one dollar at its reference price: raw base units, which
range over thirty decades, make the solver fail silently. A pool is an edge for each direction of each of its pairs; an
edge is a run of segments, each a constant product with fixed liquidity L. With z the square root of the input per output
price, moving z upwards from `low` to `high` takes L * (high - low) of the input and pays L * (1/low - 1/high) of the output.
Curves of other kinds are laid out in such segments once (`ladders`), which lets one formula answer for every venue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from keeper.markets import Pool
from keeper.markets.price_curves import Ladder, Power, PriceCurve, Rate, SmoothCurve
from keeper.markets.stable_curve import Stable
from keeper.routing.descent import Arrays, Trades, best_trades
from keeper.routing.ladders import as_ladders

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]

# A guess that ends just short of a pool's last liquidity can be carried out exactly; one that ends on it may not.
_STOP_SHORT = 1 - 1e-5
# How much deeper than any pool a wrapper counts at least.
_RATE_DEPTH = 100
_PER_EDGE = (
    "source",
    "target",
    "gamma_in",
    "gamma_out",
    "scale",
    "half_log_gamma",
    "hurdle",
    "pool",
    "kind",
    "parameters",
)
_PER_SEGMENT = ("low", "high", "end", "liquidity", "before_in", "before_out")


_Direction = tuple[Pool, str, str, PriceCurve]


# The curves that answer for many of their kind at once.
KINDS: tuple[type[SmoothCurve], ...] = (Power, Stable, Rate)


class Edge(NamedTuple):
    """One direction of one pair of one pool; the curve is in USD units."""

    pool: Pool
    token_in: str
    token_out: str
    curve: PriceCurve


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Edges and their segments as arrays.

    `usd` is USD per base unit of each token; `gamma` what both fees together leave, per edge; `scale` the part of an
    edge's depth that is used, 1 but for `no_deeper_than`; `hurdle` how far half the logarithm of the output's price by the
    input's has to be up for a trade to begin. Segments of an edge are neighbours, nearest first, from
    `first` to `last`; `before_in` and `before_out` are what the ones before a segment take and pay. `high` is where a
    trade stops, just short of the last segment's `end`.

    `pool` numbers the pools, and `kind` the smooth curves' classes in KINDS, -1 for a ladder, with their `parameters`
    [edges, most]: what the certificate asks.
    """

    tokens: tuple[str, ...]
    usd: Floats
    edges: tuple[Edge, ...]
    source: Ints
    target: Ints
    gamma_in: Floats
    gamma_out: Floats
    scale: Floats
    half_log_gamma: Floats
    hurdle: Floats
    pool: Ints
    kind: Ints
    parameters: Floats
    first: Ints
    last: Ints
    low: Floats
    high: Floats
    end: Floats
    liquidity: Floats
    before_in: Floats
    before_out: Floats

    @property
    def is_rate(self) -> Bools:
        """Which edges are wrappers."""
        return np.asarray(self.kind == KINDS.index(Rate), dtype=np.bool_)

    def arrays(self) -> Arrays:
        """What compiled code asks of it."""
        return Arrays(*(getattr(self, name) for name in Arrays._fields))

    def trades(self, log_prices: Floats) -> Trades:
        """Every edge's best trade at `log_prices`."""
        return best_trades(self.arrays(), log_prices)

    def curvature(self, pull: Floats) -> Floats:
        """Second derivative of the pools' profit by the log-prices at balanced flows: a graph Laplacian.

        A pool that is trading inside a segment pulls its two tokens together with its depth there; one that is not
        trading, or is used up, does not.

        :param pull: as of `Trades`
        """
        count = len(self.tokens)
        flat = sum_by(self.source * count + self.target, pull, count * count).reshape(count, count)
        flat = -(flat + flat.T)
        flat.flat[:: count + 1] -= flat.sum(axis=1)
        return flat

    def net_flow(self, trades: Trades) -> Floats:
        """USD of each token that the edges together pay (positive) or take (negative)."""
        count = len(self.tokens)
        return sum_by(self.target, trades.out, count) - sum_by(self.source, trades.paid, count)

    def only(self, edges: Ints) -> Network:
        """A network of these edges, in this order, over the same tokens."""
        counts = (self.last - self.first + 1)[edges]
        # Each run of segments, from its place here to its place there.
        shift = self.first[edges] - np.cumsum(counts) + counts
        segments = np.arange(counts.sum()) + np.repeat(shift, counts)
        return Network(
            tokens=self.tokens,
            usd=self.usd,
            edges=tuple(self.edges[edge] for edge in edges),
            **{name: getattr(self, name)[edges] for name in _PER_EDGE},
            **{name: getattr(self, name)[segments] for name in _PER_SEGMENT},
            **_places(counts),
        )

    def in_units_of(self, usd: float) -> Network:
        """The same in units of `usd` dollars."""
        return replace(
            self,
            liquidity=self.liquidity / usd,
            before_in=self.before_in / usd,
            before_out=self.before_out / usd,
        )

    def no_deeper_than(self, depth: float, rate_flow: float) -> Network:
        """The same edges with `depth` USD of liquidity at most next to the present price; deeper ones are scaled down.

        A wrapper's rate has no price impact at all; it is given that of a hundred times `depth`, over `rate_flow` at most.
        """
        scale = np.minimum(1.0, depth / self.liquidity[self.first])
        liquidity, high = self.liquidity, self.high
        is_rate = self.is_rate
        if is_rate.any():
            liquidity, high = liquidity.copy(), high.copy()
            at = self.first[is_rate]
            most = np.minimum(liquidity[at] * (self.end[at] - self.low[at]), rate_flow)
            liquidity[at] = depth * _RATE_DEPTH
            high[at] = self.low[at] + most / liquidity[at]
            scale[is_rate] = 1.0
        return replace(self, scale=scale, liquidity=liquidity, high=high)

    def fair(self) -> Network:
        """The same edges where none pays more than the reference prices: what it pays over them is charged as a fee."""
        cheaper = np.minimum(self.hurdle, 0.0)
        gamma_in = self.gamma_in * np.exp(2 * cheaper)
        return replace(
            self, gamma_in=gamma_in, half_log_gamma=self.half_log_gamma + cheaper, hurdle=self.hurdle - cheaper
        )

    def unshortened(self) -> Network:
        """The same edges up to the very end of their liquidity."""
        return replace(self, high=self.end)


def build(pools: Iterable[Pool], usd: Mapping[str, float], tokens: Set[str] | None = None) -> Network:
    """The pools as a network. `usd` is USD per base unit; tokens that are not in it are found from the pools.

    Found prices only scale the numbers: each is that of the deepest pool against a token already priced. Tokens that no
    chain of pools connects to one in `usd` are left out, with their pools; so are all that are not in `tokens`, if given.
    """
    directions = _directions(pools, tokens)
    reference = _reference_prices(directions, usd)
    names = tuple(sorted(reference))
    number = {token: at for at, token in enumerate(names)}
    edges = tuple(
        Edge(pool, token_in, token_out, curve.scaled(reference[token_in], reference[token_out]))
        for pool, token_in, token_out, curve in directions
        if token_in in reference and token_out in reference
    )
    kinds: dict[type, int] = {kind: number for number, kind in enumerate(KINDS)}
    ladders = as_ladders([edge.curve for edge in edges])
    low, end, liquidity = (
        _joined([getattr(ladder, name) for ladder in ladders]) for name in ("low", "high", "liquidity")
    )
    before_in = _joined([_before(ladder.liquidity * (ladder.high - ladder.low)) for ladder in ladders])
    before_out = _joined(
        [_before(ladder.liquidity * (ladder.high - ladder.low) / (ladder.low * ladder.high)) for ladder in ladders]
    )
    counts = np.array([len(ladder.low) for ladder in ladders], dtype=np.intp)
    places = _places(counts)
    gamma_in = np.array([edge.curve.gamma_in for edge in edges])
    gamma_out = np.array([edge.curve.gamma_out for edge in edges])
    half_log_gamma = np.log(gamma_in * gamma_out) / 2
    high, last = end.copy(), places["last"]
    high[last] = low[last] + (end[last] - low[last]) * _STOP_SHORT
    return Network(
        tokens=names,
        usd=np.array([reference[token] for token in names]),
        edges=edges,
        source=np.array([number[edge.token_in] for edge in edges], dtype=np.intp),
        target=np.array([number[edge.token_out] for edge in edges], dtype=np.intp),
        gamma_in=gamma_in,
        gamma_out=gamma_out,
        scale=np.ones(len(edges)),
        half_log_gamma=half_log_gamma,
        hurdle=np.log(low[places["first"]]) - half_log_gamma,
        pool=_pool_numbers(edges),
        kind=np.array([kinds.get(type(edge.curve), -1) for edge in edges], dtype=np.intp),
        parameters=_parameters(edges),
        low=low,
        high=high,
        end=end,
        liquidity=liquidity,
        before_in=before_in,
        before_out=before_out,
        **places,
    )


def _pool_numbers(edges: Iterable[Edge]) -> Ints:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(edge.pool.address, len(numbers)) for edge in edges], dtype=np.intp)


def _parameters(edges: Sequence[Edge]) -> Floats:
    rows = [() if isinstance(edge.curve, Ladder) else cast(SmoothCurve, edge.curve).parameters for edge in edges]
    most = max((len(row) for row in rows), default=0)
    return np.array([(*row, *(0.0,) * (most - len(row))) for row in rows], dtype=np.float64).reshape(len(rows), most)


def _places(counts: Ints) -> dict[str, Any]:
    """Where each edge's segments begin and end."""
    ends = np.cumsum(counts)
    return {"first": ends - counts, "last": ends - 1}


def _joined(parts: list[Floats]) -> Floats:
    return np.concatenate([np.zeros(0), *parts])


def reference_prices(pools: Iterable[Pool], usd: Mapping[str, float]) -> dict[str, float]:
    """USD per base unit of the tokens in `usd`, and of every token that pools connect to them, at the deepest pool."""
    return _reference_prices(_directions(pools), usd)


def sum_by(groups: Ints, amounts: Floats, count: int) -> Floats:
    """Sums of `amounts` by group number, `count` of them."""
    return np.asarray(np.bincount(groups, amounts, count), dtype=np.float64)


def _before(amounts: Floats) -> Floats:
    """What the stretches before each one sum to."""
    return np.cumsum(amounts) - amounts if len(amounts) > 1 else np.zeros(len(amounts))


def _directions(pools: Iterable[Pool], tokens: Set[str] | None = None) -> list[_Direction]:
    return [
        (pool, token_in, token_out, curve)
        for pool in pools
        for token_in, token_out in permutations(
            [token for token in pool.tokens if tokens is None or token in tokens], 2
        )
        if (curve := pool.price_curve(token_in, token_out)) is not None
    ]


def _reference_prices(directions: Iterable[_Direction], known: Mapping[str, float]) -> dict[str, float]:
    usd = dict(known)
    by_token: dict[str, list[tuple[Pool, str, PriceCurve]]] = {}
    for pool, token_in, token_out, curve in directions:
        by_token.setdefault(token_in, []).append((pool, token_out, curve))
    while True:
        found: dict[str, float] = {}
        for token, ways in by_token.items():
            if token in usd:
                continue
            priced = [
                (pool.marginal_price(token, other) * usd[other], curve.depth, usd[other], pool.address)
                for pool, other, curve in ways
                if other in usd
            ]
            if priced:
                deepest = max(priced, key=lambda way: (way[1] ** 2 * way[0] * way[2], way[3]))
                found[token] = deepest[0]
        found = {token: price for token, price in found.items() if price > 0}
        if not found:
            return usd
        usd |= found
