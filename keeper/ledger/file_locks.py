"""Locks in files beside the ledger: for the processes of one machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy.orm import Session

from keeper.errors import LedgerError
from keeper.ledger.locks import Lock, LockName, Locks, lost, taken
from keeper.ledger.store import Store


class FileLocks(Locks):
    """See above."""

    def __init__(self, store: Store, folder: Path):
        self._store = store
        self._folder = folder
        self._taken: dict[LockName, _FileLock] = {}
        self._mutex = threading.Lock()

    def take(self, name: LockName) -> Lock:
        """As `Locks.take`."""
        kind = "" if name.kind == "lane" else f".{name.kind}"
        lock = _FileLock(self, name, self._folder / f"{name.chain_id}-{name.address}{kind}.lock")
        with self._mutex:
            self._taken[name] = lock
        return lock

    @contextmanager
    def fenced(self, *names: LockName) -> Iterator[Session]:
        """As `Locks.fenced`."""
        with self._store.writing() as session:
            self._check(names)
            yield session
            session.flush()
            self._check(names)

    def close(self) -> None:
        """As `Locks.close`."""
        for lock in list(self._taken.values()):
            lock.release()

    def forget(self, lock: "_FileLock") -> None:
        """The lock was given back."""
        with self._mutex:
            if self._taken.get(lock.name) is lock:
                del self._taken[lock.name]

    def _check(self, names: tuple[LockName, ...]) -> None:
        for name in names:
            lock = self._taken.get(name)
            if lock is None or not lock.held():
                raise lost(name)


class _FileLock(Lock):
    def __init__(self, owner: FileLocks, name: LockName, file: Path):
        self.name = name
        self._owner = owner
        self._file = file
        self._lock = FileLock(file, thread_local=False)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise taken(name, f"lock {file}") from None
        except OSError as error:
            raise LedgerError(f"lock {file} cannot be made ({error.strerror}): see who may write there") from None
        self._inode = file.stat().st_ino  # cannot be given to another file while this one is open

    def held(self) -> bool:
        """Whether the file is still the one that is locked: one that was deleted keeps nobody out."""
        try:
            return self._lock.is_locked and self._file.stat().st_ino == self._inode
        except OSError:
            return False

    def release(self) -> None:
        self._owner.forget(self)
        self._lock.release()
