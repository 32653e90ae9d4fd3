"""Lets the node sign."""

from eth_utils.conversions import to_bytes

from keeper.chain.rpc import Client
from keeper.errors import ChainError, SignerError
from keeper.execution import eip1559
from keeper.execution.eip1559 import Transaction
from keeper.execution.signer.interface import Signed, in_json


class NodeSigner:
    """Lets the node sign with one of its own accounts; only for a devnet, where keys are worth nothing."""

    def __init__(self, client: Client, address: str):
        self._client = client
        self.address = address

    def sign(self, transaction: Transaction) -> Signed:
        """Sign, but do not send.

        :raises SignerError: the node does not have the account's key
        """
        try:
            raw = to_bytes(hexstr=self._client.read("eth_signTransaction", in_json(transaction, self.address)))
            eip1559.check(raw, transaction, self.address)
        except (ChainError, TypeError, ValueError) as error:
            raise SignerError(
                f"{self._client.name} does not sign for {self.address} ({error}): set unlocked_sender to one of its accounts"
            ) from None
        return Signed(raw)
