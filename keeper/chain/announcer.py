"""A websocket subscription to new heads that is never believed: all it gives is the hash that it named last, and a time."""

import logging
import threading
import time
from random import uniform
from urllib.parse import urlsplit

from pydantic_core import from_json, to_json
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from keeper.chain.wire import without_secrets
from keeper.exchange import is_loopback

# A head is less than 2 KiB of JSON.
_FRAME_MAX_BYTES = 2**18
_FRAMES_MAX = 16  # kept until they are read; then the sender has to wait
_OPEN_TIMEOUT_S = 10.0
_HASH_LENGTH = 66
_JUNK_MAX = 100  # frames in a row that announce nothing
_PAUSE_FIRST_S, _PAUSE_MOST_S = 0.5, 60.0
_TICK_S = 0.5
_SUBSCRIBE = to_json({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}).decode()

_log = logging.getLogger(__name__)


class Announcer:
    """Listens in a thread of its own until `stop` is set, and connects again when the socket closes, breaks or is silent.

    :param silent_s: without an announcement after which the socket is given up for a new one
    """

    def __init__(self, url: str, stop: threading.Event, silent_s: float):
        self.name = without_secrets(url)
        self.newest = ""
        self._url = url
        self._stop = stop
        self._silent_s = silent_s
        self._news = threading.Event()
        self._heard_at: float | None = None
        threading.Thread(target=self._run, name=f"listen to {urlsplit(url).hostname}", daemon=True).start()

    @property
    def silence_s(self) -> float:
        """Since another hash than before was announced; endless while the socket is down."""
        return float("inf") if self._heard_at is None else time.monotonic() - self._heard_at

    def wait(self, timeout_s: float) -> None:
        """Until something is announced that was not when this was last left."""
        self._news.wait(timeout_s)
        self._news.clear()

    def _run(self) -> None:
        pause = _PAUSE_FIRST_S
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                self._listen()
            except (OSError, WebSocketException, ValueError, EOFError) as error:
                # The libraries' texts may hold the URL, and with it a key.
                _log.warning(
                    "%s announces no blocks (%s): they are polled for; check ws_url", self.name, type(error).__name__
                )
            self._heard_at = None
            if time.monotonic() - started > self._silent_s:
                pause = _PAUSE_FIRST_S
            self._stop.wait(pause * uniform(0.5, 1.0))
            pause = min(2 * pause, _PAUSE_MOST_S)

    def _listen(self) -> None:
        with connect(
            self._url,
            open_timeout=_OPEN_TIMEOUT_S,
            close_timeout=1.0,
            compression=None,  # a small frame could stand for a huge one
            max_size=_FRAME_MAX_BYTES,
            max_queue=_FRAMES_MAX,
            proxy=None if is_loopback(self._url) else True,
        ) as socket:
            socket.send(_SUBSCRIBE)
            self._hear(socket)

    def _hear(self, socket: Connection) -> None:
        """Until it is silent for too long, or sends nothing but junk."""
        junk, last = 0, time.monotonic()
        while not self._stop.is_set() and junk < _JUNK_MAX and time.monotonic() - last < self._silent_s:
            try:
                frame = socket.recv(timeout=_TICK_S)
            except TimeoutError:
                continue
            announced = _hash_in(frame)
            if announced is None:
                junk += 1
                continue
            junk = 0
            if announced != self.newest:
                last = time.monotonic()
                self.newest, self._heard_at = announced, last
                self._news.set()
        if not self._stop.is_set():
            raise TimeoutError


def _hash_in(frame: str | bytes) -> str | None:
    """The hash of the head that a notification names."""
    try:
        head = from_json(frame, allow_inf_nan=False)["params"]["result"]["hash"]
    except (ValueError, TypeError, KeyError, IndexError):
        return None
    is_hash = isinstance(head, str) and len(head) == _HASH_LENGTH and head.startswith("0x")
    return head.lower() if is_hash else None
