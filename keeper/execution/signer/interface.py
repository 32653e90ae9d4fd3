"""What stands between the lane and whoever signs."""

from dataclasses import dataclass
from typing import Protocol

from keeper.execution.eip1559 import Transaction


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that sends one transaction; its hash is None where the node signs."""

    method: str
    parameter: object
    hash: str | None


class Signer(Protocol):
    """Turns a transaction into a request that sends it."""

    @property
    def address(self) -> str:
        """Checksum address of the account."""

    def prepare(self, transaction: Transaction) -> Prepared:
        """Sign, but do not send.

        :raises SignerError: an external signer gives no signature of exactly this transaction by this account
        """


def in_json(transaction: Transaction, sender: str) -> dict[str, object]:
    """A transaction as JSON-RPC has it: quantities in hex, and who is to sign it."""
    quantities = {key: hex(value) if isinstance(value, int) else value for key, value in transaction.items()}
    return quantities | {"from": sender}
