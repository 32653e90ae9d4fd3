"""The stable curve in floats against the n-coin invariant in eighty digits, over any pool and any price."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from decimal import Decimal, localcontext
from functools import cached_property

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keeper.markets.pool import InvalidPool
from keeper.markets.price_curves import Floats
from keeper.markets.stable_curve import Stable, invariant_of

DIGITS = 80
# A price is rounded on its way from base units to the invariant's, a slope by the curve's parameters: some of 2^-53 each.
ROUNDING = Decimal(16) / 2**53

pytestmark = pytest.mark.filterwarnings("error")


class Reference:
    """The pool of `balances` in the invariant's units, coin 0 traded for coin 1, solved to eighty digits."""

    def __init__(self, balances: Sequence[float], ann: float) -> None:
        self.balances = [Decimal(balance) for balance in balances]
        self.ann = Decimal(ann)

    @cached_property
    def invariant(self) -> Decimal:
        n, total = len(self.balances), sum(self.balances)
        d = Decimal(total)
        for _ in range(1000):
            product = d
            for balance in self.balances:
                product *= d / (n * balance)
            after = (self.ann * total + n * product) * d / ((self.ann - 1) * d + (n + 1) * product)
            if abs(after - d) < d.scaleb(10 - DIGITS):
                return after
            d = after
        raise AssertionError(self.balances)

    def y(self, x: Decimal) -> Decimal:
        """What is left of coin 1 when there are `x` of coin 0: Curve's get_y."""
        n, d = len(self.balances), self.invariant
        others = [x, *self.balances[2:]]
        c = d / (n * self.ann)
        for other in others:
            c *= d / (n * other)
        c *= d
        b = sum(others) + d / self.ann - d
        root = (b * b + 4 * c).sqrt()
        return 2 * c / (b + root) if b > 0 else (root - b) / 2

    def slope(self, x: Decimal) -> Decimal:
        """-dy/dx by the invariant's derivatives."""
        n, d, y = len(self.balances), self.invariant, self.y(x)
        product = d
        for balance in (x, y, *self.balances[2:]):
            product *= d / (n * balance)
        return (self.ann + product / x) / (self.ann + product / y)

    def best(self, price: Decimal) -> Decimal:
        """What to give until the next unit earns `price`."""
        x = self.balances[0]
        if self.slope(x) <= price:
            return Decimal(0)
        step = x.scaleb(-30)
        while self.slope(x + step) > price:
            step *= 16
        low, high = step / 16, step
        for _ in range(120):
            middle = (low * high).sqrt()
            low, high = (middle, high) if self.slope(x + middle) > price else (low, middle)
        return low


def row(curve: Stable) -> Floats:
    return np.array([curve.parameters])


def answer(curve: Stable, price: float) -> tuple[float, float]:
    moved, out = Stable.most_profitable(row(curve), np.array([price]))
    return float(moved[0]), float(out[0])


powers = st.floats(-6, 6).map(lambda power: 10.0**power)
sizes = st.floats(-6, 30).map(lambda power: 10.0**power)
anns = st.builds(lambda n, power: n * 10.0**power, st.integers(2, 8), st.floats(0, 6))
pools = st.builds(
    lambda size, parts: [size * part for part in parts],
    sizes,
    st.lists(st.one_of(st.floats(0.9, 1.1), powers), min_size=2, max_size=8),
)
scales = st.sampled_from([1.0, 1e12, 1.0123e12, 1e-3])
# Prices around the pool's own, around par, and anywhere.
quotes = st.one_of(
    st.tuples(st.just("own"), st.floats(-15, -0.1).map(lambda power: 1 - 10.0**power)),
    st.tuples(
        st.just("par"), st.builds(lambda sign, p: 1 + sign * 10.0**p, st.sampled_from([-1, 1]), st.floats(-15, -1))
    ),
    st.tuples(st.just("own"), st.floats(-60, 3).map(lambda power: 10.0**power)),
)


@settings(max_examples=300, deadline=None)
@given(pools, anns, quotes, scales, scales)
@example([5e24] * 4, 400.0, ("par", 1 - 4e-4), 1.0, 1e12)
@example([1e24] * 2, 2e6, ("par", 1 - 1e-9), 1.0, 1.0)
@example([1e24] * 2, 2e6, ("par", 1.0), 1.0, 1.0)
@example([1e24, 3e24], 4e6, ("par", 1.0), 1e12, 1.0)
def test_most_profitable__any_pool_and_price__meets_the_price_and_pays_what_the_invariant_says(
    balances: list[float], ann: float, quote: tuple[str, float], scale_in: float, scale_out: float
) -> None:
    curve = Stable.of_pool(balances, ann, 0, 1, scale_in, scale_out)
    with localcontext() as context:
        context.prec = DIGITS
        reference = Reference(balances, ann)
        x, y = reference.balances[:2]
        first = reference.slope(x)
        price = quote[1] * scale_in / scale_out * (float(first) if quote[0] == "own" else 1.0)
        wanted = Decimal(price) * Decimal(scale_out) / Decimal(scale_in)
        moved, out = (Decimal(amount) for amount in answer(curve, price))
        given_, taken = moved * Decimal(scale_in), out * Decimal(scale_out)

        # The point is right: a hair nearer still earns the price, a hair farther no longer does.
        hair = max(given_ * Decimal("1e-9"), max(x, y) * Decimal("1e-15"))
        if given_ > hair:
            assert reference.slope(x + given_ - hair) >= wanted * (1 - ROUNDING)
        assert reference.slope(x + given_ + hair) <= wanted * (1 + ROUNDING)
        if wanted >= first * (1 + ROUNDING):
            assert moved == out == 0
        unsure = y.scaleb(10 - DIGITS)
        # And what is paid for it is what the invariant says.
        exact = y - reference.y(x + given_)
        assert abs(taken - exact) <= exact * Decimal("2e-14") + unsure
        # So the profit is that of the best point but for the rounding of what is exchanged.
        best = reference.best(wanted)
        most = y - reference.y(x + best) - wanted * best
        earned = taken - wanted * given_
        assert abs(most - earned) <= taken * Decimal("2e-14") + (y + wanted * x) * Decimal("1e-25")


