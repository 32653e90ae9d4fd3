"""Unsigned transactions, and what they would do."""

from typing import Literal

from pydantic import Field

from keeper.api.models.common import Address, Amount, Hex, Shape, Time


class Transaction(Shape):
    """One unsigned transaction, for a wallet."""

    kind: Literal["approve", "reset", "mint", "redeem", "zap"]
    to: Address
    data: Hex
    value: Amount = Field(description="Wei.")
    gas: int | None = Field(description="A limit with room to spare; none where it could not be simulated or reverts.")
    asset: Address | None = Field(description="That is approved.")
    symbol: str | None
    amount: Amount | None = Field(description="That is approved.")
    decimals: int | None


class Simulation(Shape):
    """What the transactions would do one after the other, on top of the quote's block."""

    is_simulated: bool = Field(description="False where the chain's endpoint cannot.")
    succeeds: bool | None
    failed: int | None = Field(description="Place of the transaction that reverts.")
    reason: str | None = Field(description="As the contract says it.")
    words: str | None = Field(description="What that means, and the mend.")


class Unsigned(Shape):
    """Transactions in order. Every one has to be mined before the next is sent."""

    chain_id: int
    sender: Address
    receiver: Address
    deadline: Time
    transactions: list[Transaction]
    simulation: Simulation
