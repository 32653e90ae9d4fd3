"""The ledger's tables. Amounts are decimal strings: a uint256 fits no SQL integer. Times are unix seconds."""

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class State(StrEnum):
    """Where a transaction is on its way."""

    INTENT = "intent"  # written down, perhaps signed; whether it was sent is not known
    SENT = "sent"  # an endpoint took it
    MINED = "mined"  # in a block, and it did what it should
    FAILED = "failed"  # in a block and reverted, refused by the endpoint, or never sent


class Base(DeclarativeBase):
    """Base of the tables."""


class DecisionRow(Base):
    """One decision about one vault at one block."""

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[int]
    chain_id: Mapped[int]
    vault: Mapped[str]
    block_number: Mapped[int]
    block_hash: Mapped[str]
    armed: Mapped[bool]
    kind: Mapped[str]
    reason: Mapped[str]
    until: Mapped[int | None]
    nav: Mapped[str | None]  # WAD USD
    drift: Mapped[str | None]  # WAD
    value_out: Mapped[str | None]  # WAD USD, expected
    value_in: Mapped[str | None]  # WAD USD, expected
    gas_cost: Mapped[str | None]  # WAD USD, expected

    transactions: Mapped[list["TransactionRow"]] = relationship(back_populates="decision")

    __table_args__ = (Index("decisions_by_vault", "chain_id", "vault", "at"),)


class TransactionRow(Base):
    """One transaction that a decision led to."""

    __tablename__ = "transactions"

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"))
    at: Mapped[int]
    chain_id: Mapped[int]
    sender: Mapped[str]
    nonce: Mapped[int]
    target: Mapped[str]
    mode: Mapped[str]  # open or rebalance
    state: Mapped[State]
    # None while a node that signs has not answered; alike for a transaction that was given up and then sent after all.
    hash: Mapped[str | None] = mapped_column(index=True)
    max_fee: Mapped[str]  # wei per gas
    tip: Mapped[str]  # wei per gas
    gas_limit: Mapped[int]
    block_number: Mapped[int | None]
    block_hash: Mapped[str | None]
    gas_used: Mapped[int | None]
    gas_price: Mapped[str | None]  # wei per gas, paid
    value_out: Mapped[str | None]  # WAD USD, as the vault logged
    value_in: Mapped[str | None]  # WAD USD, as the vault logged
    error: Mapped[str | None]

    decision: Mapped[DecisionRow] = relationship(back_populates="transactions")
    legs: Mapped[list["LegRow"]] = relationship(
        back_populates="transaction", order_by="LegRow.position", cascade="all, delete-orphan"
    )

    __table_args__ = (Index("transactions_by_sender", "chain_id", "sender", "state"),)


class LegRow(Base):
    """One swap of a rebalance: as planned with the intent, as the executor logged it once mined."""

    __tablename__ = "legs"

    id: Mapped[int] = mapped_column(primary_key=True)
    transaction_id: Mapped[int] = mapped_column(ForeignKey("transactions.id"))
    position: Mapped[int]
    pool: Mapped[str]
    venue: Mapped[str]
    token_in: Mapped[str]
    token_out: Mapped[str]
    amount_in: Mapped[str]  # base units
    amount_out: Mapped[str]  # base units

    transaction: Mapped[TransactionRow] = relationship(back_populates="legs")

    __table_args__ = (UniqueConstraint("transaction_id", "position"),)
