"""Asks a JSON-RPC server that is not believed: an external signer or a private relay.

Each request is made exactly once: whether to ask again is its caller's decision. What comes back is bounded in time and size
and is JSON, or it is an error; what it means is the caller's to check. Answers are not told apart by their ids: one connection
carries one request.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic_core import from_json

from keeper.chain.rpc import without_secrets
from keeper.errors import ChainError
from keeper.exchange import TooLong, TooSlow, Unreachable, exchange, is_loopback

# The largest honest answer is Clef's: a transaction of 128 KiB, the most that nodes take, in hex, and twice.
ANSWER_MAX_BYTES = 2**20
_TEXT_MAX = 200
_REDIRECTS = range(300, 400)


class NoAnswer(ChainError):
    """The server did not answer, or not in JSON-RPC; whether it did what it was asked is unknown."""


class Refusal(ChainError):
    """The server answered with a JSON-RPC error."""


class Endpoint:
    """One JSON-RPC server.

    :param role: what it is to a person, as in `web3signer`
    :param url: http or https; only its host is ever printed
    :param timeout_s: of one request
    """

    def __init__(self, role: str, url: SecretStr, timeout_s: float):
        self.name = f"{role} at {without_secrets(url.get_secret_value())}"
        parts = urlsplit(url.get_secret_value())
        self.is_https = parts.scheme == "https"
        self.is_loopback = is_loopback(url.get_secret_value())
        self._url = url
        self._timeout_s = timeout_s

    def ask(
        self,
        method: str,
        params: Sequence[object],
        headers: Callable[[bytes], Mapping[str, str]] = lambda _: {},
    ) -> Any:
        """The result that the server gives.

        :param headers: further ones, made from the exact body that is sent
        :raises Refusal: an error answer
        :raises NoAnswer: anything else that is no result
        """
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        body = json.dumps(request, separators=(",", ":")).encode()
        answer = self._read(self._ask(body, headers(body)))
        if not isinstance(answer, dict):
            raise NoAnswer(f"{self.name} answered {method} with something that is not JSON-RPC: check its URL")
        if answer.get("error") is not None:
            raise Refusal(f"{self.name} refused {method}: {self._line(answer['error'])}")
        if answer.get("result") is None:
            raise NoAnswer(f"{self.name} answered {method} without a result: check its URL")
        return answer["result"]

    def __repr__(self) -> str:
        return f"Endpoint({self.name})"

    def _ask(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        try:
            reply = exchange(
                "POST",
                self._url.get_secret_value(),
                {"Content-Type": "application/json", **headers},
                timeout_s=self._timeout_s,
                most_bytes=ANSWER_MAX_BYTES,
                body=body,
            )
        except TooSlow:
            raise NoAnswer(
                f"{self.name} gave no answer in {self._timeout_s:g} s: check that it runs, or raise its timeout"
            ) from None
        except TooLong:
            raise NoAnswer(f"{self.name} answered with more than {ANSWER_MAX_BYTES:,} bytes: check its URL") from None
        except Unreachable:
            raise NoAnswer(f"{self.name} cannot be reached, or broke off: start it, or check its URL") from None
        if reply.status in _REDIRECTS:
            raise NoAnswer(f"{self.name} redirects elsewhere, which is not followed: check its URL")
        # An error answer may come with any status; without JSON in it the status is all there is to say.
        if reply.status != HTTPStatus.OK and not reply.body.lstrip().startswith(b"{"):
            raise NoAnswer(f"{self.name} answered with HTTP status {reply.status}: check its URL")
        return reply.body

    def _read(self, content: bytes) -> object:
        try:
            # Not `json`: where the interpreter's recursion limit has been raised, deep nesting ends the process there.
            return from_json(content, allow_inf_nan=False)
        except ValueError:
            raise NoAnswer(f"{self.name} answered with something that is not JSON: check its URL") from None

    def _line(self, error: object) -> str:
        """One short line of what a stranger wrote: it moves no cursor, starts no line of a log, and repeats no key."""
        text = str(error.get("message") if isinstance(error, dict) else error)
        parts = urlsplit(self._url.get_secret_value())
        for secret in (parts.query, parts.path.strip("/"), parts.password, parts.username):
            text = text.replace(secret, "…") if secret else text
        line = "".join(each if each.isprintable() else " " for each in text[: 2 * _TEXT_MAX])
        return " ".join(line.split())[:_TEXT_MAX]
