"""What takes long is done once a block, by few threads, however many ask; who asks waits for so long and no longer."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from typing import Any, TypeVar

from keeper.api.problems import ApiError
from keeper.chain.snapshot import Block

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Held:
    block: Block
    future: Future[Any]


class PerBlock:
    """Remembers of each key the last result, its error included; of so many keys at most.

    :param patience_s: that whoever asks waits
    :param threads: that work
    :param most: keys
    """

    def __init__(self, patience_s: float, threads: int = 2, most: int = 128):
        self._patience_s = patience_s
        self._most = most
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="answers")
        self._lock = threading.Lock()
        self._held: dict[tuple[str, ...], _Held] = {}

    def get(self, key: tuple[str, ...], block: Block, work: Callable[[], T]) -> tuple[Block, T]:
        """The result at a block, or, while that of an earlier one is still being made, that one's; and its block.

        :raises ApiError: it is not there in time, or too much is being made already
        :raises EquipoiseError: as `work`
        """
        with self._lock:
            held = self._held.get(key)
            if held is None or (held.future.done() and held.block.hash != block.hash):
                self._make_room(key)
                held = self._held[key] = _Held(block, self._pool.submit(work))
        try:
            return held.block, held.future.result(self._patience_s)
        except TooSlow:
            if held.future.done():
                raise
            raise ApiError("not-ready", f"the {key[0]} is still being read, as of block {held.block.number}") from None

    def _make_room(self, key: tuple[str, ...]) -> None:
        """Forget the oldest result, where that is needed to remember one more."""
        self._held.pop(key, None)
        if len(self._held) < self._most:
            return
        oldest = next((each for each, held in self._held.items() if held.future.done()), None)
        if oldest is None:
            raise ApiError("not-ready", f"too much is being asked for at once: the {key[0]} has to wait")
        del self._held[oldest]

    def close(self) -> None:
        """Begin nothing more; what runs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
