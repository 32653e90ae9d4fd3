"""Acting for a vault that another keeper of the same ledger acts for, or did."""

from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.errors import SignerError
from keeper.execution.eip1559 import Transaction
from keeper.execution.lane import Lane
from keeper.execution.signer import Signed
from keeper.ledger import Ledger, LockTaken
from keeper.settings import Settings


class _NoKey:
    """Stands for an account whose key this process does not have: what it sent can be looked after, not replaced."""

    def __init__(self, address: str):
        self.address = address

    def sign(self, transaction: Transaction) -> Signed:
        raise SignerError(f"this process has no key of {self.address}: nothing was signed")


def take_over(client: Client, settings: Settings, ledger: Ledger, vault: str, sender: str, head: Block) -> str | None:
    """Find out what became of the transactions that other accounts have on their way to a vault whose lock this process has.

    :returns: why the vault cannot be acted for yet; None where nothing stands against it
    :raises LedgerError, ChainError: the ledger or the endpoint fails
    """
    for other in sorted({row.sender for row in ledger.in_flight(client.chain_id, vault)} - {sender}):
        try:
            with ledger.locks.lane(client.chain_id, other):
                Lane(client, ledger, _NoKey(other), settings).step(head)
        except LockTaken:
            return f"a transaction of {other}, which another keeper signs for, is on its way to it"
    left = {row.sender for row in ledger.in_flight(client.chain_id, vault)} - {sender}
    return f"a transaction of {min(left)} is on its way to it" if left else None
