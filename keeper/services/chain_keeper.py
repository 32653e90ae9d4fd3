"""All vaults of one chain, block after block: read → decide → solve → plan → simulate → send → record.

Every vault is read for every block, in one call. Most of them wait, and cost nothing more. For those that are due routes are
looked for, the most out of balance first, until one is sent: an account has one transaction on its way at a time. With a
batch executor the first of them are planned side by side, and those that are cheaper together share that transaction.
One vault's fault is its own; a chain or a ledger that fails ends the block's work for all of them.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from keeper.chain.reader import VaultReader
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block, VaultSnapshot
from keeper.errors import ActingRefused, ChainError, ConfigurationError, EquipoiseError, LedgerError
from keeper.execution.lane import Lane
from keeper.ledger import IN_FLIGHT, Ledger, Lock, LockTaken, Way
from keeper.operations import events
from keeper.operations.bus import Bus
from keeper.operations.events import Failure, Outcome
from keeper.policy import Decision, Kind, before_route
from keeper.policy.patience import Waited, is_worth_a_route
from keeper.services.diary import Diary
from keeper.services.handover import take_over
from keeper.services.joint import MOST_VAULTS, JointPlan, plan_many
from keeper.services.order import order_of
from keeper.services.plan import Plan, plan_on
from keeper.services.proposals import proposal_of
from keeper.settings import Settings

WAD = 10**18
_ACCOUNT_BLOCKS = 25  # between two looks at what the account holds
_log = structlog.get_logger("keeper")


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


class ChainKeeper:
    """Keeps the vaults that a chain's settings name.

    :param hand: None for a dry run, which plans and sends nothing
    """

    def __init__(self, settings: Settings, client: Client, ledger: Ledger, bus: Bus, hand: Hand | None = None):
        self._settings = settings
        self._client = client
        self._ledger = ledger
        self._bus = bus
        self._hand = hand
        self._chain_id = settings.chain_id
        self._reader = VaultReader(client, settings.multicall, settings.wrapped_native, settings.executor)
        self._diary = Diary(ledger, settings.chain_id, armed=hand is not None)
        self._waited: dict[str, Waited] = {}
        self._locks: dict[str, Lock] = {}
        self._account_seen_at: int | None = None  # block
        if hand is not None:
            # What an earlier process left is replaced by whoever acts for its vault.
            for row in ledger.unsettled(settings.chain_id, hand.account):
                for vault in row.vaults:
                    self._has_lock(vault)

    def tick(self, head: Block, seen: float | None = None) -> None:
        """Do a block's work.

        :param seen: `time.perf_counter()` when the block was seen; now when None
        :raises ChainError: the endpoints fail, or do not agree
        :raises LedgerError: the ledger cannot be written, so that nothing is signed
        """
        seen = time.perf_counter() if seen is None else seen
        if self._hand is not None:
            self._hand.lane.step(head)
            self._see_account(self._hand, head)
        reads = self._reader.take(self._settings.vaults, head)
        now = max(self._client.pending_time(self._settings.multicall), head.timestamp)
        due: list[VaultSnapshot] = []
        for vault, read in reads.items():
            if self._guarded(partial(self._look, read, now), vault) is None and isinstance(read, VaultSnapshot):
                due.append(read)
        due.sort(key=_out_of_place, reverse=True)
        if self._settings.batch_executor is not None and len(due) > 1:
            self._act_together(due[:MOST_VAULTS], head, now, seen)
            due = due[MOST_VAULTS:]
        for snapshot in due:
            self._guarded(partial(self._act, snapshot, head, now, seen), snapshot.address)

    def forget(self) -> None:
        """Remember nothing of the chain's past: a reorganisation may have changed it."""
        self._reader.forget()
        self._waited.clear()

    def close(self) -> None:
        """Let other keepers act for the vaults."""
        for lock in self._locks.values():
            lock.release()
        self._locks.clear()

    def _see_account(self, hand: Hand, head: Block) -> None:
        """Tell what the account holds, now and then."""
        last = self._account_seen_at
        if last is not None and last <= head.number < last + _ACCOUNT_BLOCKS:
            return
        self._account_seen_at = head.number
        rows = self._ledger.unsettled(self._chain_id, hand.account)
        since = min((row.at for row in rows if row.state in IN_FLIGHT), default=None)
        balance, nonce = self._client.balance(hand.account), self._client.nonce(hand.account)
        self._bus.emit(events.AccountSeen(self._chain_id, hand.account, balance, nonce, since))

    def _look(self, read: VaultSnapshot | ConfigurationError, now: int) -> Outcome | None:
        """Tell of a vault; None when it is due and a route has to be looked for now."""
        if isinstance(read, ConfigurationError):
            raise read
        if read.valuation is not None:
            self._bus.emit(_as_event(self._chain_id, read))
        decision = before_route(read, now)
        if decision is not None:
            self._waited.pop(read.address, None)
            return self._wait(read, decision)
        proposal = proposal_of(self._settings, read, now)
        if proposal is not None and not proposal.reason.trades:
            return self._wait(read, Decision(Kind.WAIT, proposal.text))
        last = self._waited.get(read.address)
        if is_worth_a_route(last, read, now, self._settings.policy.replan_s):
            return None
        assert last is not None
        return self._wait(read, last.decision)

    def _act(self, snapshot: VaultSnapshot, head: Block, now: int, seen: float) -> Outcome:
        """Plan for a vault that is due, and send what comes of it."""
        refused = self._refuse(snapshot)
        return self._carry_out(self._plan(snapshot, now), head, now, seen) if refused is None else refused

    def _act_together(self, due: Sequence[VaultSnapshot], head: Block, now: int, seen: float) -> None:
        """Plan for each of these, and send one transaction for those that are cheaper together; without any, the first plan.

        A vault for which nothing can be done by itself may still be filled with others.
        """
        able: list[VaultSnapshot] = []
        alone: dict[str, Plan] = {}
        for snapshot in due:
            self._guarded(partial(self._plan_beside, snapshot, now, able, alone), snapshot.address)
        joint = self._joint(able, alone) if len(able) > 1 else None
        shared = () if joint is None else tuple(snapshot.address for snapshot in joint.snapshots)
        if joint is not None:
            ways = {vault: alone[vault].ways for vault in shared if vault in alone}
            self._guarded(partial(self._carry_out_joint, joint, ways, head, seen), *shared)
        for vault, planned in alone.items():
            if vault not in shared:
                self._guarded(partial(self._carry_out, planned, head, now, seen), vault)

    def _plan_beside(
        self, snapshot: VaultSnapshot, now: int, able: list[VaultSnapshot], alone: dict[str, Plan]
    ) -> Outcome | None:
        """Plan for one of several vaults: to `able` when this process may act for it, its plan to `alone`."""
        refused = self._refuse(snapshot)
        if refused is None:
            able.append(snapshot)
            alone[snapshot.address] = self._plan(snapshot, now)
        return refused

    def _joint(self, able: Sequence[VaultSnapshot], alone: Mapping[str, Plan]) -> JointPlan | None:
        """What is cheaper together. That it cannot be found out is told, and keeps no vault from being filled by itself."""
        sender = None if self._hand is None else self._hand.account
        try:
            return plan_many(self._client, self._settings, able, alone, sender)
        except (ChainError, LedgerError):
            raise
        except Exception as error:
            self._tell_failure(error, *(snapshot.address for snapshot in able))
        return None

    def _refuse(self, snapshot: VaultSnapshot) -> Outcome | None:
        """Tell why this process may not act for a vault now; None where it may, and in a dry run."""
        hand = self._hand
        if hand is None:
            return None
        try:
            hand.gate.refuse(self._chain_id, snapshot.address, hand.account)
        except ActingRefused as error:
            self._wait(snapshot, Decision(Kind.WAIT, str(error)))
            return Outcome.REFUSED
        reason = self._hindrance(hand, snapshot.address)
        return None if reason is None else self._wait(snapshot, Decision(Kind.WAIT, reason))

    def _plan(self, snapshot: VaultSnapshot, now: int) -> Plan:
        """The plan for a vault by itself. That there is none is written down, and believed for a while."""
        hand = self._hand
        try:
            return plan_on(self._client, self._settings, snapshot, None if hand is None else hand.account)
        except (ChainError, LedgerError):
            raise
        except EquipoiseError as error:
            self._waited[snapshot.address] = Waited(Decision(Kind.WAIT, str(error)), snapshot, now)
            self._diary.note(snapshot, self._waited[snapshot.address].decision)
            raise

    def _carry_out(self, planned: Plan, head: Block, now: int, seen: float) -> Outcome:
        """Send a plan, or tell of its wait."""
        hand, snapshot = self._hand, planned.snapshot
        if hand is not None and planned.simulation is not None:
            self._waited.pop(snapshot.address, None)
            if not hand.lane.is_free:  # what was planned side by side with it has just left
                return self._wait(snapshot, Decision(Kind.WAIT, _on_its_way(hand)))
            return self._send(hand, planned, {snapshot.address: planned.ways}, head, seen)
        self._waited[snapshot.address] = Waited(planned.decision, snapshot, now)
        self._wait(snapshot, planned.decision)
        return Outcome.WAITED if planned.simulation is None else Outcome.PLANNED

    def _carry_out_joint(
        self, joint: JointPlan, ways: Mapping[str, Sequence[Way]], head: Block, seen: float
    ) -> Outcome:
        """Send a joint plan. In a dry run only tell of it.

        :param ways: by vault, those without the others
        """
        if self._hand is None:
            for snapshot, decision in joint.made:
                self._wait(snapshot, decision)
            return Outcome.PLANNED
        for snapshot in joint.snapshots:
            self._waited.pop(snapshot.address, None)
        all_ways = {
            snapshot.address: (_together(decision), *ways.get(snapshot.address, ()))
            for snapshot, decision in joint.made
        }
        return self._send(self._hand, joint, all_ways, head, seen)

    def _send(
        self, hand: Hand, planned: Plan | JointPlan, ways: Mapping[str, Sequence[Way]], head: Block, seen: float
    ) -> Outcome:
        """Sign and send a plan, after a last look at what may hold it back.

        :param ways: by vault, those that were looked at, the chosen one first
        """
        vaults = tuple(snapshot.address for snapshot, _ in planned.made)
        hand.gate.refuse(self._chain_id, *vaults, hand.account)
        for snapshot, decision in planned.made:
            self._tell(snapshot, decision)
        decision_ids = [
            self._diary.act(snapshot, decision, ways.get(snapshot.address, ())) for snapshot, decision in planned.made
        ]
        order = order_of(planned, decision_ids, self._settings)
        assert order is not None
        try:
            ticket = hand.lane.submit(order, head)
        except (ActingRefused, ChainError, LedgerError):
            raise
        except EquipoiseError as error:
            self._bus.emit(events.SendFailed(self._chain_id, hand.account, vaults, Failure.of(error), str(error)))
            return Outcome.FAILED
        elapsed = time.perf_counter() - seen
        self._bus.emit(events.Signed(self._chain_id, hand.account, ticket.hash, elapsed))
        return Outcome.SENT

    def _hindrance(self, hand: Hand, vault: str) -> str | None:
        """Why this process may not act for a vault now."""
        if not hand.lane.is_free:
            return _on_its_way(hand)
        if not self._has_lock(vault):
            return "another keeper acts for it"
        return take_over(self._client, self._settings, self._ledger, vault, hand.account)

    def _has_lock(self, vault: str) -> bool:
        """Whether this process acts for a vault, and no other that shares the ledger."""
        held = self._locks.get(vault)
        if held is None or not held.held():
            try:
                self._locks[vault] = self._ledger.locks.vault(self._chain_id, vault)
            except LockTaken:
                self._locks.pop(vault, None)
                return False
        return True

    def _wait(self, snapshot: VaultSnapshot, decision: Decision) -> Outcome:
        self._tell(snapshot, decision)
        self._diary.note(snapshot, decision)
        return Outcome.WAITED

    def _tell(self, snapshot: VaultSnapshot, decision: Decision) -> None:
        valuation, quote = snapshot.valuation, decision.quote
        self._bus.emit(
            events.Decided(
                self._chain_id,
                snapshot.address,
                snapshot.symbol,
                decision.kind.value,
                decision.reason,
                until=decision.until,
                nav=None if valuation is None else valuation.nav,
                drift=None if valuation is None else valuation.drift,
                bound=snapshot.bound,
                value_out=None if quote is None else quote.value_out,
                value_in=None if quote is None else quote.value_in,
            )
        )

    def _guarded(self, work: Callable[[], Outcome | None], *vaults: str) -> Outcome | None:
        """Do these vaults' part of a block. Its faults are told and stay here; None is a part that another one follows."""
        started = time.perf_counter()
        try:
            outcome = work()
        except (ChainError, LedgerError):
            raise
        except ActingRefused:
            outcome = Outcome.REFUSED
        except Exception as error:
            outcome = Outcome.FAILED
            self._tell_failure(error, *vaults)
        if outcome is not None:
            for vault in vaults:
                self._bus.emit(events.PassEnded(self._chain_id, vault, outcome, time.perf_counter() - started))
        return outcome

    def _tell_failure(self, error: Exception, *vaults: str) -> None:
        """Tell of what was raised while these vaults were worked for; to be called while it is handled."""
        kind, text = Failure.UNEXPECTED, repr(error)
        if isinstance(error, EquipoiseError):
            kind, text = Failure.of(error), str(error)
        else:
            _log.exception("pass_failed", chain_id=self._chain_id, vaults=vaults)
        for vault in vaults:
            self._bus.emit(events.PlanFailed(self._chain_id, vault, kind, text))


