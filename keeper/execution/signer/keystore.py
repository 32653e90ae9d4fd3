"""Signs here, with a key out of a keystore v3 file (Web3 Secret Storage) whose password a file or a descriptor holds."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.messages import SignableMessage
from eth_account.signers.local import LocalAccount
from eth_utils.address import is_hex_address, to_checksum_address
from pydantic import SecretStr

from keeper.errors import ConfigurationError
from keeper.execution.eip1559 import Transaction
from keeper.execution.signer.interface import Signed
from keeper.settings import Settings, refuse_plain_key


class KeystoreSigner:
    """Signs here, with a key that is only ever in this process's memory."""

    def __init__(self, account: LocalAccount):
        self._account = account

    @property
    def address(self) -> str:
        """Checksum address of the account."""
        return str(self._account.address)

    def sign(self, transaction: Transaction) -> Signed:
        """Sign, but do not send."""
        return Signed(bytes(self._account.sign_transaction(transaction).raw_transaction))

    def sign_message(self, message: SignableMessage) -> bytes:
        """Sign what is no transaction: the 65 bytes of r, s and v."""
        return bytes(self._account.sign_message(message).signature)

    def __repr__(self) -> str:
        return f"KeystoreSigner({self.address})"


def address_of(key_file: Path) -> str:
    """The account of a keystore v3 file, which says so without its password.

    :raises ConfigurationError: as `unlock`, but for the password
    """
    address = read_keystore(key_file).get("address")
    if not isinstance(address, str) or not is_hex_address(address):
        raise ConfigurationError(f"key file {key_file} does not name its address: make a new keystore v3 file")
    return to_checksum_address(f"0x{address.removeprefix('0x')}")


def unlock(key_file: Path, secret: SecretStr) -> LocalAccount:
    """The account in a keystore v3 file.

    :raises ConfigurationError: the file is missing, is no keystore v3, or the password is wrong
    """
    keystore = read_keystore(key_file)
    try:
        account: LocalAccount = Account.from_key(Account.decrypt(keystore, secret.get_secret_value()))
    except ValueError as error:
        cause = "the password is wrong" if "MAC mismatch" in str(error) else "it is not a keystore v3 file"
        raise ConfigurationError(f"key file {key_file} cannot be unlocked, {cause}: check password_file") from None
    except (KeyError, TypeError, NotImplementedError):
        raise ConfigurationError(f"key file {key_file} is not a keystore v3 file: make one with any wallet") from None
    if "address" in keystore and address_of(key_file) != account.address:
        raise ConfigurationError(
            f"key file {key_file} names another address than its key's, {account.address}: make a new keystore v3 file"
        )
    return account


def password(settings: Settings, ask: Callable[[], str] | None = None) -> SecretStr:
    """The keystore's password, without the line break that ends the file.

    :raises ConfigurationError: no source is set, or it cannot be read
    """
    if settings.password_fd is not None:
        try:
            with os.fdopen(settings.password_fd, encoding="utf-8") as stream:
                return SecretStr(stream.read().rstrip("\r\n"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"password_fd {settings.password_fd} cannot be read: {error}") from None
    if settings.password_file is None:
        if ask is not None:
            return SecretStr(ask())
        raise ConfigurationError(
            "no password for the key file: set password_file or password_fd, or pass --password-file"
        )
    return read_password(settings.password_file)


def read_password(file: Path) -> SecretStr:
    """A password, without the line break that ends its file.

    :raises ConfigurationError: the file cannot be read
    """
    try:
        return SecretStr(file.read_text(encoding="utf-8").rstrip("\r\n"))
    except FileNotFoundError:
        raise ConfigurationError(f"password file {file} does not exist: create it or set password_file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"password file {file} cannot be read: {error}") from None


def read_keystore(key_file: Path) -> dict[str, Any]:
    """The JSON of a keystore v3 file, as it stands there.

    :raises ConfigurationError: the file is missing or is no keystore v3
    """
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
