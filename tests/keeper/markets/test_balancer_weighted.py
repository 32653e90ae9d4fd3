"""Weighted pool maths: cases by hand, the pool's limits, impossible states, and what must hold for any pool."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from balancer_pools import FEE, POOL, TOKENS, WAD, weighted, weighted_pools
from hypothesis import assume, example, given
from hypothesis import strategies as st

from keeper.errors import NoRoute
from keeper.markets import BalancerWeightedPool, InsufficientLiquidity, InvalidPool, WrongToken
from keeper.markets.balancer_pool import MAX_BALANCE, BalancerPool
from keeper.markets.price_curves import Power

A, B, C = TOKENS[:3]
EVEN = (50, 50)


def test_amount_out__even_weights_of_the_later_generation__is_the_constant_product() -> None:
    # 1000 / (1000 + 1000 - 3) rounded up to 18 decimals, what is left of 10**24 rounded down
    pool = weighted([10**21, 10**24], EVEN, generation=2)
    left = -(-(10**21) * WAD // (10**21 + 997 * 10**15))
    assert pool.amount_out(A, B, 10**18) == 10**24 * (WAD - left) // WAD


def test_amount_out__even_weights_of_the_first_generation__loses_the_powers_margin() -> None:
    first, later = (weighted([10**24, 10**24], EVEN, generation=generation) for generation in (1, 2))
    lost = later.amount_out(A, B, 10**22) - first.amount_out(A, B, 10**22)
    # Just under 10**4 units in 10**18 of the 99 % that stay.
    assert 9_800 * 10**6 <= lost <= 10_000 * 10**6


@pytest.mark.parametrize("percent", [(50, 50), (67, 33), (80, 20), (20, 80)])
def test_generations__exponents_that_are_a_product_or_not__differ_in_those_alone(percent: tuple[int, int]) -> None:
    first, later = (weighted([10**24, 10**24], percent, generation=generation) for generation in (1, 2))
    same = first.amount_out(A, B, 10**22) == later.amount_out(A, B, 10**22)
    assert same == (percent[0] not in (50, 80))


def test_amount_in__known_case_of_the_later_generation__is_rounded_up_with_the_fee_on_top() -> None:
    pool = weighted([1_000, 1_000], EVEN, generation=2, decimals=[0, 0], fee=10**17)
    # 1000 / (1000 - 100) - 1 of 1000 is 111.1..., 112 whole ones, by 0.9 124.4...
    assert pool.amount_in(A, B, 100) == 125


def test_amount_out__fee__is_rounded_up_before_anything_else() -> None:
    # Of one base unit the fee is one: nothing is left to swap.
    assert weighted([10**12, 10**12], EVEN, generation=2).amount_out(A, B, 1) == 0
    assert weighted([10**12, 10**12], EVEN, generation=2, fee=0).amount_out(A, B, 10) == 9


def test_amount_out__of_three_tokens__only_looks_at_two() -> None:
    pool = weighted([10**24, 10**20, 10**22], (50, 20, 30), generation=1)
    assert pool.amount_out(A, C, 10**21) == weighted([10**24, 1, 10**22], (50, 20, 30)).amount_out(A, C, 10**21)


def test_amount_out__tokens_of_other_decimals__are_levelled() -> None:
    pool = weighted([10**13, 10**25], EVEN, decimals=[6, 18])
    even = weighted([10**25, 10**25], EVEN)
    assert pool.amount_out(A, B, 10**9) == even.amount_out(A, B, 10**21)
    assert pool.amount_out(B, A, 10**21) == even.amount_out(B, A, 10**21) // 10**12


def test_amount_out__of_nothing__is_nothing() -> None:
    pool = weighted([10**24, 10**24], EVEN)
    assert pool.amount_out(A, B, 0) == 0
    assert pool.amount_in(A, B, 0) == 0


@pytest.mark.parametrize("fee", [0, 1, FEE, 10**17])
@pytest.mark.parametrize("decimals", [(18, 18), (6, 18), (0, 8)])
@pytest.mark.parametrize("balance", [1, 7, 10**12 + 1])
def test_amount_out__of_thirty_per_cent_after_the_fee__is_the_last(
    fee: int, decimals: tuple[int, int], balance: int
) -> None:
    pool = weighted([balance, 10**12], EVEN, decimals, fee)
    scaled = balance * 10 ** (18 - decimals[0])
    most = scaled * 3 // 10 // 10 ** (18 - decimals[0])
    # The largest input of which at most that is left.
    amount = most * WAD // (WAD - fee)
    while amount + 1 - -(-(amount + 1) * fee // WAD) <= most:
        amount += 1
    assert pool.amount_out(A, B, amount) >= 0
    with pytest.raises(InsufficientLiquidity, match=f"takes {amount} of"):
        pool.amount_out(A, B, amount + 1)


def test_amount_out__balance_beyond_what_the_vault_holds__is_refused() -> None:
    pool = weighted([MAX_BALANCE - 5, 10**24], EVEN)
    assert pool.amount_out(A, B, 5) == 0
    with pytest.raises(InsufficientLiquidity, match="takes 5 of"):
        pool.amount_out(A, B, 6)


def test_amount_in__more_than_thirty_per_cent_out__is_found_where_an_input_pays_it() -> None:
    # The chain sells no more than 30 % by name, but a heavy token's 30 % buy more of a light one.
    pool = weighted([10**24, 10**24], (80, 20))
    amount = pool.amount_in(A, B, 5 * 10**23)
    assert pool.amount_out(A, B, amount) >= 5 * 10**23 > pool.amount_out(A, B, amount - 1)


def test_amount_in__more_than_any_input_buys__is_refused() -> None:
    pool = weighted([10**24, 10**24], EVEN)
    with pytest.raises(InsufficientLiquidity, match="does not sell"):
        pool.amount_in(A, B, 24 * 10**22)
    with pytest.raises(InsufficientLiquidity, match="does not sell"):
        pool.amount_in(A, B, 10**24)


def test_swap__among_three__keeps_the_fee_and_the_third() -> None:
    pool = weighted([10**24, 10**22, 10**23], (50, 20, 30))
    out, after = pool.swap(C, A, 10**21)
    assert out == pool.amount_out(C, A, 10**21)
    assert after.balances == (10**24 - out, 10**22, 10**23 + 10**21)
    assert after.weights == pool.weights


def test_pool__as_seen_by_the_router__has_its_kind_and_fee() -> None:
    pool = weighted([10**24, 10**24], EVEN, fee=4 * 10**14)
    assert (pool.venue, pool.fee, pool.address) == ("balancer_v2", 400, POOL)


@pytest.mark.parametrize("token_in", [A, B])
def test_marginal_price__small_swaps__pay_it(token_in: str) -> None:
    pool = weighted([10**24, 10**20], (80, 20))
    token_out = B if token_in == A else A
    paid = pool.amount_out(token_in, token_out, 10**17) / 10**17
    assert paid == pytest.approx(pool.marginal_price(token_in, token_out), rel=1e-2)
    assert pool.marginal_price(A, B) * pool.marginal_price(B, A) == pytest.approx(0.997**2)


@pytest.mark.parametrize("percent", [(50, 50), (80, 20), (10, 90)])
def test_price_curve__any_size__pays_what_the_pool_does(percent: tuple[int, int]) -> None:
    pool = weighted([10**13, 10**25], percent, decimals=[6, 18])
    curve = pool.price_curve(A, B)
    assert isinstance(curve, Power)
    assert pool.amount_out(A, B, int(curve.most_in / curve.gamma_in)) > 0
    for amount in (10**9, 10**11, 10**12, int(curve.most_in / curve.gamma_in)):
        moved = curve.gamma_in * amount
        price = curve.exponent * curve.reserve_out / curve.reserve_in
        price *= (curve.reserve_in / (curve.reserve_in + moved)) ** (curve.exponent + 1)
        rows = np.array([curve.parameters])
        found, out = Power.most_profitable(rows, np.array([price]))
        assert found[0] == pytest.approx(moved, rel=1e-9)
        assert out[0] == pytest.approx(pool.amount_out(A, B, amount), rel=1e-9)


def test_empty_pool__sells_nothing_and_has_no_price() -> None:
    pool = weighted([0, 0], EVEN)
    assert pool.marginal_price(A, B) == 0.0
    assert pool.price_curve(A, B) is None
    for ask in (pool.amount_out, pool.amount_in, pool.swap):
        with pytest.raises(InsufficientLiquidity, match="empty"):
            ask(A, B, 1)


@pytest.mark.parametrize(("token_in", "token_out"), [(A, C), (C, A), (A, A)])
def test_tokens__that_it_does_not_trade__are_wrong(token_in: str, token_out: str) -> None:
    pool = weighted([10**24, 10**24], EVEN)
    for ask in (pool.amount_out, pool.amount_in, pool.swap):
        with pytest.raises(WrongToken):
            ask(token_in, token_out, 1)
    for look in (pool.marginal_price, pool.price_curve):
        with pytest.raises(WrongToken):
            look(token_in, token_out)


def test_amounts__below_nought__are_refused() -> None:
    pool = weighted([10**24, 10**24], EVEN)
    for ask in (pool.amount_out, pool.amount_in, pool.swap):
        with pytest.raises(ValueError, match="negative"):
            ask(A, B, -1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tokens": (A,), "balances": (1,), "scaling_factors": (1,), "weights": (WAD,)}, "two different tokens"),
        ({"tokens": (A, A)}, "two different tokens"),
        ({"balances": (1, 1, 1)}, "a balance and a scaling factor"),
        ({"scaling_factors": (WAD,)}, "a balance and a scaling factor"),
        ({"balances": (-1, 1)}, "not uint112"),
        ({"balances": (1, MAX_BALANCE + 1)}, "not uint112"),
        ({"scaling_factors": (WAD, 0)}, "must be more than nought"),
        ({"swap_fee": WAD}, "not a WAD share below 1"),
        ({"swap_fee": -1}, "not a WAD share below 1"),
        ({"generation": 0}, "not one of"),
        ({"generation": 3}, "not one of"),
        ({"weights": (WAD,)}, "one per token"),
        ({"weights": (WAD // 2, WAD // 2 - 1)}, "together 1"),
        ({"weights": (WAD // 2, WAD // 2 + 1)}, "together 1"),
        ({"weights": (WAD // 100 - 1, WAD - WAD // 100 + 1)}, "1 % or more"),
    ],
)
def test_pool__of_an_impossible_state__is_invalid(changes: dict[str, object], reason: str) -> None:
    state: dict[str, object] = {
        "address": POOL,
        "tokens": (A, B),
        "balances": (1, 1),
        "scaling_factors": (WAD, WAD),
        "swap_fee": FEE,
        "generation": 1,
        "weights": (WAD // 2, WAD // 2),
    }
    BalancerWeightedPool(**state)  # type: ignore[arg-type]
    with pytest.raises(InvalidPool, match=reason):
        BalancerWeightedPool(**(state | changes))  # type: ignore[arg-type]


def true_out(pool: BalancerWeightedPool, amount: int) -> Decimal:
    """Base units of B that the formula pays for so much of A, nothing rounded, nor the fee to whole units."""
    with localcontext(prec=60):
        net = Decimal(amount) * (WAD - pool.swap_fee) / WAD
        left = pool.balances[0] / (pool.balances[0] + net)
        return pool.balances[1] * (1 - left ** (Decimal(pool.weights[0]) / pool.weights[1]))


def slope(pool: BalancerWeightedPool) -> float:
    """Base units of B for the first of A before the fee: none after it buys more."""
    return pool.balances[1] / pool.balances[0] * (pool.weights[0] / pool.weights[1])


@given(weighted_pools(), st.integers(1, MAX_BALANCE))
def test_amount_out__any_pool__is_never_more_than_the_formula_and_hardly_less(
    pool: BalancerWeightedPool, amount: int
) -> None:
    amount = amount % (pool.balances[0] * 3 // 10 + 1) + 1
    try:
        paid = pool.amount_out(A, B, amount)
    except InsufficientLiquidity:
        assume(False)
    assert paid <= true_out(pool, amount)
    # Lost: a unit of either token, and the margin of a power that is one at most.
    lost = Decimal(slope(pool)) + 1 + pool.balances[1] * Decimal("2.1e-14")
    assert paid >= true_out(pool, amount) - lost


@given(weighted_pools(), st.integers(1, MAX_BALANCE), st.integers(1, MAX_BALANCE))
def test_amount_out__of_more__is_more_up_to_the_margin(pool: BalancerPool, one: int, other: int) -> None:
    less, more = sorted(amount % (pool.balances[0] // 4 + 1) for amount in (one, other))
    assume(more + pool.balances[0] <= MAX_BALANCE)
    assert pool.amount_out(A, B, more) >= pool.amount_out(A, B, less) - 2.1e-14 * pool.balances[1] - 1


@given(weighted_pools(), st.integers(1, MAX_BALANCE))
@example(weighted([10**24, 10**27], (1, 99), generation=2), 10**26)
@example(weighted([10**24, 10**24], (99, 1)), 10**23)
def test_amount_in__any_pool__buys_what_is_wanted_and_hardly_more(pool: BalancerWeightedPool, wanted: int) -> None:
    wanted = wanted % (pool.balances[1] // 3 + 1) + 1
    try:
        amount = pool.amount_in(A, B, wanted)
    except InsufficientLiquidity:
        assume(False)
    paid = pool.amount_out(A, B, amount)
    assert paid >= wanted
    # More by what the margins of both powers and three units of what is paid in buy.
    net = amount * (WAD - pool.swap_fee) / WAD
    assert paid - wanted <= slope(pool) * (4e-14 * (pool.balances[0] + net) + 3) + 1


@given(weighted_pools(), st.lists(st.tuples(st.booleans(), st.integers(0, MAX_BALANCE)), max_size=6))
def test_swap__there_and_back__never_gains(pool: BalancerPool, swaps: list[tuple[bool, int]]) -> None:
    held = {A: 0, B: 0}
    after = pool
    for forth, size in swaps:
        token_in, token_out = (A, B) if forth else (B, A)
        amount = size % (after.balances[0 if forth else 1] // 4 + 1)
        try:
            out, after = after.swap(token_in, token_out, amount)
        except NoRoute:
            continue
        held[token_in] -= amount
        held[token_out] += out
    assert not (held[A] >= 0 and held[B] >= 0 and (held[A] or held[B]))
    assert after.balances == (pool.balances[0] - held[A], pool.balances[1] - held[B], *pool.balances[2:])
