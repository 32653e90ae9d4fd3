"""One aggregator's HTTP interface: what goes out is ours, what comes back is hostile.

What fails on the way is asked again a few times, after the time that Retry-After asks for where an answer has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from pydantic import SecretStr
from pydantic_core import from_json, to_json
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from keeper.aggregators.errors import (
    AccessRefused,
    AggregatorUnavailable,
    MalformedAnswer,
    NoQuote,
    RateLimited,
    RequestRefused,
)
from keeper.errors import AggregatorError, ConfigurationError
from keeper.exchange import Reply, TooLong, TooSlow, Unreachable, exchange

ANSWER_MAX = 2 * 2**20  # bytes; routes over hundreds of pools take a tenth of it
_TEXT_MAX = 200  # characters of what an aggregator says, in our errors
BEARER = "Bearer "
_FAILING = frozenset({408, 425, 500, 502, 503, 504})

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
        reply = self._exchange(method, path, parameters, body)
        status = reply.status
        if status == 429:
            raise RateLimited(
                f"{self._venue} refuses more requests for now (HTTP status 429): ask less often or with a key",
                reply.retry_after_s,
            )
        if status in (401, 403):
            raise AccessRefused(
                f"{self._venue} refuses access (HTTP status {status}): check its key among the settings of aggregators"
            )
        if 300 <= status < 400:
            raise MalformedAnswer(
                f"{self._venue} answers with a redirect (HTTP status {status}), which is not followed: check its URL"
            )
        is_success = 200 <= status < 300
        try:
            answer: object = from_json(reply.body, allow_inf_nan=False)
        except ValueError:
            if is_success:
                raise MalformedAnswer(f"{self._venue} answers with something that is not JSON: check its URL") from None
            answer = None
        if not is_success:
            raise self.fault(answer, status)
        return answer

    def _exchange(self, method: str, path: str, parameters: Parameters, body: object) -> Reply:
        headers = {"Accept": "application/json", "User-Agent": "equipoise"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            return exchange(
                method,
                f"{self._url}{path}",
                headers | {name: _plain(value) for name, value in self._headers.items()},
                timeout_s=self._timeout_s,
                most_bytes=ANSWER_MAX,
                parameters={name: str(value) for name, value in parameters.items()},
                body=None if body is None else to_json(body),
            )
        except TooSlow:
            raise AggregatorUnavailable(
                f"{self._venue} gave no answer in {self._timeout_s:g} s: try again later or raise request_timeout_s"
            ) from None
        except TooLong:
            raise MalformedAnswer(
                f"{self._venue} answers with more than {ANSWER_MAX} bytes: leave this venue out"
            ) from None
        except Unreachable as error:
            raise AggregatorUnavailable(
                f"{self._venue} cannot be reached ({error}): check the network, or leave it out"
            ) from None

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
