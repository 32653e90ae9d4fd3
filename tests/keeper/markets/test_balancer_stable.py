"""Stable pool maths: cases by hand, the chain's limits, impossible states, and what must hold for any pool."""

from collections.abc import Sequence
from decimal import Decimal, localcontext

import numpy as np
import pytest
from balancer_pools import FEE, POOL, TOKENS, WAD, stable, stable_pools
from hypothesis import assume, example, given
from hypothesis import strategies as st

from keeper.errors import NoRoute
from keeper.markets import BalancerStablePool, InsufficientLiquidity, InvalidPool, WrongToken
from keeper.markets.balancer_pool import MAX_BALANCE
from keeper.markets.stable_curve import Stable

A, B, C = TOKENS[:3]
MILLION = 10**24
DIGITS = 90


def scaled(pool: BalancerStablePool, balances: Sequence[int]) -> list[Decimal]:
    return [Decimal(balance * factor) / WAD for balance, factor in zip(balances, pool.scaling_factors, strict=True)]


def true_invariant(pool: BalancerStablePool, balances: Sequence[int]) -> Decimal:
    """D of scaled balances to many digits, by bisection: A n S + D grows less in D than A n D + D^(n+1) / (n^n P)."""
    with localcontext(prec=DIGITS):
        held = scaled(pool, balances)
        n, total = len(held), sum(held)
        ann = Decimal(pool.amplification * n) / 1000
        low, high = Decimal(0), total
        for _ in range(DIGITS * 4):
            middle = (low + high) / 2
            product = middle
            for balance in held:
                product *= middle / (n * balance)
            if ann * total + middle > ann * middle + product:
                low = middle
            else:
                high = middle
        return low


@pytest.mark.parametrize("generation", [1, 2])
def test_amount_out__high_amplification__is_nearly_even(generation: int) -> None:
    pool = stable([MILLION, MILLION], 5_000, fee=0, generation=generation)
    assert WAD - pool.amount_out(A, B, WAD) < WAD * 3 // 10**10


def test_amount_out__a_pool_by_hand__is_the_quadratics_root() -> None:
    # A n = 4, D = 200, x = 110: y^2 + (110 + 200 / 4 - 200) y = 200^3 / (4 * 4 * 110), y = 20 + sqrt(400 + 4545.45...)
    pool = stable([100, 100 * WAD], 2, [0, 18], fee=0)
    assert pool.amount_out(A, B, 10) / WAD == pytest.approx(80 - (400 + 8_000_000 / 1_760) ** 0.5, rel=1e-15)
    assert stable([100, 100], 2, [0, 0], fee=0).amount_out(A, B, 10) == 9


def test_amount_out__fee__is_rounded_up_before_anything_else() -> None:
    pool = stable([MILLION, MILLION])
    assert pool.amount_out(A, B, 10**6) == stable([MILLION, MILLION], fee=0).amount_out(A, B, 10**6 - 3_000)
    assert pool.amount_out(A, B, 10**6 + 1) == stable([MILLION, MILLION], fee=0).amount_out(A, B, 10**6 + 1 - 3_001)


def test_amount_out__a_rate__counts_a_token_for_more() -> None:
    rated = stable([MILLION, MILLION], fee=0, rates=[2 * WAD, WAD])
    even = stable([2 * MILLION, MILLION], fee=0)
    assert rated.amount_out(A, B, 10**20) == even.amount_out(A, B, 2 * 10**20)
    assert rated.amount_out(B, A, 10**20) == even.amount_out(B, A, 10**20) // 2


def test_amount_out__tokens_of_other_decimals__are_levelled() -> None:
    pool, even = stable([10**12, MILLION], decimals=[6, 18]), stable([MILLION, MILLION])
    assert pool.amount_out(A, B, 10**9) == even.amount_out(A, B, 10**21)
    assert pool.amount_out(B, A, 10**21) == even.amount_out(B, A, 10**21) // 10**12


def test_generations__round_the_invariant_to_either_side() -> None:
    first, later = (stable([MILLION, 3 * MILLION], 50, generation=generation) for generation in (1, 2))
    amounts = [10**20 + number for number in range(200)]
    more = [later.amount_out(A, B, amount) - first.amount_out(A, B, amount) for amount in amounts]
    assert all(0 <= difference < 10 for difference in more)
    assert any(more)


