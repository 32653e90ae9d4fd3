"""Asks a JSON-RPC server that is not believed: an external signer or a private relay.

Each request is made exactly once: whether to ask again is its caller's decision. What comes back is bounded in time and size
and is JSON, or it is an error; what it means is the caller's to check. Answers are not told apart by their ids: one connection
carries one request.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from ipaddress import ip_address
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr
from urllib3.exceptions import HTTPError, ReadTimeoutError

from keeper.chain.rpc import without_secrets
from keeper.errors import ChainError

# The largest honest answer is Clef's: a transaction of 128 KiB, the most that nodes take, in hex, and twice.
ANSWER_MAX_BYTES = 2**20
_TEXT_MAX = 200
_CHUNK = 2**16


class NoAnswer(ChainError):
    """The server did not answer, or not in JSON-RPC; whether it did what it was asked is unknown."""


class Refusal(ChainError):
    """The server answered with a JSON-RPC error."""


class _Session(requests.Session):
    """Follows no redirect: it would take the request to a server that nobody named.

    `allow_redirects=False` alone still reads the body of the redirect, however long that is.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


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
        self.is_loopback = _is_loopback(parts.hostname or "")
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
        answer = self._read(self._in_time(body, dict(headers(body))))
        if not isinstance(answer, dict):
            raise NoAnswer(f"{self.name} answered {method} with something that is not JSON-RPC: check its URL")
        if answer.get("error") is not None:
            raise Refusal(f"{self.name} refused {method}: {self._line(answer['error'])}")
        if answer.get("result") is None:
            raise NoAnswer(f"{self.name} answered {method} without a result: check its URL")
        return answer["result"]

    def __repr__(self) -> str:
        return f"Endpoint({self.name})"

    def _in_time(self, body: bytes, headers: dict[str, str]) -> bytes:
        """`_post`, waited for no longer than the timeout: a server that drips its headers keeps every single read in time."""
        answer: Future[bytes] = Future()

        def work() -> None:
            try:
                answer.set_result(self._post(body, headers))
            except BaseException as error:  # raised where it is waited for
                answer.set_exception(error)

        Thread(target=work, daemon=True).start()
        try:
            return answer.result(self._timeout_s)
        except TimeoutError:
            raise self._too_late() from None

    def _post(self, body: bytes, headers: dict[str, str]) -> bytes:
        # Compressed, a small answer could stand for a huge one.
        headers |= {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        url, deadline = self._url.get_secret_value(), time.monotonic() + self._timeout_s
        try:
            with _Session() as session:
                # The environment's proxy has no business with what stays on this machine.
                session.trust_env = not self.is_loopback
                with session.post(url, data=body, headers=headers, timeout=self._timeout_s, stream=True) as response:
                    content = self._content(response, deadline)
        except (requests.Timeout, ReadTimeoutError):
            raise self._too_late() from None
        except (requests.RequestException, HTTPError, ValueError):
            # Their texts hold the URL, and with it whatever key stands there.
            raise NoAnswer(f"{self.name} cannot be reached, or broke off: start it, or check its URL") from None
        if response.is_redirect:
            raise NoAnswer(f"{self.name} redirects elsewhere, which is not followed: check its URL")
        # An error answer may come with any status; without JSON in it the status is all there is to say.
        if response.status_code != requests.codes.ok and not content.lstrip().startswith(b"{"):
            raise NoAnswer(f"{self.name} answered with HTTP status {response.status_code}: check its URL")
        return content

    def _content(self, response: requests.Response, deadline: float) -> bytes:
        content = bytearray()
        # `read1` gives what has arrived, so that neither a slow drip nor a flood gets past the checks between.
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            content += chunk
            if len(content) > ANSWER_MAX_BYTES:
                raise NoAnswer(f"{self.name} answered with more than {ANSWER_MAX_BYTES:,} bytes: check its URL")
            if time.monotonic() > deadline:
                raise self._too_late()
        return bytes(content)

    def _read(self, content: bytes) -> object:
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise NoAnswer(f"{self.name} answered with something that is not JSON: check its URL") from None

    def _line(self, error: object) -> str:
        """One short line of what a stranger wrote: it moves no cursor, starts no line of a log, and repeats no key."""
        text = str(error.get("message") if isinstance(error, dict) else error)
        parts = urlsplit(self._url.get_secret_value())
        for secret in (parts.query, parts.path.strip("/"), parts.password, parts.username):
            text = text.replace(secret, "…") if secret else text
        line = "".join(each if each.isprintable() else " " for each in text[: 2 * _TEXT_MAX])
        return " ".join(line.split())[:_TEXT_MAX]

    def _too_late(self) -> NoAnswer:
        return NoAnswer(
            f"{self.name} gave no answer in {self._timeout_s:g} s: check that it runs, or raise its timeout"
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
