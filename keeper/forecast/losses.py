"""How far forecasts were off, and whether one is better than another by more than chance.

QLIKE = v/f − ln(v/f) − 1, for a forecast f of a variance of which v was realised: zero where they are equal; it ranks
        forecasts as if the true variance were seen, though v is only noise around it; so does MSE = (v − f)²
        A. Patton, Journal of Econometrics 160, 2011
DM    = d̄ / √(Ω/T), d the difference of two losses, Ω its long-run variance
        F. Diebold, R. Mariano, Journal of Business & Economic Statistics 13, 1995
Ω     = γ0 + 2·Σ (1 − k/(L + 1))·γk, k = 1 … L
        W. Newey, K. West, Econometrica 55, 1987
DM*   = DM·√((T + 1 − 2h + h(h − 1)/T)/T), against Student's t with T − 1 degrees of freedom, for h overlapping forecasts
        D. Harvey, S. Leybourne, P. Newbold, International Journal of Forecasting 13, 1997
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from keeper.errors import ForecastError
from keeper.forecast.forecaster import FLOOR, Floats


@dataclass(frozen=True, slots=True)
class DieboldMariano:
    """A test of equal losses. `difference` is the first's mean loss less the second's: negative where the first is better."""

    difference: float
    statistic: float
    p_value: float  # two-sided
    lags: int
    count: int


def qlike(forecast: Floats, realised: Floats) -> Floats:
    """QLIKE of each, in the shape of both."""
    ratio = np.maximum(realised, FLOOR) / np.maximum(forecast, FLOOR)
    found: Floats = ratio - np.log(ratio) - 1
    return found


def squared_error(forecast: Floats, realised: Floats) -> Floats:
    """(realised − forecast)² of each."""
    return (realised - forecast) ** 2


def long_run_variance(values: Floats, lags: int) -> float:
    """Ω of Newey and West, of the demeaned values, (count,); never negative."""
    centred, count = values - values.mean(), len(values)
    total = float(centred @ centred) / count
    for lag in range(1, lags + 1):
        total += 2 * (1 - lag / (lags + 1)) * float(centred[lag:] @ centred[:-lag]) / count
    return total


def diebold_mariano(first: Floats, second: Floats, overlap: int = 1) -> DieboldMariano:
    """Whether two forecasters' losses, (count,), differ by more than chance.

    The lags cover the overlap, and at least 4·(T/100)^(2/9) as Newey and West choose them, since losses come in clusters.

    :param overlap: forecasts whose horizons share bars, h above; 1 where none do
    :raises ForecastError: too few of them
    """
    difference = first - second
    count = len(difference)
    lags = max(overlap - 1, int(4 * (count / 100) ** (2 / 9)))
    correction = (count + 1 - 2 * overlap + overlap * (overlap - 1) / count) / count
    if count < 2 * (lags + 1) or correction <= 0:
        raise ForecastError(f"{count} forecasts are too few to compare: give a longer history or a shorter horizon")
    mean, spread = float(difference.mean()), long_run_variance(difference, lags)
    if spread <= 0:
        return DieboldMariano(mean, 0.0, 1.0, lags, count)  # the very same forecasts
    statistic = mean / float(np.sqrt(spread / count)) * float(np.sqrt(correction))
    return DieboldMariano(mean, statistic, 2 * float(stats.t.sf(abs(statistic), count - 1)), lags, count)
