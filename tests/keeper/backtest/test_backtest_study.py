"""What is read into runs: metrics against what bars say, closed forms, guards against luck, and the cluster."""

import threading

import numpy as np
import pytest

from keeper.backtest.engine import backtest
from keeper.backtest.fund import ORACLE_TERMS, Fund
from keeper.backtest.guards import deflated_sharpe, sharpe_interval, walk_forward
from keeper.backtest.metrics import metrics, net_returns, pool_growth, theoretical_premium
from keeper.backtest.page import page
from keeper.backtest.study import study
from keeper.errors import ConfigurationError
from keeper.history.prices import PricePaths
from keeper.policy.rules import Aim, Kind, RebalancingPolicy
from keeper.policy.rules.spec import YEAR_S

DAY = 86_400
ALWAYS = RebalancingPolicy(Kind.CALENDAR, interval_s=DAY, is_guarded=False)
BAND = RebalancingPolicy(Kind.BAND, band_abs=0.03, is_guarded=False)
AWARE = RebalancingPolicy(Kind.COST_AWARE, Aim.BETWEEN)


def gbm(volatilities, *, paths=1, bars=700, step_s=DAY, seed=1):
    rng = np.random.Generator(np.random.PCG64(seed))
    sigma, years = np.array(volatilities), step_s / YEAR_S
    steps = rng.standard_normal((paths, bars - 1, len(sigma))) * sigma * np.sqrt(years) - sigma**2 / 2 * years
    logs = np.concatenate([np.zeros((paths, 1, len(sigma))), steps.cumsum(axis=1)], axis=1)
    return PricePaths(tuple("ABCD"[: len(sigma)]), 1_700_000_000 + step_s * np.arange(bars), 100 * np.exp(logs))


def costly(assets=("A", "B"), targets=(0.5, 0.5)):
    count = len(assets)
    return Fund(
        assets, targets, fee=(0.001,) * count, depth_usd=(1e8,) * count, gas_usd=10, gas_asset_usd=2, terms=ORACLE_TERMS
    )


def test_metrics__of_sums__are_those_of_the_bars():
    prices = gbm((0.7, 0.4), paths=3)
    runs = backtest(costly(), prices, [BAND, AWARE], is_recorded=True)
    found = metrics(runs)
    per_year = (prices.bars - 1) / runs.years
    for place, each in enumerate(found):
        returns = net_returns(runs, place)
        assert each.growth == pytest.approx(returns.sum(axis=1).mean() / runs.years)
        assert each.volatility == pytest.approx((returns.std(axis=1) * np.sqrt(per_year)).mean())
        off = returns - runs.basket[:, 1:]
        assert each.tracking_error == pytest.approx((off.std(axis=1) * np.sqrt(per_year)).mean())
        values = runs.values[place]
        falls = 1 - values / np.maximum.accumulate(values, axis=1)
        assert each.drawdown == pytest.approx(falls.max())
        assert each.cost_bps > 0


@pytest.mark.parametrize(("weight", "sigma"), [(0.5, 0.8), (0.8, 0.6)])
def test_pool_growth__weighted_pool_of_a_gbm_and_cash__loses_its_variance_times_w_1_minus_w_over_2(weight, sigma):
    prices = gbm((sigma, 0.0), paths=200, bars=1_500)
    runs = backtest(Fund(("A", "B"), (weight, 1 - weight)), prices, [ALWAYS])
    assert pool_growth(runs)[1] == pytest.approx(sigma**2 * weight * (1 - weight) / 2, rel=0.01)


def test_theoretical_premium__without_cost__is_what_a_rebalanced_basket_grows_more():
    prices = gbm((0.8, 0.5, 0.3), paths=60)
    runs = backtest(Fund(("A", "B", "C"), (0.5, 0.3, 0.2)), prices, [ALWAYS])
    assert metrics(runs)[0].premium == pytest.approx(theoretical_premium(runs), rel=0.02)


def test_sharpe_interval__of_independent_returns__is_about_two_standard_errors():
    returns = np.random.default_rng(2).standard_normal(2_000) * 0.01 + 0.0005
    found = sharpe_interval(returns[np.newaxis], 365.0)
    width = 2 * 1.96 * np.sqrt(365 / 2_000)
    assert found.low < found.sharpe < found.high
    assert found.high - found.low == pytest.approx(width, rel=0.2)


def test_sharpe_interval__of_many_paths__is_of_their_mean_and_covers_it_as_often_as_it_says():
    rng = np.random.default_rng(7)
    mean, bars, paths = 0.05, 400, 6
    returns = rng.standard_normal((600, paths, bars)) + mean
    found = [sharpe_interval(each, 365.0) for each in returns]
    truth = mean * np.sqrt(365.0)
    covered = np.mean([each.low <= truth <= each.high for each in found])
    assert covered == pytest.approx(0.95, abs=0.03)
    first = found[0]
    assert (first.paths, first.block) == (paths, None)
    assert first.sharpe == pytest.approx(
        np.mean([sharpe_interval(one[np.newaxis], 365.0).sharpe for one in returns[0]])
    )
    turned = sharpe_interval(returns[0, ::-1], 365.0)
    assert (turned.low, turned.high) == pytest.approx((first.low, first.high))


