"""Who sells and buys how much: sums to the unit, costs by what was traded outside, nothing beyond what is wanted."""

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from routing_universe import ADDRESS, DECIMALS, PRICES, units

from keeper.routing import WAD
from keeper.routing.sharing import Part, Wants, apportion, share

thorough = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WETH, WBTC, USDC, LINK = (ADDRESS[name] for name in ("WETH", "WBTC", "USDC", "LINK"))


def amounts(usd: dict[str, float]) -> dict[str, int]:
    return {ADDRESS[name]: units(name, value) for name, value in usd.items()}


def wants(surplus: dict[str, float], deficit: dict[str, float]) -> Wants:
    return Wants(amounts(surplus), amounts(deficit))


def worth(held: dict[str, int]) -> Fraction:
    """WAD USD, exactly."""
    return sum((Fraction(amount * PRICES[token], 10 ** DECIMALS[token]) for token, amount in held.items()), Fraction())


def cost(part: Part) -> Fraction:
    return worth(dict(part.sold)) - worth(part.bought())


def unit(token: str) -> Fraction:
    return worth({token: 1})


def shared(asked: list[Wants], sold: dict[str, int], bought: dict[str, int]) -> list[Part]:
    found = share(asked, PRICES, DECIMALS, sold, bought)
    assert found is not None
    return found


CROSSING = [
    wants({"WETH": 225_000}, {"USDC": 150_000, "WBTC": 75_000}),
    wants({"USDC": 200_000}, {"WBTC": 100_000, "WETH": 100_000}),
]


def test_share__all_of_it_crosses__changes_hands_to_the_unit():
    asked = [wants({"WETH": 90_000}, {"USDC": 90_000}), wants({"USDC": 90_000}, {"WETH": 90_000})]
    one, other = shared(asked, {}, {})
    assert one == Part(amounts({"WETH": 90_000}), amounts({"USDC": 90_000}), {})
    assert other == Part(amounts({"USDC": 90_000}), amounts({"WETH": 90_000}), {})


def test_share__one_wants_more_than_the_other__both_trade_what_is_worth_the_same():
    one, other = shared([wants({"WETH": 90_000}, {"USDC": 90_000}), wants({"USDC": 60_000}, {"WETH": 60_000})], {}, {})
    assert one.sold == other.inside == amounts({"WETH": 60_000})
    assert one.inside == other.sold == amounts({"USDC": 60_000})


def test_share__cost_of_the_route__is_paid_by_what_each_traded_outside():
    one, other = shared(CROSSING, amounts({"WETH": 125_000, "USDC": 50_000}), amounts({"WBTC": 174_900}))
    # Outside the first sells 125,000 and buys 3/7 of 174,900, the other sells 50,000 and buys the rest.
    assert float(cost(one) / 10**18) == pytest.approx(100 * (125_000 + 174_900 * 3 / 7) / 349_900, rel=1e-3)
    assert one.inside.keys() == {USDC}
    assert other.inside.keys() == {WETH}
    assert one.outside.keys() == other.outside.keys() == {WBTC}


def test_share__one_buys_nothing_outside__pays_for_what_it_sold_there_all_the_same():
    """Its part of the cost is LINK that it does not get and the other keeps, who gets less for it."""
    asked = [wants({"WETH": 100_000}, {"LINK": 100_000}), wants({"LINK": 100_000}, {"USDC": 100_000})]
    one, other = shared(asked, amounts({"WETH": 100_000}), amounts({"USDC": 99_900}))
    assert float(cost(one) / 10**18) == pytest.approx(50, rel=1e-3)
    assert float(cost(other) / 10**18) == pytest.approx(50, rel=1e-3)
    assert other.sold[LINK] < asked[1].surplus[LINK]


