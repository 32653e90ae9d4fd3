"""What accounts have."""

from typing import Literal

from pydantic import Field

from keeper.api.models.common import Address, Amount, Block, Shape, Time, Wad


class Lot(Shape):
    """Shares that came at once. Of what came from elsewhere cost and time are not known."""

    quantity: Amount
    cost: Wad | None = Field(description="USD.")
    acquired_at: Time | None
    source: str
    transaction: str


class Disposal(Shape):
    """Shares that went."""

    quantity: Amount
    proceeds: Wad
    basis: Wad | None
    gain: Wad | None
    acquired_at: Time | None
    disposed_at: Time
    source: str
    transaction: str


class Share(Shape):
    """What the account's shares hold of an asset, before fees."""

    asset: Address
    symbol: str
    decimals: int
    amount: Amount


class Claim(Shape):
    """What a redemption could not pay of an asset: the vault keeps it for the account, whose `claim` fetches it."""

    asset: Address
    symbol: str
    decimals: int
    amount: Amount


class Position(Shape):
    """What an account has of one vault. `books_problem` says why nothing is known of the past; bookkeeping, not tax advice."""

    chain_id: int
    vault: Address
    name: str
    symbol: str
    block: Block
    shares: Amount
    decimals: int
    value: Wad | None = Field(description="USD.")
    assets: list[Share]
    claims: list[Claim] = Field(description="Also on assets that left the basket, where the past is known.")
    cost: Wad | None = Field(description="USD that the shares cost; none where some have no known cost.")
    unrealised_gain: Wad | None
    realised_gain: Wad | None
    lots: list[Lot] | None
    disposals: list[Disposal] | None
    books_problem: str | None


class Positions(Shape):
    """What an account has of the vaults of this server."""

    account: Address
    method: Literal["fifo", "lifo", "hifo", "average"]
    positions: list[Position]
    unread: list[Address] = Field(description="Vaults that could not be read.")
