"""The transactions of an account by nonce: what the lane asks for beside the steps."""

import time

from sqlalchemy import func, or_, select

from keeper.errors import LedgerError
from keeper.ledger import intents
from keeper.ledger.fills import LedgerLeg
from keeper.ledger.locks import LockName
from keeper.ledger.models import DecisionRow, EventRow, PartRow, TransactionRow
from keeper.ledger.states import State
from keeper.ledger.transactions import Transactions

FOREIGN = "foreign"  # the mode of a row that stands for somebody else's transaction


class Attempts(Transactions):
    """The transactions of an account by nonce."""

    def transaction(self, transaction_id: int) -> TransactionRow:
        """One transaction, with its decision and legs.

        :raises LedgerError: there is none
        """
        found = self._query(TransactionRow.id == transaction_id)
        if not found:
            raise LedgerError(f"{self._store.name} has no transaction {transaction_id}: record its intent first")
        return found[0]

    def attempts(self, chain_id: int, sender: str, nonce: int) -> list[TransactionRow]:
        """The transactions of a nonce, oldest first, with decisions and legs; somebody else's are not among them."""
        return self._query(
            TransactionRow.chain_id == chain_id,
            TransactionRow.sender == sender,
            TransactionRow.nonce == nonce,
            TransactionRow.mode != FOREIGN,
        )

    def next_nonce(self, chain_id: int, sender: str) -> int | None:
        """The nonce after the last that is known to be used; the first ever intended where none is; None without any row."""
        with self._store.reading() as session:
            own = TransactionRow.chain_id == chain_id, TransactionRow.sender == sender
            is_used = or_(TransactionRow.block_hash.is_not(None), TransactionRow.mode == FOREIGN)
            last = session.scalar(select(func.max(TransactionRow.nonce)).where(*own, is_used))
            if last is not None:
                return last + 1
            first: int | None = session.scalar(select(func.min(TransactionRow.nonce)).where(*own))
            return first

    def planned_legs(self, transaction_id: int) -> list[LedgerLeg]:
        """The legs that a transaction plans, in order."""
        return [
            LedgerLeg(leg.pool, leg.venue, leg.token_in, leg.token_out, int(leg.planned_in), int(leg.planned_out or 0))
            for leg in self.legs(transaction_id)
            if leg.planned_in is not None
        ]

    def note_head(self, transaction_id: int, block_number: int) -> None:
        """The block that was the head when it left last, and from which on it waits: whether it is stuck counts from there."""
        with self._store.writing() as session:
            row = self._get(session, transaction_id)
            row.left_block = row.since_block = block_number

    def note_left(self, transaction_id: int, block_number: int) -> None:
        """The block that was the head when it left once more; it has waited for longer."""
        with self._store.writing() as session:
            self._get(session, transaction_id).left_block = block_number

    def record_foreign(self, chain_id: int, decision_id: int, sender: str, nonce: int) -> int:
        """Write down that a transaction which this ledger does not know used a nonce; the row's id.

        :param decision_id: the decision that met it
        :raises LockLost: the keeper does not hold the sender's lane
        """
        with self.locks.fenced(LockName.lane(chain_id, sender)) as session:
            decision = session.get_one(DecisionRow, decision_id)
            known = select(func.count()).where(PartRow.decision_key == decision.key)
            row = TransactionRow(
                decision_id=decision_id,
                parts=[intents.part(0, decision, session.scalar(known) or 0)],
                at=int(time.time()),
                chain_id=chain_id,
                sender=sender,
                nonce=nonce,
                target="",
                mode=FOREIGN,
                channel="",
                state=State.FAILED,
                max_fee="0",
                tip="0",
                gas_limit=0,
                error="somebody else's transaction",
            )
            session.add(row)
            session.flush()
            session.add(EventRow(transaction_id=row.id, at=row.at, to_state=State.FAILED, detail=row.error or ""))
        return row.id
