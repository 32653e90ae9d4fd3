"""Advisory locks of PostgreSQL: for keepers on any machines that share a ledger.

One session of the server holds all locks of a keeper, and the keeper writes its intents on it. When that session ends, the
locks are free and nothing can be written with them: there is no moment at which a keeper that lost a lock writes an intent.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from keeper.ledger import errors
from keeper.ledger.locks import Lock, LockName, Locks, lost, taken
from keeper.ledger.store import Store

# A key of 64 bits stands there in two halves. Only what this very session holds counts: one that was opened anew, or that
# a pooler put in place of the first, holds nothing.
_HELD = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pid = pg_backend_pid() "
    "AND (classid::bigint << 32 | objid::bigint) = :key "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class AdvisoryLocks(Locks):
    """See above."""

    def __init__(self, store: Store):
        self._store = store
        self._connection: Connection | None = None
        self._taken: dict[LockName, _AdvisoryLock] = {}
        self._mutex = threading.RLock()  # one session does one thing at a time

    def take(self, name: LockName) -> Lock:
        """As `Locks.take`."""
        with self._mutex, errors.typed(self._store.name), self._dropping():
            if name in self._taken:  # the server would give its own session the lock again
                raise taken(name, "another part of this process")
            if self._connection is None:
                self._connection = self._store.engine.connect()
            with self._connection.begin():
                is_free = self._connection.scalar(select(func.pg_try_advisory_lock(_key(name))))
            if not is_free:
                raise taken(name, f"lock in {self._store.name}")
            lock = self._taken[name] = _AdvisoryLock(self, name, self._connection)
            return lock

    @contextmanager
    def fenced(self, *names: LockName) -> Iterator[Session]:
        """As `Locks.fenced`."""
        with self._mutex, errors.typed(self._store.name), self._dropping():
            for name in names:
                lock = self._taken.get(name)
                if lock is None or lock.connection is not self._connection:
                    raise lost(name)
            with Session(self._connection, expire_on_commit=False) as session, session.begin():
                for name in names:
                    if not session.scalar(_HELD, {"key": _key(name)}):
                        raise lost(name)
                yield session

    def close(self) -> None:
        """As `Locks.close`."""
        with self._mutex:
            self._taken.clear()
            self._drop()

    def holds(self, lock: "_AdvisoryLock") -> bool:
        """Whether the session that took the lock is there and holds it."""
        with self._mutex:
            if self._taken.get(lock.name) is not lock or lock.connection is not self._connection:
                return False
            try:
                with self._dropping(), lock.connection.begin():
                    return bool(lock.connection.scalar(_HELD, {"key": _key(lock.name)}))
            except SQLAlchemyError:
                return False

    def give_back(self, lock: "_AdvisoryLock") -> None:
        """Release a lock; where the session is lost, there is nothing left to release."""
        with self._mutex:
            if self._taken.get(lock.name) is lock:
                del self._taken[lock.name]
            if lock.connection is not self._connection:
                return
            with suppress(SQLAlchemyError), self._dropping(), lock.connection.begin():
                lock.connection.execute(select(func.pg_advisory_unlock(_key(lock.name))))

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        """Forget the session when it is lost, and never let the library open another in its place: that has no locks."""
        try:
            yield
        except SQLAlchemyError:
            if self._connection is not None and (self._connection.invalidated or self._connection.closed):
                self._drop()
            raise

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()  # never back to the pool, where its locks would live on
            connection.close()


class _AdvisoryLock(Lock):
    def __init__(self, owner: AdvisoryLocks, name: LockName, connection: Connection):
        self.name = name
        self.connection = connection
        self._owner = owner

    def held(self) -> bool:
        return self._owner.holds(self)

    def release(self) -> None:
        self._owner.give_back(self)


def _key(name: LockName) -> int:
    """64 bits with a sign, as the server wants them; two names that meet in one would only wait for each other."""
    return int.from_bytes(blake2b(f"equipoise {name}".encode(), digest_size=8).digest(), signed=True)
