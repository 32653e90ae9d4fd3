"""A learned forecaster: gradient boosting on realised variances of several lengths, their signs and their jumps.

One model for all assets: every input is a ratio to the asset's own month, and so is what is learnt, the logarithm of the
variance ahead over the month's. The last fifth of the days is held back to say when to stop and what the exponential of a mean
lacks (see `har`); a horizon's bars before it are left out, so that nothing that it is judged by was learnt.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from keeper.errors import ForecastError
from keeper.forecast.forecaster import FLOOR, Fallback, Floats, check
from keeper.forecast.realised import Windows, floors, rolling

_ROWS_MIN = 150  # days
_HELD_BACK = 0.2
_DAYS_BEFORE = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Boosting:
    """scikit-learn's HistGradientBoostingRegressor.

    :param seed: the same data and seed give the same trees
    """

    seed: int = 0
    learning_rate: float = 0.05
    trees_max: int = 400
    leaves_max: int = 15

    @property
    def name(self) -> str:
        """As people and settings have it."""
        return "boosting"

    def fit(self, returns: Floats, bars_per_year: float, horizon: int) -> "BoostingState":
        """See Forecaster."""
        windows = Windows.of(bars_per_year)
        check(returns, horizon, windows.month + horizon + (_ROWS_MIN - 1) * windows.day, self.name)
        squares = returns**2
        least, usual = floors(squares), np.maximum(squares.mean(axis=0), FLOOR)
        origins = windows.origins(len(returns), horizon)
        inputs = _inputs(returns, windows, least, usual)[origins]
        months = np.maximum(rolling(squares, windows.month)[origins], least)
        ahead = np.maximum(rolling(squares, horizon)[origins + horizon], least)
        ratios = np.log(ahead / months)
        first_held = len(origins) - round(_HELD_BACK * len(origins))
        is_early = origins + horizon <= origins[first_held]
        model = self._model()
        model.fit(
            _flat(inputs[is_early]),
            ratios[is_early].ravel(),
            X_val=_flat(inputs[first_held:]),
            y_val=ratios[first_held:].ravel(),
        )
        held = model.predict(_flat(inputs[first_held:])).reshape(ratios[first_held:].shape)
        return BoostingState(
            model=model,
            smearing=float(np.exp(ratios[first_held:] - held).mean()),
            least=least,
            usual=usual,
            lowest=ahead.min(axis=0),
            highest=ahead.max(axis=0),
            windows=windows,
            recent=returns[-windows.month :],
        )

    def _model(self) -> Any:
        try:
            from sklearn.ensemble import HistGradientBoostingRegressor
        except ModuleNotFoundError:
            raise ForecastError(f"{self.name} needs scikit-learn: install equipoise[research]") from None
        return HistGradientBoostingRegressor(
            learning_rate=self.learning_rate,
            max_iter=self.trees_max,
            max_leaf_nodes=self.leaves_max,
            min_samples_leaf=20,
            l2_regularization=1.0,
            early_stopping=True,
            n_iter_no_change=20,
            random_state=self.seed,
        )


@dataclass(frozen=True, slots=True, eq=False)
class BoostingState:
    """The trees, and the returns of the last month.

    :param smearing: of all assets, whose ratios are alike
    :param least, usual: (assets,) variances: the least that counts, and the mean of what was learnt from
    :param lowest, highest: (assets,) of the variances that were learnt from
    :param recent: (month, assets)
    """

    model: Any
    smearing: float
    least: Floats
    usual: Floats
    lowest: Floats
    highest: Floats
    windows: Windows
    recent: Floats

    @property
    def fallbacks(self) -> tuple[Fallback, ...]:
        """None: trees always answer."""
        return ()

    def observe(self, returns: Floats) -> "BoostingState":
        """See Fitted."""
        return replace(self, recent=np.vstack([self.recent, returns])[-self.windows.month :])

    def variance(self) -> Floats:
        """See Fitted."""
        inputs = _inputs(self.recent, self.windows, self.least, self.usual)[-1]
        month = np.maximum((self.recent**2).mean(axis=0), self.least)
        found = month * np.exp(self.model.predict(inputs)) * self.smearing
        clipped: Floats = np.clip(found, self.lowest, self.highest)
        return np.maximum(clipped, FLOOR)


def _inputs(returns: Floats, windows: Windows, least: Floats, usual: Floats) -> Floats:
    """What the trees see, (bars, assets, inputs); NaN in the first month."""
    squares = returns**2
    day, week, month = (
        np.maximum(rolling(squares, each), least) for each in (windows.day, windows.week, windows.month)
    )
    before = [
        np.vstack([np.full((k * windows.day, day.shape[1]), np.nan), day[: -k * windows.day]]) for k in _DAYS_BEFORE
    ]
    falls = rolling(np.where(returns < 0, squares, 0.0), windows.week) / week
    largest = np.maximum(_rolling_max(squares, windows.week), least) / (week * windows.week)
    trend = _rolling_sum(returns, windows.week) / np.sqrt(week * windows.week)
    logs = [np.log(each / month) for each in (day, week, *before)]
    found: Floats = np.stack([*logs, np.log(month / usual), falls, largest, trend, np.abs(trend)], axis=-1)
    return found


def _rolling_sum(values: Floats, length: int) -> Floats:
    sums = np.cumsum(np.vstack([np.zeros((1, values.shape[1])), values]), axis=0)
    found = np.full_like(values, np.nan)
    found[length - 1 :] = sums[length:] - sums[:-length]
    return found


def _rolling_max(values: Floats, length: int) -> Floats:
    found = np.full_like(values, np.nan)
    found[length - 1 :] = np.lib.stride_tricks.sliding_window_view(values, length, axis=0).max(axis=-1)
    return found


def _flat(inputs: Floats) -> Floats:
    """(days, assets, inputs) as rows."""
    return inputs.reshape(-1, inputs.shape[-1])
