"""HAR and boosting: what they learn from, and what they find."""

import numpy as np
import pytest
from forecast_series import garch_returns, returns_of

from keeper.errors import ForecastError
from keeper.forecast.boosting import Boosting
from keeper.forecast.har import Har
from keeper.forecast.losses import qlike
from keeper.forecast.realised import Windows, floors, rolling

HOURLY = 365 * 24


def test_windows__of_hourly_bars__are_a_day_a_week_and_a_month():
    assert Windows.of(HOURLY) == Windows(24, 168, 720)
    assert Windows.of(365) == Windows(1, 7, 30)
    assert Windows.of(52) == Windows(1, 7, 30)
    assert Windows.of(252, 5, 22) == Windows(1, 5, 22)


def test_origins__have_a_month_before_and_a_horizon_ahead():
    origins = Windows(24, 168, 720).origins(2_000, 48)
    assert origins[-1] + 48 == 1_999
    assert origins[0] >= 719
    assert origins[0] - 24 < 719
    assert set(np.diff(origins)) == {24}
    assert len(Windows(24, 168, 720).origins(700, 48)) == 0


def test_rolling__is_the_mean_of_the_values_that_end_there():
    values = np.array([[1.0], [2.0], [6.0], [10.0]])
    assert rolling(values, 2)[1:, 0].tolist() == [1.5, 4.0, 8.0]
    assert np.isnan(rolling(values, 2)[0, 0])


def test_har__coefficients__are_those_of_least_squares_written_out():
    returns = returns_of(400, 1)
    state = Har().fit(returns, 365, 5)
    squares = returns[:, 0] ** 2
    least = floors(returns**2)[0]
    rows, ahead = [], []
    for origin in range(29, 400 - 5):
        parts = [max(squares[origin + 1 - days : origin + 1].mean(), least) for days in (1, 7, 30)]
        rows.append([1.0, *np.log(parts)])
        ahead.append(np.log(max(squares[origin + 1 : origin + 6].mean(), least)))
    design, target = np.array(rows), np.array(ahead)
    expected = np.linalg.solve(design.T @ design, design.T @ target)
    assert state.coefficients[0] == pytest.approx(expected, rel=1e-6)
    assert state.smearing[0] == pytest.approx(np.exp(target - design @ expected).mean(), rel=1e-6)
    now = [max(squares[-days:].mean(), least) for days in (1, 7, 30)]
    assert state.variance()[0] == pytest.approx(np.exp(expected @ [1.0, *np.log(now)]) * state.smearing[0], rel=1e-6)


def test_har__of_constant_variance__is_unbiased_though_it_learns_logarithms():
    """The mean of a logarithm is far below the logarithm of the mean for squares of daily returns."""
    returns = np.random.Generator(np.random.PCG64(5)).standard_normal((4_000, 4)) * 0.02
    assert Har().fit(returns, 365, 1).variance().mean() == pytest.approx(0.02**2, rel=0.1)


def test_har__bars_of_an_hour__follow_a_day_that_is_louder():
    generator = np.random.Generator(np.random.PCG64(2))
    daily = np.sqrt(garch_returns(300, 11) ** 2 + 0.02**2)
    returns = (np.repeat(daily, 24) / 24**0.5 * generator.standard_normal(300 * 24))[:, np.newaxis]
    state = Har().fit(returns, HOURLY, 24)
    loud = state.observe(np.full((24, 1), 0.03))
    assert loud.variance()[0] > 1.3 * state.variance()[0]
    assert len(loud.recent) == 720


def test_har__outside_of_all_that_it_saw__is_taken_back_to_it():
    returns = returns_of(400, 1)
    state = Har().fit(returns, 365, 1)
    assert state.observe(np.full((60, 1), 0.9)).variance() == pytest.approx(state.highest)
    assert state.lowest[0] < state.variance()[0] < state.highest[0]


@pytest.mark.parametrize(("forecaster", "needed"), [(Har(), 30 + 1 + 29), (Boosting(), 30 + 1 + 149)])
def test_fit__few_bars__says_how_many_it_needs(forecaster, needed):
    with pytest.raises(ForecastError, match=f"{forecaster.name} needs {needed} bars, there are {needed - 1}"):
        forecaster.fit(returns_of(needed - 1), 365, 1)
    forecaster.fit(returns_of(needed), 365, 1)


def test_boosting__same_data_and_seed__same_forecast():
    returns = returns_of(500)
    first, second = (Boosting(seed=4).fit(returns, 365, 1) for _ in range(2))
    assert first.variance().tolist() == second.variance().tolist()
    assert first.model.random_state == 4


def test_boosting__last_fifth__stops_the_training_and_is_not_learnt(monkeypatch):
    from sklearn.ensemble import HistGradientBoostingRegressor

    seen = {}
    fit = HistGradientBoostingRegressor.fit

    def watched(self, inputs, target, **held):
        seen.update(rows=len(inputs), held=len(held["X_val"]), inputs=inputs, stopping=self.early_stopping)
        return fit(self, inputs, target, **held)

    monkeypatch.setattr(HistGradientBoostingRegressor, "fit", watched)
    state = Boosting().fit(returns_of(530), 365, 5)
    days = 530 - 30 - 5 + 1
    assert seen["held"] == 2 * round(0.2 * days)
    # The horizon's bars in between are neither learnt nor judged by, but for the origin at the split.
    assert seen["rows"] == 2 * (days - round(0.2 * days) - 4)
    assert seen["stopping"] is True
    assert not np.isnan(seen["inputs"]).any()
    assert state.model.n_iter_ < 400


def test_boosting__variance_that_rises_after_quiet_days__beats_the_mean():
    """Something to learn: a loud day follows three quiet ones, which no average of the past can know."""
    generator = np.random.Generator(np.random.PCG64(3))
    deviations = np.tile([0.01, 0.01, 0.01, 0.05], 500)
    returns = np.column_stack([generator.standard_normal(2_000) * deviations for _ in range(2)])
    losses, plain = [], []
    state = Boosting().fit(returns[:1_600], 365, 1)
    for origin in range(1_600, 2_000):
        true = np.full(2, deviations[origin] ** 2)
        losses.append(qlike(state.variance(), true))
        plain.append(qlike((returns[:1_600] ** 2).mean(axis=0), true))
        state = state.observe(returns[origin : origin + 1])
    assert np.mean(losses) < 0.7 * np.mean(plain)


def test_boosting__outside_of_all_that_it_saw__is_taken_back_to_it():
    state = Boosting().fit(returns_of(400), 365, 1)
    loud = state.observe(np.full((40, 2), 0.9)).variance()
    assert (loud <= state.highest).all()
