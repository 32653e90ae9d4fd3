"""All vaults of one chain, block after block: read → decide → solve → plan → simulate → send → record.

Every vault is read for every block, in one call. Most of them wait, and cost nothing more. For those that are due routes are
looked for, the most out of balance first, until one is sent: an account has one transaction on its way at a time. With a
batch executor the first of them are planned side by side, and those that are cheaper together share that transaction.
One vault's fault is its own; a chain or a ledger that fails ends the block's work for all of them.
"""

import time
from functools import partial

from keeper.chain.reader import VaultReader
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block, VaultSnapshot
from keeper.errors import ConfigurationError
from keeper.ledger import IN_FLIGHT, Ledger
from keeper.operations import events
from keeper.operations.bus import Bus
from keeper.operations.events import Outcome
from keeper.policy import Decision, Kind, before_route
from keeper.policy.patience import is_worth_a_route
from keeper.services.acting import Actor, Gate, Hand, Moment
from keeper.services.joint import MOST_VAULTS
from keeper.services.proposals import proposal_of, wants_costs
from keeper.services.telling import Teller
from keeper.services.together import Together
from keeper.settings import Settings

__all__ = ["ChainKeeper", "Gate", "Hand"]

_ACCOUNT_BLOCKS = 25  # between two looks at what the account holds


class ChainKeeper:
    """Keeps the vaults that a chain's settings name.

    :param hand: None for a dry run, which plans and sends nothing
    """

    def __init__(self, settings: Settings, client: Client, ledger: Ledger, bus: Bus, hand: Hand | None = None):
        self._settings = settings
        self._client = client
        self._ledger = ledger
        self._bus = bus
        self._chain_id = settings.chain_id
        self._reader = VaultReader(client, settings.multicall, settings.wrapped_native, settings.executor)
        self._teller = Teller(bus, settings.chain_id)
        self._actor = Actor(settings, client, ledger, bus, self._teller, hand)
        self._together = Together(settings, client, self._actor, self._teller)
        self._account_seen_at: int | None = None  # block

    def tick(self, head: Block, seen: float | None = None) -> None:
        """Do a block's work.

        :param seen: `time.perf_counter()` when the block was seen; now when None
        :raises ChainError: the endpoints fail, or do not agree
        :raises LedgerError: the ledger cannot be written, so that nothing is signed
        """
        seen = time.perf_counter() if seen is None else seen
        if self._actor.hand is not None:
            self._actor.hand.lane.step(head)
            self._see_account(self._actor.hand, head)
        reads = self._reader.take(self._settings.vaults, head)
        moment = Moment(head, max(self._client.pending_time(self._settings.multicall), head.timestamp), seen)
        due: list[VaultSnapshot] = []
        for vault, read in reads.items():
            if self._teller.guarded(partial(self._look, read, moment.now), vault) is None and isinstance(
                read, VaultSnapshot
            ):
                due.append(read)
        due.sort(key=_out_of_place, reverse=True)
        if self._settings.batch_executor is not None and len(due) > 1:
            self._together.act(due[:MOST_VAULTS], moment)
            due = due[MOST_VAULTS:]
        for snapshot in due:
            self._teller.guarded(partial(self._act, snapshot, moment), snapshot.address)

    def forget(self) -> None:
        """Remember nothing of the chain's past: a reorganisation may have changed it."""
        self._reader.forget()
        self._actor.forget()

    def close(self) -> None:
        """Let other keepers act for the vaults."""
        self._actor.close()

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
        self._teller.read(read)
        decision = before_route(read, now)
        if decision is not None:
            self._actor.waited.pop(read.address, None)
            return self._actor.wait(read, decision)
        memory = self._actor.memory
        if not wants_costs(self._settings, read, now, memory):
            proposal = proposal_of(self._settings, read, now, memory)
            if proposal is not None and not proposal.reason.trades:
                return self._actor.wait(read, Decision(Kind.WAIT, proposal.text))
        last = self._actor.waited.get(read.address)
        if is_worth_a_route(last, read, now, self._settings.policy.replan_s):
            return None
        assert last is not None
        return self._actor.wait(read, last.decision)

    def _act(self, snapshot: VaultSnapshot, moment: Moment) -> Outcome:
        """Plan for a vault that is due, and send what comes of it."""
        refused = self._actor.refuse(snapshot)
        return self._actor.carry_out(self._actor.plan(snapshot, moment.now), moment) if refused is None else refused


def _out_of_place(snapshot: VaultSnapshot) -> int:
    """WAD * WAD USD that has to trade to be on target."""
    valuation = snapshot.priced()
    return valuation.drift * valuation.nav
