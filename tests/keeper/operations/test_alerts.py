"""Who is told what, and when again."""

import pytest
from event_samples import ACCOUNT, SAMPLES, VAULT

from keeper.operations import events
from keeper.operations.alerts import Desk
from keeper.operations.conditions import AlertKind, Condition, Over, Rules, Severity, conditions
from keeper.operations.events import Breaker, Failure
from keeper.settings import OperationsSettings

NOW = 1_800_000_000
DOWN, UP = events.EndpointExcluded(1, "rpc", "it lags"), events.EndpointRestored(1, "rpc")
CRITICAL, CALM = events.LedgerFailed("full"), events.LedgerRestored()
REVERTED = events.Reverted(1, ACCOUNT, (VAULT,), "0x1", 1, 1)


def rules(**changes) -> Rules:
    given = {
        "severity_min": Severity.WARNING,
        "cooldown_s": 600,
        "per_hour_max": 5,
        "head_age_max_s": 120,
        "stuck_after_s": 300,
        "reorg_blocks": 3,
        "balance_min": 10,
        "balance_max": 100,
    }
    return Rules(**(given | changes))


class Told:
    """A desk and its clock; `hear` gives titles."""

    def __init__(self, **changes):
        self.desk, self.now = Desk(rules(**changes)), NOW

    def hear(self, *heard, after=0):
        self.now += after
        return [message.title for event in heard for message in self.desk.hear(event, self.now)]

    def tick(self, after=0):
        return self.hear(events.Ticked(), after=after)


@pytest.fixture
def told():
    return Told()


# --- one condition


def test_desk__a_condition__is_told_of_once_and_when_it_is_over(told):
    assert told.hear(DOWN, DOWN, events.Ticked(), DOWN) == ["endpoint_excluded of rpc on chain 1"]
    assert told.hear(UP, UP) == ["resolved: endpoint_excluded of rpc on chain 1"]
    assert told.desk.held_back == 0  # the same again is no message


def test_desk__a_condition_that_lasts__is_told_of_again_after_each_cooldown(told):
    told.hear(DOWN)
    assert told.tick(after=599) == []
    assert told.tick(after=1) == ["still: endpoint_excluded of rpc on chain 1"]
    assert told.hear(DOWN, after=599) == []
    assert told.hear(DOWN, after=1) == ["still: endpoint_excluded of rpc on chain 1"]


def test_desk__a_condition_that_comes_and_goes__is_told_of_once_a_cooldown(told):
    assert told.hear(DOWN, UP, DOWN, UP, DOWN, UP) == [
        "endpoint_excluded of rpc on chain 1",
        "resolved: endpoint_excluded of rpc on chain 1",
    ]
    assert told.desk.held_back == 2
    assert told.tick(after=600) == ["2 messages were held back"]
    assert told.tick(after=600) == []
    assert told.hear(DOWN) == ["endpoint_excluded of rpc on chain 1"]


def test_desk__a_condition_that_came_back_in_the_cooldown_and_stays__is_told_of_after_it(told):
    told.hear(DOWN, UP, DOWN)
    assert told.tick(after=599) == []
    assert told.tick(after=1)[0] == "endpoint_excluded of rpc on chain 1"
    assert told.hear(UP) == ["resolved: endpoint_excluded of rpc on chain 1"]


def test_desk__scopes__are_told_of_apart(told):
    other = events.EndpointExcluded(10, "rpc", "x")
    assert len(told.hear(DOWN, other)) == 2
    assert told.hear(events.EndpointRestored(10, "rpc")) == ["resolved: endpoint_excluded of rpc on chain 10"]


def test_desk__what_merely_happens__is_told_of_once_a_cooldown_and_never_resolved(told):
    assert told.hear(REVERTED, REVERTED, REVERTED) == [f"transaction_reverted of {ACCOUNT} on chain 1"]
    assert told.tick(after=599) == []
    assert told.tick(after=1) == ["2 messages were held back"]
    assert told.hear(REVERTED) == [f"transaction_reverted of {ACCOUNT} on chain 1"]


def test_desk__below_the_severity__is_silent(told):
    assert told.hear(events.Stopped("signal", is_clean=True), events.Started(True, ())) == []
    quiet = Told(severity_min=Severity.CRITICAL)
    assert quiet.hear(DOWN, UP, REVERTED) == []
    assert quiet.desk.held_back == 0
    assert quiet.hear(CRITICAL, CALM) == ["ledger_failed of ledger", "resolved: ledger_failed of ledger"]


# --- many


def test_desk__beyond_the_rate__sums_up_and_never_holds_back_what_is_critical(told):
    downs = [events.EndpointExcluded(1, f"rpc{n}", "x") for n in range(8)]
    assert len(told.hear(*downs)) == 5
    assert told.hear(CRITICAL) == ["ledger_failed of ledger"]
    assert told.hear(CALM) == ["resolved: ledger_failed of ledger"]
    assert told.tick(after=599) == []
    (message,) = told.desk.hear(events.Ticked(), told.now + 1)
    assert message.title == "1 messages were held back"  # a kind that is due at every tick counts once
    assert "endpoint_excluded of rpc7 on chain 1" in message.text
    assert "1 × endpoint_excluded" in message.text


def test_desk__what_lasts_and_was_held_back__is_told_of_once_there_is_room(told):
    told.hear(*[events.EndpointExcluded(1, f"rpc{n}", "x") for n in range(5)])
    last = events.EndpointExcluded(1, "last", "x")
    assert told.hear(last) == []
    assert told.hear(events.EndpointRestored(1, "last"), last) == []
    titles = told.tick(after=3_600)
    assert "endpoint_excluded of last on chain 1" in titles


