"""Who may act: one process per signing key, one keeper per vault.

A lock is held by an open file where the ledger is a file, and by a session of the server where it is PostgreSQL, so that
keepers on several machines exclude each other. Either ends with the process, `kill -9` included.

A lock alone does not keep a keeper from acting that has lost it without noticing. So an intent is written by `fenced`: in
one transaction with the check that the locks are held, for PostgreSQL on the very session that holds them.
"""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from keeper.ledger.errors import LockLost, LockTaken


@dataclass(frozen=True, slots=True)
class LockName:
    """What a lock is for: an account that signs, or a vault that is acted for."""

    kind: str  # lane or vault
    chain_id: int
    address: str

    @classmethod
    def lane(cls, chain_id: int, sender: str) -> "LockName":
        """The lock of an account: two processes would take the same nonce."""
        return cls("lane", chain_id, sender.lower())

    @classmethod
    def vault(cls, chain_id: int, vault: str) -> "LockName":
        """The lock of a vault: two keepers would do the same work twice."""
        return cls("vault", chain_id, vault.lower())

    def __str__(self) -> str:
        return f"{self.kind} {self.address} on chain {self.chain_id}"


class Lock(ABC):
    """A lock that was taken."""

    @abstractmethod
    def held(self) -> bool:
        """Whether it still is; asks the file system or the server."""

    @abstractmethod
    def release(self) -> None:
        """Give it back. Does nothing where it is lost."""

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Locks(ABC):
    """The locks of one ledger."""

    @abstractmethod
    def take(self, name: LockName) -> Lock:
        """Take a lock without waiting for it.

        :raises LockTaken: another keeper has it, or another part of this one
        :raises LedgerError: the database fails
        """

    @abstractmethod
    def fenced(self, *names: LockName) -> AbstractContextManager[Session]:
        """A writing transaction that commits only while all these locks are held.

        :raises LockLost: one is not; nothing was written
        :raises LedgerError: the database fails
        """

    @abstractmethod
    def close(self) -> None:
        """Give all of them back."""

    def lane(self, chain_id: int, sender: str) -> Lock:
        """Take an account's lock. Raises as `take`."""
        return self.take(LockName.lane(chain_id, sender))

    def vault(self, chain_id: int, vault: str) -> Lock:
        """Take a vault's lock. Raises as `take`."""
        return self.take(LockName.vault(chain_id, vault))


def taken(name: LockName, where: str) -> LockTaken:
    """The error for a lock that another keeper has."""
    if name.kind == "vault":
        return LockTaken(f"another keeper acts for vault {name.address} on chain {name.chain_id} ({where})")
    return LockTaken(
        f"another keeper process signs for {name.address} on chain {name.chain_id} ({where}): stop it first"
    )


def lost(name: LockName) -> LockLost:
    """The error for a lock that this keeper does not have."""
    return LockLost(f"this keeper does not hold the lock of {name}: nothing was sent; take it and decide again")