def test_deflated_sharpe__worked_example_of_its_authors__is_theirs():
    # Bailey and López de Prado (2014): 1,250 daily returns, annual ratio 2.5, 100 trials of variance 1/2 a year, skew -3,
    # kurtosis 10: 0.9004.
    from scipy.stats import kurtosis, norm, skew

    sharpe, trials = 2.5 / np.sqrt(250), 100
    spread = np.sqrt(0.5 / 250)
    lucky = spread * (
        (1 - np.euler_gamma) * norm.ppf(1 - 1 / trials) + np.euler_gamma * norm.ppf(1 - 1 / (trials * np.e))
    )
    theirs = norm.cdf((sharpe - lucky) * np.sqrt(1_249) / np.sqrt(1 + 3 * sharpe + 9 / 4 * sharpe**2))
    assert theirs == pytest.approx(0.9004, abs=1e-4)
    # Ours on returns, against the same formula with their own moments.
    returns = np.random.default_rng(3).gamma(2.0, 0.01, 1_250) - 0.0185
    trial_sharpes = np.random.default_rng(4).standard_normal(trials) * spread
    own = returns.mean() / returns.std(ddof=1)
    lucky *= trial_sharpes.std(ddof=1) / spread
    error = np.sqrt(1 - skew(returns) * own + (kurtosis(returns, fisher=False) - 1) / 4 * own**2)
    expected = norm.cdf((own - lucky) * np.sqrt(1_249) / error)
    assert 0.01 < expected < 0.99
    assert deflated_sharpe(returns, trial_sharpes) == pytest.approx(expected, abs=1e-12)


def test_deflated_sharpe__more_trials__is_less_sure():
    returns = np.random.default_rng(5).standard_normal(500) * 0.01 + 0.001
    rng = np.random.default_rng(6)
    few, many = (deflated_sharpe(returns, rng.standard_normal(count) * 0.05) for count in (5, 5_000))
    assert many < few


def test_walk_forward__splits__never_judge_on_what_was_chosen_on():
    splits = walk_forward(101, 4)
    assert [(each.start, each.middle, each.stop) for each in splits] == [
        (0, 20, 40),
        (0, 40, 60),
        (0, 60, 80),
        (0, 80, 100),
    ]
    with pytest.raises(ConfigurationError):
        walk_forward(40, 4)


def test_guards__too_little_to_judge__is_refused():
    for returns in (np.ones((1, 5)), np.zeros((1, 50)), np.stack([np.arange(50.0), np.ones(50)])):
        with pytest.raises(ConfigurationError, match="Sharpe"):
            sharpe_interval(returns, 365.0)


def test_study__counts_its_trials_and_holds_them_against_peers():
    found = study(costly(), gbm((0.7, 0.4)), {"band": BAND, "aware": AWARE}, folds=2)
    assert found.trials == 2
    assert [row.name for row in found.rows[:3]] == ["hold", "monthly", "governance auction"]
    assert all(row.is_peer for row in found.rows[:3]) and not any(row.is_peer for row in found.rows[3:])
    assert found.rows[0].metrics.trades == 0
    assert 0 <= found.deflated <= 1
    assert len(found.folds) == 2
    assert found.rows[3].interval.block >= 1
    assert {fold.name for fold in found.folds} <= {"band", "aware"}


def test_page__hostile_name__is_escaped_and_nothing_is_loaded():
    found = study(costly(), gbm((0.7, 0.4), bars=60), {"<script>alert(1)</script>": BAND})
    text = page(found)
    assert "<script>alert" not in text
    assert 'src="http' not in text


def test_study__of_several_paths__tells_the_interval_of_its_own_sharpe_ratio():
    found = study(costly(), gbm((0.7, 0.4), paths=5, bars=200), {"band": BAND, "aware": AWARE})
    for row in found.rows:
        assert row.interval.paths == 5
        assert row.interval.sharpe == pytest.approx(row.metrics.sharpe)
        assert row.interval.low < row.metrics.sharpe < row.interval.high
    trials = np.array([row.metrics.sharpe for row in found.rows if not row.is_peer])
    every = net_returns(found.runs, 0).ravel()
    assert len(every) == 5 * 199
    assert found.deflated == pytest.approx(deflated_sharpe(every, trials / np.sqrt(199 / found.runs.years)))


def test_study__on_a_cluster__runs_every_trial_there_and_is_the_same(monkeypatch):
    from distributed import LocalCluster

    prices, policies, ran = gbm((0.7, 0.4), bars=120), {"band": BAND, "aware": AWARE, "always": ALWAYS}, []

    def told(fund, some, wanted, **options):
        ran.append((some.bars, threading.current_thread() is threading.main_thread()))
        return backtest(fund, some, wanted, **options)

    here = study(costly(), prices, policies, folds=2)
    monkeypatch.setattr("keeper.backtest.study.backtest", told)
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        there = study(costly(), prices, policies, folds=2, scheduler=cluster.scheduler_address)
    assert [(row.name, row.metrics, row.interval) for row in there.rows] == [
        (row.name, row.metrics, row.interval) for row in here.rows
    ]
    assert (there.folds, there.deflated) == (here.folds, here.deflated)
    parts = {bars for bars, _ in ran} - {prices.bars}
    assert parts == {40, 79}
    assert not any(is_here for bars, is_here in ran if bars in parts)
    assert any(not is_here for bars, is_here in ran if bars == prices.bars)


def test_study__no_scheduler_there__is_said():
    with pytest.raises(ConfigurationError, match="no Dask scheduler"):
        study(costly(), gbm((0.7, 0.4), bars=60), {"band": BAND}, scheduler="not-an-address")
