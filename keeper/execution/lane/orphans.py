"""What an account has left in flight that nobody signs for any more."""

from keeper.chain.rpc import Client
from keeper.errors import SignerError
from keeper.execution.eip1559 import Transaction
from keeper.execution.lane.lane import Lane
from keeper.execution.signer import Signed
from keeper.ledger import Ledger
from keeper.settings import Settings


class _NoKey:
    """Stands for an account whose key is elsewhere."""

    def __init__(self, address: str):
        self.address = address

    def sign(self, _: Transaction) -> Signed:
        """Cannot.

        :raises SignerError: always
        """
        raise SignerError(f"the key of {self.address} is not this keeper's: start the keeper that has it")


def settle(client: Client, ledger: Ledger, sender: str, settings: Settings) -> None:
    """Write down what became of an account's transactions, and send again what nobody has. The process holds its lane.

    :raises InFlight: one of them may still be mined
    :raises ForeignUse, LedgerError, ChainError: as `Lane.step`
    """
    lane = Lane(client, ledger, _NoKey(sender), settings)
    lane.step(client.head())
    lane.check_free()
