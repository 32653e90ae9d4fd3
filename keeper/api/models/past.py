"""A vault's past, and its next step."""

from typing import Literal

from pydantic import Field

from keeper.api.models.common import Address, Amount, Block, Hash, Shape, Time, Wad


class Leg(Shape):
    """A swap."""

    pool: Address
    venue: str | None = Field(description="None where the pool does not tell.")
    token_in: Address
    token_out: Address
    symbol_in: str
    symbol_out: str
    decimals_in: int | None
    decimals_out: int | None
    amount_in: Amount
    amount_out: Amount


class Rebalance(Shape):
    """One fill, and what it cost: the oracle difference is pool fees, impact and what was kept, to the unit. USD."""

    transaction: Hash
    block: Block
    value_out: Wad
    value_in: Wad
    drift_before: Wad
    drift_after: Wad
    oracle_difference: Wad = Field(description="Value out less value in, at the oracle's prices.")
    pool_fees: Wad
    impact: Wad
    kept: Wad = Field(description="By the executor's owner; below zero: added.")
    gas: Wad | None = Field(description="USD; paid by whoever sent it, not by the vault.")
    gas_wei: Amount
    legs: list[Leg]


class Rebalances(Shape):
    """The fills of a vault, newest first."""

    chain_id: int
    vault: Address
    block: Block = Field(description="Up to which was read.")
    rebalances: list[Rebalance]
    next_before: int | None = Field(description="`before` of the next page; none: this is the last.")


class NavPoint(Shape):
    """A vault at the end of a block. USD; hold is the first basket, kept; target one that is at its targets at no cost."""

    block: int
    time: Time
    nav: Wad
    nav_per_share: Wad
    hold: Wad | None
    target: Wad


class NavHistory(Shape):
    """NAV over time, oldest first."""

    chain_id: int
    vault: Address
    block: Block = Field(description="Up to which was read.")
    points: list[NavPoint]


class Alternative(Shape):
    """A way to rebalance that was looked at."""

    name: str
    worth: Wad | None = Field(description="USD that its beneficiary ends with.")
    left_out: str | None


class Decision(Shape):
    """What the keeper would do now, and why; nothing is sent."""

    chain_id: int
    vault: Address
    block: Block
    kind: Literal["open", "rebalance", "wait"]
    reason: str
    until: Time | None = Field(description="When a wait is over, as far as is known.")
    value_out: Wad | None
    value_in: Wad | None
    gas_cost: Wad | None = Field(description="USD.")
    simulated_gas: int | None
    partial_reason: str | None = Field(description="Why less trades than the vault would allow.")
    gap_bps: float | None = Field(description="How much better any other route could be, at most.")
    legs: list[Leg]
    alternatives: list[Alternative]
