"""Which forecaster is used, and why."""

from dataclasses import dataclass

import numpy as np
import pytest
from forecast_series import garch_returns, history_of, returns_of

from keeper.errors import ForecastError
from keeper.forecast import FORECASTERS, look
from keeper.forecast.ewma import Ewma
from keeper.forecast.garch import Garch
from keeper.forecast.ranking import rank
from keeper.forecast.walk_forward import Walk

PLAN = Walk(horizon=1, first=200, every=1, refit=50)


@dataclass(frozen=True)
class Constant:
    """Forecasts the same for every asset, whatever it sees."""

    name: str
    value: float
    fallbacks: tuple = ()

    def fit(self, returns, bars_per_year, horizon):
        return self

    def observe(self, returns):
        return self

    def variance(self):
        return np.full(1, self.value)


@pytest.fixture
def steady():
    """A variance of 0.02² that never changes: the sample's mean beats every average that forgets."""
    return np.random.Generator(np.random.PCG64(6)).standard_normal((1_200, 1)) * 0.02


def test_rank__one_that_is_better_by_more_than_chance__is_used_with_its_figures(steady):
    found = rank([Constant("true", 0.02**2), Constant("false", 0.05**2)], steady, ("A",), 365, PLAN)
    assert found.used == "true"
    assert [score.name for score in found.scores] == ["true", "ewma", "false"]
    best, base, worst = found.scores
    assert base.test is None
    assert best.test.difference == pytest.approx(best.qlike - base.qlike)
    assert best.test.p_value < 0.025 < 1 - worst.test.p_value
    assert found.reason.startswith(f"true is used: it beats ewma by {base.qlike - best.qlike:.4f} QLIKE, DM -")
    assert found.reason.endswith("against 0.025")
    assert found.count == 1_000


def test_rank__nothing_better__keeps_the_ewma(steady):
    found = rank([Constant("false", 0.05**2)], steady, ("A",), 365, PLAN)
    assert (found.used, found.reason) == ("ewma", "ewma is kept: none of 1 others has a lower QLIKE")


def test_rank__better_by_chance__keeps_the_ewma_and_says_by_how_much(steady):
    few = Walk(horizon=1, first=1_170, every=1, refit=50)
    found = rank([Constant("true", 0.021**2)], steady, ("A",), 365, few)
    assert found.scores[0].name == "true"
    assert found.used == "ewma"
    assert found.reason.startswith("ewma is kept: true beats it by ")
    assert found.reason.endswith("against 0.05, which may be chance")


def test_rank__level__is_shared_among_those_that_were_tried(steady):
    """With enough tries, one is better by chance."""
    many = [Constant(f"c{i}", (0.02 + i * 1e-6) ** 2) for i in range(50)]
    assert rank(many, steady, ("A",), 365, PLAN).reason.endswith("against 0.001, which may be chance")


def test_rank__process_with_clusters__garch_is_used():
    returns = np.column_stack([garch_returns(3_000, 40 + i, 4e-4, 0.35, 0.0, 0.5) for i in range(3)])
    plan = Walk(horizon=1, first=1_000, every=2, refit=500)
    found = rank([Garch()], returns, ("A", "B", "C"), 365, plan)
    assert found.used == "garch"


def test_rank__that_needs_more_bars__is_left_out_with_the_reason():
    found = rank([Garch()], returns_of(240), ("A", "B"), 365, Walk(1, 120, 1, 20))
    assert found.used == "ewma"
    assert found.reason == "ewma is used: there is nothing to compare it with"
    assert "garch needs 250 bars, there are 120" in found.left_out["garch"]


def test_rank__no_bars_to_judge_by__says_so():
    with pytest.raises(ForecastError, match="40 bars leave nothing to judge"):
        rank([Ewma()], returns_of(40), ("A", "B"), 365, Walk(horizon=30, first=20, every=1, refit=1))


def test_look__auto__ranks_them_all_and_forecasts_by_the_one_that_is_used():
    returns = returns_of(440)
    found = look(history_of(returns, assets=("WETH", "WBTC")), horizon=3)
    judged = {score.name for score in found.ranking.scores} | set(found.ranking.left_out)
    assert judged == set(FORECASTERS)
    expected = FORECASTERS[found.name]().fit(returns, 365, 3).variance() * 365
    assert found.variances == pytest.approx(expected, rel=1e-6)
    assert (found.assets, found.bars, found.horizon) == (("WETH", "WBTC"), 440, 3)
    assert np.diag(found.covariance) == pytest.approx(found.variances)
    assert np.linalg.eigvalsh(found.covariance).min() > -1e-12


def test_look__named__judges_none():
    found = look(history_of(returns_of(50)), name="ewma")
    assert found.ranking is None
    assert found.reason == "ewma is used: it was asked for"
    assert found.horizon == 1


def test_look__of_hourly_bars__is_for_a_day():
    assert look(history_of(returns_of(50), step_s=3_600), name="ewma").horizon == 24


def test_look__unknown_name__names_those_that_there_are():
    with pytest.raises(ForecastError, match="no forecaster 'arima': name one of auto, ewma, rm2006, garch, gjr, har"):
        look(history_of(returns_of(50)), name="arima")
