"""Losses and the test of Diebold and Mariano, against numbers worked out by hand and statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from keeper.errors import ForecastError
from keeper.forecast.losses import diebold_mariano, long_run_variance, qlike, squared_error

VARIANCE = st.floats(1e-10, 1.0)


def test_qlike__worked_out_by_hand():
    assert qlike(np.array([2.0]), np.array([1.0])) == pytest.approx([0.5 + np.log(2) - 1])
    assert squared_error(np.array([2.0]), np.array([0.5])).tolist() == [2.25]


@given(VARIANCE, VARIANCE)
def test_qlike__is_least_where_the_forecast_is_right(forecast, true):
    assert qlike(np.array([true]), np.array([true]))[0] == 0
    assert qlike(np.array([forecast]), np.array([true]))[0] >= 0


@given(st.lists(VARIANCE, min_size=2, max_size=30))
def test_qlike__of_noise_around_a_variance__is_least_at_its_mean(draws):
    """Patton's point: the proxy's noise does not move the best forecast."""
    values = np.array(draws)
    best = qlike(np.full_like(values, values.mean()), values).mean()
    for factor in (0.9, 1.1):
        assert qlike(np.full_like(values, factor * values.mean()), values).mean() > best


def test_long_run_variance__worked_out_by_hand():
    # Of 1, 3, 2, 6 around 3: −2, 0, −1, 3. γ0 = 14/4, γ1 = (0 + 0 − 3)/4, weight 1/2: 3.5 − 0.75.
    assert long_run_variance(np.array([1.0, 3.0, 2.0, 6.0]), 1) == pytest.approx(2.75)


def test_diebold_mariano__worked_out_by_hand():
    # d = 1, 3, 2, 6, 1, 5 with mean 3; demeaned −2, 0, −1, 3, −2, 2; γ0 = 22/6, γ1 = (0 + 0 − 3 − 6 − 4)/6 = −13/6, L = 2:
    # γ2 = (2 + 0 + 2 + 6)/6 = 10/6; Ω = 22/6 − 2·(2/3)·13/6 + 2·(1/3)·10/6 = (22 − 52/3 + 20/3)/6 = 34/18
    # T = 6: DM = 3/√(34/108) = 5.3468; h = 1: times √(5/6).
    found = diebold_mariano(np.array([2.0, 4.0, 3.0, 7.0, 2.0, 6.0]), np.ones(6))
    assert found.lags == 2
    assert found.difference == pytest.approx(3)
    assert found.statistic == pytest.approx(3 / (34 / 108) ** 0.5 * (5 / 6) ** 0.5)
    assert found.p_value == pytest.approx(2 * stats.t.sf(found.statistic, 5))


@pytest.mark.parametrize(("count", "overlap"), [(60, 1), (300, 1), (300, 8)])
def test_diebold_mariano__without_the_correction__is_the_hac_statistic_of_statsmodels(count, overlap):
    generator = np.random.Generator(np.random.PCG64(count))
    first, second = generator.gamma(1.2, size=count), generator.gamma(1.0, size=count)
    found = diebold_mariano(first, second, overlap)
    fitted = sm.OLS(first - second, np.ones(count)).fit(
        cov_type="HAC", cov_kwds={"maxlags": found.lags, "use_correction": False}
    )
    harvey = ((count + 1 - 2 * overlap + overlap * (overlap - 1) / count) / count) ** 0.5
    assert found.statistic == pytest.approx(fitted.tvalues[0] * harvey, rel=1e-10)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(found.statistic), count - 1))


def test_diebold_mariano__overlapping_forecasts__looks_as_far_back_as_they_overlap():
    losses = np.random.Generator(np.random.PCG64(1)).gamma(1.0, size=200)
    assert diebold_mariano(losses, losses[::-1], 12).lags == 11
    assert diebold_mariano(losses, losses[::-1], 1).lags == 4


def test_diebold_mariano__equal_forecasters__rejects_one_in_twenty():
    generator = np.random.Generator(np.random.PCG64(9))
    rejected = sum(diebold_mariano(*generator.gamma(1.0, size=(2, 150))).p_value < 0.05 for _ in range(1_000))
    assert 30 <= rejected <= 85


def test_diebold_mariano__swapped__has_the_sign_swapped():
    generator = np.random.Generator(np.random.PCG64(2))
    first, second = generator.gamma(1.0, size=(2, 80))
    there, back = diebold_mariano(first, second), diebold_mariano(second, first)
    assert (there.statistic, there.p_value) == pytest.approx((-back.statistic, back.p_value))


def test_diebold_mariano__very_same_forecasts__do_not_differ():
    losses = np.arange(40.0)
    assert diebold_mariano(losses, losses).p_value == 1.0


def test_diebold_mariano__few_forecasts__says_so():
    with pytest.raises(ForecastError, match="5 forecasts are too few to compare"):
        diebold_mariano(np.arange(5.0), np.ones(5), 4)
