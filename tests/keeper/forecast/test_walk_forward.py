"""Forecasts are made of what was known, and judged by what came."""

import pytest
from forecast_series import returns_of
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.errors import ForecastError
from keeper.forecast.boosting import Boosting
from keeper.forecast.ewma import Ewma, RiskMetrics2006
from keeper.forecast.garch import Garch
from keeper.forecast.har import Har
from keeper.forecast.walk_forward import Walk, realised, walk

ALL = [Ewma(), RiskMetrics2006(), Garch(), Garch(is_asymmetric=True), Har(), Boosting()]


@pytest.mark.parametrize("forecaster", ALL, ids=lambda each: each.name)
def test_walk__future_that_changes__changes_no_forecast_before_it(forecaster):
    returns = returns_of(420)
    plan = Walk(horizon=5, first=300, every=10, refit=40)
    before = walk(forecaster, returns, 365, plan)
    other = returns.copy()
    other[360:] = other[360:] * -3 + 0.01
    after = walk(forecaster, other, 365, plan)
    known = before.origins <= 360
    assert before.variances[known].tolist() == after.variances[known].tolist()
    assert (before.variances[~known] != after.variances[~known]).any()


@given(
    change=st.integers(60, 119),
    first=st.integers(40, 70),
    every=st.integers(1, 9),
    refit=st.integers(1, 30),
    horizon=st.integers(1, 12),
    window=st.one_of(st.none(), st.integers(10, 60)),
)
@settings(max_examples=60, deadline=None)
def test_walk__any_plan_and_future__changes_no_forecast_before_it(change, first, every, refit, horizon, window):
    returns = returns_of(120)
    plan = Walk(horizon, first, every, refit, window)
    other = returns.copy()
    other[change:] += 0.5
    before, after = (walk(Ewma(), each, 365, plan) for each in (returns, other))
    known = before.origins <= change
    assert (before.variances[known] == after.variances[known]).all()
    assert not (before.variances[~known] == after.variances[~known]).any()


def test_walk__between_fits__goes_on_with_the_parameters_and_sees_every_bar():
    returns = returns_of(400)
    plan = Walk(horizon=1, first=300, every=7, refit=1_000)
    found = walk(Garch(), returns, 365, plan)
    state = Garch().fit(returns[:300], 365, 1)
    for origin, variance in zip(found.origins, found.variances, strict=True):
        assert variance == pytest.approx(state.observe(returns[300:origin]).variance(), rel=1e-12)


def test_walk__rolling_window__forgets_what_is_before_it():
    returns = returns_of(200)
    other = returns.copy()
    other[:100] = 9.0
    plan = Walk(horizon=1, first=150, every=10, refit=1, window=50)
    assert walk(Ewma(), other, 365, plan).variances.tolist() == walk(Ewma(), returns, 365, plan).variances.tolist()


def test_walk__first_forecast__is_for_the_bars_after_those_it_knows():
    returns = returns_of(100)
    plan = Walk(horizon=3, first=50, every=25, refit=25)
    assert plan.origins(100).tolist() == [50, 75]
    came = realised(returns, plan)
    assert came[0] == pytest.approx((returns[50:53] ** 2).mean(axis=0))
    assert walk(Ewma(), returns, 365, plan).variances[0] == pytest.approx(
        Ewma().fit(returns[:50], 365, 3).variance(), rel=1e-12
    )


def test_walk__what_was_left_to_the_ewma__is_named_once():
    returns = returns_of(400)
    returns[:, 0] = 0.0
    found = walk(Garch(), returns, 365, Walk(1, 300, 10, 20))
    assert [(each.column, each.why) for each in found.fallbacks] == [(0, "its price did not move")]


@pytest.mark.parametrize(("bars", "horizon"), [(730, 1), (730, 7), (17_520, 24), (400, 30)])
def test_over__any_history__judges_by_the_second_half(bars, horizon):
    plan = Walk.over(bars, horizon)
    assert plan.first == bars // 2
    assert 50 <= len(plan.origins(bars)) <= 802
    assert plan.overlap == -(-horizon // plan.every)


def test_walk__plan_without_bars__is_refused():
    with pytest.raises(ForecastError, match="every of a walk is 0"):
        Walk(1, 10, 0, 5)
