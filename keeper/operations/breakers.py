"""Circuit breakers: what has gone wrong so often or so far that a person should look before the keeper acts on.

A tripped breaker stops acting for its scope; reading and deciding go on. `vault_failures` lets a vault be tried once more
after a pause, since every transaction is simulated before it is signed; all others stay until a person resets them
(`equipoise keeper resume ADDRESS`). Losses, counts and what has tripped survive a restart in a file, which is also where a
person's reset is seen. Prices do not: the first block after a start has nothing to be compared with.

Breakers fail closed: a file that cannot be read or written, or a fault in here, refuses everything.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from statistics import median_low

from keeper.errors import ActingRefused, ConfigurationError
from keeper.operations.breaker_file import BreakerFile, Loss, State, Tripped
from keeper.operations.bus import Bus
from keeper.operations.events import (
    Breaker,
    BreakerReset,
    BreakerTripped,
    Confirmed,
    Event,
    Failure,
    Fill,
    Outcome,
    PassEnded,
    PlanFailed,
    Reverted,
    SendFailed,
    VaultRead,
)
from keeper.operations.redaction import neutral
from keeper.settings import OperationsSettings

ALL = "all"
# Whose fault these are is the vault's or its plan's. An endpoint, an oracle or a market that fails has an alert of its own.
_VAULTS_OWN = frozenset({Failure.TRANSACTION, Failure.SIGNER, Failure.UNEXPECTED})
# Passes that show a vault in order. What an account owes is only made good by a transaction that goes well.
_UNEVENTFUL = frozenset({Outcome.WAITED, Outcome.PLANNED})
_WAD = 10**18


class BreakerOpen(ActingRefused):
    """A circuit breaker is open."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When breakers trip. Shares are in WAD."""

    loss_max: int  # of NAV, in the window
    loss_window_s: int
    price_move_max: int
    price_window_blocks: int
    vault_failures: int
    vault_pause_s: int
    account_failures: int

    @classmethod
    def of(cls, settings: OperationsSettings) -> "Limits":
        """From the settings' decimal units, exactly."""
        return cls(
            loss_max=_of_bps(settings.loss_max_bps),
            loss_window_s=settings.loss_window_s,
            price_move_max=_of_bps(settings.price_move_max_bps),
            price_window_blocks=settings.price_window_blocks,
            vault_failures=settings.vault_failures_max,
            vault_pause_s=settings.vault_pause_s,
            account_failures=settings.account_failures_max,
        )


def scope_of(chain_id: int, address: str) -> str:
    """What a breaker of a vault or an account stands for."""
    return f"{chain_id}/{address.lower()}"


