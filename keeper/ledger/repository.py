"""The ledger: opening it, and what is in it. Every method is one committed transaction: what it returns from is on disk."""

from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import text

from keeper.ledger.advisory_locks import AdvisoryLocks
from keeper.ledger.attempts import Attempts
from keeper.ledger.decisions import Decisions
from keeper.ledger.file_locks import FileLocks
from keeper.ledger.locks import Locks
from keeper.ledger.opening import open_file, open_server
from keeper.settings import Settings


class Ledger(Decisions, Attempts):
    """The ledger in an SQLite file or a PostgreSQL database; its tables are made, or brought up to date.

    :param place: the file, or the database's `postgresql+psycopg://` URL
    :raises ConfigurationError: it cannot be opened, is no ledger, or a newer equipoise made it
    """

    def __init__(self, place: Path | SecretStr):
        if isinstance(place, Path):
            self._store = open_file(place)
            self.locks: Locks = FileLocks(self._store, place.parent)
        else:
            self._store = open_server(place)
            self.locks = AdvisoryLocks(self._store)

    @classmethod
    def of(cls, settings: Settings) -> "Ledger":
        """The ledger that the settings name. Raises as the class."""
        return cls(settings.ledger_file if settings.ledger_url is None else settings.ledger_url)

    @property
    def name(self) -> str:
        """Where it is, for people; without secrets."""
        return self._store.name

    def close(self) -> None:
        """Give the locks and the database back."""
        self.locks.close()
        self._store.engine.dispose()

    def check_writable(self) -> None:
        """Take what a writer takes, and give it back.

        :raises LedgerError: the ledger cannot be written to
        """
        with self._store.writing() as session:
            if session.connection().dialect.name == "postgresql":
                session.execute(text("LOCK TABLE decisions, prices, transactions, parts, legs IN ROW EXCLUSIVE MODE"))
