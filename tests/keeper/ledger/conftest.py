"""Offers the places of a ledger to this folder's tests."""

from ledger_places import armed, database, ledger, place, postgres

__all__ = ["armed", "database", "ledger", "place", "postgres"]
