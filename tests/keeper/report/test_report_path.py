"""NAV, NAV per share and costs come apart into parts that add up to the unit."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import (
    ACTIONS,
    ALICE,
    AMOUNT,
    BOB,
    DECIMALS,
    NOBODY,
    PRICE,
    RECIPIENT,
    SYMBOLS,
    VAULT,
    A,
    B,
    Logs,
    filled,
    fills_of,
    lived,
    state_of,
    told,
)

from keeper.chain import abi
from keeper.errors import OracleError
from keeper.report.costs import cost
from keeper.report.path import Cause, walk
from keeper.report.performance import bridge, measure
from keeper.report.pricing import count, value_down, value_up
from keeper.report.states import PoolTerms, Receipt

WAD = 10**18


def receipt(swaps=(), wei=10**15) -> Receipt:
    return Receipt("0x1", 4, "0x2", True, ALICE, wei, 1, 0, {}, tuple(swaps))


@settings(deadline=None)
@given(ACTIONS, st.lists(PRICE, min_size=2, max_size=5))
def test_walk__any_life__steps_add_up_to_what_the_vault_says(actions, prices):
    story, states, counted = lived(actions, prices)
    path = walk(story, states, counted, DECIMALS)
    last = states[-1]
    assert path.nav_end == last.nav
    assert path.per_share_end == last.nav_per_share
    assert path.nav_start == states[0].nav
    assert path.per_share_start == states[0].nav_per_share
    assert sum(step.nav_change for step in path.steps) == path.nav_end - path.nav_start
    assert sum(step.per_share_change for step in path.steps) == path.per_share_end - path.per_share_start
    parts = bridge(path)
    assert sum(nav for nav, _ in parts.values()) == path.nav_end - path.nav_start
    assert sum(share for _, share in parts.values()) == path.per_share_end - path.per_share_start
    assert parts[Cause.STREAMING_FEE][0] == 0
    for step in path.steps:
        if step.cause is Cause.GIFT:
            assert step.nav_change >= 0
        if step.cause is Cause.REDEEM:
            assert step.nav_change <= 0


def test_walk__prices_double_and_nothing_else__is_all_market():
    story, states, counted = lived([], [2 * WAD])
    doubled = state_of(
        2, {A: 4 * WAD, B: 4 * WAD}, dict(zip(states[1].basket, states[1].held, strict=True)), 1_000 * WAD + 10**16
    )
    path = walk(story, [replace(states[0], supply=doubled.supply), doubled], counted, DECIMALS)
    (step,) = path.steps
    assert (step.cause, step.nav_change) == (Cause.MARKET, path.nav_start)
    assert path.per_share_end == 2 * path.per_share_start


def test_walk__fill_at_the_block_s_first_prices__leaves_the_rest_to_the_market():
    """Sold at 2 before the feed said 3: the fill costs what the vault counted, and the market moved what was left."""
    logs = Logs().tx(1, "seed").seed({A: 100 * WAD, B: 100 * 10**6}, 100 * WAD)
    logs.tx(2, "fill").fill((A, 10 * WAD), (B, 19 * 10**6), 20 * WAD, 19 * WAD)
    story = told(logs, 2)
    supply = 100 * WAD + 10**16
    states = [
        state_of(1, {A: 2 * WAD, B: WAD}, {A: 100 * WAD, B: 100 * 10**6}, supply),
        state_of(2, {A: 3 * WAD, B: WAD}, {A: 90 * WAD, B: 119 * 10**6}, supply),
    ]
    (fill,) = fills_of(story)
    found = count(fill, VAULT, DECIMALS, {A: (3 * WAD, 2 * WAD), B: (WAD,)})
    assert found.is_confirmed
    path = walk(story, states, {(2, fill.place.index): found}, DECIMALS)
    assert (path.nav_by(Cause.FILL), path.nav_by(Cause.MARKET)) == (-WAD, 90 * WAD)


def test_walk__streaming_fee_before_a_gift__dilutes_before_it():
    logs = Logs().tx(1, "seed").seed({A: 99 * WAD, B: 10**6}, 100 * WAD - 10**16)
    logs.tx(2, "fee").move(VAULT, NOBODY, RECIPIENT, 100 * WAD).log(
        VAULT, abi.Vault.streaming_fee, RECIPIENT, 100 * WAD
    )
    logs.tx(2, "gift").move(A, BOB, VAULT, 100 * WAD)
    prices = {A: WAD, B: WAD}
    states = [
        state_of(1, prices, {A: 99 * WAD, B: 10**6}, 100 * WAD),
        state_of(2, prices, {A: 199 * WAD, B: 10**6}, 200 * WAD),
    ]
    path = walk(told(logs, 2), states, {}, DECIMALS)
    assert [(step.cause, step.per_share) for step in path.steps] == [
        (Cause.STREAMING_FEE, WAD // 2),
        (Cause.GIFT, WAD),
    ]


@pytest.mark.parametrize(("amount", "down", "up"), [(1, 0, 1), (10**18, 1, 1), (10**18 + 1, 1, 2), (0, 0, 0)])
def test_value__a_fraction_of_a_unit__is_rounded_as_the_name_says(amount, down, up):
    assert (value_down(amount, 1, 18), value_up(amount, 1, 18)) == (down, up)


def test_walk__asset_without_a_price__names_it():
    story, states, counted = lived([("gift", 5)], [WAD, WAD])
    blind = replace(states[-1], prices={A: None, B: WAD})
    with pytest.raises(OracleError, match=f"no price of {A} at block 3"):
        walk(story, [*states[:-1], blind], counted, DECIMALS)


@settings(deadline=None)
@given(
    st.lists(st.tuples(AMOUNT, PRICE, PRICE), min_size=2, max_size=2), st.lists(st.booleans(), min_size=2, max_size=2)
)
def test_count__prices_of_the_beginning_and_the_end__are_told_apart_by_what_was_logged(moves, which):
    (sold, *prices_a), (bought, *prices_b) = moves
    price_a, price_b = prices_a[which[0]], prices_b[which[1]]
    out, into = value_up(sold, price_a, 18), value_down(bought, price_b, 6)
    logs = Logs().tx(2, "fill").fill((A, sold), (B, bought), out, into)
    fill = filled(logs)
    found = count(fill, VAULT, DECIMALS, {A: prices_a, B: prices_b})
    assert found.is_confirmed
    assert (value_up(sold, found.prices[A], 18), value_down(bought, found.prices[B], 6)) == (out, into)
    assert (dict(found.sold), dict(found.bought), found.uncounted) == ({A: sold}, {B: bought}, 0)


def test_count__value_that_no_price_explains__is_not_confirmed():
    logs = Logs().tx(2, "fill").fill((A, 10 * WAD), (B, 10**6), 19 * WAD, WAD)
    fill = filled(logs)
    assert not count(fill, VAULT, DECIMALS, {A: (2 * WAD, 3 * WAD), B: (WAD,)}).is_confirmed
    assert count(fill, VAULT, DECIMALS, {A: (2 * WAD, 19 * WAD // 10), B: (WAD,)}).is_confirmed


def test_count__what_came_beside_the_deficits__is_uncounted():
    logs = Logs().tx(2, "fill").move(A, VAULT, BOB, WAD).move(B, BOB, VAULT, 10**6)
    logs.fill((A, WAD), (B, 10**6), 4 * WAD, 0)
    fill = filled(logs)
    found = count(fill, VAULT, DECIMALS, {A: (2 * WAD,), B: (WAD,)})
    assert (found.is_confirmed, found.uncounted) == (True, 2 * WAD)


@settings(deadline=None)
@given(
    AMOUNT,
    st.integers(1, 10**12),
    PRICE,
    PRICE,
    st.lists(st.tuples(st.booleans(), AMOUNT, AMOUNT), max_size=4),
    st.integers(0, WAD // 100),
    st.lists(st.integers(1, 10**30), min_size=1, max_size=3),
)
def test_cost__any_fill__is_pool_fees_impact_and_what_was_kept_to_the_unit(sold, bought, a, b, swaps, fee, others):
    out, into = value_up(sold, a, 18), value_down(bought, b, 6)
    logs = Logs().tx(2, "fill").fill((A, sold), (B, bought), out, into)
    fill = filled(logs)
    told_of = count(fill, VAULT, DECIMALS, {A: (a,), B: (b,)})
    legs = [("pool", A, B, x, y) if forth else ("pool", B, A, x, y) for forth, x, y in swaps]
    mined = receipt(legs)
    pools = {"pool": PoolTerms(None, fee)}
    found = cost(fill, told_of, into - out, [out, *others], 0, mined, pools, {A: a, B: b}, DECIMALS, 3_000 * WAD)
    assert found.pool_fees + found.impact + found.kept == found.oracle_difference == out - into
    assert found.rounding == 0
    assert 0 <= found.gas_wei <= mined.wei
    assert found.pool_fees >= 0


@settings(deadline=None)
@given(st.lists(st.integers(1, 10**30), min_size=1, max_size=5), st.integers(0, 10**20))
def test_cost__of_one_transaction_for_several_vaults__divides_all_gas_and_all_fees(values, wei):
    mined = receipt([("pool", A, B, WAD, 10**6)], wei)
    found = []
    for i, out in enumerate(values):
        logs = Logs().tx(2, "fill").fill((A, WAD), (B, 10**6), out, out)
        fill = filled(logs)
        told_of = count(fill, VAULT, DECIMALS, {A: (WAD,), B: (WAD,)})
        pools, prices = {"pool": PoolTerms(None, WAD // 400)}, {A: WAD, B: WAD}
        found.append(cost(fill, told_of, 0, values, i, mined, pools, prices, DECIMALS, None))
    assert sum(each.gas_wei for each in found) == wei
    assert sum(each.pool_fees for each in found) == WAD // 400
    assert all(each.gas is None for each in found)


def test_cost__leg_over_a_token_without_a_price__takes_the_fee_from_what_came():
    logs = Logs().tx(2, "fill").fill((A, 10 * WAD), (B, 9 * 10**6), 10 * WAD, 9 * WAD)
    fill = filled(logs)
    told_of = count(fill, VAULT, DECIMALS, {A: (WAD,), B: (WAD,)})
    swaps = [("one", A, "hub", 10 * WAD, 5), ("two", "hub", B, 5, 9 * 10**6)]
    pools = {"one": PoolTerms("curve", WAD // 100), "two": PoolTerms("uniswap_v2", WAD // 10)}
    found = cost(fill, told_of, -WAD, [10 * WAD], 0, receipt(swaps), pools, {A: WAD, B: WAD}, DECIMALS, WAD)
    assert [(leg.venue, leg.fee) for leg in found.legs] == [("curve", WAD // 10), ("uniswap_v2", WAD)]
    assert [leg.loss for leg in found.legs] == [None, None]
    assert (found.impact, found.kept) == (WAD - found.pool_fees, 0)


def test_measure__a_year_by_hand__has_hold_the_targets_and_the_drawdown():
    """Half and half; A doubles, then falls to half; the vault sits still, so that it is hold."""
    supply = 100 * WAD + 10**16
    logs = Logs().tx(1, "seed").seed({A: 100 * WAD, B: 100 * 10**6}, 100 * WAD)
    story = told(logs, 3)
    held = {A: 100 * WAD, B: 100 * 10**6}
    states = [
        state_of(block, {A: price, B: WAD}, held, supply) for block, price in ((1, WAD), (2, 2 * WAD), (3, WAD // 2))
    ]
    found = measure(story, states, walk(story, states, {}, DECIMALS), [], [], SYMBOLS, DECIMALS)
    start = found.path.per_share_start
    # Hold: half of a basket that was worth 2 doubles to 3, then falls to 1.5. The targets: by 1.5, then by 0.625.
    assert [point.per_share for point in found.points] == [point.hold for point in found.points]
    assert [round(point.target / start, 9) for point in found.points] == [1, 1.5, 0.9375]
    assert found.gain == pytest.approx(-0.25)
    assert found.gain_of_hold == pytest.approx(-0.25)
    assert found.drawdown == pytest.approx(0.5)
    assert (found.turnover, found.costs.total) == (0, 0)
    assert found.points[1].weights == {A: 2 * WAD // 3, B: WAD // 3}
