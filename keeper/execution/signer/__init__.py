"""Who signs: a keystore file of our own, web3signer, Clef, or on a devnet the node itself."""

from collections.abc import Callable

from keeper.chain.rpc import Client
from keeper.errors import ConfigurationError
from keeper.execution.eip1559 import Transaction
from keeper.execution.signer.external import ClefSigner, Web3Signer
from keeper.execution.signer.interface import MessageSigner, Signed, Signer
from keeper.execution.signer.keystore import KeystoreSigner, address_of, password, read_keystore, unlock
from keeper.execution.signer.node import NodeSigner
from keeper.settings import Settings

__all__ = [
    "ClefSigner",
    "KeystoreSigner",
    "MessageSigner",
    "NodeSigner",
    "Signed",
    "Signer",
    "Transaction",
    "Web3Signer",
    "address_of",
    "of",
    "sender_of",
    "unlock",
]


def of(settings: Settings, client: Client, ask: Callable[[], str] | None = None) -> Signer:
    """The signer that the settings name.

    :param ask: asks a person for the keystore's password where the settings name no source of it
    :raises ConfigurationError: none is named, the key file or its password is missing or wrong, or the node is to
        sign and is no devnet
    :raises ChainError: the endpoint fails
    """
    if settings.unlocked_sender is not None:
        software = client.software()
        if not software.lower().startswith("anvil/"):
            raise ConfigurationError(
                f"unlocked_sender is for a devnet, {client.name} runs {software.split('/')[0]}: use key_file instead"
            )
        return NodeSigner(client, settings.unlocked_sender)
    if settings.signer_address is not None:
        if settings.web3signer_url is not None:
            return Web3Signer(settings.web3signer_url, settings.signer_address, settings.signer_timeout_s)
        if settings.clef_url is not None:
            return ClefSigner(settings.clef_url, settings.signer_address, settings.signer_timeout_s)
    if settings.key_file is None:
        raise ConfigurationError(
            "no key to sign with: set key_file to a keystore v3 file, or pass --key-file; or set web3signer_url or clef_url"
        )
    read_keystore(settings.key_file)  # a file that is missing is worth saying before a password that is
    return KeystoreSigner(unlock(settings.key_file, password(settings, ask)))


def sender_of(settings: Settings) -> str | None:
    """The account that the settings name, known without its password; None for none, or one that a devnet's node signs for.

    :raises ConfigurationError: the key file is missing or is none
    """
    return settings.signer_address if settings.key_file is None else address_of(settings.key_file)
