"""The ledger's tables. Amounts are decimal strings: a uint256 fits no SQL integer. Times are unix seconds.

A change here wants a migration in `migrations/versions`; a test compares the two.
"""

from sqlalchemy import BigInteger, Enum, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from keeper.ledger.states import State

# SQLite numbers rows by itself only where the type is spelled so, and its integers have 64 bits anyway.
INTEGER = BigInteger().with_variant(Integer(), "sqlite")
STATE = Enum(State, native_enum=False, length=16, values_callable=lambda states: [state.value for state in states])


class Base(DeclarativeBase):
    """Base of the tables."""

    type_annotation_map = {int: INTEGER, State: STATE}  # noqa: RUF012 (the library's own form)


class DecisionRow(Base):
    """One decision about one vault at one block."""

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[int]
    chain_id: Mapped[int]
    vault: Mapped[str]
    block_number: Mapped[int]
    block_hash: Mapped[str]
    block_timestamp: Mapped[int | None]
    armed: Mapped[bool]
    kind: Mapped[str]
    reason: Mapped[str]
    until: Mapped[int | None]
    nav: Mapped[str | None]  # WAD USD
    drift: Mapped[str | None]  # WAD
    value_out: Mapped[str | None]  # WAD USD, expected
    value_in: Mapped[str | None]  # WAD USD, expected
    gas_cost: Mapped[str | None]  # WAD USD, expected
    native_price: Mapped[str | None]  # WAD USD of a whole native token

    transactions: Mapped[list["TransactionRow"]] = relationship(back_populates="decision")
    prices: Mapped[list["PriceRow"]] = relationship(back_populates="decision", order_by="PriceRow.position")
    alternatives: Mapped[list["AlternativeRow"]] = relationship(
        back_populates="decision", order_by="AlternativeRow.position"
    )

    __table_args__ = (Index("decisions_by_vault", "chain_id", "vault", "at"),)

    @property
    def key(self) -> str:
        """What makes two decisions the same one: chain, vault, block and kind."""
        return f"{self.chain_id}:{self.vault.lower()}:{self.block_hash}:{self.kind}"


class PriceRow(Base):
    """What an asset cost when a decision was made."""

    __tablename__ = "prices"

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"))
    position: Mapped[int]  # in the basket
    asset: Mapped[str]
    symbol: Mapped[str]
    decimals: Mapped[int]
    price: Mapped[str]  # WAD USD per whole token

    decision: Mapped[DecisionRow] = relationship(back_populates="prices")

    __table_args__ = (Index("prices_once", "decision_id", "position", unique=True),)


class AlternativeRow(Base):
    """A way in which a decision could have been carried out, the chosen one first."""

    __tablename__ = "alternatives"

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"))
    position: Mapped[int]  # best first
    name: Mapped[str]
    worth: Mapped[str | None]  # WAD USD that its beneficiary ends with, gas paid
    left_out: Mapped[str | None]  # why it could not be done

    decision: Mapped[DecisionRow] = relationship(back_populates="alternatives")

    __table_args__ = (Index("alternatives_once", "decision_id", "position", unique=True),)


