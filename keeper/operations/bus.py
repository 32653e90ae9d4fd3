"""Hands each event to every listener. A listener that fails hurts nobody but itself."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress

import structlog

from keeper.operations.events import Event

Listener = Callable[[Event], None]


class Bus:
    """One line for all events: listeners run one after the other, never two at once, whatever thread emits.

    What a listener emits itself comes after the event that it was told of, for everybody. Listeners have to be quick:
    who waits for a network has a thread of its own.
    """

    def __init__(self, *listeners: Listener):
        self.failures: Counter[str] = Counter()  # by the listener's name
        self._listeners = list(listeners)
        self._waiting: deque[Event] = deque()
        self._lock = threading.RLock()
        self._is_handing_out = False

    def add(self, listener: Listener) -> None:
        """Let `listener` hear of what happens from now on."""
        with self._lock:
            self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        """Tell every listener. Raises nothing that a listener raises."""
        with self._lock:
            self._waiting.append(event)
            if self._is_handing_out:
                return
            self._is_handing_out = True
            try:
                while self._waiting:
                    self._hand_out(self._waiting.popleft())
            finally:
                self._is_handing_out = False

    def _hand_out(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception as error:
                name = name_of(listener)
                self.failures[name] += 1
                with suppress(Exception):  # the log is a listener's work too, and may be what failed
                    structlog.get_logger("keeper.bus").error(
                        "listener_failed", listener=name, on=type(event).__name__, error=repr(error)
                    )


def name_of(listener: Listener) -> str:
    """A listener's name: its class's, or the function's own."""
    return getattr(listener, "__qualname__", type(listener).__name__)
