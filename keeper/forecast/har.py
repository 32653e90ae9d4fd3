"""HAR-RV: the logarithm of the variance ahead on those of the last day, week and month, by least squares.

    ln RV(t, t+h) = β0 + βd·ln RVd(t) + βw·ln RVw(t) + βm·ln RVm(t) + u(t)

F. Corsi, A simple approximate long-memory model of realized volatility, Journal of Financial Econometrics 7, 2009. The
exponential of a mean is below the mean of an exponential: the forecast is multiplied by the mean of exp(u), the smearing
estimate of N. Duan, Journal of the American Statistical Association 78, 1983, which asks for no distribution of u. A forecast
outside of all that was seen is taken back to the nearest that was.
"""

from dataclasses import dataclass, replace

import numpy as np

from keeper.forecast.forecaster import FLOOR, Fallback, Floats, check
from keeper.forecast.realised import Windows, floors, rolling

_ROWS_MIN = 30  # days to learn four coefficients from


@dataclass(frozen=True, slots=True)
class Har:
    """HAR-RV in logarithms, an equation for each asset.

    :param week_days, month_days: 5 and 22 for markets that close
    """

    week_days: int = 7
    month_days: int = 30

    @property
    def name(self) -> str:
        """As people and settings have it."""
        return "har"

    def fit(self, returns: Floats, bars_per_year: float, horizon: int) -> "HarState":
        """See Forecaster."""
        windows = Windows.of(bars_per_year, self.week_days, self.month_days)
        check(returns, horizon, windows.month + horizon + (_ROWS_MIN - 1) * windows.day, self.name)
        squares = returns**2
        least = floors(squares)
        origins = windows.origins(len(returns), horizon)
        inputs = _inputs(squares, windows, least)[origins]
        ahead = np.log(np.maximum(rolling(squares, horizon)[origins + horizon], least))
        coefficients = np.stack(
            [np.linalg.lstsq(inputs[:, i], ahead[:, i], rcond=None)[0] for i in range(returns.shape[1])]
        )
        errors = ahead - np.einsum("tak,ak->ta", inputs, coefficients)
        return HarState(
            coefficients=coefficients,
            smearing=np.exp(errors).mean(axis=0),
            least=least,
            lowest=np.exp(ahead.min(axis=0)),
            highest=np.exp(ahead.max(axis=0)),
            windows=windows,
            recent=squares[-windows.month :],
        )


@dataclass(frozen=True, slots=True, eq=False)
class HarState:
    """Fitted equations, and the squared returns of the last month.

    :param coefficients: (assets, 4)
    :param smearing: (assets,)
    :param least: (assets,), see `realised.floors`
    :param lowest, highest: (assets,) of the variances that were learnt from
    :param recent: (month, assets)
    """

    coefficients: Floats
    smearing: Floats
    least: Floats
    lowest: Floats
    highest: Floats
    windows: Windows
    recent: Floats

    @property
    def fallbacks(self) -> tuple[Fallback, ...]:
        """None: least squares always answers."""
        return ()

    def observe(self, returns: Floats) -> "HarState":
        """See Fitted."""
        return replace(self, recent=np.vstack([self.recent, returns**2])[-self.windows.month :])

    def variance(self) -> Floats:
        """See Fitted."""
        inputs = _inputs(self.recent, self.windows, self.least)[-1]
        found = np.exp((inputs * self.coefficients).sum(axis=1)) * self.smearing
        clipped: Floats = np.clip(found, self.lowest, self.highest)
        return np.maximum(clipped, FLOOR)


def _inputs(squares: Floats, windows: Windows, least: Floats) -> Floats:
    """One and the three logarithms, (bars, assets, 4); NaN in the first month."""
    logs = [np.log(np.maximum(rolling(squares, each), least)) for each in (windows.day, windows.week, windows.month)]
    found: Floats = np.stack([np.ones_like(squares), *logs], axis=-1)
    return found
