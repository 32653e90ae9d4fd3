"""One HTTP exchange with a server that is not believed; what its answer means is the caller's to say.

It is bounded in time as a whole, since the limits of sockets are between two bytes, and in size. No redirect is followed,
nothing is decompressed, and neither a .netrc nor, for this machine's own addresses, a proxy of the environment has a say.
Errors repeat nothing of what libraries say: their texts hold URLs and headers, and with them keys.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from ipaddress import ip_address
from threading import Thread
from typing import TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_auth_from_url, select_proxy
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

T = TypeVar("T")

_CHUNK = 2**16
_KEPT = 8  # connections to one server: as many as threads that ask it at once


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

    @property
    def retry_after_s(self) -> int | None:
        """A Retry-After in seconds or as a date (RFC 9110, 10.2.3), rounded up; None for anything else."""
        text = (self.retry_after or "").strip()
        if text.isascii() and text.isdigit():
            return min(int(text[:10]), 10**9)
        try:
            date = parsedate_to_datetime(text)
            moment = date if date.tzinfo else date.replace(tzinfo=UTC)
            return max(0, -int((datetime.fromtimestamp(time.time(), UTC) - moment).total_seconds() // 1))
        except (ValueError, TypeError, IndexError, OverflowError):
            return None


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
    return _in_time(
        lambda: _exchange(method, url, headers, timeout_s, most_bytes, parameters, body),
        timeout_s,
        f"ask {urlsplit(url).hostname}",
    )


class Line:
    """Connections to one server that are kept between exchanges, for whom many times a second counts; for any thread.

    :param url: what is posted to; a user and password in it become a header
    :param timeout_s, most_bytes: of one exchange, as of `exchange`
    """

    def __init__(self, url: str, headers: Mapping[str, str], *, timeout_s: float, most_bytes: int):
        parts = urlsplit(url)
        user, password = get_auth_from_url(url)
        auth = urllib3.make_headers(basic_auth=f"{user}:{password}") if user or password else {}
        self._headers = {"Accept-Encoding": "identity", **headers, **auth}
        self._url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._name = f"ask {parts.hostname}"
        self._timeout_s = timeout_s
        self._most_bytes = most_bytes
        self._pool = _kept_connections(self._url)

    def post(self, body: bytes) -> Reply:
        """Ask once. Raises as `exchange`."""
        return _in_time(lambda: self._post(body), self._timeout_s, self._name)

    def _post(self, body: bytes) -> Reply:
        deadline = time.monotonic() + self._timeout_s
        with _faults():
            response = self._pool.urlopen(
                "POST",
                self._url,
                body=body,
                headers=self._headers,
                timeout=self._timeout_s,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                content = _content(response, self._most_bytes, deadline)
            except BaseException:
                response.close()  # what is still to come on this connection is nobody's answer
                raise
            response.release_conn()
            return Reply(response.status, response.headers.get("Retry-After"), content)


def in_background(work: Callable[[], T], name: str) -> Future[T]:
    """What `work` will return or raise, in a thread of its own that does not keep the process alive."""
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # raised where it is waited for
            answer.set_exception(error)

    Thread(target=run, name=name, daemon=True).start()
    return answer


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

    with _faults(), _Session() as session:
        session.trust_env = not is_loopback(url)
        with session.request(
            method, url, params=parameters, data=body, auth=authorise, timeout=timeout_s, stream=True
        ) as response:
            content = _content(response.raw, most_bytes, deadline)
            return Reply(response.status_code, response.headers.get("Retry-After"), content)


def _kept_connections(url: str) -> urllib3.PoolManager:
    """With the proxy and the certificates that the environment names, as for every other request."""
    if is_loopback(url):
        return urllib3.PoolManager(maxsize=_KEPT)
    around = requests.Session().merge_environment_settings(url, {}, None, None, None)
    proxy = select_proxy(url, around["proxies"])
    certificates = around["verify"] if isinstance(around["verify"], str) else DEFAULT_CA_BUNDLE_PATH
    if proxy is not None:
        return urllib3.ProxyManager(proxy, maxsize=_KEPT, ca_certs=certificates)
    return urllib3.PoolManager(maxsize=_KEPT, ca_certs=certificates)


def _in_time(work: Callable[[], Reply], timeout_s: float, name: str) -> Reply:
    """What `work` returns or raises, in a thread of its own that is left behind when the time is over."""
    try:
        return in_background(work, name).result(timeout_s)
    except TimeoutError:
        raise TooSlow from None


def _content(raw: urllib3.BaseHTTPResponse, most_bytes: int, deadline: float) -> bytes:
    content = bytearray()
    # `read1` gives what has arrived, so that neither a slow drip nor a flood gets past the checks between.
    while chunk := raw.read1(_CHUNK, decode_content=False):
        content += chunk
        if len(content) > most_bytes:
            raise TooLong
        if time.monotonic() > deadline:
            raise TooSlow
    return bytes(content)


@contextmanager
def _faults() -> Iterator[None]:
    """What libraries raise, as what this module raises."""
    try:
        yield
    except NewConnectionError as error:  # to urllib3 one that is refused is a kind of timeout
        raise Unreachable(type(error).__name__) from None
    except (requests.Timeout, ReadTimeoutError, ConnectTimeoutError, TimeoutError):
        raise TooSlow from None
    except (requests.RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
        raise Unreachable(type(error).__name__) from None