def _on_its_way(hand: Hand) -> str:
    return f"a transaction of {hand.account} is on its way"


def _together(decision: Decision) -> Way:
    """What a vault's part of a joint plan is worth, with its part of the gas."""
    quote = decision.quote
    worth = None if quote is None else quote.value_in - quote.value_out - (quote.gas_cost or 0)
    return Way("together with other vaults", worth)


def _out_of_place(snapshot: VaultSnapshot) -> int:
    """WAD * WAD USD that has to trade to be on target."""
    valuation = snapshot.priced()
    return valuation.drift * valuation.nav


def _as_event(chain_id: int, snapshot: VaultSnapshot) -> events.VaultRead:
    valuation = snapshot.priced()
    return events.VaultRead(
        chain_id,
        snapshot.address,
        snapshot.symbol,
        snapshot.block.number,
        nav=valuation.nav,
        nav_per_share=valuation.nav * WAD // snapshot.supply
        if snapshot.supply
        else 0,  # down, as the rebalancer tells it
        drift=valuation.drift,
        closing_tolerance=snapshot.terms.closing_tolerance,
        is_open=snapshot.is_open,
        assets=tuple(
            events.AssetRead(asset.address, asset.symbol, price, weight, asset.target, asset.band)
            for asset, price, weight in zip(snapshot.assets, valuation.prices, valuation.weights, strict=True)
        ),
    )
