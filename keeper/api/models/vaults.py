"""Vaults: the list, and each one."""

from typing import Literal

from pydantic import Field

from keeper.api.models.common import Address, Amount, Block, Seconds, Shape, Time, Wad
from keeper.api.models.zaps import Zap

Trigger = Literal["interval", "band", "targets"]


class VaultSummary(Shape):
    """A row of the list. `problem` says why a vault could not be read; then nothing else is known."""

    chain_id: int
    address: Address
    name: str | None
    symbol: str | None
    decimals: int = Field(description="Of the shares.")
    supply: Amount | None
    nav: Wad | None
    nav_per_share: Wad | None
    drift: Wad | None
    paused: bool | None
    is_shut_down: bool | None
    is_rebalancing: bool | None
    assets: list[str] = Field(description="Symbols, in basket order.")
    block: Block | None
    problem: str | None


class VaultList(Shape):
    """The vaults of the settings."""

    vaults: list[VaultSummary]


class Holding(Shape):
    """One asset of the basket, against its target and its band."""

    asset: Address
    symbol: str
    decimals: int
    amount: Amount
    price: Wad | None = Field(description="USD per whole token.")
    value: Wad | None = Field(description="USD.")
    weight: Wad | None
    target: Wad = Field(description="Now.")
    final_target: Wad = Field(description="From the end of a scheduled change on.")
    band: Wad = Field(description="Half-width around the target.")
    is_outside_band: bool | None


class Fees(Shape):
    """What the vault charges, in shares."""

    recipient: Address
    streaming: Wad = Field(description="Share a year.")
    mint: Wad = Field(description="Share of the shares made.")
    redeem: Wad = Field(description="Share of the shares redeemed.")


class Terms(Shape):
    """When a rebalance opens, and what bounds it."""

    triggers: list[Trigger]
    require_all: bool
    interval: Seconds
    cooldown: Seconds
    duration: Seconds
    start_premium: Wad
    max_discount: Wad
    closing_tolerance: Wad
    max_loss: Wad
    loss_window: Seconds


class Rebalancing(Shape):
    """The rebalance that is open, or what would open one."""

    is_open: bool
    trigger: list[Trigger] | None = Field(description="The reasons that hold now; none: nothing is due.")
    price_bound: Wad = Field(description="Least value in per value out; while none is open, at the opening.")
    opened_at: Time | None
    closes_at: Time | None
    closed_at: Time | None = Field(description="End of the last opening.")
    completed_at: Time | None = Field(description="When a rebalance last reached the targets.")
    head_start: Seconds = Field(description="From the opening on, in which only listed keepers may fill.")
    loss: Wad = Field(description="Of NAV, that counts against the loss budget now.")
    terms: Terms


class Role(Shape):
    """Who may do what."""

    name: Literal["owner", "guardian", "strategist", "oracle owner", "fee recipient", "anybody"]
    holder: Address | None
    pending: Address | None = Field(description="Who may accept the role.")
    is_contract: bool = Field(description="Whether the holder is one, such as a timelock.")
    may: str


class Vault(Shape):
    """A vault at a block."""

    chain_id: int
    address: Address
    block: Block
    name: str
    symbol: str
    decimals: int = Field(description="Of the shares.")
    supply: Amount = Field(description="With the streaming fee that is due.")
    supply_cap: Amount
    nav: Wad | None = Field(description="USD.")
    nav_per_share: Wad | None = Field(description="USD.")
    drift: Wad | None = Field(description="Half the sum of all distances from target: the share of NAV that is off.")
    paused: bool
    is_shut_down: bool
    problem: str | None = Field(description="Why there are no prices.")
    holdings: list[Holding]
    targets_start: Time = Field(description="Of the last scheduled change.")
    targets_end: Time
    rebalancing: Rebalancing
    fees: Fees
    roles: list[Role]
    rebalancer: Address
    oracle: Address
    zap: Zap | None = Field(description="None where the server's settings have none.")
