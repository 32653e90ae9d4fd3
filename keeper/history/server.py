"""One server of prices over HTTP: asked no faster than it allows, asked again when it fails, never believed.

Its errors repeat no header and no URL's path: a key may stand in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic_core import from_json
from pyrate_limiter import Duration, Limiter, Rate
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from keeper.errors import HistoryError
from keeper.exchange import Reply, TooLong, TooSlow, Unreachable, exchange

ANSWER_MAX = 16 * 2**20  # bytes; a page of the longest takes a tenth of it
_FAILING = frozenset({408, 425, 500, 502, 503, 504})
_BUSY = frozenset({418, 429})  # Binance bans with 418 who goes on after 429
_TEXT_MAX = 200  # characters of what a server says, in our errors


class Unavailable(HistoryError):
    """The server fails, is busy or is not there: another time may do."""

    def __init__(self, text: str, retry_after_s: int | None = None):
        super().__init__(text)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, and for what.

    :param timeout_s: hard limit of one exchange
    :param attempts: how often a page is asked for in all
    :param total_s: how long all attempts and the pauses between them may take; a longer Retry-After is not waited for
    """

    timeout_s: float = 30.0
    attempts: int = 5
    total_s: float = 300.0


class Server:
    """Asks one server for JSON.

    :param per_minute: most requests in any minute
    :param headers: by name; secrets stay out of every message and `repr`
    """

    def __init__(
        self,
        name: str,
        url: str,
        per_minute: int,
        patience: Patience,
        headers: Mapping[str, SecretStr] | None = None,
    ):
        self.name = name
        self.url = url.rstrip("/")
        self._headers = dict(headers or {})
        self._timeout_s = patience.timeout_s
        # Spread evenly: a burst is what servers ban for.
        self._limiter = Limiter(Rate(1, max(1, int(Duration.MINUTE) // per_minute)))
        self._retrying = Retrying(
            stop=stop_after_attempt(patience.attempts) | stop_before_delay(patience.total_s),
            wait=_pause,
            retry=retry_if_exception_type(Unavailable),
            reraise=True,
        )

    def get(self, path: str, parameters: Mapping[str, object]) -> object:
        """The JSON at a path.

        :raises HistoryError: no usable answer within the attempts
        """
        return self._retrying(partial(self._ask, self.url + path, parameters))

    def follow(self, url: str) -> object:
        """The JSON at a URL that an answer of this server named.

        :raises HistoryError: the URL is another server's; or as `get`
        """
        here, there = urlsplit(self.url), urlsplit(url)
        if (there.scheme, there.netloc) != (here.scheme, here.netloc):
            raise HistoryError(f"{self.name}: the next page is on another server: not followed; run the command again")
        return self._retrying(partial(self._ask, url, {}))

    def _ask(self, url: str, parameters: Mapping[str, object]) -> object:
        self._limiter.try_acquire(self.name, blocking=True)
        reply = self._exchange(url, parameters)
        if reply.status in _BUSY:
            raise Unavailable(
                f"{self.name} refuses more requests for now (HTTP status {reply.status}): run the command again later",
                reply.retry_after_s,
            )
        if reply.status in _FAILING:
            raise Unavailable(f"{self.name} fails (HTTP status {reply.status}): run the command again later")
        try:
            answer: object = from_json(reply.body, allow_inf_nan=False)
        except ValueError:
            answer = None
        if not 200 <= reply.status < 300:
            raise HistoryError(self._refusal(reply.status, answer))
        if answer is None:
            raise HistoryError(f"{self.name} answers with something that is not JSON: check its URL")
        return answer

    def _exchange(self, url: str, parameters: Mapping[str, object]) -> Reply:
        headers = {"Accept": "application/json", "User-Agent": "equipoise"}
        try:
            return exchange(
                "GET",
                url,
                headers | {name: value.get_secret_value() for name, value in self._headers.items()},
                timeout_s=self._timeout_s,
                most_bytes=ANSWER_MAX,
                parameters={name: str(value) for name, value in parameters.items()},
            )
        except TooSlow:
            raise Unavailable(
                f"{self.name} gave no answer in {self._timeout_s:g} s: run the command again later"
            ) from None
        except TooLong:
            raise HistoryError(f"{self.name} answers with more than {ANSWER_MAX} bytes: check its URL") from None
        except Unreachable as error:
            raise Unavailable(f"{self.name} cannot be reached ({error}): check the network and its URL") from None

    def _refusal(self, status: int, answer: object) -> str:
        said = self._clean(_text_of(answer))
        fixes = {
            401: "give a key, or ask for what the one given reaches (docs/how-to/get-prices.md)",
            403: "it needs another key or plan, or fewer requests",
            404: "check the identifiers",
            451: "it does not serve this place: name another of its servers with --url",
        }
        fix = fixes.get(status, "check the identifiers and the span of time")
        return f"{self.name} refuses (HTTP status {status}{': ' + said if said else ''}): {fix}"

    def _clean(self, text: str) -> str:
        """One short printable line, without our secrets: some servers repeat the request."""
        for value in self._headers.values():
            text = text.replace(value.get_secret_value(), "***")
        printable = "".join(letter if letter.isascii() and letter.isprintable() else " " for letter in text)
        return " ".join(printable.split())[:_TEXT_MAX]


def _text_of(answer: object) -> str:
    """The text of an error in the three shapes: Binance's `msg`, CoinGecko's and Coin Metrics' nested ones."""
    for _ in range(3):
        if not isinstance(answer, dict):
            break
        text = next((answer[name] for name in ("msg", "message", "error_message") if name in answer), None)
        if isinstance(text, str):
            return text
        answer = answer.get("error") or answer.get("status")
    return answer if isinstance(answer, str) else ""


def _pause(state: RetryCallState) -> float:
    """Seconds until the next attempt."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Unavailable) and error.retry_after_s is not None:
        return float(error.retry_after_s)
    return wait_random_exponential(multiplier=0.5, max=30.0)(state)
