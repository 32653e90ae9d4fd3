"""Whether the keeper is alive (its loop goes round) and ready (it could act now), from events alone."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from keeper.operations import events
from keeper.operations.events import Event


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to be in order. The text is shown to whoever may reach the health endpoint."""

    name: str
    is_ok: bool
    text: str


class Health:
    """A listener that remembers what was heard last.

    :param silence_max_s: of the loop
    :param head_age_max_s: of each chain's newest block
    :param clock: unix s, for the age of blocks
    :param monotonic: s, for the loop's silence
    """

    def __init__(
        self,
        silence_max_s: float,
        head_age_max_s: float,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ):
        self._silence_max_s, self._head_age_max_s = silence_max_s, head_age_max_s
        self._clock, self._monotonic = clock, monotonic
        self._ticked_at = monotonic()  # a start takes its time too
        self._heads: dict[int, int | None] = {}  # unix s by chain; None for one of which none was seen yet
        self._faults: dict[str, bool] = {"ledger": False, "signer": False}
        self._is_stopped = False

    def __call__(self, event: Event) -> None:
        """Remember what an event says."""
        match event:
            case events.Started():
                self._ticked_at = self._monotonic()
                for chain_id, _ in event.vaults:
                    self._heads.setdefault(chain_id, None)
            case events.Ticked():
                self._ticked_at = self._monotonic()
            case events.Stopped():
                self._is_stopped = True
            case events.HeadSeen():
                self._heads[event.chain_id] = event.timestamp
            case events.QuorumFailed() | events.QuorumRestored():
                self._faults[f"quorum of chain {event.chain_id}"] = isinstance(event, events.QuorumFailed)
            case events.LedgerFailed() | events.LedgerRestored():
                self._faults["ledger"] = isinstance(event, events.LedgerFailed)
            case events.SignerFailed() | events.SignerRestored():
                self._faults["signer"] = isinstance(event, events.SignerFailed)

    def alive(self) -> Check:
        """Whether the loop goes round."""
        silence = self._monotonic() - self._ticked_at
        is_ok = silence <= self._silence_max_s and not self._is_stopped
        return Check("loop", is_ok, "stopped" if self._is_stopped else f"last went round {silence:.0f} s ago")

    def ready(self) -> tuple[Check, ...]:
        """Whether the keeper could act now: alive, heads fresh, the ledger and the signer in order.

        The kill switch and the breakers are no part of it: a keeper that was told to wait is in order.
        """
        heads = [self._head(chain_id, at) for chain_id, at in sorted(self._heads.items())]
        faults = [
            Check(name, not failing, "fails" if failing else "in order") for name, failing in self._faults.items()
        ]
        return (self.alive(), *(heads or [Check("head", False, "no block was seen yet")]), *faults)

    def _head(self, chain_id: int, timestamp: int | None) -> Check:
        name = f"head of chain {chain_id}"
        if timestamp is None:
            return Check(name, False, "no block was seen yet")
        age = self._clock() - timestamp
        # A block from the future is no fresher than one from the past: one of the two clocks is wrong.
        return Check(name, abs(age) <= self._head_age_max_s, f"{age:.0f} s old")
