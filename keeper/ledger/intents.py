"""A transaction that is about to be sent, and what keeps it from being written down twice."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from keeper.errors import LedgerError
from keeper.ledger import fills
from keeper.ledger.errors import AlreadyIntended
from keeper.ledger.fills import LedgerLeg
from keeper.ledger.models import DecisionRow, EventRow, PartRow, TransactionRow
from keeper.ledger.states import IN_FLIGHT, UNSETTLED, State

PUBLIC = "public"
BANDS = "bands"  # the mode of a transaction that moves a vault's bands and none of its assets
CANCEL = "cancel"  # the mode of a transaction that only uses a nonce up


@dataclass(frozen=True, slots=True)
class Intent:
    """A transaction that is about to be sent.

    :param replaces_id: the row of the transaction with the same nonce whose place it is to take
    :param channel: `public`, or the kind of the relays that alone get it
    :param calldata_hash: keccak-256 of the calldata, in hex
    :param raw: the signed transaction, in hex: it goes out again as it is
    :param deadline: unix s by the chain's clock, from which on it is worth nothing
    :param since_block: number of the block that was the head when it left
    :param benefit_cap: wei that it may be expected to cost; None: no such cap
    :param data_fee_max: wei that its data is expected to cost on layer 1, beside the gas
    """

    sender: str
    nonce: int
    target: str
    mode: str
    hash: str | None
    max_fee: int  # wei per gas
    tip: int  # wei per gas
    gas_limit: int
    replaces_id: int | None = None
    channel: str = PUBLIC
    calldata_hash: str | None = None
    raw: str | None = None
    deadline: int | None = None
    since_block: int | None = None
    benefit_cap: int | None = None
    data_fee_max: int = 0


def add(
    session: Session, decisions: Sequence[DecisionRow], intent: Intent, legs: Sequence[LedgerLeg]
) -> TransactionRow:
    """Add the row of an intent, its parts and legs and its first event.

    :raises AlreadyIntended: one stands already, see `Transactions.record_intent`
    :raises LedgerError: a decision is a dry run's
    """
    first = decisions[0]
    for decision in decisions:
        if not decision.armed:
            raise LedgerError(f"decision {decision.id} is a dry run's: nothing may be sent for it; arm the keeper")
    _check_nonce(session, first.chain_id, intent)
    if intent.replaces_id is None:  # otherwise what it replaces is on its way already
        for decision in decisions:
            _check_vault(session, decision, intent)
    row = TransactionRow(
        decision_id=first.id,
        parts=[
            part(position, decision, _attempt(session, decision, intent)) for position, decision in enumerate(decisions)
        ],
        replaces_id=intent.replaces_id,
        at=int(time.time()),
        chain_id=first.chain_id,
        sender=intent.sender,
        nonce=intent.nonce,
        target=intent.target,
        mode=intent.mode,
        channel=intent.channel,
        state=State.INTENT,
        hash=intent.hash,
        calldata_hash=intent.calldata_hash,
        raw=intent.raw,
        deadline=intent.deadline,
        since_block=intent.since_block,
        left_block=intent.since_block,
        benefit_cap=None if intent.benefit_cap is None else str(intent.benefit_cap),
        data_fee_max=str(intent.data_fee_max),
        max_fee=str(intent.max_fee),
        tip=str(intent.tip),
        gas_limit=intent.gas_limit,
        legs=fills.planned(legs),
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError:  # another writer, between the checks and the write
        keys = ", ".join(decision.key for decision in decisions)
        raise AlreadyIntended(f"another keeper wrote a transaction for decision {keys}: decide again") from None
    session.add(EventRow(transaction_id=row.id, at=row.at, to_state=State.INTENT, detail=f"through {intent.channel}"))
    return row


def part(position: int, decision: DecisionRow, attempt: int) -> PartRow:
    """The row of a decision that a transaction carries out."""
    return PartRow(position=position, decision_id=decision.id, decision_key=decision.key, attempt=attempt)


def _check_nonce(session: Session, chain_id: int, intent: Intent) -> None:
    """A nonce has one transaction on its way, unless the next one says which it replaces."""
    if intent.replaces_id is not None:
        replaced = session.get(TransactionRow, intent.replaces_id)
        place = (chain_id, intent.sender, intent.nonce)
        if replaced is None or (replaced.chain_id, replaced.sender, replaced.nonce) != place:
            raise AlreadyIntended(
                f"transaction {intent.replaces_id} has another nonce or sender: it cannot be replaced"
            )
        if replaced.state not in IN_FLIGHT:
            raise AlreadyIntended(f"transaction {replaced.id} is {replaced.state}: there is nothing to replace")
        return
    standing = session.scalars(
        select(TransactionRow).where(
            TransactionRow.chain_id == chain_id,
            TransactionRow.sender == intent.sender,
            TransactionRow.nonce == intent.nonce,
            TransactionRow.state.in_(UNSETTLED),
        )
    ).first()
    if standing is not None:
        raise AlreadyIntended(
            f"transaction {standing.id} with nonce {intent.nonce} of {intent.sender} is {standing.state}: settle it "
            "first, or name it as the one that is replaced"
        )


def is_about(chain_id: int, vault: str) -> ColumnElement[bool]:
    """Whether a part of a transaction is for a vault."""
    return TransactionRow.parts.any(
        PartRow.decision.has((DecisionRow.chain_id == chain_id) & (func.lower(DecisionRow.vault) == vault.lower()))
    )


def _check_vault(session: Session, decision: DecisionRow, intent: Intent) -> None:
    """What is on its way to a vault, by whomever, would change what the decision saw."""
    other = session.scalars(
        select(TransactionRow).where(
            is_about(decision.chain_id, decision.vault),
            TransactionRow.state.in_(IN_FLIGHT),
            or_(TransactionRow.sender != intent.sender, TransactionRow.nonce != intent.nonce),
        )
    ).first()
    if other is not None:
        raise AlreadyIntended(
            f"transaction {other.id} of {other.sender} to vault {decision.vault} is on its way: settle it first"
        )


def _attempt(session: Session, decision: DecisionRow, intent: Intent) -> int:
    """How many transactions the decision had; it may have another if they are void, or are what is replaced."""
    query = select(TransactionRow).join(PartRow).where(PartRow.decision_key == decision.key)
    earlier = list(session.scalars(query))
    for row in earlier:
        is_void = row.state is State.DROPPED or (row.state is State.FAILED and row.block_hash is None)
        is_replaced = intent.replaces_id is not None and (row.sender, row.nonce) == (intent.sender, intent.nonce)
        if not is_void and not is_replaced:
            raise AlreadyIntended(
                f"transaction {row.id} ({row.state}) was for decision {decision.key} already: wait for another block"
            )
    return len(earlier)
