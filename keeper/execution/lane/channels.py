"""Where signed transactions go, the public pool or private relays, and what is said to have become of them.

Each send is made once, and nothing private ever turns public here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from eth_utils.conversions import to_hex
from pydantic import SecretStr

from keeper.chain.rpc import Client, RpcError
from keeper.errors import ChainError, ConfigurationError
from keeper.execution.relays import FlashbotsBundles, FlashbotsRelay, PrivateRpc, Relay, RelayError, RelayRefused
from keeper.execution.signer import Signed, unlock
from keeper.execution.signer.keystore import read_password
from keeper.ledger import PUBLIC
from keeper.settings import RelaySettings

# How nodes say that they have the transaction already: geth, reth and others, anvil.
_KNOWN = re.compile(r"already (known|imported|exists|in )|known transaction", re.IGNORECASE)
_UNDERPRICED = re.compile(r"underpriced|less than block base fee|fee too low|FeeTooLow", re.IGNORECASE)
_POOR = re.compile(r"insufficient (funds|balance)", re.IGNORECASE)
_INTERNAL_ERROR = -32603  # something broke in the node, before or after it took the transaction
_USED = re.compile(r"nonce too low|old nonce|OldNonce", re.IGNORECASE)


class Outcome(StrEnum):
    """What became of a transaction that was handed over."""

    TAKEN = "taken"
    UNCERTAIN = "uncertain"  # it may have left: only the chain can tell
    UNDERPRICED = "underpriced"  # refused: another of its nonce pays as much, or the pool wants more
    POOR = "poor"  # refused: the account cannot pay
    USED = "used"  # refused: its nonce is used
    REFUSED = "refused"  # for another reason


@dataclass(frozen=True, slots=True)
class Delivery:
    """An outcome, and in one line why."""

    outcome: Outcome
    why: str = ""

    @property
    def is_refusal(self) -> bool:
        """It did not leave."""
        return self.outcome not in (Outcome.TAKEN, Outcome.UNCERTAIN)


class Channel(Protocol):
    """Takes signed transactions."""

    @property
    def name(self) -> str:
        """As the ledger has it: `public`, or the relays' kind."""

    def send(self, signed: Signed) -> Delivery:
        """Hand a transaction over, once. Raises nothing that has to do with the network."""


class PublicPool:
    """The RPC endpoint's pool, which everybody sees."""

    name = PUBLIC

    def __init__(self, client: Client):
        self._client = client

    def send(self, signed: Signed) -> Delivery:
        """Hand it to the endpoint."""
        try:
            answer = self._client.send("eth_sendRawTransaction", to_hex(signed.raw))
        except RpcError as error:
            refusal = _refusal(str(error))
            if refusal.outcome is Outcome.REFUSED and error.code == _INTERNAL_ERROR:
                return Delivery(Outcome.UNCERTAIN, f"{error}; it may have been sent")
            return refusal
        except ChainError as error:
            return Delivery(Outcome.UNCERTAIN, f"{error}; it may have been sent")
        if answer != signed.hash:
            return Delivery(Outcome.UNCERTAIN, f"{self._client.name} answered with another transaction's hash")
        return Delivery(Outcome.TAKEN)


class Relays:
    """One relay or several, each of which gets every transaction: taken when one takes it, refused when all refuse."""

    def __init__(self, kind: str, relays: Sequence[Relay]):
        self.name = kind
        self._relays = relays

    def send(self, signed: Signed) -> Delivery:
        """Hand it to each relay."""
        deliveries = [_handed(relay, signed) for relay in self._relays]
        taken = [each for each in deliveries if each.outcome is Outcome.TAKEN]
        uncertain = [each for each in deliveries if each.outcome is Outcome.UNCERTAIN]
        if taken:
            return taken[0]
        why = "; ".join(each.why for each in uncertain or deliveries)
        return Delivery(Outcome.UNCERTAIN, why) if uncertain else Delivery(deliveries[0].outcome, why)


def channel_of(settings: RelaySettings, client: Client, sender: str) -> Channel:
    """The channel that the settings name.

    :param sender: the account that signs transactions, whose key is not to sign requests too
    :raises ConfigurationError: a URL is not private, the relay's key cannot be read or is the sender's
    """
    match settings.kind:
        case "none":
            return PublicPool(client)
        case "private_rpc":
            return Relays(settings.kind, [PrivateRpc(url, settings.timeout_s) for url in settings.urls])
        case "flashbots":
            return Relays(settings.kind, [_flashbots(settings, url, sender) for url in settings.urls])
        case "flashbots_bundle":
            relays = [_flashbots(settings, url, sender) for url in settings.urls]
            blocks = settings.bundle_blocks
            return Relays(
                settings.kind, [FlashbotsBundles(each, lambda: client.head().number, blocks) for each in relays]
            )


def _flashbots(settings: RelaySettings, url: SecretStr, sender: str) -> FlashbotsRelay:
    assert settings.auth_key_file is not None
    assert settings.auth_password_file is not None
    auth = unlock(settings.auth_key_file, read_password(settings.auth_password_file))
    if auth.address == sender:
        raise ConfigurationError(
            f"relays.auth_key_file {settings.auth_key_file} is the key that signs transactions: make one that holds nothing"
        )
    return FlashbotsRelay(url, auth, settings.timeout_s)


def _handed(relay: Relay, signed: Signed) -> Delivery:
    try:
        relay.send(signed.raw)
    except RelayRefused as error:
        return _refusal(str(error))
    except RelayError as error:
        return Delivery(Outcome.UNCERTAIN, str(error))
    return Delivery(Outcome.TAKEN)


def _refusal(why: str) -> Delivery:
    for pattern, outcome in (
        (_KNOWN, Outcome.TAKEN),
        (_UNDERPRICED, Outcome.UNDERPRICED),
        (_POOR, Outcome.POOR),
        (_USED, Outcome.USED),
    ):
        if pattern.search(why):
            return Delivery(outcome, why)
    return Delivery(Outcome.REFUSED, why)
