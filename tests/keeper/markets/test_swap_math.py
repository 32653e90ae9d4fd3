"""One swap step and its price maths: the cases that Uniswap publishes with v3-core, and what must hold for any."""

from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.markets import InsufficientLiquidity
from keeper.markets.sqrt_price_math import (
    amount0_delta,
    amount1_delta,
    next_sqrt_price_from_input,
    next_sqrt_price_from_output,
)
from keeper.markets.swap_math import Step, compute_swap_step

ETHER = 10**18
prices = st.integers(2**60, 2**130)
liquidities = st.integers(1, 2**110)
amounts = st.integers(1, 2**110)


def sqrt_x96(numerator: int, denominator: int = 1) -> int:
    return isqrt((numerator << 192) // denominator)


@pytest.mark.parametrize("amount", [ETHER, -ETHER])
def test_step__amount_reaches_beyond_target__stops_at_target(amount: int) -> None:
    target = sqrt_x96(101, 100)
    step = compute_swap_step(sqrt_x96(1), target, 2 * ETHER, amount, 600)
    assert step == Step(target, 9_975_124_224_178_055, 9_925_619_580_021_728, 5_988_667_735_148)


def test_step__exact_input_short_of_target__spends_it_all() -> None:
    step = compute_swap_step(sqrt_x96(1), sqrt_x96(10), 2 * ETHER, ETHER, 600)
    assert step[1:] == (999_400_000_000_000_000, 666_399_946_655_997_866, 600_000_000_000_000)
    assert step.sqrt_price_x96 == next_sqrt_price_from_input(sqrt_x96(1), 2 * ETHER, step.amount_in, zero_for_one=False)


def test_step__exact_output_short_of_target__pays_it_all() -> None:
    step = compute_swap_step(sqrt_x96(1), sqrt_x96(100), 2 * ETHER, -ETHER, 600)
    assert step[1:] == (2 * ETHER, ETHER, 1_200_720_432_259_356)


def test_step__exact_output_rounds_above__pays_no_more_than_asked() -> None:
    step = compute_swap_step(
        417_332_158_212_080_721_273_783_715_441_582,
        1_452_870_262_520_218_020_823_638_996,
        159_344_665_391_607_089_467_575_320_103,
        -1,
        1,
    )
    assert step == Step(417_332_158_212_080_721_273_783_715_441_581, 1, 1, 1)


def test_step__target_price_of_one__uses_part_of_the_input() -> None:
    step = compute_swap_step(2, 1, 1, 3_915_081_100_057_732_413_702_495_386_755_767, 1)
    assert step == Step(1, 39_614_081_257_132_168_796_771_975_168, 0, 39_614_120_871_253_040_049_813)


def test_step__tiny_input__is_all_fee() -> None:
    step = compute_swap_step(2413, 79_887_613_182_836_312, 1_985_041_575_832_132_834_610_021_537_970, 10, 1872)
    assert step == Step(2413, 0, 0, 10)


@pytest.mark.parametrize(
    ("percent", "amount", "expected"), [(110, -4, (26_215, 0, 79)), (90, -263_000, (1, 26_214, 1))]
)
def test_step__too_little_liquidity_for_the_output__runs_to_target(
    percent: int, amount: int, expected: tuple[int, int, int]
) -> None:
    price = 20_282_409_603_651_670_423_947_251_286_016
    step = compute_swap_step(price, price * percent // 100, 1024, amount, 3000)
    assert step == Step(price * percent // 100, *expected)


def test_amount_deltas__published_case__round_both_ways() -> None:
    ends = sqrt_x96(1), sqrt_x96(121, 100)
    assert amount0_delta(*ends, ETHER, round_up=True) == 90_909_090_909_090_910
    assert amount0_delta(*ends, ETHER, round_up=False) == 90_909_090_909_090_909
    assert amount1_delta(*ends, ETHER, round_up=True) == 100_000_000_000_000_000
    assert amount1_delta(*ends, ETHER, round_up=False) == 99_999_999_999_999_999


def test_next_price_from_input__published_cases__match() -> None:
    one = sqrt_x96(1)
    assert (
        next_sqrt_price_from_input(one, ETHER, ETHER // 10, zero_for_one=False)
        == 87_150_978_765_690_771_352_898_345_369
    )
    assert (
        next_sqrt_price_from_input(one, ETHER, ETHER // 10, zero_for_one=True) == 72_025_602_285_694_852_357_767_227_579
    )
    # The product overflows 256 bits here, and the chain's coarser form ends at one.
    assert next_sqrt_price_from_input(one, 1, 2**255, zero_for_one=True) == 1


def test_next_price_from_input__token1_beyond_the_type__is_refused() -> None:
    with pytest.raises(InsufficientLiquidity):
        next_sqrt_price_from_input(2**160 - 1, 1024, 1024, zero_for_one=False)


def test_next_price_from_output__published_cases__match() -> None:
    one = sqrt_x96(1)
    assert (
        next_sqrt_price_from_output(one, ETHER, ETHER // 10, zero_for_one=False)
        == 88_031_291_682_515_930_659_493_278_152
    )
    assert (
        next_sqrt_price_from_output(one, ETHER, ETHER // 10, zero_for_one=True)
        == 71_305_346_262_837_903_834_189_555_302
    )


@pytest.mark.parametrize(("amount", "zero_for_one"), [(4, False), (5, False), (262_144, True), (262_145, True)])
def test_next_price_from_output__all_there_is_or_more__is_refused(amount: int, zero_for_one: bool) -> None:
    with pytest.raises(InsufficientLiquidity):
        next_sqrt_price_from_output(20_282_409_603_651_670_423_947_251_286_016, 1024, amount, zero_for_one=zero_for_one)


@given(prices, prices, liquidities, amounts, st.integers(0, 100_000))
def test_step__exact_input__never_takes_more_nor_passes_the_target(
    price: int, target: int, liquidity: int, amount: int, fee: int
) -> None:
    step = compute_swap_step(price, target, liquidity, amount, fee)
    assert step.amount_in + step.fee_amount <= amount
    low, high = sorted((price, target))
    assert low <= step.sqrt_price_x96 <= high
    if step.sqrt_price_x96 != target:
        assert step.amount_in + step.fee_amount == amount


@given(prices, prices, liquidities, amounts, st.integers(0, 100_000))
def test_step__exact_output__costs_at_least_what_buys_it(
    price: int, target: int, liquidity: int, amount: int, fee: int
) -> None:
    step = compute_swap_step(price, target, liquidity, -amount, fee)
    assert step.amount_out <= amount
    spent = step.amount_in + step.fee_amount
    assert compute_swap_step(price, target, liquidity, spent, fee).amount_out >= step.amount_out
