"""The ledger: every decision and every transaction, on disk before anything is sent."""

from keeper.ledger.models import DecisionRow, LegRow, State, TransactionRow
from keeper.ledger.repository import Intent, Ledger, LedgerLeg

__all__ = ["DecisionRow", "Intent", "Ledger", "LedgerLeg", "LegRow", "State", "TransactionRow"]
