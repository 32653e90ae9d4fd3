"""What becomes of transactions. Every step is checked, and leaves an event."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from keeper.errors import LedgerError
from keeper.ledger import fills, intents, states
from keeper.ledger.errors import IllegalStep
from keeper.ledger.fills import LedgerLeg
from keeper.ledger.intents import Intent
from keeper.ledger.locks import LockName, Locks
from keeper.ledger.models import DecisionRow, EventRow, LegRow, PartRow, TransactionRow
from keeper.ledger.states import IN_FLIGHT, SETTLED, UNSETTLED, State, Step
from keeper.ledger.store import Store

WAD = 10**18

_MINED_COLUMNS = (
    "block_number",
    "block_hash",
    "block_timestamp",
    "gas_used",
    "gas_price",
    "data_fee",
    "gas_cost",
    "value_out",
    "value_in",
)
_LOADED = (
    selectinload(TransactionRow.decision),
    selectinload(TransactionRow.parts).selectinload(PartRow.decision),
    selectinload(TransactionRow.legs),
)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The block that a transaction is in, and what it paid there.

    :param gas_price: wei per gas
    :param data_fee: wei for its data on layer 1, where that is paid beside the gas
    :param timestamp: unix s; None where the block's time is not known
    """

    number: int
    hash: str
    gas_used: int
    gas_price: int
    data_fee: int = 0
    timestamp: int | None = None


