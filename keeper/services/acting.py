"""What acts for the vaults of one chain: whether it may, the plan for one, and sending what was planned."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block, VaultSnapshot
from keeper.errors import ActingRefused, ChainError, EquipoiseError, LedgerError
from keeper.execution.lane import Lane
from keeper.ledger import Ledger, Lock, LockTaken, Way
from keeper.operations import events
from keeper.operations.bus import Bus
from keeper.operations.events import Failure, Outcome
from keeper.policy import Decision, Kind
from keeper.policy.patience import Waited
from keeper.services.diary import Diary
from keeper.services.handover import take_over
from keeper.services.joint import JointPlan
from keeper.services.memory import Memory
from keeper.services.order import order_of
from keeper.services.plan import Plan, plan_on
from keeper.services.telling import Teller
from keeper.settings import Settings


class Gate(Protocol):
    """What is asked right before anything is signed."""

    def refuse(self, chain_id: int, *addresses: str) -> None:
        """Return if these vaults and accounts may act now.

        :raises ActingRefused: they may not
        """


@dataclass(frozen=True, slots=True)
class Hand:
    """What acts: an account, its lane, and what may hold it back."""

    account: str
    lane: Lane
    gate: Gate


@dataclass(frozen=True, slots=True)
class Moment:
    """The block that is worked for, when a transaction sent now would be mined (unix s), and when the block was seen.

    `seen` is of `time.perf_counter()`.
    """

    head: Block
    now: int
    seen: float


class Actor:
    """Acts for vaults, one after the other or several at once.

    :param hand: None for a dry run, which plans and sends nothing
    """

    def __init__(self, settings: Settings, client: Client, ledger: Ledger, bus: Bus, teller: Teller, hand: Hand | None):
        self.hand = hand
        self.memory = Memory(client, settings, ledger)
        self.waited: dict[str, Waited] = {}  # by vault, the last wait that took a route
        self._settings = settings
        self._client = client
        self._ledger = ledger
        self._bus = bus
        self._teller = teller
        self._chain_id = settings.chain_id
        self._diary = Diary(ledger, settings.chain_id, armed=hand is not None)
        self._locks: dict[str, Lock] = {}
        if hand is not None:
            # What an earlier process left is replaced by whoever acts for its vault.
            for row in ledger.unsettled(settings.chain_id, hand.account):
                for vault in row.vaults:
                    self.has_lock(vault)

    @property
    def account(self) -> str | None:
        """Who sends; None in a dry run."""
        return None if self.hand is None else self.hand.account

    def forget(self) -> None:
        """Remember nothing of the chain's past."""
        self.waited.clear()
        self.memory.forget()

    def close(self) -> None:
        """Let other keepers act for the vaults."""
        for lock in self._locks.values():
            lock.release()
        self._locks.clear()

    def refuse(self, snapshot: VaultSnapshot) -> Outcome | None:
        """Tell why this process may not act for a vault now; None where it may, and in a dry run."""
        hand = self.hand
        if hand is None:
            return None
        try:
            hand.gate.refuse(self._chain_id, snapshot.address, hand.account)
        except ActingRefused as error:
            self.wait(snapshot, Decision(Kind.WAIT, str(error)))
            return Outcome.REFUSED
        reason = self._hindrance(hand, snapshot.address)
        return None if reason is None else self.wait(snapshot, Decision(Kind.WAIT, reason))

    def plan(self, snapshot: VaultSnapshot, now: int) -> Plan:
        """The plan for a vault by itself. That there is none is written down, and believed for a while."""
        try:
            return plan_on(self._client, self._settings, snapshot, self.account, self.memory)
        except (ChainError, LedgerError):
            raise
        except EquipoiseError as error:
            self.waited[snapshot.address] = Waited(Decision(Kind.WAIT, str(error)), snapshot, now)
            self._diary.note(snapshot, self.waited[snapshot.address].decision)
            raise

    def carry_out(self, planned: Plan, moment: Moment) -> Outcome:
        """Send a plan, or tell of its wait."""
        hand, snapshot = self.hand, planned.snapshot
        if hand is not None and planned.simulation is not None:
            self.waited.pop(snapshot.address, None)
            if not hand.lane.is_free:  # what was planned side by side with it has just left
                return self.wait(snapshot, Decision(Kind.WAIT, _on_its_way(hand)))
            return self.send(hand, planned, {snapshot.address: planned.ways}, moment)
        self.waited[snapshot.address] = Waited(planned.decision, snapshot, moment.now)
        self.wait(snapshot, planned.decision)
        return Outcome.WAITED if planned.simulation is None else Outcome.PLANNED

    def send(self, hand: Hand, planned: Plan | JointPlan, ways: Mapping[str, Sequence[Way]], moment: Moment) -> Outcome:
        """Sign and send a plan, after a last look at what may hold it back.

        :param ways: by vault, those that were looked at, the chosen one first
        """
        vaults = tuple(snapshot.address for snapshot, _ in planned.made)
        hand.gate.refuse(self._chain_id, *vaults, hand.account)
        for snapshot, decision in planned.made:
            self._teller.decided(snapshot, decision)
        decision_ids = [
            self._diary.act(snapshot, decision, ways.get(snapshot.address, ())) for snapshot, decision in planned.made
        ]
        order = order_of(planned, decision_ids, self._settings)
        assert order is not None
        try:
            ticket = hand.lane.submit(order, moment.head)
        except (ActingRefused, ChainError, LedgerError):
            raise
        except EquipoiseError as error:
            self._bus.emit(events.SendFailed(self._chain_id, hand.account, vaults, Failure.of(error), str(error)))
            return Outcome.FAILED
        elapsed = time.perf_counter() - moment.seen
        self._bus.emit(events.Signed(self._chain_id, hand.account, ticket.hash, elapsed))
        return Outcome.SENT

    def _hindrance(self, hand: Hand, vault: str) -> str | None:
        """Why this process may not act for a vault now."""
        if not hand.lane.is_free:
            return _on_its_way(hand)
        if not self.has_lock(vault):
            return "another keeper acts for it"
        return take_over(self._client, self._settings, self._ledger, vault, hand.account)

    def has_lock(self, vault: str) -> bool:
        """Whether this process acts for a vault, and no other that shares the ledger."""
        held = self._locks.get(vault)
        if held is None or not held.held():
            try:
                self._locks[vault] = self._ledger.locks.vault(self._chain_id, vault)
            except LockTaken:
                self._locks.pop(vault, None)
                return False
        return True

    def wait(self, snapshot: VaultSnapshot, decision: Decision) -> Outcome:
        """Tell of a wait, and write it down."""
        self._teller.decided(snapshot, decision)
        self._diary.note(snapshot, decision)
        return Outcome.WAITED


def _on_its_way(hand: Hand) -> str:
    return f"a transaction of {hand.account} is on its way"
