"""Uniswap V2 maths: hand-computed cases, the pair's own limits, and what must hold for any pool."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.errors import NoRoute
from keeper.markets import InsufficientLiquidity, InvalidPool, UniswapV2Pool, WrongToken
from keeper.markets.uniswap_v2 import MAX_RESERVE

PAIR = "0x00000000000000000000000000000000000000aa"
LOW = "0x0000000000000000000000000000000000000001"
HIGH = "0x0000000000000000000000000000000000000002"
OTHER = "0x0000000000000000000000000000000000000003"

reserves = st.integers(1, 10**28)
amounts = st.integers(1, 10**28)


def pair(reserve0: int, reserve1: int, fee: int = 3000) -> UniswapV2Pool:
    return UniswapV2Pool(PAIR, LOW, HIGH, reserve0, reserve1, fee)


def test_amount_out__round_reserves__is_the_library_formula() -> None:
    # 1000 * 997 * 10**6 // (10**6 * 1000 + 1000 * 997)
    assert pair(10**6, 10**6).amount_out(LOW, HIGH, 1000) == 996


def test_amount_out__six_against_eighteen_decimals__rounds_down() -> None:
    # 1 USDC into 3,000,000 USDC and 1,000 WETH: 997 * 10**6 * 10**21 // (3 * 10**15 + 997 * 10**6)
    assert pair(3_000_000 * 10**6, 1000 * 10**18).amount_out(LOW, HIGH, 10**6) == 332_333_222_887_925


def test_amount_in__exact_division__still_adds_one_like_the_library() -> None:
    # 1000 * 500 * 10**6 / (500 * 10**6) divides exactly; the library adds one all the same.
    assert pair(1000, 1000, fee=0).amount_in(LOW, HIGH, 500) == 1001


def test_amount_in__known_case__rounds_up() -> None:
    # 10**6 * 996 * 1000 // ((10**6 - 996) * 997) + 1
    assert pair(10**6, 10**6).amount_in(LOW, HIGH, 996) == 1000


def test_swap__either_direction__moves_both_reserves() -> None:
    out, after = pair(10**6, 2 * 10**6).swap(LOW, HIGH, 1000)
    assert (after.reserve0, after.reserve1) == (10**6 + 1000, 2 * 10**6 - out)
    out, after = pair(10**6, 2 * 10**6).swap(HIGH, LOW, 1000)
    assert (after.reserve0, after.reserve1) == (10**6 - out, 2 * 10**6 + 1000)


def test_marginal_price__of_each_token__is_after_the_fee() -> None:
    pool = pair(1000, 4000)
    assert pool.marginal_price(LOW, HIGH) == pytest.approx(4 * 0.997)
    assert pool.marginal_price(HIGH, LOW) == pytest.approx(0.25 * 0.997)


def test_amount_out__of_nothing__is_nothing() -> None:
    assert pair(10**6, 10**6).amount_out(LOW, HIGH, 0) == 0
    assert pair(10**6, 10**6).amount_in(LOW, HIGH, 0) == 0


@pytest.mark.parametrize(("reserve0", "reserve1"), [(0, 0), (0, 10**18), (10**18, 0)])
def test_amount_out__empty_or_one_sided_pair__has_no_liquidity(reserve0: int, reserve1: int) -> None:
    pool = pair(reserve0, reserve1)
    with pytest.raises(InsufficientLiquidity, match="empty"):
        pool.amount_out(LOW, HIGH, 1)
    assert pool.marginal_price(LOW, HIGH) == 0.0
    assert pool.price_curve(LOW, HIGH) is None


def test_amount_in__all_of_the_reserve__has_no_liquidity() -> None:
    with pytest.raises(NoRoute, match="holds 1000"):
        pair(1000, 1000).amount_in(LOW, HIGH, 1000)


def test_amount_out__beyond_uint112__is_refused_as_the_pair_does() -> None:
    pool = pair(10**18, 10**18)
    assert pool.amount_out(LOW, HIGH, MAX_RESERVE - 10**18) < 10**18
    with pytest.raises(InsufficientLiquidity, match="cannot hold"):
        pool.amount_out(LOW, HIGH, MAX_RESERVE - 10**18 + 1)


def test_amount_in__beyond_uint112__is_refused_as_the_pair_does() -> None:
    with pytest.raises(InsufficientLiquidity, match="cannot hold"):
        pair(10**30, 10**18).amount_in(LOW, HIGH, 10**18 - 1)


def test_amount_out__token_of_another_pool__names_it() -> None:
    with pytest.raises(WrongToken, match=OTHER):
        pair(1, 1).amount_out(OTHER, LOW, 1)


def test_amount_out__negative_amount__is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        pair(10, 10).amount_out(LOW, HIGH, -1)


@pytest.mark.parametrize(
    "state",
    [
        (PAIR, HIGH, LOW, 1, 1, 3000),
        (PAIR, LOW, LOW, 1, 1, 3000),
        (PAIR, LOW, HIGH, -1, 1, 3000),
        (PAIR, LOW, HIGH, 1, MAX_RESERVE + 1, 3000),
        (PAIR, LOW, HIGH, 1, 1, 1_000_000),
        (PAIR, LOW, HIGH, 1, 1, -1),
    ],
)
def test_pair__impossible_state__is_refused(state: tuple[str, str, str, int, int, int]) -> None:
    with pytest.raises(InvalidPool, match=PAIR):
        UniswapV2Pool(*state)


@given(reserves, reserves, amounts)
def test_swap__any__never_lowers_the_product(reserve0: int, reserve1: int, amount: int) -> None:
    _, after = pair(reserve0, reserve1).swap(LOW, HIGH, amount)
    assert after.reserve0 * after.reserve1 >= reserve0 * reserve1


@given(reserves, reserves, amounts, amounts)
def test_amount_out__more_in__never_less_out(reserve0: int, reserve1: int, a: int, b: int) -> None:
    pool = pair(reserve0, reserve1)
    assert pool.amount_out(LOW, HIGH, a + b) >= pool.amount_out(LOW, HIGH, a)


@given(reserves, st.integers(2, 10**28), st.data())
def test_amount_in__any_output__buys_at_least_that_and_one_less_does_not(
    reserve0: int, reserve1: int, data: st.DataObject
) -> None:
    pool = pair(reserve0, reserve1)
    wanted = data.draw(st.integers(1, max(reserve1 // 2, 1)))
    asked = pool.amount_in(LOW, HIGH, wanted)
    assert pool.amount_out(LOW, HIGH, asked) >= wanted
    if asked > 2:
        assert pool.amount_out(LOW, HIGH, asked - 2) < wanted


@given(reserves, reserves, amounts, amounts)
def test_swap__in_two_parts__gains_a_rounding_at_most(reserve0: int, reserve1: int, a: int, b: int) -> None:
    pool = pair(reserve0, reserve1)
    first, after = pool.swap(LOW, HIGH, a)
    second, _ = after.swap(LOW, HIGH, b)
    assert first + second <= pool.amount_out(LOW, HIGH, a + b) + 1


@given(reserves, reserves, amounts)
def test_swap__there_and_back__never_profits(reserve0: int, reserve1: int, amount: int) -> None:
    out, after = pair(reserve0, reserve1).swap(LOW, HIGH, amount)
    assert after.amount_out(HIGH, LOW, out) <= amount