def test_share__route_sells_half__halves_what_hangs_on_it():
    asked = [wants({"WETH": 100_000}, {"LINK": 100_000}), wants({"LINK": 100_000}, {"USDC": 100_000})]
    one, other = shared(asked, amounts({"WETH": 50_000}), amounts({"USDC": 49_950}))
    assert one.sold == amounts({"WETH": 50_000})
    assert float(worth(dict(other.sold)) / 10**18) == pytest.approx(49_975, rel=1e-6)


def test_share__route_brings_more_than_it_takes__gain_is_shared_alike():
    asked = [wants({"WETH": 100_000}, {"USDC": 100_000}), wants({"WETH": 50_000}, {"USDC": 50_000})]
    one, other = shared(asked, amounts({"WETH": 120_000}), amounts({"USDC": 120_300}))
    assert float(cost(one) / 10**18) == pytest.approx(-200, rel=1e-3)
    assert float(cost(other) / 10**18) == pytest.approx(-100, rel=1e-3)


def test_share__more_than_one_takes__is_borne_by_the_other():
    asked = [wants({"WETH": 100_000}, {"USDC": 100_000}), wants({"WETH": 100_000}, {"USDC": 100_000})]
    # Of 200 USD each would pay 100; the first takes 4 bps of what it sells.
    asked[0] = Wants(asked[0].surplus, asked[0].deficit, ((4 * WAD // 10_000, 0),))
    one, other = shared(asked, amounts({"WETH": 200_000}), amounts({"USDC": 199_800}))
    assert float(cost(one) / 10**18) == pytest.approx(40, abs=1e-3)
    assert float(cost(other) / 10**18) == pytest.approx(160, abs=1e-3)


def test_share__more_than_all_take__has_no_answer():
    asked = [wants({"WETH": 100_000}, {"USDC": 100_000}), wants({"WETH": 100_000}, {"USDC": 100_000})]
    asked = [Wants(want.surplus, want.deficit, ((9 * WAD // 10_000, 0),)) for want in asked]
    assert share(asked, PRICES, DECIMALS, amounts({"WETH": 200_000}), amounts({"USDC": 199_800})) is None


def test_share__nobody_has_what_the_route_sells__has_no_answer():
    asked = [wants({"WETH": 100_000}, {"USDC": 100_000}), wants({"USDC": 50_000}, {"WETH": 50_000})]
    assert share(asked, PRICES, DECIMALS, amounts({"WETH": 110_000}), amounts({"USDC": 109_000})) is None


def test_share__nothing_is_wanted__has_no_answer():
    assert share([Wants({}, {}), Wants({}, {})], PRICES, DECIMALS, {}, {}) is None


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (10, [1, 1, 1], [4, 3, 3]),
        (7, [0, 5, 0], [0, 7, 0]),
        (-10, [1, 1, 1], [-3, -3, -4]),
        (0, [3, 4], [0, 0]),
        (5, [0], [0]),
    ],
)
def test_apportion__in_proportion__adds_up(total, weights, parts):
    assert sorted(apportion(total, weights)) == sorted(parts)


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[Wants], dict[str, int], dict[str, int]]:
    """Vaults whose surplus is worth their deficit, and a route over some part of what does not cross, at some cost."""
    asked = []
    for _ in range(draw(st.integers(2, 5))):
        names = draw(st.lists(st.sampled_from(sorted(ADDRESS)), min_size=2, max_size=6, unique=True))
        cut = draw(st.integers(1, len(names) - 1))
        usd = draw(st.sampled_from([1_000, 77_777, 5_000_000]))
        shares = draw(st.lists(st.integers(1, 20), min_size=len(names), max_size=len(names)))
        sides = []
        for part, weight in ((names[:cut], shares[:cut]), (names[cut:], shares[cut:])):
            sides.append({name: usd * share / sum(weight) for name, share in zip(part, weight, strict=True)})
        asked.append(wants(*sides))
    net = {
        token: sum(want.surplus.get(token, 0) - want.deficit.get(token, 0) for want in asked)
        for want in asked
        for token in (*want.surplus, *want.deficit)
    }
    percent, cost_bps = draw(st.sampled_from([0, 30, 97])), draw(st.integers(-20, 100))
    sold = {token: amount * percent // 100 for token, amount in net.items() if amount * percent // 100 > 0}
    over = {token: -amount for token, amount in net.items() if amount < 0}
    if not sold or not over:
        return asked, {}, {}
    ratio = worth(sold) * (10_000 - cost_bps) / 10_000 / worth(over)
    bought = {token: int(amount * ratio) for token, amount in over.items() if int(amount * ratio)}
    return asked, sold, bought


@thorough
@given(questions())
def test_share__any__adds_up_to_the_unit_and_keeps_within_what_is_wanted(question):
    asked, sold, bought = question
    found = share(asked, PRICES, DECIMALS, sold, bought)
    assume(found is not None)
    for token in ADDRESS.values():
        given_ = sum(part.sold.get(token, 0) for part in found)
        assert given_ - sold.get(token, 0) == sum(part.inside.get(token, 0) for part in found)
        assert bought.get(token, 0) == sum(part.outside.get(token, 0) for part in found)
    for want, part in zip(asked, found, strict=True):
        assert all(amount <= want.surplus[token] for token, amount in part.sold.items())
        # A unit that does not divide goes to somebody.
        assert all(amount <= want.deficit[token] + 1 for token, amount in part.bought().items())


@thorough
@given(questions())
def test_share__any__costs_each_its_part_within_a_unit_of_each_token(question):
    asked, sold, bought = question
    found = share(asked, PRICES, DECIMALS, sold, bought)
    assume(found is not None)
    total, outside = worth(sold) - worth(bought), [Fraction()] * len(found)
    for token in {*sold, *bought}:
        side, amount = ("sold", sold[token]) if token in sold else ("outside", bought[token])
        whole = sum((part.sold if side == "sold" else part.bought()).get(token, 0) for part in found)
        for at, part in enumerate(found):
            mine = (part.sold if side == "sold" else part.bought()).get(token, 0)
            outside[at] += unit(token) * amount * mine / whole
    for want, part, turnover in zip(asked, found, outside, strict=True):
        fair = total * turnover / sum(outside) if sum(outside) else Fraction()
        # What of it was too little for a unit is in no part.
        rounding = 2 * sum(unit(token) for token in {*want.surplus, *want.deficit})
        assert abs(cost(part) - fair) <= rounding + abs(total) / 10**9


@thorough
@given(questions(), st.randoms(use_true_random=False))
def test_share__any__is_the_same_in_any_order_to_eight_digits(question, random):
    asked, sold, bought = question
    order = list(range(len(asked)))
    random.shuffle(order)
    found = share(asked, PRICES, DECIMALS, sold, bought)
    again = share([asked[at] for at in order], PRICES, DECIMALS, sold, bought)
    assert (found is None) == (again is None)
    assume(found is not None)
    for at, part in zip(order, again, strict=True):
        for side in ("sold", "inside", "outside"):
            one, other = getattr(found[at], side), getattr(part, side)
            for token in {*one, *other}:
                assert abs(one.get(token, 0) - other.get(token, 0)) <= 2 + one.get(token, 0) // 10**8


def test_share__two_who_want_the_same_beside_much_larger_amounts__get_the_same():
    """Floats tell their ten of a thousandfold apart by a hundred-millionth, and favoured the first."""
    rich, poor = (next(token for token in ADDRESS.values() if DECIMALS[token] == 18), ADDRESS["USDC"])
    large = Wants({poor: 10**21}, {rich: 10 * 10**18})
    twin = Wants({rich: 777_770 * 10**15}, {poor: 77_777 * 10**18})
    found = share([large, twin, twin], PRICES, DECIMALS, {}, {})
    assert found is not None
    for side in ("sold", "inside", "outside"):
        one, other = (getattr(part, side) for part in found[1:])
        assert all(abs(one.get(token, 0) - other.get(token, 0)) <= 1 for token in {*one, *other})
