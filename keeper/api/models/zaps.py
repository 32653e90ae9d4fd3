"""Zaps: one token into shares, and back."""

from typing import Literal

from pydantic import Field

from keeper.api.models.common import Address, Amount, Block, Shape, Time, Wad
from keeper.api.models.transactions import Unsigned


class Coin(Shape):
    """A token, or the chain's coin."""

    address: Address | None = Field(description="None: the chain's coin.")
    symbol: str
    decimals: int


class Zap(Shape):
    """The IndexZap, and what it may be given or asked for. Whether pools lead there only a quote tells."""

    address: Address
    tokens: list[Coin]


class Returned(Shape):
    """What comes back beside what is wanted."""

    asset: Coin
    amount: Amount


class ZapLeg(Shape):
    """A swap of the zap."""

    venue: str
    pool: Address
    token_in: Coin
    token_out: Coin
    amount_in: Amount
    amount_out: Amount


class ZapCertificate(Shape):
    """How good the route is, with gas taken into account."""

    gap_bps: float = Field(description="How much better any other route could be, at most.")
    ceiling: Amount = Field(description="Of what is wanted, that no other route exceeds.")


class ZapQuote(Shape):
    """What comes of a zap, as the pools stand at a block."""

    chain_id: int
    vault: Address
    zap: Address
    block: Block
    way: Literal["mint", "redeem"]
    given: Coin
    wanted: Coin
    amount_in: Amount
    amount_out: Amount
    least_out: Amount = Field(description="Under which the transaction reverts.")
    slippage_bps: int
    value_in: Wad | None = Field(description="USD at the oracle's prices; none where it has none.")
    value_out: Wad | None = Field(description="USD at the oracle's prices; none where it has none.")
    price_impact_bps: float | None = Field(description="By how much less comes than is given, fees among it.")
    back: list[Returned]
    legs: list[ZapLeg]
    certificate: ZapCertificate | None = Field(
        description="None where nothing is swapped, or too little to bound it: less than the gas."
    )
    gas: int = Field(description="Of the zap alone, estimated on the safe side.")
    gas_price: Amount = Field(description="Wei.")
    account: Address | None
    balance: Amount | None = Field(description="Of what is given, by the account.")
    allowance: Amount | None = Field(description="Of what is given, to the zap; none for ether.")
    problem: str | None = Field(description="Why the vault would refuse this now.")
    shortfall: str | None = Field(description="What the account lacks.")


class Member(Shape):
    """A field of an EIP-712 type."""

    name: str
    type: str


class TypedData(Shape):
    """What `eth_signTypedData_v4` signs (EIP-712). Numbers of 256 bits are strings."""

    types: dict[str, list[Member]]
    primaryType: str  # noqa: N815 (EIP-712's own name)
    domain: dict[str, str | int]
    message: dict[str, str | dict[str, str]]


class Permit(Shape):
    """What may be signed in place of the approval, at no cost: it allows the zap this amount, until the deadline."""

    means: Literal["erc2612", "permit2"] = Field(description="The token's own permit, or a transfer of Permit2's.")
    nonce: str = Field(description="A number.")
    deadline: Time
    typed_data: TypedData


class ZapTransactions(Unsigned):
    """The transactions of a zap, in order. Every one has to be mined before the next is sent."""

    quote: ZapQuote
    permit: Permit | None = Field(
        description="Sign it and order again with the signature, and the zap needs no approval. None where nothing is "
        "to approve, the token or the account cannot do it, or the order brings a permit."
    )
