"""Reading and writing the ledger. Every method is one committed transaction: what it returns from is on disk."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import create_engine, event, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, selectinload, sessionmaker

from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import ConfigurationError
from keeper.ledger.models import Base, DecisionRow, LegRow, State, TransactionRow
from keeper.policy import Decision

Row = TypeVar("Row", DecisionRow, TransactionRow)


# Raised with every change of the tables; an older keeper refuses a newer file and the other way round.
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Intent:
    """A transaction that is about to be sent."""

    sender: str
    nonce: int
    target: str
    mode: str
    hash: str | None
    max_fee: int  # wei per gas
    tip: int  # wei per gas
    gas_limit: int


@dataclass(frozen=True, slots=True)
class LedgerLeg:
    """One swap: as planned with an intent, as the executor logged it once mined. Base units."""

    pool: str
    venue: str
    token_in: str
    token_out: str
    amount_in: int
    amount_out: int


class Ledger:
    """The ledger in one SQLite file, made if it does not exist.

    :raises ConfigurationError: the file cannot be opened or is not a ledger
    """

    def __init__(self, file: Path):
        self.file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(f"sqlite:///{file}")
            event.listen(engine, "connect", _durable)
            with engine.begin() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
                if version == 0:
                    Base.metadata.create_all(connection)
                    connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
        except (OSError, SQLAlchemyError) as error:
            cause = getattr(error, "orig", None) or error
            raise ConfigurationError(f"ledger {file} cannot be opened ({cause}): set ledger_file") from None
        if version not in (0, SCHEMA_VERSION):
            raise ConfigurationError(f"ledger {file} was made by another version of equipoise: set ledger_file")
        self._engine = engine
        self._session = sessionmaker(engine, expire_on_commit=False)

    def close(self) -> None:
        """Give the file back."""
        self._engine.dispose()

    def check_writable(self) -> None:
        """Take the write lock and give it back.

        :raises ConfigurationError: the file cannot be written to
        """
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                connection.rollback()
        except SQLAlchemyError as error:
            raise ConfigurationError(f"ledger {self.file} cannot be written ({error}): check its permissions") from None

    def record_decision(self, chain_id: int, snapshot: VaultSnapshot, decision: Decision, armed: bool) -> int:
        """Write a decision down; its id."""
        quote, valuation = decision.quote, snapshot.valuation
        row = DecisionRow(
            at=int(time.time()),
            chain_id=chain_id,
            vault=snapshot.address,
            block_number=snapshot.block.number,
            block_hash=snapshot.block.hash,
            armed=armed,
            kind=decision.kind.value,
            reason=decision.reason,
            until=decision.until,
            nav=None if valuation is None else str(valuation.nav),
            drift=None if valuation is None else str(valuation.drift),
            value_out=None if quote is None else str(quote.value_out),
            value_in=None if quote is None else str(quote.value_in),
            gas_cost=None if quote is None or quote.gas_cost is None else str(quote.gas_cost),
        )
        return self._add(row).id

    def record_intent(self, chain_id: int, decision_id: int, intent: Intent, legs: Sequence[LedgerLeg] = ()) -> int:
        """Write down that a transaction is about to be sent, with the legs that it plans; its id."""
        row = TransactionRow(
            decision_id=decision_id,
            at=int(time.time()),
            chain_id=chain_id,
            sender=intent.sender,
            nonce=intent.nonce,
            target=intent.target,
            mode=intent.mode,
            state=State.INTENT,
            hash=intent.hash,
            max_fee=str(intent.max_fee),
            tip=str(intent.tip),
            gas_limit=intent.gas_limit,
            legs=_rows(legs),
        )
        return self._add(row).id

    def mark_sent(self, transaction_id: int, transaction_hash: str) -> None:
        """An endpoint took it."""
        self._update(transaction_id, state=State.SENT, hash=transaction_hash)

    def mark_mined(
        self,
        transaction_id: int,
        *,
        block_number: int,
        block_hash: str,
        gas_used: int,
        gas_price: int,
        values: tuple[int, int] | None = None,
        legs: Sequence[LedgerLeg] = (),
    ) -> None:
        """It is in a block and did what it should; `values` are WAD USD out and in."""
        with self._session.begin() as session:
            row = self._get(session, transaction_id)
            row.state, row.block_number, row.block_hash = State.MINED, block_number, block_hash
            row.gas_used, row.gas_price = gas_used, str(gas_price)
            if values is not None:
                row.value_out, row.value_in = str(values[0]), str(values[1])
            row.legs.clear()
            session.flush()  # the planned legs go before the mined ones take their positions
            row.legs.extend(_rows(legs))

    def mark_reverted(
        self, transaction_id: int, block_number: int, block_hash: str, gas_used: int, gas_price: int
    ) -> None:
        """It is in a block and reverted."""
        self._update(
            transaction_id,
            state=State.FAILED,
            error="reverted",
            block_number=block_number,
            block_hash=block_hash,
            gas_used=gas_used,
            gas_price=str(gas_price),
        )

    def mark_failed(self, transaction_id: int, error: str) -> None:
        """It was refused, dropped, or never sent."""
        self._update(transaction_id, state=State.FAILED, error=error)

    def unsettled(self, chain_id: int, sender: str) -> list[TransactionRow]:
        """The sender's transactions whose outcome is not written down, oldest first, with their decisions and legs."""
        with self._session() as session:
            query = (
                select(TransactionRow)
                .options(selectinload(TransactionRow.decision), selectinload(TransactionRow.legs))
                .where(
                    TransactionRow.chain_id == chain_id,
                    TransactionRow.sender == sender,
                    TransactionRow.state.in_([State.INTENT, State.SENT]),
                )
                .order_by(TransactionRow.id)
            )
            return list(session.scalars(query))

    def signed_since(self, chain_id: int, sender: str, since: int) -> list[tuple[int, int]]:
        """Of the sender's transactions written down at `since` (unix s) or later: when, and wei that each may cost at most.

        Those that were refused or dropped count as well: a signature that has left is never certain to be void.
        """
        with self._session() as session:
            query = select(TransactionRow.at, TransactionRow.gas_limit, TransactionRow.max_fee).where(
                TransactionRow.chain_id == chain_id, TransactionRow.sender == sender, TransactionRow.at >= since
            )
            return [(at, gas_limit * int(max_fee)) for at, gas_limit, max_fee in session.execute(query)]

    def decisions(self, vault: str | None = None) -> list[DecisionRow]:
        """Decisions, oldest first; of one vault or of all."""
        with self._session() as session:
            query = select(DecisionRow).order_by(DecisionRow.id)
            return list(session.scalars(query if vault is None else query.where(DecisionRow.vault == vault)))

    def latest_decisions(self) -> list[DecisionRow]:
        """The newest decision about each vault, by chain and vault."""
        with self._session() as session:
            newest = select(func.max(DecisionRow.id)).group_by(DecisionRow.chain_id, DecisionRow.vault)
            query = select(DecisionRow).where(DecisionRow.id.in_(newest))
            return list(session.scalars(query.order_by(DecisionRow.chain_id, DecisionRow.vault)))

    def latest_transactions(self, most: int) -> list[TransactionRow]:
        """The newest transactions, newest first, without their legs."""
        with self._session() as session:
            return list(session.scalars(select(TransactionRow).order_by(TransactionRow.id.desc()).limit(most)))

    def transactions(self) -> list[TransactionRow]:
        """Transactions, oldest first, without their legs."""
        with self._session() as session:
            return list(session.scalars(select(TransactionRow).order_by(TransactionRow.id)))

    def legs(self, transaction_id: int) -> list[LegRow]:
        """The legs of one transaction in order."""
        with self._session() as session:
            query = select(LegRow).where(LegRow.transaction_id == transaction_id).order_by(LegRow.position)
            return list(session.scalars(query))

    def _add(self, row: Row) -> Row:
        with self._session.begin() as session:
            session.add(row)
        return row

    def _update(self, transaction_id: int, **columns: Any) -> None:
        with self._session.begin() as session:
            row = self._get(session, transaction_id)
            for name, value in columns.items():
                setattr(row, name, value)

    @staticmethod
    def _get(session: Session, transaction_id: int) -> TransactionRow:
        return session.get_one(TransactionRow, transaction_id)


def _rows(legs: Sequence[LedgerLeg]) -> list[LegRow]:
    return [
        LegRow(
            position=position,
            pool=leg.pool,
            venue=leg.venue,
            token_in=leg.token_in,
            token_out=leg.token_out,
            amount_in=str(leg.amount_in),
            amount_out=str(leg.amount_out),
        )
        for position, leg in enumerate(legs)
    ]


def _durable(connection: Any, _record: object) -> None:
    """A commit that returned survives a killed process and a power cut; readers do not block the writer."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()
