"""Takes secrets out of what is logged and sent, and the teeth out of what strangers wrote. Pure.

A private key looks like a hash: 32 bytes of hex. By value both are taken out, wherever they stand; by name, the hashes
under the keys of `HASH_KEYS` stay. So a hash is logged under a key of its own, and one inside a sentence is lost.

What stands behind the host of a URL is often an API key, and for a messenger's URL (`tgram://…`) the host is one too. Secrets
that the process itself knows (a password, an API key) are taken out letter by letter, whatever stands around them.
"""

import dataclasses
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

from keeper.settings import Settings

REDACTED = "[redacted]"
HASH_KEYS = frozenset({"hash", "block_hash", "parent_hash", "transaction_hash", "replaced_by", "code_hash"})
TEXT_MAX = 2_000  # characters of one text
_HALF_MAX = 500  # characters of a secret
_DEPTH_MAX = 8  # of nested structures; a circle ends there too
_SECRET_MIN = 4  # characters of a known secret; a shorter one would black out ordinary words
_KEY_BITS_MIN = 161  # no amount, address or time has as many; a private key has

_SHORT_WORD = re.compile(r"[\w.-]{0,63}")  # an address, a name, a number: nothing that the patterns below could find
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_LONG_HEX = re.compile(r"[0-9a-fA-F]{64,}")  # and a key as a decimal number, which has 70 digits or more
_URL = re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]*)://([^\s\"'<>]*)")
_NETWORK = frozenset({"http", "https", "ws", "wss"})  # whose hosts name a service, not an account with it
_USER = re.compile(r"[^\s/@:\"']{1,200}:[^\s/@\"']{1,200}@")
_REQUEST_PATH = re.compile(r"(?i)\b(url: )/\S*")  # urllib3's errors name the path apart from the host
_QUERY = re.compile(r"(/[^\s?\"']{0,300})\?[^\s\"']+")
_SECRET_NAME = re.compile(
    r"(?i)(pass(word|phrase)|secret|mnemonic|seed_?phrase|private_?key|api[-_]?key|authori[sz]ation|credential|cookie"
    r"|(auth|access|bearer|bot)[-_]?token|signature|alert_urls|heartbeat_url)"
)
_HEADER = re.compile(
    r"(?i)([\w-]{0,40}(?:authorization|api[-_]?key|password|passphrase|secret|cookie|signature|[-_]token)[\w-]{0,40}[\"']?\s*[:=]\s*[\"']?)"
    r"(?:(?:bearer|basic|token)\s+)?[^\s\"',;}]+"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
# Controls, formats (bidirectional marks, zero widths), surrogates, private use, unassigned, line and paragraph separators.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """The secrets that stand in the settings themselves; those of files are added by who reads the files."""
    return tuple(_secrets(settings))


def neutral(text: str, most: int = TEXT_MAX) -> str:
    """A text that stays on its line and means what it shows: what does not print becomes its number, a long one is cut."""
    cut = text if len(text) <= most else text[:most] + "…"
    if cut.isprintable():
        return cut
    return "".join(
        character if unicodedata.category(character) not in _UNPRINTABLE else _escape(character) for character in cut
    )


class Redactor:
    """Makes values fit to be shown.

    :param secrets: texts that must not be shown anywhere
    """

    def __init__(self, secrets: Iterable[str] = ()):
        known = sorted({secret for secret in secrets if len(secret) >= _SECRET_MIN}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str, most: int = TEXT_MAX) -> str:
        """A text without secrets, on one line."""
        # Cut after the secrets are out, since half of one is not recognised. A huge text is cut before as well, to be done
        # in time: but for its last characters, which may be such a half.
        is_huge = len(text) > 8 * most
        text = text[: 8 * most]
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        if _SHORT_WORD.fullmatch(text):
            return neutral(text, most)
        text = _URL.sub(_host_only, text)
        text = _USER.sub(f"{REDACTED}@", text)
        text = _REQUEST_PATH.sub(rf"\1{REDACTED}", text)
        text = _HEADER.sub(rf"\1{REDACTED}", text)
        text = _BEARER.sub(rf"\1 {REDACTED}", text)
        text = _QUERY.sub(rf"\1?{REDACTED}", text)
        text = _LONG_HEX.sub(REDACTED, text)
        return neutral(text[:-_HALF_MAX] if is_huge else text, most)

    def value(self, value: Any, key: str = "", depth: int = 0) -> Any:
        """A value of numbers, texts, lists and mappings, whatever was nested in it.

        :param key: the name that it stands under
        """
        if value is None or isinstance(value, bool | float):
            return value
        if _SECRET_NAME.search(key) or isinstance(value, SecretStr | SecretBytes):
            return REDACTED
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        elif isinstance(value, BaseModel):
            value = dict(value)
        if not isinstance(value, Mapping | Collection) or isinstance(value, str | bytes | bytearray | memoryview):
            return self._single(value, key)
        if depth > _DEPTH_MAX:
            return "[too deep]"
        if isinstance(value, Mapping):
            return {self.text(str(name), 100): self.value(inner, str(name), depth + 1) for name, inner in value.items()}
        return [self.value(inner, key, depth + 1) for inner in value]

    def _single(self, value: object, key: str) -> int | str:
        if isinstance(value, int):
            return REDACTED if value.bit_length() >= _KEY_BITS_MIN else int(value)
        if isinstance(value, bytes | bytearray | memoryview):
            value = "0x" + bytes(value).hex()
        if isinstance(value, str):
            return str(value) if key in HASH_KEYS and _HASH.fullmatch(value) else self.text(value)
        if isinstance(value, BaseException):
            return self.text(f"{type(value).__name__}: {value}")
        return self.text(repr(value))


def _secrets(value: object) -> Iterable[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for _, inner in value:
            yield from _secrets(inner)


def _host_only(url: re.Match[str]) -> str:
    scheme, rest = url.group(1), url.group(2)
    if scheme.lower() not in _NETWORK:
        return f"{scheme}://{REDACTED}"
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    is_bare = len(rest.rstrip("/.,;:)]}")) <= len(host)
    return f"{scheme}://{host}" if is_bare else f"{scheme}://{host}/{REDACTED}"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
