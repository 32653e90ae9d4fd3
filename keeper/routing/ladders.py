"""Curves of every kind laid out as stretches of constant products, so that the solver has one formula for all.

A curve is cut where its price has moved by steps that grow with the distance; on each stretch a constant product takes and
pays the same in total, at prices between the true ones of its ends. Amounts agree at every cut, and prices within a stretch
differ by less than a tenth of its width, which costs the route the square of that. The certificate does not rely on it: it
asks the curves themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from keeper.markets.price_curves import Ladder, PriceCurve, Rate, SmoothCurve

# Distances of the cuts from the present price, in the logarithm of z: from far below a basis point to 10^8 in price.
_CUTS = np.concatenate(([0.0], np.geomspace(1e-7, 9.2, 56)))
# Below this width a stretch's ends are the same number but for rounding.
_NARROWEST = 1e-13


def as_ladders(curves: Sequence[PriceCurve]) -> list[Ladder]:
    """Each curve's stretches, at least one each."""
    ladders: dict[int, Ladder] = {}
    by_kind: dict[type[PriceCurve], list[int]] = {}
    for number, curve in enumerate(curves):
        if isinstance(curve, Ladder):
            ladders[number] = curve
        elif isinstance(curve, Rate):
            ladders[number] = _flat(curve)
        else:
            by_kind.setdefault(type(curve), []).append(number)
    for numbers in by_kind.values():
        ladders |= zip(numbers, _cut([cast(SmoothCurve, curves[number]) for number in numbers]), strict=True)
    return [ladders[number] for number in range(len(curves))]


def _flat(curve: Rate) -> Ladder:
    """One stretch, as good as without width: `Network.no_deeper_than` gives it one."""
    low = curve.rate**-0.5
    high = low * (1 + 1e-9)
    return Ladder(
        np.array([low]), np.array([high]), np.array([curve.most_in / (high - low)]), curve.gamma_in, curve.gamma_out
    )


def _cut(curves: Sequence[SmoothCurve]) -> list[Ladder]:
    rows = np.array([curve.parameters for curve in curves])
    start = np.array([curve.marginal for curve in curves]) ** -0.5
    z = start[:, None] * np.exp(_CUTS)
    moved, out = curves[0].most_profitable(np.repeat(rows, len(_CUTS), axis=0), z.ravel() ** -2)
    moved, out = moved.reshape(z.shape), out.reshape(z.shape)
    moved[:, 0] = out[:, 0] = 0.0
    taken, paid = np.diff(moved), np.diff(out)
    real = (taken > 0) & (paid > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.sqrt(taken / paid)
        half = np.sqrt(np.minimum(middle / z[:, :-1], z[:, 1:] / middle))
        # Rounding may put the middle on an end, or past it.
        half = np.maximum(half, 1 + _NARROWEST)
        low, high = middle / half, middle * half
        liquidity = taken / (high - low)
    return [
        Ladder(low[row][real[row]], high[row][real[row]], liquidity[row][real[row]], curve.gamma_in, curve.gamma_out)
        for row, curve in enumerate(curves)
    ]
