"""Each event is counted where the dashboard looks for it; no text gets into a label."""

import inspect

import pytest
from event_samples import ACCOUNT, SAMPLES, VAULT
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from keeper.operations import events
from keeper.operations.bus import Bus
from keeper.operations.events import Breaker, Event, Failure, Outcome
from keeper.operations.metrics import Metrics

NOW = 1_800_000_010
V = {"chain": "1", "vault": VAULT}
A = {"chain": "1", "account": ACCOUNT}
C = {"chain": "1"}


@pytest.fixture
def metrics():
    return Metrics(lambda: NOW)


@pytest.fixture
def counted(metrics):
    """Metrics that every sample went through."""
    for event in SAMPLES:
        metrics(event)
    return metrics


def test_samples__are_of_every_kind_of_event():
    kinds = {kind for _, kind in inspect.getmembers(events, inspect.isclass) if issubclass(kind, Event)} - {Event}
    assert {type(event) for event in SAMPLES} == kinds


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("armed", {}, 1),
        ("last_tick_timestamp_seconds", {}, NOW),
        ("heads_total", C, 1),
        ("head_number", C, 100),
        ("head_age_seconds", C, 10),
        ("blocks_skipped_total", C, 2),
        ("blocks_reorged_total", C, 3),
        ("rpc_requests_total", C | {"endpoint": "https://rpc.example", "method": "eth_call", "outcome": "ok"}, 1),
        ("rpc_seconds_sum", C | {"endpoint": "https://rpc.example"}, 0.1),
        ("endpoint_up", C | {"endpoint": "https://rpc.example"}, 1),
        ("quorum_failures_total", C, 1),
        ("quorum_up", C, 1),
        ("passes_total", V | {"outcome": "waited"}, 1),
        ("passes_total", V | {"outcome": "failed"}, 0),
        ("pass_seconds_sum", C, 0.25),
        ("pass_seconds_bucket", C | {"le": "0.2"}, 0),
        ("pass_seconds_bucket", C | {"le": "0.3"}, 1),
        ("decisions_total", V | {"kind": "wait"}, 1),
        ("plan_failures_total", V | {"kind": "oracle"}, 1),
        ("oracle_faults_total", V, 1),
        ("vault_nav_usd", V, 5_000),
        ("vault_nav_per_share_usd", V, 2),
        ("vault_drift_ratio", V, 0.02),
        ("vault_closing_tolerance_ratio", V, 0.005),
        ("vault_band_distance_ratio", V, -0.05),
        ("vault_rebalance_open", V, 1),
        ("head_to_signed_seconds_count", C, 1),
        *[
            ("transactions_total", A | {"state": state}, 1)
            for state in ("signed", "submitted", "replaced", "failed", "mined", "confirmed", "reverted")
        ],
        ("gas_spent_wei_total", A, 400_000 * 10**9),
        ("gas_spent_usd_total", A, 1.5),
        ("traded_usd_total", V, 100),
        ("loss_usd_total", V, 1),
        ("account_balance_wei", A, 10**17),
        ("account_nonce", A, 7),
        ("nonce_in_flight_age_seconds", A, 20),
        ("relay_failures_total", C | {"relay": "flashbots"}, 1),
        ("ledger_errors_total", {}, 1),
        ("signer_errors_total", {}, 1),
        ("breaker_open", {"name": "loss_budget", "chain": "1", "address": VAULT}, 0),
        ("kill_switch", {}, 1),
    ],
)
def test_metrics__of_the_samples__are_what_happened(counted, name, labels, value):
    assert counted.registry.get_sample_value(f"equipoise_{name}", labels) == value


def test_metrics__turn_with_what_they_measure(metrics):
    def now(name, /, **labels):
        return metrics.registry.get_sample_value(f"equipoise_{name}", labels)

    metrics(events.BreakerTripped(Breaker.BROKEN, "all", "x"))
    assert now("breaker_open", name="broken", chain="", address="all") == 1
    metrics(events.RpcAsked(1, "e", "m", 0.1, False))
    assert now("endpoint_up", chain="1", endpoint="e") == 1
    assert now("rpc_requests_total", chain="1", endpoint="e", method="m", outcome="error") == 1
    for endpoint in ("e", "f"):
        metrics(events.EndpointExcluded(1, endpoint, "x"))
        metrics(events.RpcAsked(1, endpoint, "m", 0.1, True))
        assert now("endpoint_up", chain="1", endpoint=endpoint) == 0
    metrics(events.Started(True, ((1, VAULT),)))
    assert now("quorum_up", chain="1") == 1
    metrics(events.QuorumFailed(1, "x"))
    assert now("quorum_up", chain="1") == 0
    metrics(events.KillSwitch(False))
    assert now("kill_switch") == 0
    metrics(events.AccountSeen(1, ACCOUNT, 1, 1))
    assert now("nonce_in_flight_age_seconds", **A) == 0
    metrics(events.Replaced(1, ACCOUNT, 1, "0x1", "0x2", is_cancel=True))
    assert now("transactions_total", **A, state="cancelled") == 1
    fill = events.Fill(VAULT, 100, 10**18, 1)
    metrics(events.Confirmed(1, ACCOUNT, (VAULT,), "0x1", 1, 1, fills=(fill,)))
    assert now("loss_usd_total", **V) == 0
    assert now("gas_spent_usd_total", **A) is None


def test_metrics__the_texts_of_strangers__are_in_no_label(metrics):
    evil = "evil\n# HELP"
    for event in (
        events.PlanFailed(1, VAULT, Failure.UNEXPECTED, evil),
        events.Decided(1, VAULT, evil, "wait", evil),
        events.EndpointExcluded(1, "e", evil),
        events.BreakerTripped(Breaker.VAULT_FAILURES, f"1/{VAULT}", evil),
        events.RelayFailed(1, "r", evil),
        events.VaultRead(1, VAULT, evil, 1, 1, 1, 1, 1, False, (events.AssetRead("0x", evil, 1, 1, 1, 1),)),
        events.SendFailed(1, ACCOUNT, (VAULT,), Failure.SIGNER, evil),
    ):
        metrics(event)
    page = generate_latest(metrics.registry).decode()
    assert "evil" not in page
    assert all(family.documentation for family in text_string_to_metric_families(page))


def test_metrics__listeners_that_fail__are_counted(metrics):
    def broken(_event: Event) -> None:
        raise RuntimeError

    bus = Bus(broken)
    metrics.watch(bus)
    bus.emit(events.Ticked())
    (name,) = bus.failures
    assert metrics.registry.get_sample_value("equipoise_listener_failures_total", {"listener": name}) == 1


def test_metrics__outcomes_that_have_not_happened__are_zero(metrics):
    metrics(events.Started(False, ((1, VAULT),)))
    for outcome in Outcome:
        assert metrics.registry.get_sample_value("equipoise_passes_total", V | {"outcome": outcome}) == 0