class TransactionRow(Base):
    """One transaction that a decision led to, or several decisions about as many vaults together: its parts."""

    __tablename__ = "transactions"

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"))  # of the first part
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("transactions.id", name="transactions_replaces"))
    at: Mapped[int]
    chain_id: Mapped[int]
    sender: Mapped[str]
    nonce: Mapped[int]
    target: Mapped[str]
    mode: Mapped[str]  # open, rebalance, batch or cancel
    channel: Mapped[str]  # `public`, or the relays' kind
    state: Mapped[State]
    # None while a node that signs has not answered; alike for a transaction that was given up and then sent after all.
    hash: Mapped[str | None] = mapped_column(index=True)
    calldata_hash: Mapped[str | None]  # keccak-256
    max_fee: Mapped[str]  # wei per gas
    tip: Mapped[str]  # wei per gas
    gas_limit: Mapped[int]
    raw: Mapped[str | None]  # as it was signed, in hex; public once it is sent
    deadline: Mapped[int | None]  # from when on it is worth nothing
    since_block: Mapped[int | None]  # the head from which on it waits to be mined
    left_block: Mapped[int | None]  # the head when it left last
    benefit_cap: Mapped[str | None]  # wei that it may be expected to cost
    data_fee_max: Mapped[str] = mapped_column(server_default="0")  # wei, expected for layer 1 beside the gas
    first_seen: Mapped[int | None]  # when an endpoint took it, or a block had it
    settled_at: Mapped[int | None]
    block_number: Mapped[int | None]
    block_hash: Mapped[str | None]
    block_timestamp: Mapped[int | None]
    gas_used: Mapped[int | None]
    gas_price: Mapped[str | None]  # wei per gas, paid
    data_fee: Mapped[str | None]  # wei, paid for layer 1 beside the gas
    gas_cost: Mapped[str | None]  # WAD USD, gas and data at the decision's native price, rounded up
    value_out: Mapped[str | None]  # WAD USD, of all parts
    value_in: Mapped[str | None]  # WAD USD, of all parts
    error: Mapped[str | None]

    decision: Mapped[DecisionRow] = relationship(back_populates="transactions")
    parts: Mapped[list["PartRow"]] = relationship(
        back_populates="transaction", order_by="PartRow.position", cascade="all, delete-orphan"
    )
    legs: Mapped[list["LegRow"]] = relationship(
        back_populates="transaction", order_by="LegRow.position", cascade="all, delete-orphan"
    )

    __table_args__ = (
        Index("transactions_by_sender", "chain_id", "sender", "state"),
        Index("transactions_by_nonce", "chain_id", "sender", "nonce"),
    )

    @property
    def vaults(self) -> tuple[str, ...]:
        """The vaults that it is about."""
        return tuple(part.decision.vault for part in self.parts)


class PartRow(Base):
    """What a transaction does for one vault: one decision, carried out."""

    __tablename__ = "parts"

    id: Mapped[int] = mapped_column(primary_key=True)
    transaction_id: Mapped[int] = mapped_column(ForeignKey("transactions.id"))
    position: Mapped[int]
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"))
    # The decision's key and how many transactions it had before: two writers cannot both be the first.
    decision_key: Mapped[str]
    attempt: Mapped[int]
    value_out: Mapped[str | None]  # WAD USD, as the vault's rebalancer logged
    value_in: Mapped[str | None]  # WAD USD, as the vault's rebalancer logged

    transaction: Mapped[TransactionRow] = relationship(back_populates="parts")
    decision: Mapped[DecisionRow] = relationship()

    __table_args__ = (
        UniqueConstraint("transaction_id", "position"),
        Index("parts_once", "decision_key", "attempt", unique=True),
        Index("parts_by_decision", "decision_id"),
    )


class LegRow(Base):
    """One swap: as planned with the intent beside what the executor logged. Base units.

    A planned leg that was not run has no realised amounts; one that was run without a plan has no planned ones.
    """

    __tablename__ = "legs"

    id: Mapped[int] = mapped_column(primary_key=True)
    transaction_id: Mapped[int] = mapped_column(ForeignKey("transactions.id"))
    position: Mapped[int]  # the planned ones in order, then the others in theirs
    pool: Mapped[str]
    venue: Mapped[str]
    token_in: Mapped[str]
    token_out: Mapped[str]
    planned_in: Mapped[str | None]
    planned_out: Mapped[str | None]
    realised_in: Mapped[str | None]
    realised_out: Mapped[str | None]

    transaction: Mapped[TransactionRow] = relationship(back_populates="legs")

    __table_args__ = (UniqueConstraint("transaction_id", "position"),)


class EventRow(Base):
    """One step of a transaction. Rows are added and never changed: what a step clears stands in its detail."""

    __tablename__ = "transaction_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    transaction_id: Mapped[int] = mapped_column(ForeignKey("transactions.id"))
    at: Mapped[int]
    from_state: Mapped[State | None]
    to_state: Mapped[State]
    detail: Mapped[str]
    block_number: Mapped[int | None]
    block_hash: Mapped[str | None]

    __table_args__ = (Index("transaction_events_by_transaction", "transaction_id", "id"),)
