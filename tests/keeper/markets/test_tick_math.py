"""Tick maths against a 60-digit reference and the published ends."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.markets.tick_math import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
)

ticks = st.integers(MIN_TICK, MAX_TICK)


@pytest.mark.parametrize(
    ("tick", "ratio"),
    [
        (MIN_TICK, MIN_SQRT_RATIO),
        (MIN_TICK + 1, 4_295_343_490),
        (0, 2**96),
        (MAX_TICK - 1, 1_461_373_636_630_004_318_706_518_188_784_493_106_690_254_656_249),
        (MAX_TICK, MAX_SQRT_RATIO),
    ],
)
def test_sqrt_ratio_at_tick__published_values__match(tick: int, ratio: int) -> None:
    assert sqrt_ratio_at_tick(tick) == ratio


@given(ticks)
def test_sqrt_ratio_at_tick__any__is_the_power_within_its_own_roundings(tick: int) -> None:
    with localcontext() as context:
        context.prec = 80
        base = Decimal("1.0001")
        exact = base ** (Decimal(tick) / 2) * 2**96
        # At most 20 factors in Q128, each off by a unit where the product is least, and one rounding up at the end.
        units = 40 * base ** (Decimal(abs(tick)) / 2) / 2**128
        assert abs(sqrt_ratio_at_tick(tick) - exact) <= 1 + exact * units


@given(st.integers(MIN_TICK, MAX_TICK - 1))
def test_tick_at_sqrt_ratio__at_and_around_a_tick__is_the_greatest_at_or_below(tick: int) -> None:
    ratio = sqrt_ratio_at_tick(tick)
    assert tick_at_sqrt_ratio(ratio) == tick
    assert tick_at_sqrt_ratio(sqrt_ratio_at_tick(tick + 1) - 1) == tick
    if tick > MIN_TICK:
        assert tick_at_sqrt_ratio(ratio - 1) == tick - 1


@given(st.integers(MIN_SQRT_RATIO, MAX_SQRT_RATIO - 1))
def test_tick_at_sqrt_ratio__any_ratio__is_bracketed(ratio: int) -> None:
    tick = tick_at_sqrt_ratio(ratio)
    assert sqrt_ratio_at_tick(tick) <= ratio < sqrt_ratio_at_tick(tick + 1)


@pytest.mark.parametrize("tick", [MIN_TICK - 1, MAX_TICK + 1])
def test_sqrt_ratio_at_tick__beyond_the_ends__is_refused(tick: int) -> None:
    with pytest.raises(ValueError, match="not within"):
        sqrt_ratio_at_tick(tick)


@pytest.mark.parametrize("ratio", [MIN_SQRT_RATIO - 1, MAX_SQRT_RATIO])
def test_tick_at_sqrt_ratio__beyond_the_ends__is_refused(ratio: int) -> None:
    with pytest.raises(ValueError, match="not within"):
        tick_at_sqrt_ratio(ratio)
