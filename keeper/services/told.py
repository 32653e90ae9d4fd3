"""The lane's notices as events, for whoever watches the keeper."""

from collections.abc import Callable

from keeper.execution.lane import Event, Notice
from keeper.ledger import CANCEL, Ledger, TransactionRow
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
    chain, account, vaults, name = row.chain_id, row.sender, (row.decision.vault,), row.hash or ""
    match notice.event:
        case Event.SENT | Event.RESENT:
            return events.Submitted(chain, account, vaults, name, row.nonce, row.mode, row.channel)
        case Event.REPLACED | Event.CANCELLED:
            before = "" if replaced is None else replaced.hash or ""
            return events.Replaced(chain, account, row.nonce, before, name, is_cancel=row.mode == CANCEL)
        case Event.MINED:
            assert row.block_number is not None
            assert row.block_hash is not None
            return events.Mined(chain, account, vaults, name, row.block_number, row.block_hash)
        case Event.CONFIRMED | Event.REVERTED:
            assert row.gas_used is not None
            assert row.gas_price is not None
            gas_price = int(row.gas_price)
            usd = None if row.gas_cost is None else int(row.gas_cost)
            if notice.event is Event.REVERTED:
                return events.Reverted(chain, account, vaults, name, row.gas_used, gas_price, usd)
            return events.Confirmed(chain, account, vaults, name, row.gas_used, gas_price, usd, _fills(row))
        case kind if kind in _FAILED:
            return events.SendFailed(chain, account, vaults, Failure.TRANSACTION, notice.text)
    return None


def _fills(row: TransactionRow) -> tuple[Fill, ...]:
    nav = row.decision.nav
    if row.value_out is None or row.value_in is None or nav is None:
        return ()
    return (Fill(row.decision.vault, int(row.value_out), int(row.value_in), int(nav)),)
