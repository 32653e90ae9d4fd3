"""WAD arithmetic with the rounding in the name, as Balancer V2's FixedPoint does it. Arguments are not negative."""

from __future__ import annotations

from keeper.markets.log_exp_math import WAD, power

ONE = WAD
_TWO, _FOUR = 2 * WAD, 4 * WAD
_POWER_ERROR = 10_000
"""WAD share by which `power` may be off: 10**-14."""


def mul_down(a: int, b: int) -> int:
    """Product, rounded down."""
    return a * b // ONE


def mul_up(a: int, b: int) -> int:
    """Product, rounded up."""
    return -(-a * b // ONE)


def div_down(a: int, b: int) -> int:
    """Quotient, rounded down."""
    return a * ONE // b


def div_up(a: int, b: int) -> int:
    """Quotient, rounded up."""
    return -(-a * ONE // b)


def complement(a: int) -> int:
    """1 - a, nought when that is negative."""
    return max(ONE - a, 0)


def pow_up(base: int, exponent: int, *, by_product: bool) -> int:
    """`base` to the `exponent`, never below the true value.

    `by_product` multiplies for exponents of exactly 1, 2 and 4. Otherwise, and for all other exponents, what the
    approximate power may be off by is added to it.

    :raises OverflowError: see `power`
    """
    if by_product:
        if exponent == ONE:
            return base
        if exponent == _TWO:
            return mul_up(base, base)
        if exponent == _FOUR:
            square = mul_up(base, base)
            return mul_up(square, square)
    raw = power(base, exponent)
    return raw + mul_up(raw, _POWER_ERROR) + 1
