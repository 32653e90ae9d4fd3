"""The router's answer: legs in the order of execution, and their exact replay.

A leg takes a share of what the executor holds of its input token at that moment. A fill that the vault clamps to
less than planned therefore runs the same legs on less and still leaves no intermediate token behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from keeper.errors import NoRoute
from keeper.markets import Pool
from keeper.routing.certificate import Certificate
from keeper.routing.problem import BPS, WAD


@dataclass(frozen=True, slots=True)
class Leg:
    """One swap. `share` (WAD, floor) of the balance of `token_in` goes in; amounts are what a full fill moves.

    The last leg on a token that has to be used up has a share of exactly 1e18. `fee` is the pool's, in ppm.
    """

    pool: str
    venue: str
    token_in: str
    token_out: str
    amount_in: int
    amount_out: int
    share: int
    fee: int


@dataclass(frozen=True, slots=True)
class Route:
    """A rebalance: what is sold and bought in base units, and their values in WAD USD at oracle prices.

    Every leg that brings a token runs before the legs that spend it, and a pool appears at most once. `gas` is the
    legs' own. `partial_reason` says in one line why less trades than the vault would allow; None if nothing is left.
    `certificate` says how much better any other route could be; the solver gives one to every route that it returns.
    """

    legs: tuple[Leg, ...]
    sold: Mapping[str, int]
    bought: Mapping[str, int]
    value_out: int
    value_in: int
    gas: int
    partial_reason: str | None = None
    certificate: Certificate | None = None

    @property
    def cost_bps(self) -> Decimal:
        """Cost against the oracle in basis points of the value sold, gas aside; negative is a gain."""
        if self.value_out == 0:
            return Decimal(0)
        return Decimal((self.value_out - self.value_in) * BPS) / Decimal(self.value_out)


def replay(route: Route, pools: Iterable[Pool], sold: Mapping[str, int]) -> dict[str, int]:
    """What the executor holds after `route` when it starts with `sold`: exactly what the chain would give.

    `sold` may be less than planned, or even a token less. A leg that finds nothing to swap is skipped. Raises
    NoRoute if a leg's pool is not among `pools`, InsufficientLiquidity if one cannot take its amount.
    """
    states = {pool.address: pool for pool in pools}
    balances = dict(sold)
    for leg in route.legs:
        if leg.pool not in states:
            raise NoRoute(f"pool {leg.pool} of the route is not among the pools given")
        amount_in = balances.get(leg.token_in, 0) * leg.share // WAD
        if amount_in == 0:
            continue
        amount_out, states[leg.pool] = states[leg.pool].swap(leg.token_in, leg.token_out, amount_in)
        balances[leg.token_in] -= amount_in
        balances[leg.token_out] = balances.get(leg.token_out, 0) + amount_out
    return {token: amount for token, amount in balances.items() if amount}