@settings(max_examples=300, deadline=None)
@given(pools, anns, st.floats(-20, 20))
def test_out_of__any_amount__is_what_the_invariant_says(balances: list[float], ann: float, power: float) -> None:
    curve = Stable.of_pool(balances, ann, 0, 1, 1e12, 1e3)
    moved = balances[0] * 10.0**power / 1e12
    out = Stable.out_of(row(curve), np.array([moved]))[0]
    with localcontext() as context:
        context.prec = DIGITS
        reference = Reference(balances, ann)
        x, y = reference.balances[:2]
        exact = (y - reference.y(x + Decimal(moved) * Decimal(10**12))) / 1000
        assert abs(Decimal(float(out)) - exact) <= exact * Decimal("2e-14")


@settings(deadline=None)
@given(pools, anns)
def test_invariant_of__any_pool__is_right_to_the_last_digits(balances: list[float], ann: float) -> None:
    with localcontext() as context:
        context.prec = DIGITS
        exact = Reference(balances, ann).invariant
        assert abs(Decimal(invariant_of(balances, ann)) - exact) <= exact * Decimal("2e-15")


def test_most_profitable__many_curves_at_once__answers_each_as_alone() -> None:
    curves = [Stable.of_pool([1e24, 2e24, 5e23], 300.0, i, j, 1e12, 1.0) for i in range(3) for j in range(3) if i != j]
    prices = np.array([1e12 * 10.0**power for power in (-250, -3, -1e-3, -1e-4, 0, 5)])
    moved, out = Stable.most_profitable(np.array([curve.parameters for curve in curves]), prices)
    assert [*zip(moved.tolist(), out.tolist(), strict=True)] == [
        answer(curve, price) for curve, price in zip(curves, prices.tolist(), strict=True)
    ]


@pytest.mark.parametrize("balances", [[1e24, 1e24], [1e-6, 1e30, 1.0], [1e30, 1e-6, 1.0], [1e30] * 8])
@pytest.mark.parametrize("ann", [2.0, 8e6])
def test_most_profitable__nearly_nothing_asked__ends_near_the_last_of_the_reserves(
    balances: list[float], ann: float
) -> None:
    curve = Stable.of_pool(balances, ann, 0, 1, 1.0, 1.0)
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        for price in (1e-60, 1e-200, 1e-320):
            moved, out = answer(curve, price)
            assert 0 < moved < float("inf")
            assert out == pytest.approx(balances[1], rel=1e-6)
        assert answer(curve, 1e300) == (0.0, 0.0)


@settings(deadline=None)
@given(pools, anns, scales, scales)
def test_marginal_and_depth__any_pool__are_the_derivatives_at_nought(
    balances: list[float], ann: float, scale_in: float, scale_out: float
) -> None:
    curve = Stable.of_pool(balances, ann, 0, 1, scale_in, scale_out)
    with localcontext() as context:
        context.prec = DIGITS
        reference = Reference(balances, ann)
        x, step = reference.balances[0], min(reference.balances).scaleb(-30)
        to_base = Decimal(scale_in) / Decimal(scale_out)
        first = reference.slope(x) * to_base
        bend = (reference.slope(x) - reference.slope(x + step)) / step * to_base * Decimal(scale_in)
        assert curve.marginal == pytest.approx(float(first), rel=1e-13)
        assert curve.depth == pytest.approx(float(2 * first ** Decimal("1.5") / bend), rel=1e-12)


def test_scaled__other_units__is_the_same_curve() -> None:
    curve = Stable.of_pool([1e24, 2e24, 5e23], 300.0, 0, 1, 1e12, 1.0, 0.999, 0.9996)
    scaled = curve.scaled(1e-6, 2e-18)
    assert (scaled.gamma_in, scaled.gamma_out) == (curve.gamma_in, curve.gamma_out)
    assert scaled.marginal == pytest.approx(curve.marginal * 2e-12)
    moved, out = answer(curve, curve.marginal * 0.9)
    assert answer(scaled, scaled.marginal * 0.9) == pytest.approx((moved * 1e-6, out * 2e-18))


def test_most_profitable__dearer_than_the_first_unit__is_nothing() -> None:
    curve = Stable.of_pool([1e24, 1e24], 400.0, 0, 1, 1.0, 1.0)
    assert answer(curve, 1.0) == (0.0, 0.0)
    assert answer(curve, 1.0 + 1e-12) == (0.0, 0.0)
    assert answer(curve, 1.0 - 1e-12)[0] > 0


@pytest.mark.parametrize(("balances", "ann"), [([1.0, 0.0], 10.0), ([1.0, 1.0], 0.0), ([1e-300, 1e300, 1e300], 10.0)])
def test_of_pool__no_pool__is_refused(balances: list[float], ann: float) -> None:
    with pytest.raises(InvalidPool, match="stable pool"):
        Stable.of_pool(balances, ann, 0, 1, 1.0, 1.0)
