"""Mint and redeem in kind."""

from typing import Literal

from pydantic import Field

from keeper.api.models.common import Address, Amount, Block, Shape, Wad
from keeper.api.models.transactions import Unsigned


class Part(Shape):
    """One asset of a quote, in basket order. `balance` and `allowance` are the account's, where one is named."""

    asset: Address
    symbol: str
    decimals: int
    amount: Amount
    limit: Amount = Field(description="Taken at most, or paid at least: what the transaction says.")
    value: Wad | None = Field(description="USD.")
    balance: Amount | None
    allowance: Amount | None
    approval: Amount | None = Field(description="That the account has to give the vault before; none: it has.")


class Quote(Shape):
    """What a mint takes or a redemption pays, in kind, at a block."""

    chain_id: int
    vault: Address
    block: Block
    way: Literal["mint", "redeem"]
    shares: Amount
    decimals: int = Field(description="Of the shares.")
    fee: Amount = Field(description="In shares: of a mint on top, of a redemption a part of them.")
    slippage_bps: int
    value: Wad | None = Field(description="USD.")
    parts: list[Part]
    account: Address | None
    shares_held: Amount | None = Field(description="By the account.")
    problem: str | None = Field(description="Why the vault would refuse this now.")
    shortfall: str | None = Field(description="What the account lacks.")


class Transactions(Unsigned):
    """The transactions of a mint or a redemption, in order. Every one has to be mined before the next is sent."""

    quote: Quote
