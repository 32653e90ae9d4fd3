"""Who signs: a keystore file of our own, or on a devnet the node itself."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.conversions import to_hex

from keeper.chain.rpc import Client
from keeper.errors import ConfigurationError
from keeper.settings import Settings, refuse_plain_key

Transaction = dict[str, Any]


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
        """Sign, but do not send."""


class KeystoreSigner:
    """Signs here, with a key that is only ever in this process's memory."""

    def __init__(self, account: LocalAccount):
        self._account = account

    @property
    def address(self) -> str:
        """Checksum address of the account."""
        return str(self._account.address)

    def prepare(self, transaction: Transaction) -> Prepared:
        """Sign, but do not send."""
        signed = self._account.sign_transaction(transaction)
        return Prepared("eth_sendRawTransaction", to_hex(signed.raw_transaction), to_hex(signed.hash))

    def __repr__(self) -> str:
        return f"KeystoreSigner({self.address})"


class NodeSigner:
    """Lets the node sign; only for a devnet, where keys are worth nothing."""

    def __init__(self, address: str):
        self.address = address

    def prepare(self, transaction: Transaction) -> Prepared:
        """The unsigned transaction, for the node."""
        quantities = {key: hex(value) if isinstance(value, int) else value for key, value in transaction.items()}
        return Prepared("eth_sendTransaction", quantities | {"from": self.address}, None)


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
        return NodeSigner(settings.unlocked_sender)
    if settings.key_file is None:
        raise ConfigurationError("no key to sign with: set key_file to a keystore v3 file, or pass --key-file")
    _keystore(settings.key_file)  # a file that is missing is worth saying before a password that is
    return KeystoreSigner(unlock(settings.key_file, password(settings, ask)))


def address_of(key_file: Path) -> str:
    """The account of a keystore v3 file, which says so without its password.

    :raises ConfigurationError: as `unlock`, but for the password
    """
    address = _keystore(key_file).get("address")
    if not isinstance(address, str):
        raise ConfigurationError(f"key file {key_file} does not name its address: make a new keystore v3 file")
    return to_checksum_address(f"0x{address.removeprefix('0x')}")


def unlock(key_file: Path, secret: str) -> LocalAccount:
    """The account in a keystore v3 file.

    :raises ConfigurationError: the file is missing, is no keystore v3, or the password is wrong
    """
    keystore = _keystore(key_file)
    try:
        account: LocalAccount = Account.from_key(Account.decrypt(keystore, secret))
    except ValueError as error:
        cause = "the password is wrong" if "MAC mismatch" in str(error) else "it is not a keystore v3 file"
        raise ConfigurationError(f"key file {key_file} cannot be unlocked, {cause}: check password_file") from None
    except (KeyError, TypeError, NotImplementedError):
        raise ConfigurationError(f"key file {key_file} is not a keystore v3 file: make one with any wallet") from None
    return account


def password(settings: Settings, ask: Callable[[], str] | None = None) -> str:
    """The keystore's password, without the line break that ends the file.

    :raises ConfigurationError: no source is set, or it cannot be read
    """
    if settings.password_fd is not None:
        try:
            with os.fdopen(settings.password_fd, encoding="utf-8") as stream:
                return stream.read().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"password_fd {settings.password_fd} cannot be read: {error}") from None
    if settings.password_file is None:
        if ask is not None:
            return ask()
        raise ConfigurationError(
            "no password for the key file: set password_file or password_fd, or pass --password-file"
        )
    try:
        return settings.password_file.read_text(encoding="utf-8").rstrip("\r\n")
    except FileNotFoundError:
        raise ConfigurationError(
            f"password file {settings.password_file} does not exist: create it or set password_file"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"password file {settings.password_file} cannot be read: {error}") from None


def _keystore(key_file: Path) -> dict[str, Any]:
    try:
        text = key_file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(
            f"key file {key_file} does not exist: create a keystore v3 file or set key_file"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"key file {key_file} cannot be read: {error}") from None
    try:
        keystore = json.loads(text)
    except ValueError:
        # A file that is nothing but a key gets the warning that it deserves.
        refuse_plain_key(text, f"key file {key_file}")
        keystore = None
    if not isinstance(keystore, dict) or keystore.get("version") != 3:
        raise ConfigurationError(f"key file {key_file} is not a keystore v3 file: make one with any wallet")
    return keystore
