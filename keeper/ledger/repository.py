"""The ledger: opening it, and what is in it. Every method is one committed transaction: what it returns from is on disk."""

from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from keeper.errors import ConfigurationError
from keeper.ledger import errors
from keeper.ledger.decisions import Decisions
from keeper.ledger.engine import sqlite_engine
from keeper.ledger.locks import FileLocks
from keeper.ledger.models import Base
from keeper.ledger.store import Store
from keeper.ledger.transactions import Transactions

# Raised with every change of the tables; an older keeper refuses a newer file and the other way round.
SCHEMA_VERSION = 2


class Ledger(Decisions, Transactions):
    """The ledger in one SQLite file, made if it does not exist.

    :raises ConfigurationError: the file cannot be opened or is not a ledger
    """

    def __init__(self, file: Path):
        self.file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            engine = sqlite_engine(file)
            self._store = Store(engine, f"ledger {file}")
            with self._store.writer.begin() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
                if version == 0:
                    Base.metadata.create_all(connection)
                    connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
        except (OSError, SQLAlchemyError) as error:
            raise ConfigurationError(
                f"ledger {file} cannot be opened ({errors.cause(error)}): set ledger_file"
            ) from None
        if version not in (0, SCHEMA_VERSION):
            raise ConfigurationError(f"ledger {file} was made by another version of equipoise: set ledger_file")
        self.locks = FileLocks(self._store, file.parent)

    def close(self) -> None:
        """Give the locks and the database back."""
        self.locks.close()
        self._store.engine.dispose()

    def check_writable(self) -> None:
        """Take the write lock and give it back.

        :raises LedgerError: the ledger cannot be written to
        """
        with self._store.writing() as session:
            session.connection()
