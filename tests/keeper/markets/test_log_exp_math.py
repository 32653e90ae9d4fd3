"""Powers in fixed point: how near the true ones they are over the whole range, and where the range ends."""

from decimal import Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.markets.fixed_point import ONE, complement, div_down, div_up, mul_down, mul_up, pow_up
from keeper.markets.log_exp_math import _LARGE, _SMALL, _ln_fine, exp, power

EXACT = Context(prec=60)
WORD = 2**255

bases = st.one_of(
    st.integers(1, 10**6), st.integers(1, 3 * ONE), st.integers(ONE - 10**5, ONE + 10**5), st.integers(1, WORD - 1)
)
exponents = st.one_of(st.integers(0, 3 * ONE), st.integers(0, 100 * ONE), st.integers(0, 10**6))
small = st.integers(0, 10**40)


def true_power(base: int, exponent: int) -> Decimal:
    return EXACT.power(EXACT.divide(Decimal(base), Decimal(ONE)), EXACT.divide(Decimal(exponent), Decimal(ONE)))


@given(bases, exponents)
def test_power__anywhere_in_range__is_within_what_pow_up_allows_for(base: int, exponent: int) -> None:
    try:
        found = power(base, exponent)
    except OverflowError:
        return
    exact = EXACT.multiply(true_power(base, exponent), Decimal(ONE))
    assert abs(Decimal(found) - exact) <= exact * Decimal(10_000) / ONE + 1
    assert pow_up(base, exponent, by_product=False) >= exact


@given(bases, st.sampled_from([ONE, 2 * ONE, 4 * ONE]))
def test_pow_up__by_product__is_never_less_and_off_by_its_roundings_only(base: int, exponent: int) -> None:
    base = min(base, 10**30)
    exact = Fraction(base, ONE) ** (exponent // ONE) * ONE
    found = pow_up(base, exponent, by_product=True)
    # Each product rounds a square up by less than one unit, and the second square carries the first's error twice.
    assert exact <= found <= exact + 2 + Fraction(2 * base**2, ONE**2)


def test_pow_up__exponents_that_are_no_product__do_not_care() -> None:
    for exponent in (ONE - 1, ONE + 1, 3 * ONE, ONE // 2):
        assert pow_up(ONE // 3, exponent, by_product=True) == pow_up(ONE // 3, exponent, by_product=False)


@pytest.mark.parametrize(("base", "exponent"), [(0, 1), (0, ONE), (5, 0), (0, 0)])
def test_power__of_nought_or_to_nought__is_the_chains_convention(base: int, exponent: int) -> None:
    assert power(base, exponent) == (ONE if exponent == 0 else 0)


def test_power__of_one__is_one() -> None:
    assert power(ONE, 10 * ONE) == ONE
    assert exp(0) == ONE


def test_tables__every_factor__is_the_power_of_e_to_its_last_digits() -> None:
    for table, unit in ((_LARGE, ONE), (_SMALL, 10**20)):
        for step, factor in table:
            exact = EXACT.exp(Decimal(step) / Decimal(unit)) * (1 if unit == ONE else unit)
            assert abs(factor / exact - 1) < Decimal(10) ** -20


@pytest.mark.parametrize("base", [9 * ONE // 10 + 1, 95 * ONE // 100, ONE - 1, ONE, ONE + 1, 11 * ONE // 10 - 1])
def test_fine_logarithm__up_to_its_ends__has_the_series_twenty_two_digits(base: int) -> None:
    exact = abs(EXACT.ln(Decimal(base) / ONE)) * 10**36
    assert abs(_ln_fine(abs(base - ONE), base + ONE) - exact) < 10**14


@given(st.integers(-41 * ONE, 130 * ONE))
def test_exp__in_range__is_within_a_part_in_ten_to_the_fourteenth(exponent: int) -> None:
    exact = EXACT.exp(Decimal(exponent) / ONE) * ONE
    assert abs(Decimal(exp(exponent)) - exact) <= exact * Decimal(10) ** -14 + 1


@pytest.mark.parametrize("exponent", [-41 * ONE - 1, 130 * ONE + 1])
def test_exp__out_of_range__is_refused_as_the_chain_does(exponent: int) -> None:
    with pytest.raises(OverflowError, match="-41 to 130"):
        exp(exponent)


@pytest.mark.parametrize(
    ("base", "exponent"), [(WORD, ONE), (ONE, 2**254 // 10**20), (ONE // 2, 60 * ONE), (10 * ONE, 57 * ONE)]
)
def test_power__out_of_range__is_refused_as_the_chain_does(base: int, exponent: int) -> None:
    with pytest.raises(OverflowError):
        power(base, exponent)


@given(small, small)
def test_products__each_way__round_as_named(a: int, b: int) -> None:
    assert mul_down(a, b) * ONE <= a * b < (mul_down(a, b) + 1) * ONE
    assert (mul_up(a, b) - 1) * ONE < a * b <= mul_up(a, b) * ONE


@given(small, st.integers(1, 10**40))
def test_quotients__each_way__round_as_named(a: int, b: int) -> None:
    assert div_down(a, b) * b <= a * ONE < (div_down(a, b) + 1) * b
    assert (div_up(a, b) - 1) * b < a * ONE <= div_up(a, b) * b


def test_complement__of_more_than_one__is_nought() -> None:
    assert [complement(a) for a in (0, 1, ONE - 1, ONE, ONE + 1)] == [ONE, ONE - 1, 1, 0, 0]
