"""What goes wrong with a ledger, with the mend. What the database library raises ends here, and no URL's secret gets through.

LedgerError
├── LedgerBusy       another process writes and does not let go
├── LedgerFull       there is no room left
├── LedgerLost       the database does not answer, or is damaged
├── LockTaken        another keeper signs for the account, or acts for the vault (a ConfigurationError too)
├── LockLost         this keeper does not hold the lock that it needs to write an intent
├── AlreadyIntended  a transaction for the same decision, nonce or vault stands already
└── IllegalStep      a transaction cannot go from where it is to where it was told to go
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from keeper.errors import ConfigurationError, LedgerError


class LedgerBusy(LedgerError):
    """Another process writes and does not let go; nothing was written."""


class LedgerFull(LedgerError):
    """There is no room left; nothing was written."""


class LedgerLost(LedgerError):
    """The database does not answer, or is damaged. Whether the last step was written is not known."""


class LockTaken(LedgerError, ConfigurationError):
    """Another keeper holds a lock."""


class LockLost(LedgerError):
    """A lock that is needed is not held; nothing was written."""


class AlreadyIntended(LedgerError):
    """A transaction for the same decision, nonce or vault stands already; nothing was written."""


class IllegalStep(LedgerError):
    """A transaction cannot take this step from where it is; nothing was written."""


_SQLITE_BUSY = {"SQLITE_BUSY", "SQLITE_LOCKED"}
_POSTGRES_BUSY = {"55P03", "40001", "40P01"}  # lock_timeout, serialization failure, deadlock
_POSTGRES_FULL = {"53100", "53200"}  # disk full, out of memory


@contextmanager
def typed(ledger: str) -> Iterator[None]:
    """Let errors of the database out as what they are.

    :param ledger: its name for people, without secrets
    :raises LedgerError: see the tree above
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise of(error, ledger) from None


def of(error: SQLAlchemyError, ledger: str) -> LedgerError:
    """The typed error of one that the database library raised."""
    text = cause(error)
    original = getattr(error, "orig", None)
    code = getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None) or ""
    base = "_".join(code.split("_")[:2])  # SQLITE_BUSY_SNAPSHOT is a SQLITE_BUSY
    if base in _SQLITE_BUSY or code in _POSTGRES_BUSY:
        return LedgerBusy(f"{ledger} is locked by another process ({text}): nothing was written; stop what holds it")
    if base == "SQLITE_FULL" or code in _POSTGRES_FULL:
        return LedgerFull(f"{ledger} has no room left ({text}): nothing was written; free some space")
    is_lost = isinstance(original, sqlite3.DatabaseError) and not isinstance(original, sqlite3.IntegrityError)
    if is_lost or (isinstance(error, DBAPIError) and (error.connection_invalidated or not code)):
        return LedgerLost(f"{ledger} does not answer as it should ({text}): see that it is there and can be written")
    return LedgerError(f"{ledger} refuses ({text}): run `equipoise doctor`")


def cause(error: Exception) -> str:
    """What the database said, in one line, without the statement and its values."""
    return " ".join(str(getattr(error, "orig", None) or error).split())
