"""Realised variance over a day, a week and a month, as the regressions take it, and the rows that they learn from.

A realised variance is the mean of squared returns over a window, a variance of a bar like every other here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keeper.forecast.forecaster import FLOOR, Floats, bars_a_day

# A window that hardly moved, as a share of the asset's mean variance: below it a logarithm speaks of noise alone.
_QUIET = 1e-3


@dataclass(frozen=True, slots=True)
class Windows:
    """Bars of a day, a week and a month. Markets of tokens have no weekends: 7 and 30 days, where stocks have 5 and 22."""

    day: int
    week: int
    month: int

    @classmethod
    def of(cls, bars_per_year: float, week_days: int = 7, month_days: int = 30) -> "Windows":
        """From the bars of a year."""
        day = bars_a_day(bars_per_year)
        return cls(day, week_days * day, month_days * day)

    def origins(self, bars: int, horizon: int) -> NDArray[np.int64]:
        """The bars, counted from 0, after which there are both a month before and a horizon ahead: one a day, to the last."""
        last = bars - horizon - 1
        count = (last - (self.month - 1)) // self.day + 1
        found: NDArray[np.int64] = last - self.day * np.arange(max(count, 0) - 1, -1, -1, dtype=np.int64)
        return found


def rolling(squares: Floats, length: int) -> Floats:
    """Mean of the `length` values that end at each, (bars, assets); NaN where there are not as many."""
    sums = np.cumsum(np.vstack([np.zeros((1, squares.shape[1])), squares]), axis=0)
    found = np.full_like(squares, np.nan)
    # A difference of sums may fall a rounding error below zero.
    found[length - 1 :] = np.maximum(sums[length:] - sums[:-length], 0.0) / length
    return found


def floors(squares: Floats) -> Floats:
    """What a realised variance counts as at least, (assets,)."""
    found: Floats = np.maximum(_QUIET * squares.mean(axis=0), FLOOR)
    return found