class Transactions:
    """The transactions of a ledger.

    Each `mark_…` raises IllegalStep where the transaction cannot go there from where it is, and LedgerError where the
    database fails or there is no such transaction; then nothing was written.
    """

    _store: Store
    locks: Locks

    def record_intent(
        self,
        chain_id: int,
        decision_id: int,
        intent: Intent,
        legs: Sequence[LedgerLeg] = (),
        together_with: Sequence[int] = (),
    ) -> int:
        """Write down that a transaction is about to be sent, with the legs that it plans; its id.

        The keeper has to hold the lane of the sender and the lock of each vault (`locks.lane`, `locks.vault`), and holds
        them still when this is committed; who moves bands or cancels holds the lane.

        :param together_with: the decisions about other vaults that the same transaction carries out
        :raises LockLost: it does not
        :raises AlreadyIntended: one stands already: for the same decision, with the same nonce and not the one that is
            replaced, or on its way to the same vault with another nonce or from another sender
        :raises LedgerError: the decision is a dry run's or another chain's, or the database fails
        In each case nothing was written, and nothing may be sent.
        """
        with self._store.reading() as session:
            decisions = [self._decision(session, chain_id, each) for each in (decision_id, *together_with)]
        names = [LockName.lane(chain_id, intent.sender)]
        if intent.mode not in {intents.CANCEL, intents.BANDS}:  # which touch no vault's assets
            names += [LockName.vault(chain_id, decision.vault) for decision in decisions]
        with self.locks.fenced(*names) as session:
            row = intents.add(session, decisions, intent, legs)
        return row.id

    def mark_sent(self, transaction_id: int, transaction_hash: str) -> None:
        """An endpoint took it, or took it again, or knows it after all."""
        with self._store.writing() as session:
            row = self._get(session, transaction_id)
            if row.hash not in {None, transaction_hash}:
                raise IllegalStep(
                    f"transaction {row.id} has hash {row.hash}, not {transaction_hash}: it is another one"
                )
            row.hash = transaction_hash
            row.first_seen = row.first_seen or int(time.time())
            row.error = None
            _step(session, row, Step.SENT)

    def mark_mined(
        self,
        transaction_id: int,
        block: Inclusion,
        *,
        values: Mapping[str, tuple[int, int]] = MappingProxyType({}),
        legs: Sequence[LedgerLeg] = (),
    ) -> None:
        """It is in a block and did what it should.

        :param values: WAD USD out and in by vault, of those that were rebalanced
        :param legs: as the executor logged them
        """
        with self._store.writing() as session:
            row = self._get(session, transaction_id)
            _note_values(row, values)
            row.legs.extend(fills.realise(row.legs, legs))
            _include(session, row, Step.MINED, block)

    def mark_reverted(self, transaction_id: int, block: Inclusion) -> None:
        """It is in a block and reverted."""
        with self._store.writing() as session:
            _include(session, self._get(session, transaction_id), Step.REVERTED, block)

    def mark_confirmed(self, transaction_id: int) -> None:
        """Its block is as deep as the keeper waits for."""
        with self._store.writing() as session:
            _step(session, self._get(session, transaction_id), Step.CONFIRMED)

    def mark_unmined(self, transaction_id: int) -> None:
        """A reorganisation took its block away: it is on its way again, and so is what it had replaced.

        What the block had said moves to the event.
        """
        with self._store.writing() as session:
            row = self._get(session, transaction_id)
            said: dict[str, Any] = {name: getattr(row, name) for name in _MINED_COLUMNS}
            said |= {"legs": [_realised(leg) for leg in row.legs], "error": row.error}
            said["parts"] = [[part.position, part.value_out, part.value_in] for part in row.parts]
            _step(session, row, Step.UNMINED, json.dumps(said))
            for name in _MINED_COLUMNS:
                setattr(row, name, None)
            row.error = None
            for part in row.parts:
                part.value_out = part.value_in = None
            for leg in list(row.legs):
                leg.realised_in = leg.realised_out = None
                if leg.planned_in is None:
                    row.legs.remove(leg)
            _revive(session, row)

    def mark_replaced(self, transaction_id: int) -> None:
        """Another transaction with its nonce was mined."""
        with self._store.writing() as session:
            row = self._get(session, transaction_id)
            _step(session, row, Step.REPLACED)
            row.error = "another transaction with its nonce was mined"

    def mark_dropped(self, transaction_id: int, reason: str) -> None:
        """Nobody knows it any more; it may still turn up in a block."""
        self._give_up(transaction_id, Step.DROPPED, reason)

    def mark_failed(self, transaction_id: int, error: str) -> None:
        """It was refused, or never sent."""
        self._give_up(transaction_id, Step.FAILED, error)

    def unsettled(self, chain_id: int, sender: str) -> list[TransactionRow]:
        """The sender's transactions that are on their way or not yet confirmed, oldest first, with decisions and legs."""
        return self._query(
            TransactionRow.chain_id == chain_id,
            TransactionRow.sender == sender,
            TransactionRow.state.in_(UNSETTLED),
        )

    def in_flight(self, chain_id: int, vault: str) -> list[TransactionRow]:
        """The transactions on their way to a vault, by whatever sender, oldest first, with decisions and legs.

        A keeper that takes over a vault finds here what the one before it left; see `record_intent`.
        """
        return self._query(
            intents.is_about(chain_id, vault),
            TransactionRow.state.in_(IN_FLIGHT),
        )

    def in_blocks_from(self, chain_id: int, sender: str, block_number: int) -> list[TransactionRow]:
        """The sender's transactions in this block or a later one, reverted ones included: what a reorganisation may undo."""
        return self._query(
            TransactionRow.chain_id == chain_id,
            TransactionRow.sender == sender,
            TransactionRow.block_number >= block_number,
        )

    def fills_since(self, chain_id: int, vault: str, since: int) -> list[int]:
        """When a vault was filled after `since`, by whatever sender of this ledger: unix s, in order.

        A block whose time is not known counts as of the time of the block that the fill was decided on.
        """
        at = func.coalesce(TransactionRow.block_timestamp, DecisionRow.block_timestamp)
        with self._store.reading() as session:
            query = (
                select(at)
                .join(PartRow, PartRow.transaction_id == TransactionRow.id)
                .join(DecisionRow, DecisionRow.id == PartRow.decision_id)
                .where(
                    DecisionRow.chain_id == chain_id,
                    func.lower(DecisionRow.vault) == vault.lower(),
                    TransactionRow.state.in_((State.MINED, State.CONFIRMED)),
                    at > since,
                    PartRow.value_out.is_not(None),
                )
                .order_by(at)
            )
            return list(session.scalars(query))

    def signed_since(self, chain_id: int, sender: str, since: int) -> list[tuple[int, int, int]]:
        """Of the sender's transactions written down at `since` (unix s) or later: when, nonce, and wei of cost at most.

        Those that were refused or dropped count as well: a signature that has left is never certain to be void.
        """
        with self._store.reading() as session:
            query = select(TransactionRow).where(
                TransactionRow.chain_id == chain_id, TransactionRow.sender == sender, TransactionRow.at >= since
            )
            return [
                (row.at, row.nonce, row.gas_limit * int(row.max_fee) + int(row.data_fee_max))
                for row in session.scalars(query)
            ]

    def transactions(self) -> list[TransactionRow]:
        """Transactions, oldest first, with their decisions, parts and legs."""
        return self._query()

    def latest_transactions(self, most: int) -> list[TransactionRow]:
        """The newest transactions, newest first, without their legs."""
        with self._store.reading() as session:
            query = select(TransactionRow).options(*_LOADED[:2])
            return list(session.scalars(query.order_by(TransactionRow.id.desc()).limit(most)))

    def legs(self, transaction_id: int) -> list[LegRow]:
        """The legs of one transaction in order."""
        with self._store.reading() as session:
            query = select(LegRow).where(LegRow.transaction_id == transaction_id).order_by(LegRow.position)
            return list(session.scalars(query))

    def events(self, transaction_id: int) -> list[EventRow]:
        """The steps of one transaction, oldest first."""
        with self._store.reading() as session:
            query = select(EventRow).where(EventRow.transaction_id == transaction_id).order_by(EventRow.id)
            return list(session.scalars(query))

    def _give_up(self, transaction_id: int, step: Step, why: str) -> None:
        with self._store.writing() as session:
            row = self._get(session, transaction_id)
            _step(session, row, step, why)
            row.error = why

    def _query(self, *conditions: Any) -> list[TransactionRow]:
        with self._store.reading() as session:
            query = select(TransactionRow).options(*_LOADED).where(*conditions).order_by(TransactionRow.id)
            return list(session.scalars(query))

    def _decision(self, session: Session, chain_id: int, decision_id: int) -> DecisionRow:
        decision = session.get(DecisionRow, decision_id)
        if decision is None or decision.chain_id != chain_id:
            raise LedgerError(f"{self._store.name} has no decision {decision_id} for chain {chain_id}: record it first")
        return decision

    def _get(self, session: Session, transaction_id: int) -> TransactionRow:
        """The row, kept from other writers until the end of the session's transaction."""
        row = session.get(TransactionRow, transaction_id, with_for_update=True)
        if row is None:
            raise LedgerError(f"{self._store.name} has no transaction {transaction_id}: record its intent first")
        return row


