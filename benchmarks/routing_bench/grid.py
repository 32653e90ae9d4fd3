"""A split router as Uniswap's smart-order-router is (alpha-router, its mainnet defaults, November 2026).

Candidate pools by what they hold, per venue; every path of up to three hops through them; an exact quote of each at every
5 % of the amount; then, breadth first, combinations of paths that share no pool, up to seven, of which the one that pays
most net of gas is taken. Ours is more generous in one thing: quotes are exact replays, none is dropped for lack of gas.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from keeper.markets import Pool
from routing_bench.paths import Market, Path, Quote, amount_out
from routing_bench.universe import Universe

STEP = 5  # percent, distributionPercent
MAX_SPLITS = 7
BASE_TOKENS = 5  # the hubs that candidate pools are sought with

# Pools to take, the deepest first: of all, between the two tokens, with either token, with what those lead to, and with
# each base token and all of them together.
TOP, TOP_DIRECT, TOP_IN_OUT, TOP_SECOND_HOP, TOP_WITH_EACH_BASE, TOP_WITH_BASE = 2, 2, 3, 1, 3, 5


@dataclass(frozen=True, slots=True)
class Split:
    """Paths that share no pool, each with its part of the input; `amount_out` is their sum, `gas` that of all hops."""

    quotes: tuple[Quote, ...]

    @property
    def amount_out(self) -> int:
        """Base units."""
        return sum(quote.amount_out for quote in self.quotes)

    @property
    def gas(self) -> int:
        """Of all hops."""
        return sum(gas_of(quote.path) for quote in self.quotes)


def gas_of(path: Path) -> int:
    """Of all its hops."""
    return sum(hop.pool.swap_gas for hop in path)


def grid_split(
    market: Universe, token_in: str, token_out: str, amount_in: int, gas_units: Callable[[int], float] = lambda gas: 0.0
) -> Split | None:
    """What the grid finds for `amount_in`; None if no path takes all of it.

    `gas_units` turns gas into base units of the output.
    """
    bases = [token.address for token in market.tokens[:BASE_TOKENS]]
    pools = candidates(market, token_in, token_out, bases)
    return best_split(Market(pools).paths(token_in, token_out), amount_in, gas_units)


def candidates(market: Universe, token_in: str, token_out: str, bases: Sequence[str]) -> list[Pool]:
    """The pools that paths may go through, chosen in each venue by itself."""
    chosen: dict[str, Pool] = {}
    for venue in sorted({pool.venue for pool in market.pools}):
        pools = [pool for pool in market.pools if pool.venue == venue]
        pools.sort(key=lambda pool: market.depth_usd[pool.address], reverse=True)
        chosen |= {pool.address: pool for pool in _of_venue(pools, token_in, token_out, bases)}
    return list(chosen.values())


def _of_venue(deepest: Sequence[Pool], token_in: str, token_out: str, bases: Sequence[str]) -> list[Pool]:
    chosen: dict[str, Pool] = {}

    def take(count: int, *tokens: str, among: Iterable[Pool] = deepest) -> list[Pool]:
        """The deepest pools with all of `tokens` that are not taken yet."""
        found = [p for p in among if p.address not in chosen and all(token in p.tokens for token in tokens)][:count]
        chosen.update((pool.address, pool) for pool in found)
        return found

    for token in (token_in, token_out):
        with_bases = [
            pool
            for base in bases
            if base != token
            for pool in [p for p in deepest if token in p.tokens and base in p.tokens][:TOP_WITH_EACH_BASE]
        ]
        with_bases.sort(key=deepest.index)
        take(TOP_WITH_BASE, token, among=with_bases)
    take(TOP_DIRECT, token_in, token_out)
    take(TOP)
    for token in (token_in, token_out):
        for pool in take(TOP_IN_OUT, token):
            for other in pool.tokens:
                if other not in (token_in, token_out):
                    take(TOP_SECOND_HOP, other)
    return list(chosen.values())


class _Partial(NamedTuple):
    """Paths chosen so far, what percent is left, and the largest part that another may get."""

    quotes: tuple[Quote, ...]
    worth: float
    left: int
    largest: int


def best_split(paths: Iterable[Path], amount_in: int, gas_units: Callable[[int], float]) -> Split | None:
    """The best combination that the search meets: parts do not grow, and each is the best path free for its percent."""
    parts = {percent: amount_in * percent // 100 for percent in range(STEP, 101, STEP)}
    ranked = _ranked(list(paths), parts, gas_units)
    if not ranked[100]:
        return None
    best = _Partial((ranked[100][0],), _worth(ranked[100][0], gas_units), 0, 100)
    queue = deque(
        _Partial((quote,), _worth(quote, gas_units), 100 - percent, percent)
        for percent in reversed(parts)
        for quote in ranked[percent][:2]
    )
    for splits in range(2, MAX_SPLITS + 1):
        if splits >= 3 and len(best.quotes) < splits - 1:
            break  # another part did not help, so still another will not
        for _ in range(len(queue)):
            partial = queue.popleft()
            used = {hop.pool.address for quote in partial.quotes for hop in quote.path}
            for percent in range(min(partial.largest, partial.left), 0, -STEP):
                free = next((q for q in ranked[percent] if not any(h.pool.address in used for h in q.path)), None)
                if free is None:
                    continue
                longer = _Partial(
                    (*partial.quotes, free),
                    partial.worth + _worth(free, gas_units),
                    partial.left - percent,
                    percent,
                )
                if longer.left:
                    queue.append(longer)
                elif longer.worth > best.worth:
                    best = longer
    *others, last = best.quotes
    rest = amount_in - sum(quote.amount_in for quote in others)  # what rounding left goes with the last
    return Split((*others, Quote(last.path, rest, amount_out(last.path, rest))))


def _ranked(paths: list[Path], parts: dict[int, int], gas_units: Callable[[int], float]) -> dict[int, list[Quote]]:
    """For each percent, what every path pays, the best first."""
    known: dict[tuple[Path, int], int] = {}
    ranked: dict[int, list[Quote]] = {}
    for percent, part in parts.items():
        quotes = [Quote(path, part, amount_out(path, part, known)) for path in paths]
        ranked[percent] = sorted(
            (quote for quote in quotes if quote.amount_out),
            key=lambda quote: _worth(quote, gas_units),
            reverse=True,
        )
    return ranked


def _worth(quote: Quote, gas_units: Callable[[int], float]) -> float:
    return quote.amount_out - gas_units(gas_of(quote.path))
