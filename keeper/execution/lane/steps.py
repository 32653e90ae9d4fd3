"""The points between which a process may be killed. Whatever outlives the process happens between two of them.

The lane passes each by name. In production that does nothing; a test injects what kills the process there.
"""

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """What has just happened."""

    SIGNED = "signed"  # nothing is written down, nothing has left
    RECORDED = "recorded"  # the intent is in the ledger, nothing has left
    HANDED_OVER = "handed over"  # it has left; the ledger does not know what became of it
    SENT = "sent"
    REFUSED = "refused"
    FOUND = "found"  # a receipt was read, nothing is written down
    BOOKED = "booked"  # what it did is in the ledger; those that it took the nonce from are not marked yet
    SUPERSEDED = "superseded"  # one of these is marked
    CONFIRMED = "confirmed"
    UNMINED = "unmined"  # its block is gone, and the ledger says so
    RESENT = "resent"
    DROPPED = "dropped"


At = Callable[[Step], None]


def nothing(_: Step) -> None:
    """What happens at a step in production."""
