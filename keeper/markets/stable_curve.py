"""One direction of a stable pool as a curve of floats: two coins that trade while the others stay as they are.

With n coins, A as the pools' code has it, `ann` = A n, S and P the sum and the product of all coins, a stable pool
holds ann S + D = ann D + D^(n+1) / (n^n P) (Egorov 2019, StableSwap). While only x and y move this is

    x + y - t = x0 + y0 - bend,    t = bend x0 y0 / (x y),    bend = D^(n+1) / (n^n P ann)    at x0, y0,

a curve of three numbers: a constant sum where `bend` is nought, a constant product where it is without bound. Written
so, what is taken follows from what is given by a quadratic whose terms do not cancel, and neither the invariant nor the
other coins appear again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite, sqrt

import numpy as np

from keeper.markets.pool import InvalidPool
from keeper.markets.price_curves import Floats

# Slopes below this are met where less than 1e-80 of a coin is left.
_FLATTEST = 1e-250
_STEPS = 200
_LONGEST_STEP = 50.0
# A step of Newton's doubles the digits that are right: after one as small as this, only rounding is left.
_LAST_STEP = 1e-9


@dataclass(frozen=True, slots=True)
class Stable:
    """A pair of an n-coin stable pool, the other coins as they are: Curve.

    :param x: what the pool holds of the coin that is paid in, in the invariant's units; more than nought
    :param y: the same of the coin that is paid out
    :param bend: D^(n+1) / (n^n P ann) in the invariant's units; more than nought
    :param scale_in: units of the invariant per base unit of the coin paid in
    :param scale_out: the same of the coin paid out
    """

    x: float
    y: float
    bend: float
    scale_in: float
    scale_out: float
    gamma_in: float = 1.0
    gamma_out: float = 1.0

    @classmethod
    def of_pool(
        cls,
        balances: Sequence[float],
        ann: float,
        i: int,
        j: int,
        scale_in: float,
        scale_out: float,
        gamma_in: float = 1.0,
        gamma_out: float = 1.0,
    ) -> Stable:
        """The curve from coin `i` to coin `j` of a pool with `balances` in the invariant's units and `ann` = A n.

        :raises InvalidPool: a balance, `ann` or the invariant that they give is not a positive number
        """
        if ann <= 0 or min(balances) <= 0:
            raise InvalidPool(f"a stable pool of {list(balances)} with A n = {ann}: each must be more than nought")
        invariant = invariant_of(balances, ann)
        bend = invariant / ann
        for balance in balances:
            bend *= invariant / (len(balances) * balance)
        if not isfinite(bend):
            raise InvalidPool(f"a stable pool of {list(balances)} with A n = {ann} has no invariant in floats")
        return cls(balances[i], balances[j], bend, scale_in, scale_out, gamma_in, gamma_out)

    def scaled(self, unit_in: float, unit_out: float) -> Stable:
        """The invariant has units of its own."""
        return replace(self, scale_in=self.scale_in / unit_in, scale_out=self.scale_out / unit_out)

    @property
    def marginal(self) -> float:
        """The slope of the curve below, at nought."""
        return self._slope * (self.scale_in / self.scale_out)

    @property
    def depth(self) -> float:
        """-2 f' ** 1.5 / f'' at nought."""
        x, y, slope = self.x, self.y, self._slope
        bow = self.bend * (x**-2 - slope / x / y + (slope / y) ** 2)
        return slope * sqrt(slope) * (1 + self.bend / y) / bow / sqrt(self.scale_in) / sqrt(self.scale_out)

    @property
    def _slope(self) -> float:
        return (self.y / self.x) * ((self.x + self.bend) / (self.y + self.bend))

    @property
    def parameters(self) -> tuple[float, ...]:
        """A row for `most_profitable`."""
        return self.x, self.y, self.bend, self.scale_in, self.scale_out

    @staticmethod
    def most_profitable(rows: Floats, price: Floats) -> tuple[Floats, Floats]:
        """(m, f(m)) where f'(m) is `price`, per row of parameters; nought where the first unit pays no more than that.

        Every price above nought has an answer; below about 1e-250 it is that of 1e-250.
        """
        x, y, bend, scale_in, scale_out = rows.T
        first = (y / x) * ((x + bend) / (y + bend))
        wanted = np.maximum(price * (scale_out / scale_in), _FLATTEST)
        given = _given(x, y, bend, np.minimum(wanted, first))
        given = np.where(wanted < first, np.maximum(given, 0.0), 0.0)
        return given / scale_in, _taken(x, y, bend, given) / scale_out

    @staticmethod
    def out_of(rows: Floats, moved: Floats) -> Floats:
        """f(moved), per row of parameters; `moved` is not negative."""
        x, y, bend, scale_in, scale_out = rows.T
        out: Floats = _taken(x, y, bend, moved * scale_in) / scale_out
        return out


