"""Refuses private keys wherever they stand in plain text, without repeating them."""

import re
from collections.abc import Sequence

from keeper.errors import ConfigurationError

_PLAIN_KEY = re.compile(r"(?i)(?<![0-9a-z])(?:0x)?[0-9a-f]{64}(?![0-9a-z])")
# The same key as a decimal number: nothing that a setting accepts is longer than an address, 49 digits.
_PLAIN_NUMBER = re.compile(r"\b\d{70,78}\b")
_KEY_BITS_MIN = 161
_SECRET_NAME = re.compile(r"(?i)(private_?key|mnemonic|seed_?phrase|secret)")
_MEND_KEY = (
    "keep the key in a keystore v3 file (key_file) and its password in a file of its own (password_file), "
    "or with an external signer (web3signer_url, clef_url)"
)


def refuse_plain_key(value: object, where: str, name: str = "") -> None:
    """Refuse what looks like a private key, without repeating it.

    :raises ConfigurationError: a value of 32 bytes, in hex or as a number, or a name that announces a secret
    """
    if _SECRET_NAME.search(name) or _is_plain_key(value):
        raise ConfigurationError(f"{where} holds a private key in plain text: remove it, {_MEND_KEY}")


def refuse_plain_arguments(arguments: Sequence[str]) -> None:
    """Refuse a command line on which a private key stands; names the option before it, if there is one.

    :raises ConfigurationError: as `refuse_plain_key`
    """
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name = argument.partition("=")[0] if "=" in argument else before
        is_option = name.startswith("--") and not _is_plain_key(name)
        refuse_plain_key(argument, f"argument {name}" if is_option else "an argument")


def _is_plain_key(value: object) -> bool:
    if isinstance(value, int):
        return value.bit_length() >= _KEY_BITS_MIN  # TOML has integers in hex
    text = str(value)  # paths too
    return _PLAIN_KEY.search(text) is not None or _PLAIN_NUMBER.search(text) is not None
