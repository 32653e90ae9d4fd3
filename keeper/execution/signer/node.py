"""Lets the node sign."""

from keeper.execution.eip1559 import Transaction
from keeper.execution.signer.interface import Prepared, in_json


class NodeSigner:
    """Lets the node sign; only for a devnet, where keys are worth nothing."""

    def __init__(self, address: str):
        self.address = address

    def prepare(self, transaction: Transaction) -> Prepared:
        """The unsigned transaction, for the node."""
        return Prepared("eth_sendTransaction", in_json(transaction, self.address), None)