def test_desk__what_was_held_back_for_being_many__need_not_wait_for_its_cooldown(told):
    told.hear(*[events.Reverted(1, f"0x{n}", (), "0x1", 1, 1) for n in range(5)])
    assert told.hear(DOWN, after=3_500) == []
    assert "endpoint_excluded of rpc on chain 1" in told.tick(after=100)


def test_desk__what_is_long_over__is_forgotten(told):
    told.hear(*[events.EndpointExcluded(1, f"rpc{n}", "x") for n in range(5)])
    told.hear(*[events.EndpointRestored(1, f"rpc{n}") for n in range(5)])
    told.tick(after=4_000)
    assert told.desk._told == {}


# --- time


def test_desk__a_head_that_grows_old__is_told_of_when_time_passes(told):
    told.hear(events.HeadSeen(1, 5, "0x", NOW))
    assert told.tick(after=120) == []
    assert told.tick(after=1) == ["head_stale of chain 1"]
    assert told.hear(events.HeadSeen(1, 6, "0x", NOW)) == []
    assert told.hear(events.HeadSeen(1, 7, "0x", told.now)) == ["resolved: head_stale of chain 1"]


def test_desk__a_head_from_the_future__is_no_fresh_one(told):
    assert told.hear(events.HeadSeen(1, 5, "0x", NOW + 121)) == ["head_stale of chain 1"]


def test_desk__a_chain_whose_first_block_never_comes__is_late_too(told):
    told.hear(events.Started(True, ((1, VAULT), (10, VAULT))))
    told.hear(events.HeadSeen(1, 5, "0x", NOW + 100), after=100)
    assert told.tick(after=21) == ["head_stale of chain 10"]


# --- what is a condition


def test_conditions__every_kind__begins_with_some_event():
    more = (
        events.PlanFailed(1, VAULT, Failure.NO_ROUTE, "x"),
        events.PlanFailed(1, VAULT, Failure.TRANSACTION, "x"),
        events.AccountSeen(1, ACCOUNT, 5, 1, NOW - 301),
        events.AccountSeen(1, ACCOUNT, 101, 1),
    )
    found = {c.kind for e in (*SAMPLES, *more) for c in conditions(e, rules(), NOW) if isinstance(c, Condition)}
    assert found | {AlertKind.HEAD_STALE} == set(AlertKind)


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        (events.Stopped("boom", is_clean=False), events.Started(True, ())),
        (DOWN, UP),
        (events.QuorumFailed(1, "x"), events.QuorumRestored(1)),
        (events.PlanFailed(1, VAULT, Failure.ORACLE, "x"), events.VaultRead(1, VAULT, "S", 1, 1, 1, 1, 1, False)),
        (events.PlanFailed(1, VAULT, Failure.NO_ROUTE, "x"), events.Decided(1, VAULT, "S", "wait", "r")),
        (events.PlanFailed(1, VAULT, Failure.UNEXPECTED, "x"), events.Decided(1, VAULT, "S", "wait", "r")),
        (
            events.SendFailed(1, ACCOUNT, (), Failure.SIGNER, "x"),
            events.Submitted(1, ACCOUNT, (), "0x1", 1, "open"),
        ),
        (events.RelayFailed(1, "mev", "x"), events.Submitted(1, ACCOUNT, (), "0x1", 1, "open", "mev")),
        (events.AccountSeen(1, ACCOUNT, 9, 1), events.AccountSeen(1, ACCOUNT, 10, 1)),
        (events.AccountSeen(1, ACCOUNT, 101, 1), events.AccountSeen(1, ACCOUNT, 100, 1)),
        (events.AccountSeen(1, ACCOUNT, 50, 1, NOW - 301), events.AccountSeen(1, ACCOUNT, 50, 1, NOW - 300)),
        (CRITICAL, CALM),
        (events.SignerFailed(ACCOUNT, "x"), events.SignerRestored(ACCOUNT)),
        (events.BreakerTripped(Breaker.BROKEN, "all", "x"), events.BreakerReset(Breaker.BROKEN, "all", "time")),
        (events.KillSwitch(True, "x"), events.KillSwitch(False)),
    ],
)
def test_conditions__what_begins__ends_with_its_counterpart_alone(begins, ends):
    started = [found for found in conditions(begins, rules(), NOW) if isinstance(found, Condition)]
    over = [found for found in conditions(ends, rules(), NOW) if isinstance(found, Over)]
    assert len(started) == 1
    assert started[0].lasts
    assert Over(started[0].kind, started[0].scope) in over


@pytest.mark.parametrize("kind", [Failure.CHAIN, Failure.AGGREGATOR])
def test_conditions__failures_that_have_alerts_of_their_own__are_none(kind):
    assert conditions(events.PlanFailed(1, VAULT, kind, "x"), rules(), NOW) == []


def test_conditions__a_reorg__counts_from_the_depth_on():
    assert conditions(events.HeadSeen(1, 9, "0x", NOW, reorged=2), rules(), NOW) == []
    (found,) = conditions(events.HeadSeen(1, 9, "0x", NOW, reorged=3), rules(), NOW)
    assert (found.kind, found.lasts) == (AlertKind.REORG, False)


def test_rules__of_the_settings__are_exact():
    found = Rules.of(OperationsSettings(alert_severity_min="error", balance_min_eth=0.1, balance_max_eth=1.1))
    assert (found.severity_min, found.balance_min, found.balance_max) == (Severity.ERROR, 10**17, 11 * 10**17)
