"""Every new block, newest first come: a websocket announces it, or it is polled for; it counts once the client has it.

What the socket says is not believed: it is a reason to ask the client now, where a quorum decides. While the socket is down,
or silent for a few blocks, the client is asked in intervals; both at once where the socket lies. A pass that takes long finds
the newest block next, and how many it missed.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from keeper.chain.announcer import Announcer
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.errors import ChainError
from keeper.settings import Settings

# Blocks without a word from the socket after which it is not relied on.
_SILENT_BLOCKS = 3
# Between two looks for what was announced while the client does not have it: doubled each time, up to the interval of
# polling. A socket that floods with nonsense costs no more than polling does.
_PAUSE_FIRST_S = 0.1
# How often the stop is looked at.
_TICK_S = 0.1
# Hashes that are remembered, to tell how deep a reorganisation went.
_REMEMBERED = 64

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """A new head.

    :param reorged: it does not stand on the head before it
    :param depth: how many of the heads' blocks were replaced; None where it cannot be told, 0 without a reorganisation
    :param skipped: blocks between the head before and this one that were not seen as heads
    """

    block: Block
    reorged: bool = False
    depth: int | None = 0
    skipped: int = 0


class Heads:
    """Iterates over new heads until `stop` is set; use it from one thread.

    :param client: has the last word
    :param ws_url: of the socket; None polls only
    :param poll_interval_s: between two questions while no socket announces
    :param block_time_s: the chain's
    :param tell: gets a line when the client fails; the iteration goes on
    """

    def __init__(
        self,
        client: Client,
        stop: threading.Event,
        ws_url: str | None = None,
        poll_interval_s: float = 6.0,
        block_time_s: float = 12.0,
        tell: Callable[[str], None] = _log.warning,
    ):
        self._client = client
        self._stop = stop
        self._poll_s = poll_interval_s
        self._silent_s = _SILENT_BLOCKS * block_time_s
        self._tell = tell
        self._announcer = None if ws_url is None else Announcer(ws_url, stop, self._silent_s)
        self._seen: deque[Block] = deque(maxlen=_REMEMBERED)
        self._wasted = 0

    @classmethod
    def of(
        cls, settings: Settings, client: Client, stop: threading.Event, tell: Callable[[str], None] = _log.warning
    ) -> "Heads":
        """What the settings ask for."""
        url = None if settings.ws_url is None else settings.ws_url.get_secret_value()
        return cls(client, stop, url, settings.poll_interval_s, settings.block_time_s, tell)

    def __iter__(self) -> Iterator[Head]:
        """The head as it is now, then every new one. Ends when `stop` is set; raises nothing."""
        while not self._stop.is_set():
            head = self._look()
            if head is not None:
                if not self._is_awaited():
                    self._wasted = 0
                yield head
            self._wait()

    def _look(self) -> Head | None:
        """The head if it is new; None where it is not, or where the client fails."""
        try:
            block = self._client.head()
            if any(block.hash == each.hash for each in self._seen):
                return None
            head = self._placed(block)
        except ChainError as error:
            self._tell(str(error))
            return None
        self._seen.append(block)
        return head

    def _placed(self, block: Block) -> Head:
        if not self._seen:
            return Head(block)
        last = self._seen[-1]
        if block.number == last.number + 1 and block.parent_hash == last.hash:
            return Head(block)
        skipped = max(0, block.number - last.number - 1)
        if skipped and self._client.is_canonical(last):
            return Head(block, skipped=skipped)
        depth = self._depth(block)
        if depth is None:
            self._seen.clear()
            return Head(block, reorged=True, depth=None)
        while self._seen[-1].number > last.number - depth:
            self._seen.pop()
        return Head(block, reorged=True, depth=depth, skipped=block.number - (last.number - depth) - 1)

    def _depth(self, block: Block) -> int | None:
        """How far the newest head that is still part of the chain is below the last one."""
        last = self._seen[-1]
        for each in reversed(self._seen):
            is_parent = each.number == block.number - 1 and each.hash == block.parent_hash
            if is_parent or (each.number < block.number and self._client.is_canonical(each)):
                return last.number - each.number
        return None

    def _wait(self) -> None:
        """Until there is a reason to ask the client again."""
        started = time.monotonic()
        pause = min(_PAUSE_FIRST_S * 2 ** min(self._wasted, 16), self._poll_s) if self._wasted else 0.0
        while not self._stop.is_set():
            waited = time.monotonic() - started
            is_heard = self._announcer is not None and self._announcer.silence_s < self._silent_s
            if waited >= (self._silent_s if is_heard else self._poll_s):
                return
            if waited >= pause and self._is_awaited():
                self._wasted += 1  # until it comes
                return
            if self._announcer is None or waited < pause:
                self._stop.wait(min(_TICK_S, self._poll_s))
            else:
                self._announcer.wait(_TICK_S)

    def _is_awaited(self) -> bool:
        """Whether the block that was announced last was not seen yet."""
        newest = "" if self._announcer is None else self._announcer.newest
        return newest != "" and all(each.hash.lower() != newest for each in self._seen)
