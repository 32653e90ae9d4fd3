"""One aggregator's HTTP interface: what goes out is ours, what comes back is hostile.

Redirects and compressed answers are refused, answers have a maximum length, and the time limit is one of the whole
exchange: an endpoint that sends a byte now and then does not hold the keeper up. What fails on the way is asked again
a few times, after the time that Retry-After asks for where an answer has it.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPException
from queue import Empty, SimpleQueue

import requests
from pydantic import SecretStr
from pydantic_core import from_json
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)
from urllib3.exceptions import HTTPError

from keeper.aggregators.errors import (
    AccessRefused,
    AggregatorUnavailable,
    MalformedAnswer,
    NoQuote,
    RateLimited,
    RequestRefused,
)
from keeper.errors import AggregatorError, ConfigurationError

ANSWER_MAX = 2 * 2**20  # bytes; routes over hundreds of pools take a tenth of it
_TEXT_MAX = 200  # characters of what an aggregator says, in our errors
BEARER = "Bearer "
_FAILING = frozenset({408, 425, 500, 502, 503, 504})
_CONNECTION_FAULTS = (requests.RequestException, HTTPError, HTTPException, OSError, ValueError)

Parameters = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Faults:
    """How an aggregator tells what went wrong: where its code and its text stand, and which codes it documents."""

    code: str
    text: str
    known: Mapping[str, type[AggregatorError]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a venue, for those who do not want its defaults.

    :param url: https; None for the public one
    :param timeout_s: hard limit of one exchange
    :param attempts: how often a question is asked in all
    :param patience_s: how long all attempts and the pauses between them may take; a longer Retry-After is not waited for
    """

    url: str | None = None
    timeout_s: float = 10.0
    attempts: int = 3
    patience_s: float = 20.0


PUBLIC = Connection()


@dataclass(frozen=True, slots=True)
class _Exchange:
    status: int
    retry_after: str | None
    body: bytes


