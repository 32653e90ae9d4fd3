"""Sessions of a ledger: one for reading, one for writing, errors typed."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from keeper.ledger import errors
from keeper.ledger.engine import WRITING


class Store:
    """A ledger's database.

    :param name: for people, without secrets
    """

    def __init__(self, engine: Engine, name: str):
        self.name = name
        self.engine = engine
        self.writer = engine.execution_options(**{WRITING: True})

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads; its rows may be used after it.

        :raises LedgerError: the database fails
        """
        with errors.typed(self.name), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that is committed, and on disk, when the block ends; nothing of it is when the block raises.

        :raises LedgerError: the database fails
        """
        with errors.typed(self.name), Session(self.writer, expire_on_commit=False) as session, session.begin():
            yield session
