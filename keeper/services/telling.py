"""What is told of a block's work: vaults as they were read, decisions, how each part went."""

import time
from collections.abc import Callable

import structlog

from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import ActingRefused, ChainError, EquipoiseError, LedgerError
from keeper.operations import events
from keeper.operations.bus import Bus
from keeper.operations.events import Failure, Outcome
from keeper.policy import Decision

WAD = 10**18
_log = structlog.get_logger("keeper")


class Teller:
    """Tells of the vaults of one chain."""

    def __init__(self, bus: Bus, chain_id: int):
        self._bus = bus
        self._chain_id = chain_id

    def read(self, snapshot: VaultSnapshot) -> None:
        """A vault as it stands; nothing where it has no prices."""
        if snapshot.valuation is not None:
            self._bus.emit(_as_event(self._chain_id, snapshot))

    def decided(self, snapshot: VaultSnapshot, decision: Decision) -> None:
        """What is decided about a vault."""
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

    def guarded(self, work: Callable[[], Outcome | None], *vaults: str) -> Outcome | None:
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
            self.failed(error, *vaults)
        if outcome is not None:
            for vault in vaults:
                self._bus.emit(events.PassEnded(self._chain_id, vault, outcome, time.perf_counter() - started))
        return outcome

    def failed(self, error: Exception, *vaults: str) -> None:
        """Tell of what was raised while these vaults were worked for; to be called while it is handled."""
        kind, text = Failure.UNEXPECTED, repr(error)
        if isinstance(error, EquipoiseError):
            kind, text = Failure.of(error), str(error)
        else:
            _log.exception("pass_failed", chain_id=self._chain_id, vaults=vaults)
        for vault in vaults:
            self._bus.emit(events.PlanFailed(self._chain_id, vault, kind, text))


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
