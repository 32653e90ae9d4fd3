"""Signers outside this process, which keep the key to themselves: web3signer and Clef.

    web3signer   eth_signTransaction [transaction]       → "0x…", the signed transaction
                 https://docs.web3signer.consensys.io/reference/api/json-rpc; it signs for the chain of its own --chain-id
    Clef         account_signTransaction [transaction]   → {"raw": "0x…", "tx": {…}}
                 https://geth.ethereum.org/docs/tools/clef/apis; it may ask a person first

Either may be broken or in the wrong hands. What comes back is used only if it is, byte for byte, the transaction that was asked
for, signed by the account that was asked for.
"""

from abc import ABC, abstractmethod

from pydantic import SecretStr

from keeper.errors import ChainError, SignerError
from keeper.execution import eip1559
from keeper.execution.eip1559 import Transaction
from keeper.execution.endpoint import Endpoint
from keeper.execution.signer.interface import Signed, in_json

_MEND = "do not trust it until you know why; nothing was sent"


class _ExternalSigner(ABC):
    """Asks for a signature, and checks what it gets.

    :param url: of the signer; only its host is ever printed
    :param address: checksum address of the account that is to sign
    :param timeout_s: of one request, with the time that a person takes to approve it
    """

    kind: str
    method: str

    def __init__(self, url: SecretStr, address: str, timeout_s: float):
        self._endpoint = Endpoint(self.kind, url, timeout_s)
        self._address = address

    @property
    def address(self) -> str:
        """Checksum address of the account."""
        return self._address

    def sign(self, transaction: Transaction) -> Signed:
        """Have it signed, but do not send.

        :raises SignerError: no signature of exactly this transaction by this account
        """
        try:
            answer = self._endpoint.ask(self.method, [in_json(transaction, self._address)])
        except ChainError as error:
            raise SignerError(f"{error}; nothing was signed") from None
        raw = self._bytes(self.raw_of(answer))
        try:
            eip1559.check(raw, transaction, self._address)
        except eip1559.Mismatch as mismatch:
            raise SignerError(f"{self._endpoint.name} gave back {mismatch}: {_MEND}") from None
        return Signed(raw)

    @abstractmethod
    def raw_of(self, answer: object) -> object:
        """Where the signed transaction stands in the answer."""

    def _bytes(self, text: object) -> bytes:
        if isinstance(text, str) and text.startswith("0x"):
            try:
                return bytes.fromhex(text[2:])
            except ValueError:
                pass
        raise SignerError(f"{self._endpoint.name} gave back no signed transaction: check that it is a {self.kind}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._address}, {self._endpoint.name})"


class Web3Signer(_ExternalSigner):
    """web3signer in its eth1 mode."""

    kind = "web3signer"
    method = "eth_signTransaction"

    def raw_of(self, answer: object) -> object:
        """The answer itself."""
        return answer


class ClefSigner(_ExternalSigner):
    """go-ethereum's Clef, over HTTP."""

    kind = "clef"
    method = "account_signTransaction"

    def raw_of(self, answer: object) -> object:
        """Its field `raw`; `tx` says the same in JSON, and is not looked at."""
        return answer.get("raw") if isinstance(answer, dict) else None
