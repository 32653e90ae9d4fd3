"""Curve's stable pools: every generation against its own code written out step by step, and what holds for any of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keeper.markets.curve_stable import (
    FEE_DENOMINATOR,
    GENERATIONS,
    LENDING,
    PRECISE_A,
    PRECISE_A_ETH,
    PRECISE_A_FACTORY,
    WHOLE_A,
    CurveStablePool,
    Generation,
)
from keeper.markets.pool import InsufficientLiquidity, InvalidPool, WrongToken

POOL = "0x00000000000000000000000000000000000000aa"
TOKENS = tuple(f"0x{k:040x}" for k in range(1, 9))
WHOLE = 10**18


class Reverted(Exception):
    """The chain's arithmetic left the uint256."""


def u(value: int) -> int:
    if not 0 <= value < 2**256:
        raise Reverted
    return value


def get_d(xp: list[int], amp: int, generation: Generation) -> int:
    """Each generation's get_D as it is written there."""
    n, total = len(xp), sum(xp)
    d, ann = total, amp * n
    for _ in range(255):
        d_p = d
        for x in xp:
            if generation in (LENDING, PRECISE_A_ETH):
                d_p = u(d_p * d) // (x * n + 1)
            elif generation == PRECISE_A_FACTORY:
                d_p = u(d_p * d) // x
            else:
                d_p = u(d_p * d) // (x * n)
        if generation == PRECISE_A_FACTORY:
            d_p = d_p // n**n
        previous = d
        if generation in (LENDING, WHOLE_A):
            d = u((ann * total + d_p * n) * d) // ((ann - 1) * d + (n + 1) * d_p)
        else:
            d = u((ann * total // 100 + d_p * n) * d) // ((ann - 100) * d // 100 + (n + 1) * d_p)
        if d - previous in (-1, 0, 1):
            break
    return d


def get_y(i: int, j: int, x: int, xp: list[int], amp: int, generation: Generation) -> int:
    n, d = len(xp), get_d(xp, amp, generation)
    c, s, ann = d, 0, amp * n
    for k in range(n):
        if k == i:
            _x = x
        elif k != j:
            _x = xp[k]
        else:
            continue
        s += _x
        c = u(c * d) // (_x * n)
    if generation in (LENDING, WHOLE_A):
        c = u(c * d) // (ann * n)
        b = s + d // ann
    else:
        c = u(c * d * 100) // (ann * n)
        b = s + d * 100 // ann
    y = d
    for _ in range(255):
        previous = y
        y = u(y * y + c) // u(2 * y + b - d)
        if y - previous in (-1, 0, 1):
            break
    return y


def dynamic_fee(xpi: int, xpj: int, fee: int, multiplier: int) -> int:
    if multiplier <= 10**10:
        return fee
    xps2 = (xpi + xpj) ** 2
    return multiplier * fee // ((multiplier - 10**10) * 4 * xpi * xpj // xps2 + 10**10)


def exchange(pool: CurveStablePool, i: int, j: int, dx: int) -> tuple[int, list[int]]:
    """What `exchange` pays and the balances it writes, each generation as it is written there."""
    balances, rates = list(pool.balances), pool.rates
    xp = [rate * balance // 10**18 for rate, balance in zip(rates, balances, strict=True)]
    x = xp[i] + dx * rates[i] // 10**18
    y = get_y(i, j, x, xp, pool.amplification, pool.generation)
    if pool.generation == LENDING:
        dy = u(xp[j] - y)
        dy_fee = dy * pool.pool_fee // 10**10
        dy_admin_fee = dy_fee * pool.admin_fee // 10**10
        balances[i] = x * 10**18 // rates[i]
        balances[j] = (y + (dy_fee - dy_admin_fee)) * 10**18 // rates[j]
        return (dy - dy_fee) * 10**18 // rates[j], balances
    dy = u(u(xp[j] - y) - 1)
    fee = dynamic_fee((xp[i] + x) // 2, (xp[j] + y) // 2, pool.pool_fee, pool.offpeg_fee_multiplier)
    dy_fee = dy * fee // 10**10
    dy = (dy - dy_fee) * 10**18 // rates[j]
    dy_admin_fee = dy_fee * pool.admin_fee // 10**10 * 10**18 // rates[j]
    balances[i] = balances[i] + dx
    balances[j] = u(balances[j] - dy - dy_admin_fee)
    return dy, balances


@st.composite
def pools(draw: Any) -> CurveStablePool:
    n = draw(st.integers(2, 8))
    generation = draw(st.sampled_from(GENERATIONS))
    decimals = draw(st.lists(st.sampled_from([6, 8, 18]), min_size=n, max_size=n))
    size = 10.0 ** draw(st.floats(0, 9))
    parts = draw(st.lists(st.floats(-3, 3), min_size=n, max_size=n))
    moved = draw(st.sampled_from([10**18, 10**18, 1_173_456_789_012_345_678]))
    balances = tuple(max(int(size * 10.0**part * 10.0**d), 1) for part, d in zip(parts, decimals, strict=True))
    rates = tuple(10 ** (18 - d) * (moved if k == 0 else WHOLE) for k, d in enumerate(decimals))
    precision = generation.a_precision
    amplification = draw(st.integers(1, 10_000)) * precision + draw(st.integers(0, precision - 1))
    fee, admin_fee = draw(st.integers(0, 10**9)), draw(st.integers(0, FEE_DENOMINATOR))
    offpeg = draw(st.sampled_from([0, 10**10, 2 * 10**10, 57 * 10**9])) if generation == PRECISE_A_FACTORY else 0
    return CurveStablePool(POOL, TOKENS[:n], balances, rates, amplification, fee, admin_fee, generation, offpeg)


shares = st.floats(-20, 3)


def part(pool: CurveStablePool, coin: int, share: float) -> int:
    return max(int(pool.balances[coin] * 10.0**share), 1)


def balanced(generation: Generation = PRECISE_A, **changes: Any) -> CurveStablePool:
    """A million each of three coins with 18, 6 and 6 decimals; A = 100, fee 0.04 %, half of it the admin's."""
    rates = (WHOLE, 10**30, 10**30)
    balances = (10**24, 10**12, 10**12)
    amplification = 100 * generation.a_precision
    pool = CurveStablePool(POOL, TOKENS[:3], balances, rates, amplification, 4_000_000, 5 * 10**9, generation)
    return replace(pool, **changes)


@settings(max_examples=300, deadline=None)
@given(pools(), shares)
def test_swap__any_pool_of_any_generation__is_its_code_step_by_step(pool: CurveStablePool, share: float) -> None:
    amount = part(pool, 0, share)
    try:
        out, balances = exchange(pool, 0, 1, amount)
    except Reverted:
        with pytest.raises(InsufficientLiquidity):
            pool.amount_out(TOKENS[0], TOKENS[1], amount)
        return
    assert pool.amount_out(TOKENS[0], TOKENS[1], amount) == out
    paid, after = pool.swap(TOKENS[0], TOKENS[1], amount)
    assert (paid, list(after.balances)) == (out, balances)


@settings(max_examples=150, deadline=None)
@given(pools(), st.floats(-18, -1e-6))
def test_amount_in__any_amount_wanted__buys_it_and_one_unit_less_does_not(pool: CurveStablePool, share: float) -> None:
    wanted = part(pool, 1, share)
    try:
        amount = pool.amount_in(TOKENS[0], TOKENS[1], wanted)
    except InsufficientLiquidity:
        assume(False)
    assert pool.amount_out(TOKENS[0], TOKENS[1], amount) >= wanted
    try:
        assert amount == 1 or pool.amount_out(TOKENS[0], TOKENS[1], amount - 1) < wanted
    except InsufficientLiquidity as error:
        assert "so small" in str(error)


@settings(max_examples=150, deadline=None)
@given(pools(), shares)
def test_price_curve__any_pool__is_what_swaps_pay_without_their_rounding(pool: CurveStablePool, share: float) -> None:
    curve = pool.price_curve(TOKENS[0], TOKENS[1])
    assume(curve)
    assert curve is not None
    amount = part(pool, 0, share)
    try:
        out = pool.amount_out(TOKENS[0], TOKENS[1], amount)
    except InsufficientLiquidity:
        assume(False)
    expected = curve.gamma_out * float(curve.out_of(np.array([curve.parameters]), np.array([float(amount)]))[0])
    units = sum(rate * balance for rate, balance in zip(pool.rates, pool.balances, strict=True)) / WHOLE
    # The chain's D and y are whole numbers, floats have 53 bits, and one base unit is rounded off in the end.
    noise = 1 + 4 * WHOLE / pool.rates[1] + 1e-12 * expected + 1e-14 * units * WHOLE / pool.rates[1]
    if pool.offpeg_fee_multiplier <= FEE_DENOMINATOR:
        assert abs(out - expected) <= noise
    assert out <= expected + noise


def test_amount_out__a_thousand_into_a_balanced_pool__pays_it_less_fee_and_a_hair() -> None:
    # With D / (A n) = 10^4 the price falls by 2 * 10^4 / (1.01 * 10^12) a dollar: 1000 * (1 - 9.9 * 10^-6) * 0.9996.
    assert balanced().amount_out(TOKENS[0], TOKENS[1], 10**21) == 999_590_103
    assert balanced().amount_out(TOKENS[1], TOKENS[2], 10**9) == 999_590_103


def test_amount_out__lending_pool_against_later__keeps_no_unit() -> None:
    balances = (10**24, 10**24, 10**24)
    rates = (WHOLE, WHOLE, WHOLE)
    old, new = (balanced(g, balances=balances, rates=rates, pool_fee=0) for g in (LENDING, WHOLE_A))
    assert old.amount_out(TOKENS[0], TOKENS[1], 10**18) - new.amount_out(TOKENS[0], TOKENS[1], 10**18) == 1


def test_swap__with_an_admin_fee__takes_the_admins_part_out_of_the_balances() -> None:
    pool = balanced()
    out, after = pool.swap(TOKENS[0], TOKENS[1], 10**21)
    fee = out * 4 // 9996
    assert after.balances[0] == pool.balances[0] + 10**21
    assert pool.balances[1] - out - after.balances[1] == pytest.approx(fee / 2, abs=1)
    assert after.balances[2] == pool.balances[2]
    kept = replace(pool, admin_fee=0).swap(TOKENS[0], TOKENS[1], 10**21)[1]
    assert kept.balances[1] == pool.balances[1] - out


def test_swap__of_nothing__changes_nothing() -> None:
    pool = balanced()
    assert pool.amount_out(TOKENS[0], TOKENS[1], 0) == pool.amount_in(TOKENS[0], TOKENS[1], 0) == 0
    assert pool.swap(TOKENS[0], TOKENS[1], 0) == (0, pool)


def test_amount_out__so_little_that_the_kept_unit_is_missing__reverts_there() -> None:
    balances = (12737023120512833814528, 378260422196722728960, 686937440045330202624)
    pool = balanced(rates=(WHOLE,) * 3, balances=balances, amplification=100)
    with pytest.raises(Reverted):
        exchange(pool, 0, 1, 1)
    with pytest.raises(InsufficientLiquidity, match="so small"):
        pool.amount_out(TOKENS[0], TOKENS[1], 1)


@pytest.mark.parametrize("amount", [10**12, 10**12 - 1])
def test_amount_in__all_of_a_balance__has_no_liquidity(amount: int) -> None:
    with pytest.raises(InsufficientLiquidity):
        balanced().amount_in(TOKENS[0], TOKENS[1], amount)


def test_amount_out__more_than_any_pool_holds__has_no_liquidity() -> None:
    with pytest.raises(InsufficientLiquidity, match="cannot hold"):
        balanced().amount_out(TOKENS[0], TOKENS[1], 2**121)


def test_empty_pool__has_no_liquidity_and_no_price() -> None:
    pool = balanced(balances=(10**24, 0, 10**12))
    with pytest.raises(InsufficientLiquidity, match="empty"):
        pool.amount_out(TOKENS[0], TOKENS[2], 1)
    with pytest.raises(InsufficientLiquidity):
        pool.amount_in(TOKENS[0], TOKENS[2], 1)
    assert pool.price_curve(TOKENS[0], TOKENS[2]) is None
    assert pool.marginal_price(TOKENS[0], TOKENS[2]) == 0.0


def test_pool__whose_invariant_overflows_on_the_chain__has_no_liquidity_and_no_price() -> None:
    pool = balanced(balances=(10**36, 10, 10), rates=(WHOLE,) * 3)
    with pytest.raises(Reverted):
        get_d(list(pool.balances), pool.amplification, pool.generation)
    with pytest.raises(InsufficientLiquidity, match="out of balance"):
        pool.amount_out(TOKENS[0], TOKENS[1], 10**18)
    assert pool.price_curve(TOKENS[0], TOKENS[1]) is None


def test_amount_out__so_far_out_of_balance_that_the_chain_overflows__has_no_liquidity() -> None:
    pool = balanced(balances=(10**35,) * 3, rates=(WHOLE,) * 3, pool_fee=0)
    with pytest.raises(InsufficientLiquidity, match="out of balance"):
        pool.amount_in(TOKENS[0], TOKENS[1], 10**35 - 10**8)


def test_marginal_price__balanced__is_one_less_the_fee() -> None:
    pool = balanced()
    assert pool.marginal_price(TOKENS[0], TOKENS[1]) == pytest.approx(0.9996e-12)
    assert pool.marginal_price(TOKENS[2], TOKENS[0]) == pytest.approx(0.9996e12)
    assert (pool.fee, pool.venue) == (400, "curve")


def test_fee_that_moves__out_of_balance__is_higher_and_bounded_below_by_the_curve() -> None:
    pool = balanced(PRECISE_A_FACTORY, balances=(3 * 10**24, 10**12, 10**12), offpeg_fee_multiplier=5 * 10**10)
    steady = replace(pool, offpeg_fee_multiplier=0)
    assert pool.amount_out(TOKENS[0], TOKENS[1], 10**18) < steady.amount_out(TOKENS[0], TOKENS[1], 10**18)
    away, back = pool.price_curve(TOKENS[0], TOKENS[1]), pool.price_curve(TOKENS[1], TOKENS[0])
    assert away is not None and back is not None
    # 5 * 0.0004 / (4 * 4 * 3 / 16 + 1)
    assert away.gamma_out == pytest.approx(1 - 5 * 0.0004 / 4)
    assert back.gamma_out == pytest.approx(1 - 0.0004)
    assert pool.marginal_price(TOKENS[1], TOKENS[0]) == pytest.approx(back.marginal * away.gamma_out)


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens": TOKENS[:1]},
        {"tokens": (TOKENS[0], TOKENS[0], TOKENS[1])},
        {"balances": (1, 1)},
        {"balances": (1, -1, 1)},
        {"rates": (1, 0, 1)},
        {"amplification": 0},
        {"pool_fee": 10**10},
        {"admin_fee": 10**10 + 1},
        {"balances": (2**121, 1, 1)},
        {"offpeg_fee_multiplier": 10**14},
    ],
)
def test_impossible_pool__is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidPool, match=POOL):
        balanced(**changes)


def test_swap__of_a_token_that_it_has_not__is_refused() -> None:
    with pytest.raises(WrongToken):
        balanced().amount_out(TOKENS[0], TOKENS[7], 1)
    with pytest.raises(ValueError, match="negative"):
        balanced().amount_out(TOKENS[0], TOKENS[1], -1)
