"""Which nonce is next, by the chain and by the ledger; they have to agree."""

from keeper.chain.snapshot import Block
from keeper.errors import ChainError
from keeper.execution.lane.booking import book
from keeper.execution.lane.desk import Desk
from keeper.execution.lane.errors import ForeignUse, InFlight
from keeper.execution.lane.orders import Event
from keeper.execution.lane.sight import read_mined
from keeper.ledger import State, TransactionRow


def next_nonce(desk: Desk, decision_id: int, head: Block) -> int:
    """The nonce of the next order. Nothing of the ledger is in flight.

    A transaction that was given up may have been mined after all: then it is booked now.

    :raises ForeignUse: the key was used, or is being used, by somebody else
    :raises InFlight: what was given up turned up again, or a transaction of somebody else's is not deep enough to be sure
    :raises ChainError: the endpoint fails, or is behind the ledger
    """
    mined = desk.client.nonce(desk.sender)
    expected = desk.ledger.next_nonce(desk.chain_id, desk.sender)
    # What was only intended, and never in a block, proves nothing: it was signed with what an endpoint said then.
    if expected is not None and mined < expected and desk.ledger.in_blocks_from(desk.chain_id, desk.sender, 0):
        raise ChainError(
            f"{desk.client.name} counts {mined} transactions of {desk.sender}, the ledger {expected}: "
            "wait until it has caught up, or set ledger_file if the chain was begun anew"
        )
    if expected is not None and mined > expected:
        _catch_up(desk, decision_id, expected, mined, head)
    if desk.client.nonce(desk.sender, "pending") > mined:
        _explain_pending(desk, mined)
    return mined


def _catch_up(desk: Desk, decision_id: int, expected: int, mined: int, head: Block) -> None:
    """Account for the nonces from `expected` to before `mined`."""
    unknown = [nonce for nonce in range(expected, mined) if not _book_late(desk, desk.attempts(nonce))]
    if not unknown:
        return
    settled = desk.client.nonce(desk.sender, hex(max(head.number - desk.settings.confirmations, 0)))
    if settled <= unknown[-1]:
        raise InFlight(
            f"a transaction of {desk.sender} with nonce {unknown[-1]} is not in this ledger: waiting until it is deep enough"
        )
    raise foreign(desk, decision_id, unknown[-1])


def _book_late(desk: Desk, rows: list[TransactionRow]) -> bool:
    for row in reversed(rows):
        mined = read_mined(desk.client, row)
        if mined is not None:
            book(desk, rows, row.id, mined)
            return True
    return False


def _explain_pending(desk: Desk, nonce: int) -> None:
    for row in desk.attempts(nonce):
        if row.state is State.DROPPED and desk.client.read("eth_getTransactionByHash", row.hash) is not None:
            assert row.hash is not None
            desk.ledger.mark_sent(row.id, row.hash)
            raise InFlight(f"transaction {row.hash} of {desk.sender} was given up, and is on its way after all")
    raise ForeignUse(f"a transaction of {desk.sender} is on its way that this ledger does not know: {_MEND}")


_MEND = "see who uses the key, and move it if that is not you"


def foreign(desk: Desk, decision_id: int, nonce: int) -> ForeignUse:
    """Write down that somebody else used a nonce, once, so that the next pass goes on; the error to raise."""
    row = desk.ledger.transaction(desk.ledger.record_foreign(desk.chain_id, decision_id, desk.sender, nonce))
    text = f"nonce {nonce} of {desk.sender} was used by a transaction that this ledger does not know: {_MEND}"
    desk.tell(Event.FOREIGN, row, text)
    return ForeignUse(text)