class Breakers:
    """A listener that trips, and a gate that is asked before anything is signed. Both may be called by any thread.

    :param clock: unix s
    :raises ConfigurationError: the file cannot be read
    """

    def __init__(
        self,
        file: BreakerFile,
        limits: Limits,
        bus: Bus | None = None,
        clock: Callable[[], float] = time.time,
    ):
        self._file, self._limits, self._bus, self._clock = file, limits, bus, clock
        self._prices: dict[tuple[str, str], deque[tuple[int, int]]] = {}  # block number and price, oldest first
        self._known = file.read().tripped
        self._missed: deque[Event] = deque()  # heard of and not yet taken in
        self._broken: str | None = None
        self._lock = threading.Lock()
        self._told: list[Event] = []  # emitted once the lock is free: the bus has one of its own

    def __call__(self, event: Event) -> None:
        """Take in an event. While that fails, everything is refused; it is tried again whenever something happens."""
        with self._told_afterwards():
            if self._broken is None or not isinstance(event, VaultRead):  # the bulk; prices go on from the last one
                self._missed.append(event)
            self._catch_up(int(self._clock()))

    def refuse(self, chain_id: int, *addresses: str) -> None:
        """Return if these vaults and accounts may act now; to be asked right before anything is signed.

        :raises BreakerOpen: one of them may not, or nobody knows
        """
        with self._told_afterwards():
            now = int(self._clock())
            self._catch_up(now)
            try:
                tripped = self._refreshed(now)
            except ConfigurationError as error:
                raise BreakerOpen(str(error)) from None
            if self._broken is not None:
                raise BreakerOpen(self._broken)
        scopes = {scope_of(chain_id, address) for address in addresses}
        for breaker in tripped:
            if breaker.scope in scopes:
                raise BreakerOpen(f"breaker {breaker.name} of {breaker.scope} is open: {breaker.why}; {mend(breaker)}")

    @contextmanager
    def _told_afterwards(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        finally:
            told, self._told = self._told, []
            if self._bus is not None:
                for event in told:
                    self._bus.emit(event)

    def _catch_up(self, now: int) -> None:
        try:
            while self._missed:
                self._observe(self._missed[0], now)
                self._missed.popleft()
        except Exception as error:  # a bus forgives its listeners, so that this one has to keep what it could not do
            if self._broken is None:
                self._broken = f"the breakers fail ({type(error).__name__}: {error})"
                self._told.append(BreakerTripped(Breaker.BROKEN, ALL, self._broken))
            return
        if self._broken is not None:
            self._broken = None
            self._told.append(BreakerReset(Breaker.BROKEN, ALL, "time"))

    def _refreshed(self, now: int) -> tuple[Tripped, ...]:
        """The breakers that are open; tells of those whose pause is over, and of those that a person reset.

        :raises ConfigurationError: the file cannot be read or written
        """
        state = self._file.read()
        if any(self._is_over(breaker, now) for breaker in state.tripped):
            with self._file.changing() as state:
                self._end_pauses(state, now)
        for breaker in self._known:
            if breaker not in state.tripped:
                by = "time" if self._is_over(breaker, now) else "a person"
                self._told.append(BreakerReset(breaker.name, breaker.scope, by))
                # Who looked at a price and let it pass did not mean until the next block.
                self._prices = {key: seen for key, seen in self._prices.items() if key[0] != breaker.scope}
        self._known = state.tripped
        return state.tripped

    def _observe(self, event: Event, now: int) -> None:
        match event:
            case VaultRead():
                self._watch_prices(event, now)
            case PlanFailed(kind=kind) if kind in _VAULTS_OWN:
                self._count(event.chain_id, (event.vault,), None, event.error, now)
            case SendFailed(kind=kind) if kind in _VAULTS_OWN:
                self._count(event.chain_id, event.vaults, event.account, event.error, now)
            case Reverted():
                self._count(event.chain_id, event.vaults, event.account, f"{event.hash} reverted", now)
            case PassEnded(outcome=outcome) if outcome in _UNEVENTFUL:
                self._forgive(event.chain_id, event.vault)
            case Confirmed():
                self._forgive(event.chain_id, *event.vaults, event.account)
                self._book_losses(event, now)

    def _watch_prices(self, read: VaultRead, now: int) -> None:
        scope = scope_of(read.chain_id, read.vault)
        for asset in read.assets:
            seen = self._prices.setdefault((scope, asset.address), deque())
            while seen and seen[-1][0] >= read.block_number:  # the same block again, or blocks that a reorg took away
                seen.pop()
            while seen and seen[0][0] <= read.block_number - self._limits.price_window_blocks:
                seen.popleft()
            if seen:
                for what, before in (("block", seen[-1][1]), ("median", median_low(price for _, price in seen))):
                    if abs(asset.price - before) * _WAD > self._limits.price_move_max * before:
                        moved = abs(asset.price - before) * 10_000 // max(before, 1)
                        why = f"the price of {asset.address} is {moved} bps from its last {what}'s"
                        self._trip(Breaker.PRICE_DEVIATION, scope, why, now)
            seen.append((read.block_number, asset.price))

    def _count(self, chain_id: int, vaults: Iterable[str], account: str | None, error: str, now: int) -> None:
        counted = [(Breaker.VAULT_FAILURES, vault, self._limits.vault_failures) for vault in vaults]
        if account is not None:
            counted.append((Breaker.ACCOUNT_FAILURES, account, self._limits.account_failures))
        over = []
        self._refreshed(now)
        with self._file.changing() as state:
            for breaker, address, most in counted:
                scope = scope_of(chain_id, address)
                state.failures[scope] = state.failures.get(scope, 0) + 1
                if state.failures[scope] >= most:
                    over.append(
                        (breaker, scope, f"{state.failures[scope]} failures in a row, the last: {neutral(error, 200)}")
                    )
        for breaker, scope, why in over:
            self._trip(breaker, scope, why, now)

    def _forgive(self, chain_id: int, *addresses: str) -> None:
        scopes = {scope_of(chain_id, address) for address in addresses}
        if scopes & self._file.read().failures.keys():
            with self._file.changing() as state:
                state.failures = {scope: count for scope, count in state.failures.items() if scope not in scopes}

    def _book_losses(self, event: Confirmed, now: int) -> None:
        over = []
        with self._file.changing() as state:
            state.losses[:] = [loss for loss in state.losses if loss.at > now - self._limits.loss_window_s]
            booked = {(loss.scope, loss.hash) for loss in state.losses}  # a restart may tell of a transaction again
            for fill in event.fills:
                scope = scope_of(event.chain_id, fill.vault)
                if fill.value_out > fill.value_in and (scope, event.hash) not in booked:
                    state.losses.append(Loss(at=now, scope=scope, hash=event.hash, share=_share_up(fill)))
                lost = sum(loss.share for loss in state.losses if loss.scope == scope)
                if lost > self._limits.loss_max:
                    over.append((scope, lost))
        for scope, lost in over:
            why = f"{lost * 10_000 // _WAD} bps of NAV lost against the oracle in {self._limits.loss_window_s} s"
            self._trip(Breaker.LOSS_BUDGET, scope, why, now)

    def _trip(self, name: Breaker, scope: str, why: str, now: int) -> None:
        with self._file.changing() as state:
            if any((breaker.name, breaker.scope) == (name, scope) for breaker in state.tripped):
                return
            breaker = Tripped(name=name, scope=scope, why=why, at=now)
            state.tripped = (*state.tripped, breaker)
        self._known = (*self._known, breaker)
        self._told.append(BreakerTripped(name, scope, why))

    def _is_over(self, breaker: Tripped, now: int) -> bool:
        return breaker.name is Breaker.VAULT_FAILURES and now >= breaker.at + self._limits.vault_pause_s

    def _end_pauses(self, state: State, now: int) -> None:
        """One more failure trips it again: the count stays one short."""
        for breaker in state.tripped:
            if self._is_over(breaker, now):
                state.failures[breaker.scope] = self._limits.vault_failures - 1
        state.tripped = tuple(breaker for breaker in state.tripped if not self._is_over(breaker, now))


def mend(breaker: Tripped) -> str:
    """What closes it."""
    if breaker.name is Breaker.VAULT_FAILURES:
        return "it is tried once more after operations.vault_pause_s"
    return f"look at it, then `equipoise keeper resume {breaker.scope.rpartition('/')[2]}`"


def _share_up(fill: Fill) -> int:
    """WAD share of NAV that a fill lost, rounded up: against the keeper."""
    return -(-(fill.value_out - fill.value_in) * _WAD // fill.nav)


def _of_bps(bps: float) -> int:
    return int(Decimal(str(bps)) * _WAD / 10_000)
