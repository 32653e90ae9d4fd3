"""Delivers messages: to messengers and webhooks through apprise, and a heartbeat to whoever misses it.

Each address has a thread and a bounded queue of its own, so that one that hangs or fails delays neither the keeper nor the
others: what finds its queue full is dropped and counted. A listener that puts messages there never waits.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Full, Queue
from typing import Protocol

import structlog
from prometheus_client import Counter
from pydantic import SecretStr
from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_random_exponential

from keeper.errors import ConfigurationError
from keeper.exchange import ExchangeError, exchange
from keeper.operations.alerts import Desk
from keeper.operations.conditions import Severity
from keeper.operations.events import Event
from keeper.operations.redaction import Redactor
from keeper.settings import OperationsSettings

QUEUE_MAX = 50  # messages that wait for one address
_ATTEMPTS = 3
_PAUSE_S = 2.0  # first of the pauses between them
_FLUSH_S = 5.0  # at the end, for what still waits
_ANSWER_MAX = 2**16  # bytes that a heartbeat's service may answer with
_TYPES = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.ERROR: "failure", Severity.CRITICAL: "failure"}


class Plugin(Protocol):
    """One of apprise's services."""

    def notify(self, body: str, title: str, notify_type: str) -> bool:
        """Deliver; whether that went well."""


def addresses(settings: OperationsSettings) -> tuple[SecretStr, ...]:
    """The URLs that alerts go to.

    :raises ConfigurationError: their file cannot be read
    """
    if settings.alert_urls_file is not None:
        lines = read_secret(settings.alert_urls_file, "operations.alert_urls_file").splitlines()
    else:
        lines = [] if settings.alert_urls is None else settings.alert_urls.get_secret_value().split()
    return tuple(SecretStr(line.strip()) for line in lines if line.strip() and not line.strip().startswith("#"))


def heartbeat_url(settings: OperationsSettings) -> SecretStr | None:
    """The URL that is asked while all is well; None where nobody listens.

    :raises ConfigurationError: its file cannot be read, or holds no http(s) URL
    """
    if settings.heartbeat_url_file is None:
        return settings.heartbeat_url
    url = read_secret(settings.heartbeat_url_file, "operations.heartbeat_url_file").strip()
    if not url.startswith(("http://", "https://")):
        raise ConfigurationError(f"{settings.heartbeat_url_file} holds no http:// or https:// URL: mend it")
    return SecretStr(url)


def plugin(url: SecretStr, number: int, timeout_s: float) -> Plugin:
    """The service behind a URL.

    :param number: of the URL among the others, which is all that an error says of it
    :raises ConfigurationError: apprise knows no such service, or the URL lacks what it wants
    """
    import apprise  # a hundred services take their time to load

    made = apprise.Apprise.instantiate(url.get_secret_value(), suppress_exceptions=True)
    if made is None:
        raise ConfigurationError(f"alert URL {number} is none that apprise understands: mend operations.alert_urls")
    made.socket_connect_timeout = made.socket_read_timeout = timeout_s
    return made


def read_secret(file: Path, setting: str) -> str:
    """What a file with a secret holds.

    :raises ConfigurationError: it cannot be read
    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read ({type(error).__name__}): mend {setting}") from None


class Notifier:
    """A listener that hands what the desk decides to every address.

    :param name: which keeper speaks, for people who have several
    :param counted: counts messages by `outcome`
    :param clock: unix s
    """

    def __init__(
        self,
        plugins: Sequence[Plugin],
        desk: Desk,
        redactor: Redactor,
        name: str = "equipoise",
        counted: Counter | None = None,
        clock: Callable[[], float] = time.time,
        pause_s: float = _PAUSE_S,
    ):
        self._desk, self._redactor, self._name, self._counted, self._clock = desk, redactor, name, counted, clock
        self._targets = [_Target(each, number, self._count, pause_s) for number, each in enumerate(plugins, 1)]

    def __call__(self, event: Event) -> None:
        """Send what the event calls for."""
        held_back = self._desk.held_back
        messages = self._desk.hear(event, self._clock())
        self._count("held_back", self._desk.held_back - held_back)
        for message in messages:
            title = f"[{self._name}] {message.severity.name}: {self._redactor.text(message.title)}"
            for target in self._targets:
                target.put(title, self._redactor.text(message.text), _TYPES[message.severity])

    def close(self, timeout_s: float = _FLUSH_S) -> None:
        """Deliver what waits, as far as that goes within the time."""
        deadline = time.monotonic() + timeout_s
        for target in self._targets:
            target.finish()
        for target in self._targets:
            target.thread.join(max(deadline - time.monotonic(), 0))

    def _count(self, outcome: str, count: int = 1) -> None:
        if self._counted is not None and count:
            self._counted.labels(outcome).inc(count)


class _Target:
    def __init__(self, plugin: Plugin, number: int, count: Callable[[str], None], pause_s: float):
        self._plugin, self._number, self._count = plugin, number, count
        self._queue: Queue[tuple[str, str, str] | None] = Queue(QUEUE_MAX)
        self._retrying = Retrying(
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=pause_s, max=30),
            retry=retry_if_result(lambda went_well: not went_well),
            retry_error_callback=lambda _: False,
        )
        self.thread = threading.Thread(target=self._work, name=f"alerts {number}", daemon=True)
        self.thread.start()

    def put(self, title: str, body: str, kind: str) -> None:
        try:
            self._queue.put_nowait((title, body, kind))
        except Full:
            self._count("dropped")

    def finish(self) -> None:
        with suppress(Full):
            self._queue.put_nowait(None)

    def _work(self) -> None:
        while (message := self._queue.get()) is not None:
            if self._retrying(self._deliver, *message):
                self._count("sent")
            else:
                self._count("failed")
                # Not an event: an alert about alerts would go the same way.
                structlog.get_logger("keeper.alerts").error("alert_not_delivered", url_number=self._number)

    def _deliver(self, title: str, body: str, kind: str) -> bool:
        try:
            return bool(self._plugin.notify(body=body, title=title, notify_type=kind))
        except Exception:
            return False  # whatever a service's plugin raises


class Heartbeat:
    """Asks a URL every so often while all is well, from a thread of its own. A service there tells people of silence."""

    def __init__(self, url: SecretStr, interval_s: float, is_well: Callable[[], bool], timeout_s: float):
        self._url, self._interval_s, self._is_well, self._timeout_s = url, interval_s, is_well, timeout_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="heartbeat", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Beat no more."""
        self._is_over.set()
        self._thread.join(self._timeout_s)

    def beat(self) -> bool:
        """Ask once, if all is well; whether the service took it."""
        if not self._is_well():
            return False
        try:
            reply = exchange("GET", self._url.get_secret_value(), {}, timeout_s=self._timeout_s, most_bytes=_ANSWER_MAX)
        except ExchangeError as error:
            structlog.get_logger("keeper.alerts").warning("heartbeat_not_taken", why=type(error).__name__)
            return False
        if reply.status >= 300:
            structlog.get_logger("keeper.alerts").warning("heartbeat_not_taken", why=f"HTTP status {reply.status}")
        return reply.status < 300

    def _work(self) -> None:
        while not self._is_over.is_set():
            self.beat()
            self._is_over.wait(self._interval_s)
