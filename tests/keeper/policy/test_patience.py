"""When a route is looked for again: not for every block, and never too late."""

from dataclasses import replace

import pytest

from keeper.chain.abi import Trigger
from keeper.policy import Decision, Kind
from keeper.policy.patience import Waited, is_worth_a_route

WAD = 10**18
NOW = 1_800_000_000


def waited(snapshot, until=None):
    return Waited(Decision(Kind.WAIT, "it would cost too much", until), snapshot, NOW)


def test_is_worth_a_route__at_first__is(make):
    assert is_worth_a_route(None, make(), NOW, 60)


def test_is_worth_a_route__while_nothing_moves__is_not_until_the_wait_is_old(make):
    last = waited(make())
    assert not is_worth_a_route(last, make(), NOW + 59, 60)
    assert is_worth_a_route(last, make(), NOW + 60, 60)


def test_is_worth_a_route__when_the_decision_named_a_time__is_from_then_on(make):
    last = waited(make(), until=NOW + 30)
    assert not is_worth_a_route(last, make(), NOW + 29, 600)
    assert is_worth_a_route(last, make(), NOW + 30, 600)


@pytest.mark.parametrize(
    "change",
    [
        {"is_open": True},
        {"opened_at": NOW - 1},
        {"completed_at": NOW - 1},
        {"trigger": Trigger.TARGETS},
        {"terms": {"max_discount": 2 * 10**16}},
        {"head_start": 60},
        {"is_keeper": True},
        {"balances": (600 * 10**18 + 1, 800_000 * 10**6)},
    ],
    ids=str,
)
def test_is_worth_a_route__when_the_vault_changed__is(make, change):
    assert is_worth_a_route(waited(make()), make(**change), NOW + 1, 600)


@pytest.mark.parametrize(("moved", "expected"), [(5 * 10**14, False), (5 * 10**14 + 1, True), (-(10**15), True)])
def test_is_worth_a_route__when_prices_moved_the_drift__is(make, moved, expected):
    snapshot = make()
    priced = snapshot.priced()
    now = replace(snapshot, valuation=replace(priced, drift=priced.drift + moved))
    assert is_worth_a_route(waited(snapshot), now, NOW + 1, 600) is expected
