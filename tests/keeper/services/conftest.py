"""Fixtures of this folder."""

from fake_chain import fake
from ledger_places import database, place, postgres

__all__ = ["database", "fake", "place", "postgres"]