@pytest.mark.parametrize("generation", [1, 2])
def test_amount_out__so_little_that_roundings_are_more__is_refused(generation: int) -> None:
    pool = stable([MILLION, MILLION // 100], 1, generation=generation)
    with pytest.raises(InsufficientLiquidity, match="refuses as little as 1 of"):
        pool.amount_out(A, B, 1)
    assert pool.amount_out(A, B, 10**9) > 0


def test_amount_in__of_one_unit__is_more_than_what_is_refused() -> None:
    pool = stable([MILLION, MILLION // 100], 1)
    amount = pool.amount_in(A, B, 1)
    assert pool.amount_out(A, B, amount) >= 1


def test_amount_out__of_nothing__is_nothing() -> None:
    pool = stable([MILLION, MILLION])
    assert pool.amount_out(A, B, 0) == 0
    assert pool.amount_in(A, B, 0) == 0


@pytest.mark.parametrize("generation", [1, 2])
def test_amount_in__all_but_the_last__is_sold_and_no_more(generation: int) -> None:
    pool = stable([10**9, 10**9, 10**9], 100, [6, 6, 6], generation=generation)
    amount = pool.amount_in(A, B, 10**9 - 1)
    assert pool.amount_out(A, B, amount) == 10**9 - 1
    with pytest.raises(InsufficientLiquidity, match="does not sell"):
        pool.amount_in(A, B, 10**9)


def test_amount_out__balance_beyond_what_the_vault_holds__is_refused() -> None:
    pool = stable([MAX_BALANCE - 10**20, 10**28])
    assert pool.amount_out(B, A, 10**20) > 0
    with pytest.raises(InsufficientLiquidity, match=f"takes {10**20} of"):
        pool.amount_out(A, B, 10**20 + 1)


@pytest.mark.parametrize("generation", [1, 2])
def test_amount_out__balances_beyond_the_chains_words__are_refused(generation: int) -> None:
    pool = stable([MAX_BALANCE // 2] * 2, decimals=[0, 0], generation=generation)
    with pytest.raises(InsufficientLiquidity, match="more than the chain's words can multiply"):
        pool.amount_out(A, B, 10**20)


def test_swap__among_three__keeps_the_fee_and_the_third() -> None:
    pool = stable([MILLION, 2 * MILLION, 3 * MILLION])
    out, after = pool.swap(C, A, 10**22)
    assert out == pool.amount_out(C, A, 10**22)
    assert after.balances == (MILLION - out, 2 * MILLION, 3 * MILLION + 10**22)
    assert after.amplification == pool.amplification


def test_pool__as_seen_by_the_router__has_its_kind_and_fee() -> None:
    pool = stable([MILLION, MILLION], fee=4 * 10**14)
    assert (pool.venue, pool.fee, pool.address) == ("balancer_v2", 400, POOL)


@pytest.mark.parametrize(("token_in", "token_out"), [(A, B), (B, A), (C, A)])
def test_marginal_price__small_swaps__pay_it(token_in: str, token_out: str) -> None:
    pool = stable([10**13, 3 * 10**12, 2 * MILLION], 20, [6, 6, 18], rates=[WAD, 2 * WAD, WAD])
    amount = pool.balances[pool.tokens.index(token_in)] // 10**6
    paid = pool.amount_out(token_in, token_out, amount) / amount
    assert paid == pytest.approx(pool.marginal_price(token_in, token_out), rel=1e-5)


@pytest.mark.parametrize(("token_in", "token_out"), [(A, B), (B, C), (C, A)])
def test_price_curve__any_size__pays_what_the_pool_does(token_in: str, token_out: str) -> None:
    pool = stable([10**13, 3 * 10**12, 2 * MILLION], 20, [6, 6, 18], rates=[WAD, 2 * WAD, WAD])
    curve = pool.price_curve(token_in, token_out)
    assert isinstance(curve, Stable)
    for part in (1_000, 10, 2):
        amount = pool.balances[pool.tokens.index(token_in)] // part
        rows = np.array([curve.parameters])
        (out,) = Stable.out_of(rows, np.array([curve.gamma_in * amount]))
        assert curve.gamma_out * out == pytest.approx(pool.amount_out(token_in, token_out, amount), rel=1e-6)


def test_empty_pool__sells_nothing_and_has_no_price() -> None:
    pool = stable([MILLION, 0, MILLION])
    assert pool.marginal_price(A, C) == 0.0
    assert pool.price_curve(A, C) is None
    for ask in (pool.amount_out, pool.amount_in, pool.swap):
        with pytest.raises(InsufficientLiquidity, match="empty"):
            ask(A, C, 1)


def test_balance_that_a_rate_rounds_to_nought__sells_nothing() -> None:
    for generation in (1, 2):
        pool = stable([MILLION, 1], rates=[WAD, WAD // 2], generation=generation)
        assert pool.price_curve(A, B) is None
        with pytest.raises(InsufficientLiquidity, match="empty"):
            pool.amount_out(A, B, 10**20)


@pytest.mark.parametrize(("token_in", "token_out"), [(A, C), (C, A), (A, A)])
def test_tokens__that_it_does_not_trade__are_wrong(token_in: str, token_out: str) -> None:
    pool = stable([MILLION, MILLION])
    for ask in (pool.amount_out, pool.amount_in, pool.swap):
        with pytest.raises(WrongToken):
            ask(token_in, token_out, 1)
    for look in (pool.marginal_price, pool.price_curve):
        with pytest.raises(WrongToken):
            look(token_in, token_out)


@pytest.mark.parametrize("amplification", [0, 999, 5_000_001])
def test_pool__of_an_impossible_amplification__is_invalid(amplification: int) -> None:
    with pytest.raises(InvalidPool, match="amplification"):
        BalancerStablePool(POOL, (A, B), (1, 1), (WAD, WAD), FEE, 1, amplification)


def test_pool__of_six_tokens__is_invalid() -> None:
    with pytest.raises(InvalidPool, match="5 tokens at most"):
        stable([1] * 6)


@given(stable_pools(), st.integers(1, MAX_BALANCE))
@example(stable([10**6, 10**12], 1, [0, 6]), 10**5)
def test_swap__any_pool__never_lets_the_invariant_fall(pool: BalancerStablePool, amount: int) -> None:
    amount = amount % (2 * pool.balances[0]) + 1
    try:
        _, after = pool.swap(A, B, amount)
    except NoRoute:
        assume(False)
    # The later generation's D is up to some units below the true one.
    with localcontext(prec=DIGITS):
        least = true_invariant(pool, pool.balances) - (0 if pool.generation == 1 else 5)
    assert true_invariant(pool, after.balances) >= least


@given(stable_pools(), st.integers(1, MAX_BALANCE), st.integers(1, MAX_BALANCE))
def test_amount_out__of_more__is_no_less(pool: BalancerStablePool, one: int, other: int) -> None:
    less, more = sorted(amount % (2 * pool.balances[0]) + 1 for amount in (one, other))
    try:
        assert pool.amount_out(A, B, more) >= pool.amount_out(A, B, less) - 1
    except NoRoute:
        assume(False)


@given(stable_pools(), st.integers(1, MAX_BALANCE))
def test_amount_in__any_pool__buys_what_is_wanted_and_hardly_more(pool: BalancerStablePool, wanted: int) -> None:
    wanted = wanted % pool.balances[1] + 1
    try:
        amount = pool.amount_in(A, B, wanted)
    except NoRoute:
        assume(False)
    assert pool.amount_out(A, B, amount) >= wanted
    # The chain's roundings come to some thousands of scaled units, more where one coin outweighs another. Without them, two
    # units, and the fee on all that, one buys no more than what is wanted.
    held = scaled(pool, pool.balances)
    margin = 2 + int(10**4 * max(held) / min(held)) * WAD // pool.scaling_factors[0]
    less = amount - margin * WAD // (WAD - pool.swap_fee) - 2
    try:
        assert pool.amount_out(A, B, max(less, 0)) <= wanted
    except InsufficientLiquidity:
        return


@given(stable_pools(), st.lists(st.tuples(st.booleans(), st.integers(0, MAX_BALANCE)), max_size=6))
def test_swap__there_and_back__never_gains(pool: BalancerStablePool, swaps: list[tuple[bool, int]]) -> None:
    held = {A: 0, B: 0}
    after = pool
    for forth, size in swaps:
        token_in, token_out = (A, B) if forth else (B, A)
        try:
            amount = size % (after.balances[0 if forth else 1] + 1)
            out, after = after.swap(token_in, token_out, amount)
        except NoRoute:
            continue
        held[token_in] -= amount
        held[token_out] += out
    assert after.balances == (pool.balances[0] - held[A], pool.balances[1] - held[B], *pool.balances[2:])
    assert not (held[A] >= 0 and held[B] >= 0 and (held[A] or held[B]))
