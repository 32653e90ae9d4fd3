"""What the router is asked: pools, oracle prices, what may be sold, what may be bought, and at what cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from keeper.errors import ConfigurationError, OracleError
from keeper.markets import Pool

WAD = 10**18
BPS = 10_000
UNLIMITED = 2**256 - 1


def value_down(amount: int, price: int, decimals: int) -> int:
    """WAD USD of `amount` base units at `price` WAD USD per whole token, rounded down: for what the vault receives."""
    return amount * price // int(10**decimals)


def value_up(amount: int, price: int, decimals: int) -> int:
    """WAD USD of `amount` base units at `price` WAD USD per whole token, rounded up: for what the vault gives."""
    return -(-amount * price // int(10**decimals))


class Goal(Enum):
    """What a route is for."""

    REBALANCE = "rebalance"  # remove as much drift as is worth its cost
    EXACT_IN = "exact in"  # sell all of the surplus for as much as it brings
    EXACT_OUT = "exact out"  # fill the deficit for as little as it takes


@dataclass(frozen=True, slots=True)
class RouteLimits:
    """How much a rebalance may cost against the oracle, gas aside.

    `max_cost_bps` and `min_ratio` (WAD, the vault's price bound) both bound the whole route: value_in must reach
    value_out * (1 - max_cost_bps / 10_000) and value_out * min_ratio. Above 1e18, `min_ratio` asks for a gain.
    `max_loss` (WAD USD) bounds what the whole route loses, whatever its size.
    `max_marginal_bps` bounds the last dollar sold, and so says what removing a dollar of drift is worth: a leg that
    does not save or earn its gas at that rate is left out.
    """

    max_cost_bps: int | None = None
    min_ratio: int | None = None
    max_loss: int | None = None
    max_marginal_bps: int = 1_000

    def __post_init__(self) -> None:
        if self.max_cost_bps is not None and not -BPS < self.max_cost_bps <= BPS:
            raise ConfigurationError(f"max_cost_bps {self.max_cost_bps} is not within {1 - BPS}..{BPS}")
        if self.min_ratio is not None and not 0 <= self.min_ratio < 2 * WAD:
            raise ConfigurationError(f"min_ratio {self.min_ratio} is not a WAD below 2e18")
        if self.max_loss is not None and self.max_loss < 0:
            raise ConfigurationError(f"max_loss {self.max_loss} is negative")
        if not 0 < self.max_marginal_bps <= 9_000:
            raise ConfigurationError(f"max_marginal_bps {self.max_marginal_bps} is not within 1..9000")

    @property
    def floor(self) -> int:
        """The least value_in / value_out, WAD: the stricter of the two limits on the whole route."""
        by_cost = 0 if self.max_cost_bps is None else (BPS - self.max_cost_bps) * WAD // BPS
        return max(by_cost, self.min_ratio or 0)


@dataclass(frozen=True, slots=True)
class RebalanceProblem:
    """What may be sold and bought at one block.

    `prices` are WAD USD per whole token; assets that trade need one, hubs may do without. `surplus` may be sold and
    `deficit` may be bought, base units at most; UNLIMITED on one side of a swap. `hubs` are the other tokens that a route
    may pass through, None for every token the pools share. `gas_price_wei` and `eth_price_wad` (WAD USD) price a leg's
    gas; zero makes it free. A `goal` other than a rebalance is a swap at any cost. Raises ConfigurationError, OracleError.
    """

    pools: tuple[Pool, ...]
    prices: Mapping[str, int]
    decimals: Mapping[str, int]
    surplus: Mapping[str, int]
    deficit: Mapping[str, int]
    hubs: frozenset[str] | None = None
    gas_price_wei: int = 0
    eth_price_wad: int = 0
    max_legs: int = 40
    goal: Goal = Goal.REBALANCE

    def __post_init__(self) -> None:
        both = self.surplus.keys() & self.deficit.keys()
        if both:
            raise ConfigurationError(f"{min(both)} is both in surplus and in deficit")
        for token, amount in (*self.surplus.items(), *self.deficit.items()):
            if amount < 0:
                raise ConfigurationError(f"{token}: amount {amount} is negative")
            if self.prices.get(token, 0) <= 0:
                raise OracleError(f"{token} trades but has no price")
            if token not in self.decimals:
                raise ConfigurationError(f"{token} trades but its decimals are not given")
        if len({pool.address for pool in self.pools}) != len(self.pools):
            raise ConfigurationError("a pool is given twice")
        if self.max_legs < 1 or self.gas_price_wei < 0 or self.eth_price_wad < 0:
            raise ConfigurationError("max_legs must be at least 1, gas and ETH price at least 0")
        limited = self.surplus if self.goal is Goal.EXACT_IN else self.deficit if self.goal is Goal.EXACT_OUT else {}
        if any(amount == UNLIMITED for amount in limited.values()):
            raise ConfigurationError("the exact side of a swap needs amounts")
        if all(UNLIMITED in side.values() for side in (self.surplus, self.deficit)):
            raise ConfigurationError("one side at least needs amounts")

    def gas_value(self, gas: int) -> int:
        """WAD USD of `gas`, rounded up."""
        return -(-gas * self.gas_price_wei * self.eth_price_wad // WAD)

    def sold_value(self, sold: Mapping[str, int]) -> int:
        """WAD USD that leaves the vault, each asset rounded up as the vault does."""
        return sum(value_up(amount, self.prices[token], self.decimals[token]) for token, amount in sold.items())

    def bought_value(self, bought: Mapping[str, int]) -> int:
        """WAD USD that reaches the vault, each asset rounded down as the vault does."""
        return sum(value_down(amount, self.prices[token], self.decimals[token]) for token, amount in bought.items())
