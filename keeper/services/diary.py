"""What is written down of decisions: each that acts, and each wait once, not for every block that it lasts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from keeper.chain.snapshot import VaultSnapshot
from keeper.ledger import Ledger, Way
from keeper.policy import Decision, Kind

_AGAIN_S = 3_600  # a wait that goes on is written down once an hour, with the numbers of that moment
_NUMBERS = re.compile(r"[\d.,]+")


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: Kind
    words: str  # the reason without its numbers, which move with every block
    at: int  # unix s


class Diary:
    """Writes the decisions about the vaults of one chain into the ledger."""

    def __init__(self, ledger: Ledger, chain_id: int, *, armed: bool):
        self._ledger = ledger
        self._chain_id = chain_id
        self._armed = armed
        self._last: dict[str, _Entry] = {}

    def act(self, snapshot: VaultSnapshot, decision: Decision, ways: Sequence[Way] = ()) -> int:
        """Write down a decision that a transaction will carry out; its id.

        :param ways: those that were looked at, the chosen one first
        :raises LedgerError: it was not written
        """
        self._last.pop(snapshot.address, None)
        return self._ledger.record_decision(self._chain_id, snapshot, decision, self._armed, ways)

    def note(self, snapshot: VaultSnapshot, decision: Decision) -> None:
        """Write down a decision that nothing follows from, unless it is the last one still.

        :raises LedgerError: it was not written
        """
        entry = _Entry(decision.kind, _NUMBERS.sub("", decision.reason), snapshot.block.timestamp)
        last = self._last.get(snapshot.address)
        if last is None or (last.kind, last.words) != (entry.kind, entry.words) or entry.at >= last.at + _AGAIN_S:
            self._ledger.record_decision(self._chain_id, snapshot, decision, self._armed)
            self._last[snapshot.address] = entry
