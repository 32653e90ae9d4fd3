"""GARCH and GJR, against arch's published example and a recursion written out here."""

import numpy as np
import pytest
from arch import arch_model
from arch.data import sp500
from forecast_series import ALPHA, BETA, OMEGA, garch_returns, returns_of

from keeper.errors import ForecastError
from keeper.forecast.ewma import Ewma
from keeper.forecast.garch import Garch

# https://arch.readthedocs.io/en/latest/univariate/univariate_volatility_modeling.html: daily returns of the S&P 500 in percent,
# 1999 to 2018, as its tables print them. The likelihood is flat around its maximum: optimisers stop within 2e-4 of each other.
PUBLISHED = {"garch": (0.0564, 0.0175, 0.1022, 0.0, 0.8852), "gjr": (0.0175, 0.0196, 0.0, 0.1831, 0.8921)}


def by_hand(values, parameters, first):
    """The variance of each bar and of the one after the last, from the definition."""
    mu, omega, alpha, gamma, beta = parameters
    found = [first]
    for value in values:
        error = value - mu
        found.append(omega + alpha * error * error + (gamma * error * error if error < 0 else 0.0) + beta * found[-1])
    return np.array(found)


@pytest.fixture(scope="module")
def index_returns():
    return 100 * sp500.load()["Adj Close"].pct_change().dropna().to_numpy()


@pytest.mark.parametrize("is_asymmetric", [False, True])
def test_fit__of_the_published_example__finds_the_published_parameters(index_returns, is_asymmetric):
    forecaster = Garch(is_asymmetric=is_asymmetric, mean="Constant")
    state = forecaster.fit(index_returns[:, np.newaxis], 252, 1)
    assert state.fallbacks == ()
    (found,) = state.parameters
    assert tuple(found) == pytest.approx(PUBLISHED[forecaster.name], abs=2e-4)


@pytest.mark.parametrize("is_asymmetric", [False, True])
def test_fit__frozen_series__is_what_arch_gives_and_its_variances_follow_the_definition(is_asymmetric):
    returns = garch_returns(1_500, 7)
    deviation = returns.std()
    theirs = arch_model(returns / deviation, mean="Zero", p=1, o=int(is_asymmetric), q=1, rescale=False).fit(disp="off")
    state = Garch(is_asymmetric).fit(returns[:, np.newaxis], 365, 5)
    (found,) = state.parameters
    assert found.omega == pytest.approx(theirs.params["omega"] * deviation**2, rel=1e-9)
    assert (found.alpha, found.beta) == pytest.approx((theirs.params["alpha[1]"], theirs.params["beta[1]"]), rel=1e-9)
    conditional = (theirs.conditional_volatility * deviation) ** 2
    variances = by_hand(returns, found, conditional[0])
    assert variances[:-1] == pytest.approx(conditional, rel=1e-6)
    assert state.following[0] == pytest.approx(variances[-1], rel=1e-9)
    ahead = theirs.forecast(horizon=5, reindex=False).variance.to_numpy()[0] * deviation**2
    assert state.variance()[0] == pytest.approx(ahead.mean(), rel=1e-9)


def test_fit__long_series_of_a_known_process__finds_its_parameters():
    state = Garch().fit(garch_returns(20_000, 3)[:, np.newaxis], 365, 1)
    (found,) = state.parameters
    assert found.alpha == pytest.approx(ALPHA, abs=0.015)
    assert found.beta == pytest.approx(BETA, abs=0.02)
    assert found.omega / (1 - found.persistence) == pytest.approx(OMEGA / (1 - ALPHA - BETA), rel=0.1)


@pytest.mark.parametrize("is_asymmetric", [False, True])
def test_observe__bars_that_follow__goes_on_by_the_definition(is_asymmetric):
    returns = returns_of(900)
    state = Garch(is_asymmetric, mean="Constant").fit(returns[:800], 365, 1)
    later = state.observe(returns[800:]).following
    for column, parameters in enumerate(state.parameters):
        expected = by_hand(returns[800:, column], parameters, state.following[column])[-1]
        assert later[column] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("horizon", [1, 2, 30])
def test_variance__of_a_horizon__is_the_mean_of_the_expected_variances(horizon):
    state = Garch(is_asymmetric=True).fit(returns_of(800, 1), 365, horizon)
    (parameters,) = state.parameters
    expected, variance = [], state.following[0]
    for _ in range(horizon):
        expected.append(variance)
        variance = parameters.omega + (parameters.alpha + parameters.gamma / 2 + parameters.beta) * variance
    assert state.variance() == pytest.approx([np.mean(expected)], rel=1e-12)


def test_fit__asset_that_never_moved__is_left_to_the_ewma_and_named():
    returns = returns_of(400)
    returns[:, 1] = 0.0
    state = Garch().fit(returns, 365, 1)
    assert [(each.column, each.why) for each in state.fallbacks] == [(1, "its price did not move")]
    ewma = Ewma().fit(returns, 365, 1)
    assert state.variance()[1] == ewma.variance()[1]
    assert state.variance()[0] != ewma.variance()[0]
    assert state.observe(returns[:3]).variance()[1] == ewma.observe(returns[:3]).variance()[1]


def test_fit__that_does_not_converge__falls_back_to_the_ewma_and_says_so(monkeypatch):
    from arch.univariate.base import ARCHModelResult

    monkeypatch.setattr(ARCHModelResult, "convergence_flag", property(lambda _: 9))
    returns = returns_of(400)
    state = Garch().fit(returns, 365, 1)
    assert {each.why for each in state.fallbacks} == {"the fit did not converge"}
    assert state.variance() == pytest.approx(Ewma().fit(returns, 365, 1).variance())


def test_fit__few_bars__says_how_many_it_needs():
    with pytest.raises(ForecastError, match="gjr needs 250 bars, there are 249: give a longer history"):
        Garch(is_asymmetric=True).fit(returns_of(249), 365, 1)


def test_fit__without_the_library__says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "arch", None)
    with pytest.raises(ForecastError, match=r"garch needs the library arch: install equipoise\[research\]"):
        Garch().fit(returns_of(300), 365, 1)
