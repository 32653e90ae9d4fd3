"""The contract's own integers: the falling bound, and what may be sold and bought."""

from fake_chain import bare_snapshot
from hypothesis import given
from hypothesis import strategies as st

from keeper.chain.abi import Trigger
from keeper.chain.snapshot import Terms
from keeper.policy import bound_at, deficits, meets_at, surpluses

WAD = 10**18
NOW = 1_800_000_000


def test_bound_at__starts_at_the_premium_and_ends_at_the_discount(make):
    snapshot = make(is_open=True, opened_at=NOW)
    assert bound_at(snapshot, NOW) == WAD + 5 * 10**15
    assert bound_at(snapshot, NOW + 900) == WAD - 25 * 10**14
    assert bound_at(snapshot, NOW + 1_800) == WAD - 10**16
    # One second later it has closed, and the next opening starts above again.
    assert bound_at(snapshot, NOW + 1_801) == WAD + 5 * 10**15


def test_bound_at__rounds_up(make):
    snapshot = make(is_open=True, opened_at=NOW, terms={"duration": 700})
    exact_fall = 15 * 10**15 / 700
    assert bound_at(snapshot, NOW + 1) == WAD + 5 * 10**15 - int(exact_fall)


@given(
    ratio=st.integers(9 * 10**17, 11 * 10**17),
    premium=st.integers(0, 10**17),
    discount=st.integers(0, 5 * 10**16),
    duration=st.integers(60, 604_800),
)
def test_meets_at__is_the_first_second_at_which_the_bound_is_met(ratio, premium, discount, duration):
    terms = Terms(Trigger.BAND, False, 0, 0, duration, premium, discount, 0, 0, 3600)
    snapshot = bare_snapshot("0xV", terms, is_open=True, opened_at=NOW)
    at = meets_at(snapshot, NOW, ratio)
    if at is None:
        assert bound_at(snapshot, NOW + duration) > ratio
        return
    assert NOW <= at <= NOW + duration
    assert bound_at(snapshot, at) <= ratio
    assert at == NOW or bound_at(snapshot, at - 1) > ratio


def test_imbalance__names_what_is_over_and_what_is_under_target(make):
    snapshot = make()  # 1,200,000 USD of the one and 800,000 of the other
    assert surpluses(snapshot) == {"0xA": 100 * 10**18}
    assert deficits(snapshot) == {"0xB": 200_000 * 10**6}


def test_imbalance__when_on_target__is_empty(make):
    snapshot = make(balances=(500 * 10**18, 1_000_000 * 10**6))
    assert surpluses(snapshot) == {}
    assert deficits(snapshot) == {}


def test_imbalance__never_sells_below_target_nor_buys_above_it(make):
    snapshot = make(balances=(600 * 10**18 + 7, 800_000 * 10**6 + 3))
    nav = snapshot.priced().nav
    sold, bought = surpluses(snapshot)["0xA"], deficits(snapshot)["0xB"]
    assert 2 * (snapshot.assets[0].balance - sold) * 2_000 >= nav
    assert 2 * (snapshot.assets[1].balance + bought) * 10**12 <= nav
