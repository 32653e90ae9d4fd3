"""One HTTP exchange with a server that is not believed; what its answer means is the caller's to say.

It is bounded in time as a whole, since the limits of sockets are between two bytes, and in size. No redirect is followed,
nothing is decompressed, and neither a .netrc nor, for this machine's own addresses, a proxy of the environment has a say.
Errors repeat nothing of what libraries say: their texts hold URLs and headers, and with them keys.
"""

import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from http.client import HTTPException
from ipaddress import ip_address
from threading import Thread
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

_CHUNK = 2**16


class ExchangeError(Exception):
    """There is no answer."""


class TooSlow(ExchangeError):
    """It was not complete in time."""


class TooLong(ExchangeError):
    """It is longer than allowed."""


class Unreachable(ExchangeError):
    """No connection, or it broke off; the text is the kind of fault."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, of whatever status."""

    status: int
    retry_after: str | None
    body: bytes


class _Session(requests.Session):
    """Follows no redirect: it would take the request to a server that nobody named.

    `allow_redirects=False` alone still reads the body of the redirect, however long that is.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    timeout_s: float,
    most_bytes: int,
    parameters: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Reply:
    """Ask once.

    :param timeout_s: of the whole; who drips bytes is left behind with a thread that ends by itself
    :param most_bytes: of the answer's body
    :raises TooSlow, TooLong, Unreachable: there is no answer; whether the server did what it was asked is unknown
    """
    answer: Future[Reply] = Future()

    def work() -> None:
        try:
            answer.set_result(_exchange(method, url, headers, timeout_s, most_bytes, parameters, body))
        except BaseException as error:  # raised where it is waited for
            answer.set_exception(error)

    Thread(target=work, name=f"ask {urlsplit(url).hostname}", daemon=True).start()
    try:
        return answer.result(timeout_s)
    except TimeoutError:
        raise TooSlow from None


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    timeout_s: float,
    most_bytes: int,
    parameters: Mapping[str, str] | None,
    body: bytes | None,
) -> Reply:
    deadline = time.monotonic() + timeout_s

    def authorise(request: requests.PreparedRequest) -> requests.PreparedRequest:
        # As `auth`, or requests would put what a .netrc has for this host in the place of our header.
        # Compressed, a small answer could stand for a huge one.
        request.headers.update({"Accept-Encoding": "identity", **headers})
        return request

    try:
        with _Session() as session:
            session.trust_env = not is_loopback(url)
            with session.request(
                method, url, params=parameters, data=body, auth=authorise, timeout=timeout_s, stream=True
            ) as response:
                content = bytearray()
                # `read1` gives what has arrived, so that neither a slow drip nor a flood gets past the checks between.
                while chunk := response.raw.read1(_CHUNK, decode_content=False):
                    content += chunk
                    if len(content) > most_bytes:
                        raise TooLong
                    if time.monotonic() > deadline:
                        raise TooSlow
                return Reply(response.status_code, response.headers.get("Retry-After"), bytes(content))
    except (requests.Timeout, ReadTimeoutError, TimeoutError):
        raise TooSlow from None
    except (requests.RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
        raise Unreachable(type(error).__name__) from None
