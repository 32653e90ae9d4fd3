"""The ledger: every decision and every transaction, on disk before anything is sent."""

from keeper.ledger.decisions import Way
from keeper.ledger.errors import (
    AlreadyIntended,
    IllegalStep,
    LedgerBusy,
    LedgerFull,
    LedgerLost,
    LockLost,
    LockTaken,
)
from keeper.ledger.fills import LedgerLeg
from keeper.ledger.intents import BANDS, CANCEL, PUBLIC, Intent
from keeper.ledger.locks import Lock, LockName, Locks
from keeper.ledger.models import AlternativeRow, DecisionRow, EventRow, LegRow, PartRow, PriceRow, TransactionRow
from keeper.ledger.repository import Ledger
from keeper.ledger.states import IN_FLIGHT, State
from keeper.ledger.transactions import Inclusion

__all__ = [
    "BANDS",
    "CANCEL",
    "IN_FLIGHT",
    "PUBLIC",
    "AlreadyIntended",
    "AlternativeRow",
    "DecisionRow",
    "EventRow",
    "IllegalStep",
    "Inclusion",
    "Intent",
    "Ledger",
    "LedgerBusy",
    "LedgerFull",
    "LedgerLeg",
    "LedgerLost",
    "LegRow",
    "Lock",
    "LockLost",
    "LockName",
    "LockTaken",
    "Locks",
    "PartRow",
    "PriceRow",
    "State",
    "TransactionRow",
    "Way",
]
