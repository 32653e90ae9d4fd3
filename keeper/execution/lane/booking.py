"""Writes down what blocks say, and takes it back when they are gone."""

from keeper.chain.snapshot import Block
from keeper.execution.lane.desk import Desk
from keeper.execution.lane.orders import Event
from keeper.execution.lane.steps import Step
from keeper.execution.receipt import Mined
from keeper.ledger import Inclusion, LedgerLeg, State, TransactionRow


def book(desk: Desk, rows: list[TransactionRow], row_id: int, mined: Mined) -> None:
    """One of the transactions of a nonce is in a block: the others are replaced by it."""
    desk.at(Step.FOUND)
    row = next(each for each in rows if each.id == row_id)
    if row.block_hash is None:
        _include(desk, row, mined)
        desk.at(Step.BOOKED)
    for other in rows:
        if other.id != row_id and other.state in (State.INTENT, State.SENT, State.DROPPED):
            desk.ledger.mark_replaced(other.id)
            desk.at(Step.SUPERSEDED)


def take_back(desk: Desk, head: Block) -> None:
    """Put back on its way what is in no block any more, reverted transactions included.

    A block that is there has its ancestors with it, so that one request is enough where nothing has changed.

    :raises ChainError: the endpoint fails
    """
    first = head.number - desk.settings.reorg_watch_blocks + 1
    rows = [
        row
        for row in desk.ledger.in_blocks_from(desk.chain_id, desk.sender, first)
        if (row.block_number or 0) <= head.number  # of a longer chain nothing can be said yet
    ]
    rows.sort(key=lambda row: row.block_number or 0, reverse=True)
    gone = 0
    while gone < len(rows) and not desk.client.contains(rows[gone].block_number or 0, rows[gone].block_hash or ""):
        gone += 1
    for row in sorted(rows[:gone], key=lambda row: row.nonce):
        desk.ledger.mark_unmined(row.id)
        desk.at(Step.UNMINED)
        desk.ledger.note_head(row.id, head.number - 1)  # to be sent again at once
        desk.tell(Event.REORGED, row, f"block {row.block_number} with it is gone: it is on its way again")


def confirm(desk: Desk, head: Block) -> None:
    """Let count what is deep enough. What is gone was taken back before, at this head."""
    for row in desk.ledger.unsettled(desk.chain_id, desk.sender):
        if row.state is State.MINED and head.number - (row.block_number or 0) + 1 >= desk.settings.confirmations:
            desk.ledger.mark_confirmed(row.id)
            desk.at(Step.CONFIRMED)
            desk.tell(Event.CONFIRMED, row, f"{row.mode} is confirmed in block {row.block_number}")


def _include(desk: Desk, row: TransactionRow, mined: Mined) -> None:
    block = Inclusion(
        mined.block_number, mined.block_hash, mined.gas_used, mined.gas_price, mined.data_fee, _time_of(desk, mined)
    )
    if not mined.succeeded:
        desk.ledger.mark_reverted(row.id, block)
        desk.tell(Event.REVERTED, row, f"{row.mode} of {', '.join(row.vaults)} reverted in transaction {mined.hash}")
        return
    desk.ledger.mark_mined(
        row.id,
        block,
        values={vault: (each.value_out, each.value_in) for vault, each in mined.filled.items()},
        legs=[
            LedgerLeg(swap.pool, swap.venue, swap.token_in, swap.token_out, swap.amount_in, swap.amount_out)
            for swap in mined.swaps
        ],
    )
    desk.tell(Event.MINED, row, f"{row.mode} of {', '.join(row.vaults)} is in block {mined.block_number}: {mined.hash}")


def _time_of(desk: Desk, mined: Mined) -> int | None:
    """Unix s of its block; None where another has taken the block's place meanwhile, which is found out with the next head."""
    block = desk.client.block(mined.block_number)
    return block.timestamp if block is not None and block.hash == mined.block_hash else None
