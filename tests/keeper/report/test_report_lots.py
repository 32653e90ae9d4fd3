"""Lots are exact: nothing is lost, nothing is made, whatever the method."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.report.lots import Book, Method
from keeper.report.split import split

WAD = 10**18
QUANTITY = st.integers(1, 10**30)
COST = st.integers(0, 10**30)
METHODS = st.sampled_from(list(Method))
LOTS = st.lists(st.tuples(QUANTITY, COST), min_size=1, max_size=8)
ACTIONS = st.lists(st.tuples(st.booleans(), QUANTITY, COST), max_size=12)


def book(method: Method, lots) -> Book:
    found = Book(method)
    for at, (quantity, cost) in enumerate(lots):
        found.acquire("X", quantity, cost, at, "bought")
    return found


@settings(deadline=None)
@given(st.integers(0, 10**40), st.lists(st.integers(0, 10**30), min_size=1, max_size=20))
def test_split__any_weights__adds_up_and_no_part_is_a_unit_off(total, weights):
    parts = split(total, weights)
    whole = sum(weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        if whole:
            assert abs(part * whole - total * weight) < whole


def test_split__remainders__go_to_the_largest_first():
    assert split(10, [1, 1, 1]) == [4, 3, 3]
    assert split(7, [5, 3, 1]) == [4, 2, 1]
    assert split(5, [0, 0]) == [3, 2]
    with pytest.raises(ValueError, match="cannot divide"):
        split(1, [])


@settings(deadline=None)
@given(METHODS, ACTIONS)
def test_book__any_actions__conserve_quantity_and_cost_to_the_unit(method, actions):
    found = Book(method)
    put_in, put_in_cost, taken, basis, proceeds = 0, 0, 0, 0, 0
    for at, (is_buy, quantity, usd) in enumerate(actions):
        if is_buy:
            found.acquire("X", quantity, usd, at, "bought")
            put_in, put_in_cost = put_in + quantity, put_in_cost + usd
        else:
            before = found.quantity("X")
            gone = found.dispose("X", quantity, usd, at, "sold")
            assert sum(each.quantity for each in gone) == quantity
            assert sum(each.proceeds for each in gone) == usd
            unknown = sum(each.quantity for each in gone if each.basis is None)
            assert unknown == max(0, quantity - before)
            taken += quantity - unknown
            basis += sum(each.basis or 0 for each in gone)
            proceeds += usd
        assert found.quantity("X") == put_in - taken
        assert found.cost("X") == put_in_cost - basis
        assert all(lot.quantity > 0 and (lot.cost or 0) >= 0 for lot in found.lots("X"))


@settings(deadline=None)
@given(LOTS, QUANTITY)
def test_dispose__hifo__has_no_smaller_basis_than_any_other_method(lots, quantity):
    basis = {
        method: sum(each.basis or 0 for each in book(method, lots).dispose("X", quantity, 0, 99, "sold"))
        for method in Method
    }
    assert basis[Method.HIFO] == max(basis.values())


@settings(deadline=None)
@given(st.lists(st.tuples(QUANTITY, COST), min_size=1, max_size=4), QUANTITY, st.sampled_from(["hifo", "average"]))
def test_dispose__hifo_and_average__do_not_depend_on_the_order_of_acquisition(lots, quantity, name):
    found = {
        sum(each.basis or 0 for each in book(Method(name), order).dispose("X", quantity, 0, 99, "sold"))
        for order in permutations(lots)
    }
    assert len(found) == 1


@settings(deadline=None)
@given(METHODS, LOTS)
def test_dispose__all_of_it__has_the_same_basis_under_every_method(method, lots):
    whole = sum(quantity for quantity, _ in lots)
    gone = book(method, lots).dispose("X", whole, 10**18, 99, "sold")
    assert sum(each.basis or 0 for each in gone) == sum(cost for _, cost in lots)
    assert sum(each.quantity for each in gone) == whole


@settings(deadline=None)
@given(ACTIONS)
def test_book__all_sold_in_the_end__has_the_same_gain_under_every_method(actions):
    gains = set()
    for method in Method:
        found, gain = Book(method), 0
        for at, (is_buy, quantity, usd) in enumerate(actions):
            if is_buy:
                found.acquire("X", quantity, usd, at, "bought")
            else:
                owned = min(quantity, found.quantity("X"))
                gain += sum(each.gain for each in found.dispose("X", owned, usd if owned else 0, at, "sold"))
        gain += sum(each.gain for each in found.dispose("X", found.quantity("X"), WAD, len(actions), "sold"))
        assert found.lots("X") == []
        gains.add(gain)
    assert len(gains) == 1


def test_dispose__textbook_lots__each_method_takes_its_own():
    """100 at 10 USD, then 200 at 12, then 50 at 11; 150 are sold for 15 each. All cost 3,950 USD for 350."""
    lots = [(100, 1_000 * WAD), (200, 2_400 * WAD), (50, 550 * WAD)]
    expected = {
        Method.FIFO: 1_000 * WAD + 600 * WAD,
        Method.LIFO: 550 * WAD + 1_200 * WAD,
        Method.HIFO: 1_800 * WAD,
        Method.AVERAGE: 3_950 * WAD * 150 // 350,
    }
    for method, basis in expected.items():
        found = book(method, lots)
        gone = found.dispose("X", 150, 2_250 * WAD, 1_000, "sold")
        assert sum(each.basis or 0 for each in gone) == basis, method
        assert sum(each.gain or 0 for each in gone) == 2_250 * WAD - basis
    fifo = book(Method.FIFO, lots).dispose("X", 150, 2_250 * WAD, 1_000, "sold")
    assert [(each.quantity, each.held_s, each.proceeds) for each in fifo] == [
        (100, 1_000, 1_500 * WAD),
        (50, 999, 750 * WAD),
    ]


def test_dispose__average_cost__is_the_textbook_s():
    """100 at 10 and 200 at 13 cost 12 each: 90 of them 1,080, and the 210 left still 12 each."""
    found = book(Method.AVERAGE, [(100, 1_000 * WAD), (200, 2_600 * WAD)])
    (gone,) = found.dispose("X", 90, 1_350 * WAD, 5, "sold")
    assert (gone.basis, gone.gain) == (1_080 * WAD, 270 * WAD)
    assert found.cost("X") == 2_520 * WAD
    found.acquire("X", 90, 1_800 * WAD, 6, "bought")
    gone = found.dispose("X", 100, 0, 7, "sold")
    assert sum(each.basis or 0 for each in gone) == 1_440 * WAD


def test_dispose__more_than_there_is__has_no_basis_for_the_rest():
    found = book(Method.FIFO, [(10, 100)])
    known, unknown = found.dispose("X", 15, 300, 9, "sold")
    assert (known.quantity, known.proceeds, known.gain) == (10, 200, 100)
    assert (unknown.quantity, unknown.proceeds, unknown.basis, unknown.gain, unknown.held_s) == (
        5,
        100,
        None,
        None,
        None,
    )


def test_dispose__at_basis__has_no_gain():
    (gone,) = book(Method.LIFO, [(10, 101)]).dispose("X", 3, None, 9, "distribution")
    assert (gone.proceeds, gone.basis, gone.gain) == (30, 30, 0)


@pytest.mark.parametrize("action", [lambda b: b.acquire("X", -1, 0, 0, ""), lambda b: b.dispose("X", 1, -1, 0, "")])
def test_book__numbers_below_zero__are_refused(action):
    with pytest.raises(ValueError, match="not below zero"):
        action(Book(Method.FIFO))
