"""What Prometheus is told, counted from events.

Labels are chain ids, addresses, names from the settings and kinds of a fixed list: never a text that somebody else wrote.
Amounts become floats here and nowhere else; nothing is decided by them.
"""

import time
from collections.abc import Callable
from functools import singledispatchmethod

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from keeper.operations import events
from keeper.operations.bus import Bus
from keeper.operations.events import Event

_WAD = 10**18
_PASS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30)
_RPC_S = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 20)
_CHAIN, _VAULT, _ACCOUNT = ("chain",), ("chain", "vault"), ("chain", "account")


class Metrics:
    """A listener with a registry of its own.

    :param clock: unix s
    """

    def __init__(self, clock: Callable[[], float] = time.time):
        self.registry = CollectorRegistry()
        self._clock = clock
        self._endpoints: set[tuple[int, str]] = set()  # heard of

        def counter(name: str, help_: str, labels: tuple[str, ...] = ()) -> Counter:
            return Counter(f"equipoise_{name}", help_, labels, registry=self.registry)

        def gauge(name: str, help_: str, labels: tuple[str, ...] = ()) -> Gauge:
            return Gauge(f"equipoise_{name}", help_, labels, registry=self.registry)

        def histogram(name: str, help_: str, buckets: tuple[float, ...], labels: tuple[str, ...]) -> Histogram:
            return Histogram(f"equipoise_{name}", help_, labels, buckets=buckets, registry=self.registry)

        self._armed = gauge("armed", "1 when the keeper sends what is due, 0 in a dry run.")
        self._tick = gauge("last_tick_timestamp_seconds", "When the loop last went round.")
        self._heads = counter("heads_total", "New heads seen.", _CHAIN)
        self._head_number = gauge("head_number", "Number of the newest block.", _CHAIN)
        self._head_age = gauge("head_age_seconds", "Age of the newest block.", _CHAIN)
        self._skipped = counter("blocks_skipped_total", "Blocks that were not looked at.", _CHAIN)
        self._reorged = counter("blocks_reorged_total", "Blocks that a reorganisation took away.", _CHAIN)
        self._rpc = counter("rpc_requests_total", "Requests to endpoints.", ("chain", "endpoint", "method", "outcome"))
        self._rpc_seconds = histogram("rpc_seconds", "Time of a request.", _RPC_S, ("chain", "endpoint"))
        self._endpoint_up = gauge("endpoint_up", "1 when an endpoint is asked, 0 when not.", ("chain", "endpoint"))
        self._quorum_failures = counter("quorum_failures_total", "Times that too few endpoints agreed.", _CHAIN)
        self._quorum_up = gauge("quorum_up", "1 when enough endpoints agree.", _CHAIN)

        self._passes = counter("passes_total", "Passes over a vault by how they ended.", (*_VAULT, "outcome"))
        self._pass_seconds = histogram("pass_seconds", "Time of a pass.", _PASS_S, _CHAIN)
        self._decisions = counter("decisions_total", "Decisions by kind.", (*_VAULT, "kind"))
        self._failures = counter("plan_failures_total", "Passes without a decision, by kind.", (*_VAULT, "kind"))
        self._oracle_faults = counter("oracle_faults_total", "Passes without a price.", _VAULT)
        self._nav = gauge("vault_nav_usd", "Value of the basket.", _VAULT)
        self._per_share = gauge("vault_nav_per_share_usd", "Value of a share.", _VAULT)
        self._drift = gauge("vault_drift_ratio", "Share of NAV that is not on target.", _VAULT)
        self._tolerance = gauge("vault_closing_tolerance_ratio", "Drift at which a rebalance closes.", _VAULT)
        self._distance = gauge(
            "vault_band_distance_ratio",
            "From the weight nearest to its band's edge to that edge; below 0 outside.",
            _VAULT,
        )
        self._is_open = gauge("vault_rebalance_open", "1 while a rebalance is open.", _VAULT)

        self._signed_seconds = histogram("head_to_signed_seconds", "From a block to its signature.", _PASS_S, _CHAIN)
        self._transactions = counter("transactions_total", "Transactions by what became of them.", (*_ACCOUNT, "state"))
        self._gas_wei = counter("gas_spent_wei_total", "Wei paid for gas.", _ACCOUNT)
        self._gas_usd = counter("gas_spent_usd_total", "The same in USD, where ether has a price.", _ACCOUNT)
        self._traded = counter("traded_usd_total", "Value sold by confirmed fills, at oracle prices.", _VAULT)
        self._loss = counter(
            "loss_usd_total", "Value that fills lost against the oracle; gains are not taken off.", _VAULT
        )
        self._balance = gauge("account_balance_wei", "What an account holds.", _ACCOUNT)
        self._nonce = gauge("account_nonce", "Transactions that it has had mined.", _ACCOUNT)
        self._nonce_age = gauge(
            "nonce_in_flight_age_seconds", "Age of its oldest transaction on its way; 0 for none.", _ACCOUNT
        )
        self._relay_failures = counter(
            "relay_failures_total", "Private relays that did not take one.", ("chain", "relay")
        )

        self._ledger_errors = counter("ledger_errors_total", "Times that the ledger could not be written.")
        self._signer_errors = counter("signer_errors_total", "Times that the signer did not sign.")
        self._breaker = gauge("breaker_open", "1 while a circuit breaker is open.", ("name", "chain", "address"))
        self._kill_switch = gauge("kill_switch", "1 while the kill switch is on.")

    def watch(self, bus: Bus) -> None:
        """Count too how often the bus's listeners fail."""
        self.registry.register(_ListenerFailures(bus))

    def count_alerts(self) -> Counter:
        """What an alerting desk counts its messages with, by `outcome`."""
        return Counter("equipoise_alerts_total", "Alerts by what became of them.", ("outcome",), registry=self.registry)

    @singledispatchmethod
    def __call__(self, event: Event) -> None:
        """Count an event; those without a method here are not counted."""

    @__call__.register
    def _(self, event: events.Started) -> None:
        self._armed.set(event.is_armed)
        for chain, vault in event.vaults:
            self._quorum_up.labels(chain).set(1)
            # Rates of what has not happened yet are 0, and not missing.
            for outcome in events.Outcome:
                self._passes.labels(chain, vault, outcome)

    @__call__.register
    def _(self, _event: events.Ticked) -> None:
        self._tick.set(self._clock())

    @__call__.register
    def _(self, event: events.HeadSeen) -> None:
        self._heads.labels(event.chain_id).inc()
        self._head_number.labels(event.chain_id).set(event.number)
        self._head_age.labels(event.chain_id).set_function(self._age_of(event.timestamp))
        self._skipped.labels(event.chain_id).inc(event.skipped)
        self._reorged.labels(event.chain_id).inc(event.reorged)

    @__call__.register
    def _(self, event: events.RpcAsked) -> None:
        outcome = "ok" if event.succeeded else "error"
        self._rpc.labels(event.chain_id, event.endpoint, event.method, outcome).inc()
        self._rpc_seconds.labels(event.chain_id, event.endpoint).observe(event.seconds)
        if (event.chain_id, event.endpoint) not in self._endpoints:
            self._endpoints.add((event.chain_id, event.endpoint))
            self._endpoint_up.labels(event.chain_id, event.endpoint).set(1)

    @__call__.register
    def _(self, event: events.EndpointExcluded) -> None:
        self._endpoints.add((event.chain_id, event.name))
        self._endpoint_up.labels(event.chain_id, event.name).set(0)

    @__call__.register
    def _(self, event: events.EndpointRestored) -> None:
        self._endpoint_up.labels(event.chain_id, event.name).set(1)

    @__call__.register
    def _(self, event: events.QuorumFailed) -> None:
        self._quorum_failures.labels(event.chain_id).inc()
        self._quorum_up.labels(event.chain_id).set(0)

    @__call__.register
    def _(self, event: events.QuorumRestored) -> None:
        self._quorum_up.labels(event.chain_id).set(1)

    @__call__.register
    def _(self, event: events.VaultRead) -> None:
        labels = event.chain_id, event.vault
        self._nav.labels(*labels).set(event.nav / _WAD)
        self._per_share.labels(*labels).set(event.nav_per_share / _WAD)
        self._drift.labels(*labels).set(event.drift / _WAD)
        self._tolerance.labels(*labels).set(event.closing_tolerance / _WAD)
        self._is_open.labels(*labels).set(event.is_open)
        if event.assets:
            nearest = min(asset.band - abs(asset.weight - asset.target) for asset in event.assets)
            self._distance.labels(*labels).set(nearest / _WAD)

    @__call__.register
    def _(self, event: events.Decided) -> None:
        self._decisions.labels(event.chain_id, event.vault, event.kind).inc()

    @__call__.register
    def _(self, event: events.PlanFailed) -> None:
        self._failures.labels(event.chain_id, event.vault, event.kind).inc()
        if event.kind is events.Failure.ORACLE:
            self._oracle_faults.labels(event.chain_id, event.vault).inc()

    @__call__.register
    def _(self, event: events.PassEnded) -> None:
        self._passes.labels(event.chain_id, event.vault, event.outcome).inc()
        self._pass_seconds.labels(event.chain_id).observe(event.seconds)

    @__call__.register
    def _(self, event: events.Signed) -> None:
        self._state(event, "signed")
        self._signed_seconds.labels(event.chain_id).observe(event.seconds_since_head)

    @__call__.register
    def _(self, event: events.Submitted) -> None:
        self._state(event, "submitted")

    @__call__.register
    def _(self, event: events.Replaced) -> None:
        self._state(event, "cancelled" if event.is_cancel else "replaced")

    @__call__.register
    def _(self, event: events.SendFailed) -> None:
        self._state(event, "failed")

    @__call__.register
    def _(self, event: events.Mined) -> None:
        self._state(event, "mined")

    @__call__.register
    def _(self, event: events.Confirmed) -> None:
        self._state(event, "confirmed")
        self._pay(event)
        for fill in event.fills:
            self._traded.labels(event.chain_id, fill.vault).inc(fill.value_out / _WAD)
            self._loss.labels(event.chain_id, fill.vault).inc(max(fill.value_out - fill.value_in, 0) / _WAD)

    @__call__.register
    def _(self, event: events.Reverted) -> None:
        self._state(event, "reverted")
        self._pay(event)

    @__call__.register
    def _(self, event: events.AccountSeen) -> None:
        labels = event.chain_id, event.account
        self._balance.labels(*labels).set(event.balance)
        self._nonce.labels(*labels).set(event.nonce)
        age = self._nonce_age.labels(*labels)
        age.set_function(lambda: 0.0 if event.in_flight_since is None else self._clock() - event.in_flight_since)

    @__call__.register
    def _(self, event: events.RelayFailed) -> None:
        self._relay_failures.labels(event.chain_id, event.name).inc()

    @__call__.register
    def _(self, _event: events.LedgerFailed) -> None:
        self._ledger_errors.inc()

    @__call__.register
    def _(self, _event: events.SignerFailed) -> None:
        self._signer_errors.inc()

    @__call__.register(events.BreakerTripped)
    @__call__.register(events.BreakerReset)
    def _(self, event: events.BreakerTripped | events.BreakerReset) -> None:
        chain, _, address = event.scope.rpartition("/")
        self._breaker.labels(event.name, chain, address).set(isinstance(event, events.BreakerTripped))

    @__call__.register
    def _(self, event: events.KillSwitch) -> None:
        self._kill_switch.set(event.is_on)

    def _age_of(self, timestamp: int) -> Callable[[], float]:
        return lambda: self._clock() - timestamp

    def _state(
        self,
        event: events.Signed
        | events.Submitted
        | events.Replaced
        | events.SendFailed
        | events.Mined
        | events.Confirmed
        | events.Reverted,
        state: str,
    ) -> None:
        self._transactions.labels(event.chain_id, event.account, state).inc()

    def _pay(self, event: events.Confirmed | events.Reverted) -> None:
        self._gas_wei.labels(event.chain_id, event.account).inc(event.gas_used * event.gas_price)
        if event.gas_usd is not None:
            self._gas_usd.labels(event.chain_id, event.account).inc(event.gas_usd / _WAD)


class _ListenerFailures(Collector):
    def __init__(self, bus: Bus):
        self._bus = bus

    def collect(self) -> list[CounterMetricFamily]:
        found = CounterMetricFamily(
            "equipoise_listener_failures", "Events that a listener could not take in.", labels=["listener"]
        )
        for name, count in dict(self._bus.failures).items():
            found.add_metric([name], count)
        return [found]
