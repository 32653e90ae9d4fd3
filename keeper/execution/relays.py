"""Private relays: a signed transaction goes to block builders and to nobody else.

    Flashbots         eth_sendPrivateTransaction [{tx, maxBlockNumber?}]   → the transaction's hash
                      eth_sendBundle [{txs, blockNumber}]                  → {bundleHash}
                      https://docs.flashbots.net/flashbots-protect/api/json-rpc
    MEV Blocker, …    eth_sendRawTransaction [raw]                         → the transaction's hash
                      https://docs.cow.fi/mevblocker, or any private RPC

They fail closed. This module knows no public endpoint: whatever a relay does, there is nowhere to fall back to, and every error
says so. Each request is made once.

    RelayError (TransactionError)   the transaction did not demonstrably reach the relay; nothing was sent publicly
    ├── RelayRefused                the relay says that it did not take it
    └── RelayUncertain              it may have it and have it mined: look for the receipt before the nonce is used again
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from pydantic import SecretStr

from keeper.errors import ChainError, ConfigurationError, TransactionError
from keeper.execution.endpoint import Endpoint, Refusal

# Flashbots' limits of one bundle.
BUNDLE_MAX_TRANSACTIONS = 100
BUNDLE_MAX_BYTES = 300_000

_CLOSED = "nothing was sent publicly"
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")


class RelayError(TransactionError):
    """The transaction did not demonstrably reach the relay; nothing was sent publicly."""


class RelayRefused(RelayError):
    """The relay says that it did not take the transaction."""


class RelayUncertain(RelayError):
    """The relay may have the transaction: look for its receipt before its nonce is used again."""


class Relay(Protocol):
    """Takes signed transactions in private."""

    @property
    def name(self) -> str:
        """What it is and its host, for people."""

    def send(self, raw: bytes) -> str:
        """Hand over a signed transaction; its hash, which the relay has confirmed.

        :raises RelayError: anything else happened; nothing was sent publicly
        """


class PrivateRpc:
    """MEV Blocker, Flashbots Protect, or any other private RPC that takes `eth_sendRawTransaction`.

    :param url: https, or a loopback address; only its host is ever printed
    :param timeout_s: of one request
    :raises ConfigurationError: the URL would show the transaction to whoever listens on the way
    """

    def __init__(self, url: SecretStr, timeout_s: float):
        self._endpoint = _endpoint("private RPC", url, timeout_s)

    @property
    def name(self) -> str:
        """What it is and its host."""
        return self._endpoint.name

    def send(self, raw: bytes) -> str:
        """Hand over a signed transaction; its hash.

        :raises RelayError: see the class
        """
        answer = _ask(self._endpoint, "eth_sendRawTransaction", [to_hex(raw)])
        return _confirmed(self.name, answer, keccak(raw))

    def __repr__(self) -> str:
        return f"PrivateRpc({self.name})"


class FlashbotsRelay:
    """Flashbots' relay, or one that speaks like it; each request is signed by a key that stands for its sender's reputation.

    :param url: as of `PrivateRpc`
    :param auth: an account of its own for that, which holds nothing: not the one that signs transactions
    :param timeout_s: of one request
    :raises ConfigurationError: as `PrivateRpc`
    """

    def __init__(self, url: SecretStr, auth: LocalAccount, timeout_s: float):
        self._endpoint = _endpoint("Flashbots relay", url, timeout_s)
        self._auth = auth

    @property
    def name(self) -> str:
        """What it is and its host."""
        return self._endpoint.name

    def send(self, raw: bytes, max_block: int | None = None) -> str:
        """Hand over a signed transaction; its hash.

        :param max_block: number of the last block that may include it; the relay gives up after 25 blocks when None
        :raises RelayError: see the class
        """
        wanted = {"tx": to_hex(raw)} | ({} if max_block is None else {"maxBlockNumber": hex(max_block)})
        answer = _ask(self._endpoint, "eth_sendPrivateTransaction", [wanted], self._auth)
        return _confirmed(self.name, answer, keccak(raw))

    def send_bundle(self, raws: Sequence[bytes], block: int) -> str:
        """Hand over signed transactions that are mined in this order in block `block`, or not at all.

        :return: the bundle's hash, keccak256 of the transactions' hashes one after the other
        :raises RelayError: see the class; RelayRefused without asking, where the bundle breaks the relay's limits
        """
        size = sum(map(len, raws))
        if not 0 < len(raws) <= BUNDLE_MAX_TRANSACTIONS or size > BUNDLE_MAX_BYTES:
            raise RelayRefused(
                f"a bundle of {len(raws)} transactions and {size:,} bytes is not one: it has 1 to "
                f"{BUNDLE_MAX_TRANSACTIONS} and at most {BUNDLE_MAX_BYTES:,} bytes; {_CLOSED}"
            )
        wanted = {"txs": [to_hex(raw) for raw in raws], "blockNumber": hex(block)}
        answer = _ask(self._endpoint, "eth_sendBundle", [wanted], self._auth)
        found = answer.get("bundleHash") if isinstance(answer, dict) else None
        return _confirmed(self.name, found, keccak(b"".join(keccak(raw) for raw in raws)))

    def __repr__(self) -> str:
        return f"FlashbotsRelay({self.name}, {self._auth.address})"


class FlashbotsBundles:
    """Each transaction as a bundle of its own for each of the next blocks: mined in one of them, or nowhere if it would revert.

    :param head: number of the newest block
    :param blocks: for how many blocks after it
    """

    def __init__(self, relay: FlashbotsRelay, head: Callable[[], int], blocks: int):
        self._relay = relay
        self._head = head
        self._blocks = blocks

    @property
    def name(self) -> str:
        """What it is and its host."""
        return self._relay.name

    def send(self, raw: bytes) -> str:
        """Hand it over for every block; its hash, if the relay took it for one of them.

        :raises RelayError: see the class; the last one, where it was taken for none
        """
        try:
            head = self._head()
        except ChainError as error:
            raise RelayRefused(f"for which blocks cannot be told: {error}; {_CLOSED}") from None
        is_taken, refused, uncertain = False, None, None
        for block in range(head + 1, head + 1 + self._blocks):
            try:
                self._relay.send_bundle([raw], block)
                is_taken = True
            except RelayRefused as error:
                refused = error
            except RelayUncertain as error:
                uncertain = error
        failure = uncertain or refused
        if failure is not None and not is_taken:
            raise failure
        return to_hex(keccak(raw))

    def __repr__(self) -> str:
        return f"FlashbotsBundles({self._relay!r}, {self._blocks} blocks)"


def signature_header(auth: LocalAccount, body: bytes) -> Mapping[str, str]:
    """`X-Flashbots-Signature`: who asks, and the EIP-191 signature of the text of the 0x-prefixed hash of the body.

    :param body: the very bytes that are sent; the same JSON written otherwise has another hash
    """
    message = encode_defunct(text=to_hex(keccak(body)))
    return {"X-Flashbots-Signature": f"{auth.address}:{to_hex(auth.sign_message(message).signature)}"}


def _endpoint(role: str, url: SecretStr, timeout_s: float) -> Endpoint:
    endpoint = Endpoint(role, url, timeout_s)
    if not endpoint.is_https and not endpoint.is_loopback:
        raise ConfigurationError(f"{endpoint.name} is not private without https: set an https:// URL")
    return endpoint


def _ask(endpoint: Endpoint, method: str, params: Sequence[object], auth: LocalAccount | None = None) -> object:
    try:
        return endpoint.ask(method, params, lambda body: {} if auth is None else signature_header(auth, body))
    except Refusal as error:
        raise RelayRefused(f"{error}; {_CLOSED}") from None
    except ChainError as error:
        raise RelayUncertain(f"{error}; it may have the transaction, {_CLOSED}") from None


def _confirmed(name: str, answer: object, expected: bytes) -> str:
    """The hash that was expected, if that is what the relay answered."""
    if not isinstance(answer, str) or not _HASH.fullmatch(answer):
        raise RelayUncertain(f"{name} answered without a hash; it may have the transaction, {_CLOSED}")
    if bytes.fromhex(answer[2:]) != expected:
        raise RelayUncertain(
            f"{name} answered with hash {answer}, not {to_hex(expected)}; it may have the transaction, {_CLOSED}"
        )
    return to_hex(expected)
