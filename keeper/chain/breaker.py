"""Leaves out what keeps failing, for a while that grows."""

import time
from collections.abc import Callable
from random import uniform
from threading import Lock

_DOUBLINGS_MAX = 32


class Breaker:
    """Open after some failures in a row; each further one doubles for how long. Safe between threads.

    :param tolerated: failures in a row that have no consequence
    :param first_s, most_s: bounds of the time for which it is open; up to a quarter less, so that many do not come back
        at once
    :param clock: s of a clock that only goes forward
    """

    def __init__(
        self, tolerated: int, first_s: float, most_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tolerated = tolerated
        self._first_s = first_s
        self._most_s = most_s
        self._clock = clock
        self._lock = Lock()
        self._failures = 0
        self._closed_from = 0.0

    @property
    def wait_s(self) -> float:
        """Seconds that it is still open; 0 when it is not."""
        return max(0.0, self._closed_from - self._clock())

    def failed(self, at_least_s: float = 0.0) -> bool:
        """Count a failure; whether it is open now.

        :param at_least_s: for which it is open in any case, but never longer than `most_s`
        """
        with self._lock:
            self._failures += 1
            beyond = self._failures - self._tolerated - 1
            pause = 0.0
            if beyond >= 0:
                pause = min(self._first_s * 2 ** min(beyond, _DOUBLINGS_MAX), self._most_s) * uniform(0.75, 1.0)
            pause = max(pause, min(at_least_s, self._most_s))
            self._closed_from = max(self._closed_from, self._clock() + pause)
            return pause > 0.0

    def succeeded(self) -> None:
        """The next failure is the first in a row."""
        with self._lock:
            self._failures = 0