def _note_values(row: TransactionRow, values: Mapping[str, tuple[int, int]]) -> None:
    """What each vault's rebalancer logged, and the sums."""
    for part in row.parts:
        if part.decision.vault in values:
            value_out, value_in = values[part.decision.vault]
            part.value_out, part.value_in = str(value_out), str(value_in)
    if values:
        row.value_out = str(sum(value_out for value_out, _ in values.values()))
        row.value_in = str(sum(value_in for _, value_in in values.values()))


def _following(row: TransactionRow, step: Step) -> State:
    following = states.after(step, row.state, row.block_hash is not None)
    if following is None:
        raise IllegalStep(f"transaction {row.id} is {row.state} and cannot be marked {step}: look at its events")
    return following


def _step(session: Session, row: TransactionRow, step: Step, detail: str = "") -> None:
    _move(session, row, _following(row, step), detail or step.value)


def _move(session: Session, row: TransactionRow, following: State, detail: str) -> None:
    now = int(time.time())
    event = EventRow(
        transaction_id=row.id,
        at=now,
        from_state=row.state,
        to_state=following,
        detail=detail,
        block_number=row.block_number,
        block_hash=row.block_hash,
    )
    session.add(event)
    row.state = following
    row.settled_at = now if following in SETTLED else None


def _include(session: Session, row: TransactionRow, step: Step, block: Inclusion) -> None:
    following = _following(row, step)
    row.block_number, row.block_hash, row.block_timestamp = block.number, block.hash, block.timestamp
    row.gas_used, row.gas_price, row.data_fee = block.gas_used, str(block.gas_price), str(block.data_fee)
    price = row.decision.native_price
    wei = block.gas_used * block.gas_price + block.data_fee
    row.gas_cost = None if price is None else str(-(-wei * int(price) // WAD))  # up: a cost
    row.first_seen = row.first_seen or int(time.time())
    row.error = "reverted" if step is Step.REVERTED else None
    _move(session, row, following, step.value)


def _revive(session: Session, mined: TransactionRow) -> None:
    """What was replaced by a transaction that is in no block any more may be mined after all."""
    replaced = select(TransactionRow).where(
        TransactionRow.chain_id == mined.chain_id,
        TransactionRow.sender == mined.sender,
        TransactionRow.nonce == mined.nonce,
        TransactionRow.state == State.REPLACED,
    )
    for row in session.scalars(replaced.with_for_update()):
        last = select(EventRow).where(EventRow.transaction_id == row.id, EventRow.to_state == State.REPLACED)
        event = session.scalars(last.order_by(EventRow.id.desc())).first()
        assert event is not None
        assert event.from_state is not None
        row.error = None
        _move(session, row, event.from_state, f"transaction {mined.id}, which replaced it, is in no block any more")


def _realised(leg: LegRow) -> list[str | int | None]:
    return [leg.position, leg.pool, leg.token_in, leg.token_out, leg.realised_in, leg.realised_out]
