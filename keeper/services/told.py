"""The lane's notices as events, for whoever watches the keeper."""

from collections.abc import Callable

from keeper.execution.lane import Event, Notice
from keeper.ledger import CANCEL, PUBLIC, Ledger, TransactionRow
from keeper.operations import events
from keeper.operations.bus import Bus
from keeper.operations.events import Failure, Fill

_FAILED = frozenset({Event.REFUSED, Event.DELAYED, Event.FOREIGN, Event.UNCERTAIN})


def listener(bus: Bus, ledger: Ledger) -> Callable[[Notice], None]:
    """What a lane of this ledger is given to tell."""

    def told(notice: Notice) -> None:
        # The notice's row is as it was before; what happened stands in the ledger.
        rows = ledger.attempts(notice.row.chain_id, notice.row.sender, notice.row.nonce)
        row = next(each for each in rows if each.id == notice.row.id)
        replaced = next((each for each in rows if each.id == row.replaces_id), None)
        event = _event(notice, row, replaced)
        if event is not None:
            bus.emit(event)

    return told


def _event(notice: Notice, row: TransactionRow, replaced: TransactionRow | None) -> events.Event | None:
    about = row.chain_id, row.sender, row.vaults
    name = row.hash or ""
    event: events.Event | None = None
    match notice.event:
        case Event.SENT | Event.RESENT:
            event = events.Submitted(*about, name, row.nonce, row.mode, row.channel)
        case Event.REPLACED | Event.CANCELLED:
            before = "" if replaced is None else replaced.hash or ""
            event = events.Replaced(row.chain_id, row.sender, row.nonce, before, name, is_cancel=row.mode == CANCEL)
        case Event.MINED if row.block_number is not None and row.block_hash is not None:
            event = events.Mined(*about, name, row.block_number, row.block_hash)
        case Event.CONFIRMED if row.gas_used is not None and row.gas_price is not None:
            event = events.Confirmed(*about, name, row.gas_used, int(row.gas_price), _usd(row), _fills(row))
        case Event.REVERTED if row.gas_used is not None and row.gas_price is not None:
            event = events.Reverted(*about, name, row.gas_used, int(row.gas_price), _usd(row))
        case Event.UNCERTAIN if row.channel != PUBLIC:
            event = events.RelayFailed(row.chain_id, row.channel, notice.text)
        case kind if kind in _FAILED:
            event = events.SendFailed(*about, Failure.TRANSACTION, notice.text)
    return event


def _usd(row: TransactionRow) -> int | None:
    return None if row.gas_cost is None else int(row.gas_cost)


def _fills(row: TransactionRow) -> tuple[Fill, ...]:
    return tuple(
        Fill(part.decision.vault, int(part.value_out), int(part.value_in), int(part.decision.nav))
        for part in row.parts
        if part.value_out is not None and part.value_in is not None and part.decision.nav is not None
    )