def invariant_of(balances: Sequence[float], ann: float) -> float:
    """D of positive balances by Newton's method from above, as pools do it; floats, to about n digits' last places."""
    n, total = len(balances), float(sum(balances))
    invariant = total
    while True:
        product = invariant
        for balance in balances:
            product *= invariant / (n * balance)
        smaller = (ann * total + n * product) * invariant / ((ann - 1) * invariant + (n + 1) * product)
        if not smaller < invariant:
            return invariant
        invariant = smaller


def _taken(x: Floats, y: Floats, bend: Floats, given: Floats) -> Floats:
    """The v for which (x + u, y - v) is on the curve, u = `given`.

    It is the smaller root of v^2 - (u + y + bend) v + u y (1 + bend / (x + u)). The discriminant is
    (u - y + bend)^2 + 4 bend x y / (x + u): a sum of squares, so that no digits are lost.
    """
    after = x + given
    root = np.hypot(given - y + bend, 2 * np.sqrt(bend * (x / after)) * np.sqrt(y))
    taken: Floats = 2 * y * (given / (given + y + bend + root)) * (1 + bend / after)
    return taken


def _given(x: Floats, y: Floats, bend: Floats, slope: Floats) -> Floats:
    """The u for which the curve through (x, y) has -dy/dx = `slope` at x + u.

    With a = t/x and b = t/y at the point looked for, the slope is (1 + a) / (1 + b) and t^3 = bend x0 y0 a b. So a gives
    b by the slope, both give t, and one equation is left: t/a + t/b - t = x0 + y0 - bend. Below a slope of 1 it is
    solved for log a, else for log b. Then the terms on each side only add up, and the logarithm of the sides' ratio
    falls by between 0.3 and 1 per unit everywhere: Newton's steps are never wild and rounding is never magnified.
    """
    # Lengths in units in which bend x0 y0 is 1.
    unit = np.cbrt(bend) * np.cbrt(x) * np.cbrt(y)
    more = x / unit + y / unit - bend / unit
    less = np.maximum(-more, 0.0)
    more = np.maximum(more, 0.0)
    flat = slope <= 1
    # b = (a + gap) / ratio below a slope of 1, a = (b + gap) / ratio above.
    ratio = np.minimum(slope, 1 / slope)
    gap = np.abs(1 - slope) / np.maximum(slope, 1)

    at = bend / np.where(flat, x, y)
    low, high = np.full_like(at, 1e-300), np.full_like(at, 1e300)
    for _ in range(_STEPS):
        other = (at + gap) / ratio
        t = np.cbrt(at) * np.cbrt(other)
        near, far = t / at, t / other
        off = np.log((near + far + less) / (t + more))
        low, high = np.where(off > 0, at, low), np.where(off < 0, at, high)
        share = at / (at + gap)
        fall = (near * (2 - share) + far * (2 * share - 1)) / (near + far + less) + (1 + share) * t / (t + more)
        step = np.clip(3 * off / fall, -_LONGEST_STEP, _LONGEST_STEP)
        newton = at * np.exp(step)
        at = np.where((low <= newton) & (newton <= high), newton, np.sqrt(low) * np.sqrt(high))
        if (np.abs(step) < _LAST_STEP).all():
            break
    other = (at + gap) / ratio
    t = np.cbrt(at) * np.cbrt(other)
    given: Floats = unit * t / np.where(flat, at, other) - x
    return given
