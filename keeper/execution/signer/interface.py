"""What stands between the lane and whoever signs."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from eth_account.messages import SignableMessage
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from keeper.execution.eip1559 import Transaction


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction as it goes on the wire; its hash is known before it has left."""

    raw: bytes

    @property
    def hash(self) -> str:
        """0x-prefixed."""
        return to_hex(keccak(self.raw))


class Signer(Protocol):
    """Signs transactions of one account."""

    @property
    def address(self) -> str:
        """Checksum address of the account."""

    def sign(self, transaction: Transaction) -> Signed:
        """Sign, but do not send.

        :raises SignerError: no signature of exactly this transaction by this account
        """


@runtime_checkable
class MessageSigner(Signer, Protocol):
    """Signs messages too, which are no transactions."""

    def sign_message(self, message: SignableMessage) -> bytes:
        """The 65 bytes of r, s and v."""


def in_json(transaction: Transaction, sender: str) -> dict[str, object]:
    """A transaction as JSON-RPC has it: quantities in hex, and who is to sign it."""
    quantities = {key: hex(value) if isinstance(value, int) else value for key, value in transaction.items()}
    return quantities | {"from": sender}
