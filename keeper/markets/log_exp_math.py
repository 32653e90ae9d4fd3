"""Powers of WAD numbers to the last digit as Balancer's pools have them: exp(exponent * ln(base)) by tables and series.

Source of the numbers and roundings: Balancer V2's LogExpMath. The chain's divisions drop the fraction towards nought, which
makes ln an odd function: here it is a size, whose sign comes last, so that `//` rounds alike.
"""

from __future__ import annotations

WAD = 10**18
_E20 = 10**20
_E36 = 10**36

# Beyond these the chain refuses: e**130 nearly fills its word, e**-41 is the last that WAD can tell from nought.
_MOST_EXPONENT = 130 * WAD
_LEAST_EXPONENT = -41 * WAD
_BASE_END = 2**255
_POWER_END = 2**254 // _E20

# Strictly between these the logarithm has 36 decimals instead of 18.
_FINE_LOW, _FINE_HIGH = 9 * 10**17, 11 * 10**17

# e**128 and e**64 as whole numbers, with the powers in WAD.
_LARGE = (
    (128 * WAD, 38877084059945950922200000000000000000000000000000000000),
    (64 * WAD, 6235149080811616882910000000),
)
# e**32 to e**(1/16) with 20 decimals, the powers too.
_SMALL = (
    (3200000000000000000000, 7896296018268069516100000000000000),
    (1600000000000000000000, 888611052050787263676000000),
    (800000000000000000000, 298095798704172827474000),
    (400000000000000000000, 5459815003314423907810),
    (200000000000000000000, 738905609893065022723),
    (100000000000000000000, 271828182845904523536),
    (50000000000000000000, 164872127070012814685),
    (25000000000000000000, 128402541668774148407),
    (12500000000000000000, 113314845306682631683),
    (6250000000000000000, 106449445891785942956),
)
# exp needs no finer steps than e**(1/4): its series covers the rest.
_EXP_STEPS = _SMALL[:-2]
# Where the chain divides downwards twice in a row, one division by the product is the same: by 10**20 and n here.
_EXP_DIVISORS = tuple(n * _E20 for n in range(2, 13))


def power(base: int, exponent: int) -> int:
    """`base` to the `exponent`, both WAD and not negative; off by less than 1 part in 10**14, to either side.

    :raises OverflowError: an argument or the result is out of the chain's range
    """
    if exponent == 0:
        return WAD
    if base == 0:
        return 0
    if base >= _BASE_END or exponent >= _POWER_END:
        raise OverflowError(f"{base} to the {exponent}, both with 18 decimals, does not fit a word")
    if _FINE_LOW < base < _FINE_HIGH:
        size = _ln_fine(abs(base - WAD), base + WAD) * exponent // _E36
    else:
        size = _ln(base if base >= WAD else _E36 // base) * exponent // WAD
    return exp(size if base >= WAD else -size)


def exp(exponent: int) -> int:
    """Euler's number to the `exponent`, both WAD, rounded down.

    :raises OverflowError: the exponent is not within -41..130
    """
    if not _LEAST_EXPONENT <= exponent <= _MOST_EXPONENT:
        raise OverflowError(f"e to the {exponent} with 18 decimals: the chain takes -41 to 130")
    if exponent < 0:
        return _E36 // exp(-exponent)
    whole = 1
    for step, factor in _LARGE:
        if exponent >= step:
            exponent -= step
            whole = factor
            break
    rest = exponent * 100
    product = _E20
    for step, factor in _EXP_STEPS:
        if rest >= step:
            rest -= step
            product = product * factor // _E20
    # 1 + x + x^2 / 2! + ... + x^12 / 12!
    term = rest
    total = _E20 + term
    for divisor in _EXP_DIVISORS:
        term = term * rest // divisor
        total += term
    return product * total // _E20 * whole // 100


def _ln(base: int) -> int:
    """Natural logarithm of a WAD of one or more, WAD."""
    total = 0
    for step, factor in _LARGE:
        if base >= factor * WAD:
            base //= factor
            total += step
    total *= 100
    base *= 100
    for step, factor in _SMALL:
        if base >= factor:
            base = base * _E20 // factor
            total += step
    # 2 (z + z^3 / 3 + ... + z^11 / 11) with z = (base - 1) / (base + 1)
    odd = series = (base - _E20) * _E20 // (base + _E20)
    square = odd * odd // _E20
    for divisor in (3, 5, 7, 9, 11):
        odd = odd * square // _E20
        series += odd // divisor
    return (total + 2 * series) // 100


def _ln_fine(above: int, sum_: int) -> int:
    """|ln(x)| with 36 decimals, for |x - 1| and x + 1 in WAD."""
    odd = series = above * WAD * _E36 // (sum_ * WAD)
    square = odd * odd // _E36
    for divisor in (3, 5, 7, 9, 11, 13, 15):
        odd = odd * square // _E36
        series += odd // divisor
    return 2 * series