class Transport:
    """Asks one aggregator.

    :param headers: by name; secrets stay out of every message and `repr`
    :raises ConfigurationError: a secret that cannot stand in a header
    """

    def __init__(
        self,
        venue: str,
        url: str,
        faults: Faults,
        connection: Connection,
        headers: Mapping[str, str | SecretStr] | None = None,
    ):
        self._venue = venue
        self._url = (connection.url or url).rstrip("/")
        self._faults = faults
        self._timeout_s = connection.timeout_s
        self._headers = dict(headers or {})
        for name, value in self._headers.items():
            text = _plain(value).removeprefix(BEARER)
            if not text or not text.isascii() or not text.isprintable() or " " in text:
                raise ConfigurationError(f"{venue}: what is to stand in {name} is empty or no key: copy it anew")
        self._retrying = Retrying(
            stop=stop_after_attempt(connection.attempts) | stop_before_delay(connection.patience_s),
            wait=_pause,
            retry=retry_if_exception_type(AggregatorUnavailable),
            reraise=True,
        )

    def get(self, path: str, parameters: Parameters) -> object:
        """The JSON that a GET answers.

        :raises AggregatorError: no usable answer within the attempts; the class says why
        """
        return self._retrying(partial(self._ask, "GET", path, parameters, None))

    def post(self, path: str, body: object, parameters: Parameters | None = None) -> object:
        """The JSON that a POST answers. None of these venues changes anything by one, so it is asked again too.

        :raises AggregatorError: as `get`
        """
        return self._retrying(partial(self._ask, "POST", path, parameters or {}, body))

    def fault(self, body: object, status: int = 200) -> AggregatorError:
        """The error that an answer tells of, as the venue documents it."""
        fields = body if isinstance(body, dict) else {}
        code = str(fields.get(self._faults.code, "")).strip()
        default = AggregatorUnavailable if status in _FAILING else RequestRefused
        kind = self._faults.known.get(code, default)
        text = self._clean(f"{code} {fields.get(self._faults.text, '')}") or f"HTTP status {status}"
        return kind(f"{self._venue} gives no quote: {text}: {_mend(kind)}")

    def _ask(self, method: str, path: str, parameters: Parameters, body: object) -> object:
        exchange = self._within_time(method, path, parameters, body)
        status = exchange.status
        if status == 429:
            raise RateLimited(
                f"{self._venue} refuses more requests for now (HTTP status 429): ask less often or with a key",
                _seconds(exchange.retry_after),
            )
        if status in (401, 403):
            raise AccessRefused(
                f"{self._venue} refuses access (HTTP status {status}): check its key among the settings of aggregators"
            )
        if 300 <= status < 400:
            raise MalformedAnswer(
                f"{self._venue} answers with a redirect (HTTP status {status}), which is not followed: check its URL"
            )
        if len(exchange.body) > ANSWER_MAX:
            raise MalformedAnswer(f"{self._venue} answers with more than {ANSWER_MAX} bytes: leave this venue out")
        is_success = 200 <= status < 300
        try:
            answer: object = from_json(exchange.body, allow_inf_nan=False)
        except ValueError:
            if is_success:
                raise MalformedAnswer(f"{self._venue} answers with something that is not JSON: check its URL") from None
            answer = None
        if not is_success:
            raise self.fault(answer, status)
        return answer

    def _within_time(self, method: str, path: str, parameters: Parameters, body: object) -> _Exchange:
        # The limits of sockets are between two bytes. Who drips them is left behind with a thread that ends by itself.
        outcome: SimpleQueue[_Exchange | Exception] = SimpleQueue()

        def exchange() -> None:
            try:
                outcome.put(self._exchange(method, path, parameters, body))
            except Exception as error:
                outcome.put(error)

        threading.Thread(target=exchange, name=f"ask {self._venue}", daemon=True).start()
        try:
            result = outcome.get(timeout=self._timeout_s)
        except Empty:
            result = requests.Timeout()
        if isinstance(result, requests.Timeout):
            raise AggregatorUnavailable(
                f"{self._venue} gave no answer in {self._timeout_s:g} s: try again later or raise request_timeout_s"
            )
        if isinstance(result, _CONNECTION_FAULTS):
            # What a library says of a request may repeat its headers.
            raise AggregatorUnavailable(
                f"{self._venue} cannot be reached ({type(result).__name__}): check the network, or leave it out"
            )
        if isinstance(result, Exception):
            raise result
        return result

    def _exchange(self, method: str, path: str, parameters: Parameters, body: object) -> _Exchange:
        with (
            requests.Session() as session,
            session.request(
                method,
                f"{self._url}{path}",
                params={name: str(value) for name, value in parameters.items()},
                json=body,
                headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "equipoise"},
                auth=self._authorise,
                timeout=self._timeout_s,
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            # As it came: to decompress it first could take any amount of memory.
            raw = response.raw.read(ANSWER_MAX + 1, decode_content=False)
            return _Exchange(response.status_code, response.headers.get("Retry-After"), raw)

    def _authorise(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # As `auth`, or requests would put what a .netrc has for this host in the place of our header.
        for name, value in self._headers.items():
            request.headers[name] = _plain(value)
        return request

    def _clean(self, text: str) -> str:
        """One short printable line, without our secrets: some endpoints repeat the request."""
        for value in self._headers.values():
            if isinstance(value, SecretStr):
                text = text.replace(_plain(value).removeprefix(BEARER), "***")
        printable = "".join(letter if letter.isascii() and letter.isprintable() else " " for letter in text)
        return " ".join(printable.split())[:_TEXT_MAX]


def _plain(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _mend(kind: type[AggregatorError]) -> str:
    if issubclass(kind, NoQuote):
        return "use another venue, or a smaller amount"
    if issubclass(kind, AggregatorUnavailable):
        return "try again later"
    return "mend the request, or use another venue"


def _pause(state: RetryCallState) -> float:
    """Seconds until the next attempt."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RateLimited) and error.retry_after_s is not None:
        return float(error.retry_after_s)
    return wait_random_exponential(multiplier=0.2, max=5.0)(state)


def _seconds(retry_after: str | None) -> int | None:
    """A Retry-After in seconds or as a date (RFC 9110, 10.2.3), rounded up; None for anything else."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:10]), 10**9)
    try:
        date = parsedate_to_datetime(text)
        moment = date if date.tzinfo else date.replace(tzinfo=UTC)
        return max(0, -int((datetime.fromtimestamp(time.time(), UTC) - moment).total_seconds() // 1))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
