"""The process of `equipoise keeper run`: a thread for each chain, until a signal ends it.

A chain whose endpoints fail is tried again and again, and is none of the other chains' business. What makes acting unsafe
from the start (a key that another process uses, a plain key, a ledger that cannot be opened) ends the process before it began.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial

import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception_type, sleep_using_event, wait_exponential_jitter
from tenacity.stop import stop_when_event_set

from keeper.chain.connect import client_of
from keeper.chain.heads import Heads
from keeper.chain.member import Event as EndpointEvent
from keeper.chain.quorum import Pool
from keeper.chain.rpc import Client
from keeper.errors import ChainError, ConfigurationError, EquipoiseError, LedgerError, SignerError
from keeper.execution import signer as signers
from keeper.execution.lane import Lane
from keeper.execution.signer import Signer
from keeper.execution.signer.gated import GatedSigner
from keeper.ledger import Ledger
from keeper.operations import events
from keeper.operations.assembly import Operations
from keeper.operations.events import Failure
from keeper.services import told
from keeper.services.chain_keeper import ChainKeeper, Hand
from keeper.services.memory import executor_owner
from keeper.settings import Settings

_PULSE_S = 2.0  # how often the process says that it lives
_STUCK_S = 900.0  # a block's work that takes longer is taken for dead
_AGAIN_MOST_S = 60.0
_log = structlog.get_logger("keeper")


def run(
    chains: Mapping[str, Settings],
    operations: Operations,
    stop: threading.Event,
    *,
    armed: bool,
    ask_password: Callable[[], str] | None = None,
) -> None:
    """Keep every vault of every chain until `stop` is set; returns once the work that was under way is done.

    :param chains: settings by name, as of `load_chains`
    :param armed: False for a dry run, which plans and sends nothing
    :raises ConfigurationError: no vaults, no key, an executor of another owner, or another process signs with the key
    :raises LedgerError: the ledger cannot be opened
    """
    kept = {name: settings for name, settings in chains.items() if settings.vaults}
    if not kept:
        raise ConfigurationError("no vaults to keep: set vaults, or chains.NAME.vaults")
    with ExitStack() as opened:
        ledger = Ledger.of(next(iter(kept.values())))
        opened.callback(ledger.close)
        chain_threads = [
            _ChainThread(
                name, settings, ledger, operations, stop, armed=armed, ask_password=ask_password, opened=opened
            )
            for name, settings in kept.items()
        ]
        vaults = tuple((settings.chain_id, vault) for settings in kept.values() for vault in settings.vaults)
        operations.emit(events.Started(armed, vaults))
        for thread in chain_threads:
            thread.start()
        while not stop.wait(_PULSE_S):
            if all(thread.is_well for thread in chain_threads):
                operations.emit(events.Ticked())
        for thread in chain_threads:
            thread.join()
        operations.emit(events.Stopped("asked to", is_clean=True))


class _ChainThread(threading.Thread):
    """Keeps the vaults of one chain. What it needs of the process is taken before it starts."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        ledger: Ledger,
        operations: Operations,
        stop: threading.Event,
        *,
        armed: bool,
        ask_password: Callable[[], str] | None,
        opened: ExitStack,
    ):
        super().__init__(name=name, daemon=True)
        self._settings = settings
        self._ledger = ledger
        self._operations = operations
        self._stop_event = stop
        self._client: Client = client_of(settings, self._endpoint)
        self._client.listen(self._asked)
        self._signer: Signer | None = None
        if armed:
            if settings.executor is None:
                raise ConfigurationError(f"{name}: no executor to rebalance through: set executor")
            signer = signers.of(settings, self._client, ask_password)
            opened.enter_context(ledger.locks.lane(settings.chain_id, signer.address))
            refuse = partial(operations.refuse, settings.chain_id, signer.address)
            self._signer = GatedSigner(signer, refuse)
        self._busy_since: float | None = None
        self._restored: set[events.Event] = set()  # to be told once a block's work goes well again
        self._excluded: set[str] = set()  # endpoints

    @property
    def is_well(self) -> bool:
        """Whether it lives, and its work gets done."""
        since = self._busy_since
        return self.is_alive() and (since is None or time.monotonic() - since < _STUCK_S)

    def run(self) -> None:
        """Keep, and begin again after whatever ends it, until it is told to stop."""
        again = Retrying(
            retry=retry_if_exception_type(Exception),
            wait=wait_exponential_jitter(initial=1.0, max=_AGAIN_MOST_S),
            stop=stop_when_event_set(self._stop_event),
            sleep=sleep_using_event(self._stop_event),
            before_sleep=self._failed,
            retry_error_callback=lambda _: None,
        )
        again(self._keep)

    def _keep(self) -> None:
        client = self._client.connect()
        hand = self._hand()
        keeper = ChainKeeper(self._settings, client, self._ledger, self._operations.bus, hand)
        try:
            for head in Heads.of(self._settings, client, self._stop_event, self._no_head):
                seen = time.perf_counter()
                self._busy_since = time.monotonic()
                block = head.block
                self._operations.emit(
                    events.HeadSeen(
                        client.chain_id,
                        block.number,
                        block.hash,
                        block.timestamp,
                        skipped=head.skipped,
                        reorged=(head.depth or 1) if head.reorged else 0,
                    )
                )
                if head.reorged:
                    keeper.forget()
                self._tick(partial(keeper.tick, block, seen))
                self._busy_since = None
        finally:
            self._busy_since = None
            keeper.close()

    def _hand(self) -> Hand | None:
        """What acts, once the chain says that it may.

        :raises ConfigurationError: the executor is another's
        """
        signer, executor = self._signer, self._settings.executor
        if signer is None or executor is None:
            return None
        for name in ("executor", "batch_executor"):
            address = getattr(self._settings, name)
            if address is not None and (owner := executor_owner(self._client, address)) != signer.address:
                raise ConfigurationError(f"{name} {address} belongs to {owner}, not to {signer.address}: set {name}")
        listener = told.listener(self._operations.bus, self._ledger)
        lane = Lane(self._client, self._ledger, signer, self._settings, listener)
        return Hand(signer.address, lane, self._operations)

    def _tick(self, work: Callable[[], None]) -> None:
        """A block's work; what fails is told, and the next block begins anew."""
        try:
            work()
        except EquipoiseError as error:
            self._tell(error)
            return
        for restored in self._restored:
            self._operations.emit(restored)
        self._restored.clear()
        self._readmit()

    def _failed(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        assert error is not None
        if not isinstance(error, EquipoiseError):
            _log.error("chain_failed", chain=self.name, exc_info=error)
        self._tell(error)

    def _tell(self, error: BaseException) -> None:
        chain_id, account = self._settings.chain_id, "" if self._signer is None else self._signer.address
        match error:
            case ChainError():
                self._no_head(str(error))
            case LedgerError():
                self._operations.emit(events.LedgerFailed(str(error)))
                self._restored.add(events.LedgerRestored())
            case SignerError():
                self._operations.emit(events.SignerFailed(account, str(error)))
            case EquipoiseError():
                self._operations.emit(events.SendFailed(chain_id, account, (), Failure.of(error), str(error)))
            case _:
                self._operations.emit(events.SendFailed(chain_id, account, (), Failure.UNEXPECTED, repr(error)))

    def _no_head(self, line: str) -> None:
        self._operations.emit(events.QuorumFailed(self._settings.chain_id, line))
        self._restored.add(events.QuorumRestored(self._settings.chain_id))

    def _readmit(self) -> None:
        """Tell of endpoints that have a say again."""
        members = self._client.members if isinstance(self._client, Pool) else ()
        for member in members:
            if member.name in self._excluded and member.is_up and not member.is_apart:
                self._excluded.discard(member.name)
                self._operations.emit(events.EndpointRestored(self._settings.chain_id, member.name))

    def _asked(self, endpoint: str, method: str, seconds: float, is_answered: bool) -> None:
        self._operations.emit(events.RpcAsked(self._settings.chain_id, endpoint, method, seconds, is_answered))

    def _endpoint(self, event: EndpointEvent) -> None:
        self._excluded.add(event.endpoint)
        self._operations.emit(events.EndpointExcluded(self._settings.chain_id, event.endpoint, event.text))
