"""Moving averages, against numbers worked out by hand, pandas and arch."""

import numpy as np
import pandas as pd
import pytest
from arch.univariate import RiskMetrics2006 as ArchRiskMetrics2006
from forecast_series import returns_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from keeper.errors import ForecastError
from keeper.forecast.ewma import Ewma, RiskMetrics2006, correlation
from keeper.forecast.forecaster import FLOOR


def test_ewma__three_returns__is_the_value_worked_out_by_hand():
    # Weights 0.06 · (0.8836, 0.94, 1) of the squares 1, 4 and 9 (10⁻⁴), over their sum 1 − 0.94³ = 0.169416:
    # 0.06 · (0.8836 + 3.76 + 9) / 0.169416 = 0.818616 / 0.169416 = 4.83198753…
    found = Ewma().fit(np.array([[0.01], [-0.02], [0.03]]), 365, 1).variance()
    assert found == pytest.approx([4.83198753e-4], rel=1e-8)


def test_ewma__follows_the_recursion_of_riskmetrics():
    returns = returns_of(600)
    variance = Ewma().fit(returns, 365, 1).variance()
    then = Ewma().fit(returns, 365, 1).observe(np.array([[0.05, -0.01]])).variance()
    assert then == pytest.approx(0.94 * variance + 0.06 * np.array([0.05, 0.01]) ** 2, rel=1e-12)


def test_ewma__of_any_returns__is_what_pandas_says():
    returns = returns_of(250, 3)
    expected = pd.DataFrame(returns**2).ewm(alpha=0.06, adjust=True).mean().iloc[-1]
    assert Ewma().fit(returns, 365, 1).variance() == pytest.approx(expected.to_numpy(), rel=1e-12)


def test_ewma__hourly_bars__forget_a_day_as_fast_as_daily_ones():
    quiet_day, loud_day = np.full((24, 1), 0.001), np.full((24, 1), 0.01)
    state = Ewma().fit(np.repeat(quiet_day, 400, axis=0), 365 * 24, 1)
    assert state.observe(loud_day).variance() == pytest.approx([0.94 * 1e-6 + 0.06 * 1e-4], rel=1e-9)


def test_riskmetrics_2006__long_after_the_beginning__is_what_arch_says():
    returns = returns_of(8_000, 1)
    process = ArchRiskMetrics2006()
    scaled = returns[:, 0] * 100
    sigma2, bounds = np.empty(8_000), np.tile([1e-12, 1e12], (8_000, 1))
    process.compute_variance(np.empty(0), scaled, sigma2, process.backcast(scaled), bounds)
    before_last = RiskMetrics2006().fit(returns[:-1], 365, 1).variance()
    assert before_last * 1e4 == pytest.approx([sigma2[-1]], rel=1e-6)


def test_riskmetrics_2006__weights__fall_with_the_logarithm_of_time():
    state = RiskMetrics2006().fit(returns_of(10), 365, 1)
    assert state.shares.sum() == pytest.approx(1)
    times = -1 / np.log(state.decays)
    assert times[[0, 2, 4]] == pytest.approx([4, 8, 16])
    assert state.shares[0] / state.shares[2] == pytest.approx(
        (1 - np.log(4) / np.log(1560)) / (1 - np.log(8) / np.log(1560))
    )


@pytest.mark.parametrize("forecaster", [Ewma(), RiskMetrics2006()])
def test_observe__in_parts__is_the_same_as_at_once(forecaster):
    returns = returns_of(300)
    at_once = forecaster.fit(returns, 365, 1).variance()
    state = forecaster.fit(returns[:100], 365, 1)
    for part in (returns[100:100], returns[100:101], returns[101:]):
        state = state.observe(part)
    assert state.variance() == pytest.approx(at_once, rel=1e-12)


def test_ewma__price_that_never_moved__is_the_floor():
    assert Ewma().fit(np.zeros((10, 1)), 365, 1).variance() == [FLOOR]


@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 40), st.integers(1, 8)),
        elements=st.floats(-0.5, 0.5).map(lambda x: 0.0 if abs(x) < 1e-9 else x),
    )
)
@settings(max_examples=150, deadline=None)
def test_correlation__of_any_returns__is_one_and_positive_semi_definite(returns):
    found = correlation(returns, 365)
    assert np.allclose(found, found.T)
    assert np.diag(found).tolist() == [1.0] * returns.shape[1]
    assert np.linalg.eigvalsh(found).min() > -1e-9


def test_correlation__two_bars__is_the_value_worked_out_by_hand():
    # Products 2 and −1, squares 1, 1 and 4, 1, each earlier one times 0.97: (1.94 − 1) / √(1.97 · 4.88).
    found = correlation(np.array([[1.0, 2.0], [1.0, -1.0]]), 365)
    assert found[0, 1] == pytest.approx((0.97 * 2 - 1) / ((0.97 + 1) * (0.97 * 4 + 1)) ** 0.5)


def test_correlation__of_two_that_move_together_and_one_against_them__finds_it():
    one = returns_of(400, 1)
    found = correlation(np.hstack([one, 2 * one, -one, np.zeros_like(one)]), 365)
    assert found[0] == pytest.approx([1, 1, -1, 0])


@pytest.mark.parametrize(
    ("returns", "horizon", "words"),
    [
        (np.zeros((0, 2)), 1, "ewma needs 1 bars, there are 0"),
        (np.zeros(5), 1, r"give \(bars, assets\)"),
        (np.array([[np.nan]]), 1, "not a finite number"),
        (np.zeros((5, 1)), 0, "horizon 0"),
    ],
)
def test_fit__of_what_is_no_returns__says_what_is_wrong(returns, horizon, words):
    with pytest.raises(ForecastError, match=words):
        Ewma().fit(returns, 365, horizon)
