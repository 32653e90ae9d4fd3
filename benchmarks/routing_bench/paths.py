"""Swaps along one path after the other, exactly: what a route of hops pays, and the best single path there is.

The single path is what a wallet does that asks for no split. It is exact over all pools of the market, up to three hops: the
more there is of a token the more it buys, so the best way to have a token in between is the one with most of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keeper.markets import InsufficientLiquidity, Pool

MAX_HOPS = 3
_FLOATS = 1 + 1e-9  # more than the marginal price's floats can be wrong by


@dataclass(frozen=True, slots=True, eq=False)
class Hop:
    """One swap of a path: one direction of one pool, which is the same object wherever it is met."""

    pool: Pool
    token_in: str
    token_out: str


Path = tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """What a path pays, base units, for an amount on the pools as they are."""

    path: Path
    amount_in: int
    amount_out: int


class Market:
    """Pools by the tokens they sell."""

    def __init__(self, pools: Iterable[Pool]) -> None:
        self._hops: dict[tuple[str, str], list[Hop]] = {}
        self._next: dict[str, set[str]] = {}
        self._marginal: dict[Hop, float] = {}
        for pool in pools:
            for token_in in pool.tokens:
                for token_out in pool.tokens:
                    if token_in != token_out:
                        self._hops.setdefault((token_in, token_out), []).append(Hop(pool, token_in, token_out))
                        self._next.setdefault(token_in, set()).add(token_out)

    def hops(self, token_in: str, token_out: str) -> list[Hop]:
        """Every pool that swaps one for the other."""
        return self._hops.get((token_in, token_out), [])

    def after(self, token: str) -> set[str]:
        """What can be bought with a token."""
        return self._next.get(token, set())

    def marginal_price(self, hop: Hop) -> float:
        """Output for the next unit of input, both in base units; remembered."""
        if hop not in self._marginal:
            self._marginal[hop] = hop.pool.marginal_price(hop.token_in, hop.token_out)
        return self._marginal[hop]

    def paths(self, token_in: str, token_out: str, most: int = MAX_HOPS) -> list[Path]:
        """Every path of up to `most` hops that meets no token and no pool twice."""
        found: list[Path] = []

        def extend(path: Path, token: str, met: frozenset[str]) -> None:
            for following in sorted(self.after(token) - met):
                for hop in self.hops(token, following):
                    if any(hop.pool is earlier.pool for earlier in path):
                        continue
                    if following == token_out:
                        found.append((*path, hop))
                    elif len(path) + 1 < most:
                        extend((*path, hop), following, met | {following})

        extend((), token_in, frozenset({token_in}))
        return found


def amount_out(path: Path, amount_in: int, known: dict[tuple[Path, int], int] | None = None) -> int:
    """What `path` pays for `amount_in`; 0 where a pool cannot take what it gets.

    `known` keeps the answers, since many paths begin alike.
    """
    if not path:
        return amount_in
    if known is not None and (path, amount_in) in known:
        return known[path, amount_in]
    *before, last = path
    held = amount_out(tuple(before), amount_in, known)
    try:
        out = last.pool.amount_out(last.token_in, last.token_out, held)
    except InsufficientLiquidity:
        out = 0
    if known is not None:
        known[path, amount_in] = out
    return out


def best_single_path(market: Market, token_in: str, token_out: str, amount_in: int) -> Quote | None:
    """The path of up to three hops that pays most for all of `amount_in`; None if none takes it.

    No pool is met twice: one that trades many tokens pays more for going straight through it.
    """
    best: Quote | None = None
    reached = {token_in: Quote((), amount_in, amount_in)}
    for hops_left in reversed(range(MAX_HOPS)):
        further: dict[str, Quote] = {}
        for token, quote in reached.items():
            ahead = market.after(token) if hops_left else market.after(token) & {token_out}
            for target in ahead - {token_in}:
                hops = market.hops(token, target)
                if target == token_out:
                    best = _furthest(market, quote, hops, best)
                else:
                    there = _furthest(market, quote, hops, further.get(target))
                    if there is not None:
                        further[target] = there
        reached = further
    return best


def _furthest(market: Market, quote: Quote, hops: list[Hop], best: Quote | None) -> Quote | None:
    """`quote` continued by the hop that pays most, or `best` if that is more."""
    used = {hop.pool.address for hop in quote.path}
    for hop in hops:
        # Nothing pays better than its first unit, which spares most of the exact swaps.
        if hop.pool.address in used or (
            best is not None and quote.amount_out * market.marginal_price(hop) * _FLOATS <= best.amount_out
        ):
            continue
        out = amount_out((hop,), quote.amount_out)
        if out > (0 if best is None else best.amount_out):
            best = Quote((*quote.path, hop), quote.amount_in, out)
    return best
