"""What every forecaster is, and what it is given.

Returns are log returns, (bars, assets), oldest first. A variance is that of one bar's return; a forecast is the mean variance
a bar over the next `horizon` bars, so that times the bars of a year it is annual, whatever the horizon.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from keeper.errors import ForecastError

Floats = NDArray[np.float64]
DAYS_A_YEAR = 365
# Variance of a bar under which nothing is told apart: a hundred-millionth of standard deviation. A logarithm needs one.
FLOOR = 1e-16


@dataclass(frozen=True, slots=True)
class Fallback:
    """An asset, by its column, for which a forecaster gives the EWMA's forecast in place of its own, and why."""

    column: int
    why: str


class Fitted(Protocol):
    """A forecaster's parameters and its state after the last bar that it saw. Frozen: `observe` gives another."""

    @property
    def fallbacks(self) -> tuple[Fallback, ...]:
        """The assets that it could not be fitted to."""

    def observe(self, returns: Floats) -> "Fitted":
        """The same parameters after the bars that follow, (bars, assets); as many as there are, none included."""

    def variance(self) -> Floats:
        """The forecast, (assets,), at least FLOOR."""


class Forecaster(Protocol):
    """A way to forecast variances."""

    @property
    def name(self) -> str:
        """As people and settings have it."""

    def fit(self, returns: Floats, bars_per_year: float, horizon: int) -> Fitted:
        """Fit it to returns, (bars, assets).

        :param horizon: bars ahead that the forecasts are for
        :raises ForecastError: too few bars, or a library that is not installed
        """


def bars_a_day(bars_per_year: float) -> int:
    """Whole bars in a day, one at least."""
    return max(1, round(bars_per_year / DAYS_A_YEAR))


def check(returns: Floats, horizon: int, least: int, name: str) -> None:
    """Return if these returns can be fitted to.

    :param least: bars that the forecaster needs
    :raises ForecastError: they cannot
    """
    if returns.ndim != 2 or not returns.shape[1]:
        raise ForecastError(f"returns of shape {returns.shape}: give (bars, assets)")
    if not np.isfinite(returns).all():
        raise ForecastError("returns: one is not a finite number; mend the prices that it comes from")
    if horizon < 1:
        raise ForecastError(f"horizon {horizon}: give one bar or more")
    if len(returns) < least:
        raise ForecastError(
            f"{name} needs {least} bars, there are {len(returns)}: give a longer history or shorter bars"
        )


def mapping(fallbacks: tuple[Fallback, ...], assets: tuple[str, ...]) -> Mapping[str, str]:
    """Why, by the assets' names."""
    return {assets[each.column]: each.why for each in fallbacks}
