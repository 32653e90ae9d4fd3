"""Forecasts as they would have been made: each from the bars before it and from nothing else."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keeper.errors import ForecastError
from keeper.forecast.forecaster import Fallback, Fitted, Floats, Forecaster

_FORECASTS_MAX = 400
_REFITS = 12


@dataclass(frozen=True, slots=True)
class Walk:
    """Where to stand, and what to know there.

    :param horizon: bars that each forecast is for
    :param first: bars before the first forecast
    :param every: bars between forecasts
    :param refit: bars between fits; between them the state goes on and the parameters stay
    :param window: bars that a fit sees, the latest; None: all
    """

    horizon: int
    first: int
    every: int
    refit: int
    window: int | None = None

    def __post_init__(self) -> None:
        for name in ("horizon", "first", "every", "refit"):
            if getattr(self, name) < 1:
                raise ForecastError(f"{name} of a walk is {getattr(self, name)}: give one bar or more")

    @classmethod
    def over(cls, bars: int, horizon: int) -> "Walk":
        """The second half of as many bars, a dozen fits, horizons side by side as far as that leaves forecasts enough."""
        first = bars // 2
        ahead = bars - first
        return cls(horizon, first, max(1, min(horizon, ahead // 60), ahead // _FORECASTS_MAX), max(1, ahead // _REFITS))

    @property
    def overlap(self) -> int:
        """Forecasts in a row whose horizons share bars."""
        return -(-self.horizon // self.every)

    def origins(self, bars: int) -> NDArray[np.int64]:
        """How many bars each forecast knows; each has a horizon of bars after it."""
        return np.arange(self.first, bars - self.horizon + 1, self.every, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """Forecasts of one forecaster: `origins` (count,), `variances` (count, assets); and what it left to the EWMA, each once."""

    origins: NDArray[np.int64]
    variances: Floats
    fallbacks: tuple[Fallback, ...]


def walk(forecaster: Forecaster, returns: Floats, bars_per_year: float, plan: Walk) -> Walked:
    """Forecast at every origin of the plan.

    :raises ForecastError: too few bars for the forecaster
    """
    origins = plan.origins(len(returns))
    found: list[Floats] = []
    fallbacks: dict[Fallback, None] = {}
    fitted: Fitted | None = None
    fitted_at = seen = 0
    for origin in map(int, origins):
        if fitted is None or origin - fitted_at >= plan.refit:
            start = 0 if plan.window is None else max(0, origin - plan.window)
            fitted, fitted_at = forecaster.fit(returns[start:origin], bars_per_year, plan.horizon), origin
            fallbacks |= dict.fromkeys(fitted.fallbacks)
        else:
            fitted = fitted.observe(returns[seen:origin])
        seen = origin
        found.append(fitted.variance())
    variances = np.array(found) if found else np.empty((0, returns.shape[1]))
    return Walked(origins, variances, tuple(fallbacks))


def realised(returns: Floats, plan: Walk) -> Floats:
    """What came: the mean of the squared returns over each origin's horizon, (count, assets)."""
    squares = returns**2
    return np.array([squares[origin : origin + plan.horizon].mean(axis=0) for origin in plan.origins(len(returns))])
