"""What is known on paper of baskets of geometric Brownian motions, found again by the engine."""

import numpy as np
import pytest

from keeper.backtest.engine import backtest
from keeper.backtest.fund import Fund
from keeper.history.prices import PricePaths
from keeper.policy.rules import Aim, Kind, RebalancingPolicy, best_widths
from keeper.policy.rules.spec import YEAR_S

START = 1_700_000_000


def gbm(volatilities, *, paths, bars, step_s, seed):
    """Driftless in price, independent; the last assets of volatility 0 stay at 1."""
    rng = np.random.Generator(np.random.PCG64(seed))
    sigma, years = np.array(volatilities), step_s / YEAR_S
    steps = rng.standard_normal((paths, bars - 1, len(sigma))) * sigma * np.sqrt(years) - sigma**2 / 2 * years
    logs = np.concatenate([np.zeros((paths, 1, len(sigma))), steps.cumsum(axis=1)], axis=1)
    names = tuple("ABCDEFG"[: len(sigma)])
    return PricePaths(names, START + step_s * np.arange(bars), 100 * np.exp(logs))


def test_excess_growth__half_and_half_of_two_independent_gbms__is_an_eighth_of_their_variances():
    volatilities = (0.8, 0.6)
    prices = gbm(volatilities, paths=400, bars=4 * 365, step_s=86_400, seed=1)
    always = RebalancingPolicy(Kind.CALENDAR, interval_s=86_400, is_guarded=False)
    runs = backtest(Fund(("A", "B"), (0.5, 0.5)), prices, [always])
    growth = runs.results["log_growth"][0] / runs.years
    alone = np.log(prices.prices[:, -1] / prices.prices[:, 0]).mean(axis=1) / runs.years
    excess = growth - alone
    error = excess.std() / np.sqrt(len(excess))
    # ½ (Σ w σ² − σ_p²) = (σ₁² + σ₂²) / 8
    assert excess.mean() == pytest.approx(sum(v**2 for v in volatilities) / 8, abs=4 * error)
    assert error < 0.001


def test_drag_of_cost__proportional_cost_at_the_edge__is_cost_times_variance_over_two_widths():
    # A weight reflected at ±b is pushed back by v/(2b) a year.
    half, fee, sigma = 0.05, 0.001, 0.4
    prices = gbm((sigma, 0.0), paths=100, bars=2 * 8_766, step_s=3_600, seed=2)
    policy = RebalancingPolicy(Kind.BAND, Aim.EDGE, band_abs=half, is_guarded=False)
    runs = backtest(Fund(("A", "B"), (0.5, 0.5), fee=(fee, 0.0)), prices, [policy])
    turnover = runs.results["turnover"][0].mean() / runs.years
    variance = (0.25 * sigma) ** 2
    # Bars are no diffusion: the weight is looked at with a step, which lets it out by 0.58 of a standard deviation.
    wider = half + 0.5826 * np.sqrt(variance * 3_600 / YEAR_S)
    assert turnover == pytest.approx(variance / (2 * wider), rel=0.05)
    assert runs.results["fees"][0].sum() == pytest.approx(fee * runs.results["turnover"][0].sum(), rel=1e-3)


@pytest.mark.parametrize(("cost", "sigma"), [(0.001, 0.4), (0.008, 0.4), (0.001, 0.8)])
def test_no_trade_width__found_by_search__is_the_cube_root_law_within_ten_percent(cost, sigma):
    risk_aversion = 1.0
    law, _ = best_widths(cost, 0.0, 0.0, (0.25 * sigma) ** 2, risk_aversion)
    widths = law * np.geomspace(0.6, 1.6, 21)
    policies = [RebalancingPolicy(Kind.BAND, Aim.EDGE, band_abs=width, is_guarded=False) for width in widths]
    prices = gbm((sigma, 0.0), paths=60, bars=2 * 8_766, step_s=3_600, seed=3)
    runs = backtest(Fund(("A", "B"), (0.5, 0.5), fee=(cost, 0.0)), prices, policies)
    found = runs.results
    # Two assets: half of risk_aversion times twice the squared drift.
    penalty = risk_aversion * found["drift_2"] / found["bars"]
    objective = (penalty + found["fees"] / runs.years).mean(axis=1)
    # The minimum is flat: a parabola through what was searched has its vertex where the noise does not reach.
    curve = np.polyfit(np.log(widths / law), objective, 4)
    fine = np.linspace(np.log(0.6), np.log(1.6), 2_001)
    best = np.exp(fine[np.polyval(curve, fine).argmin()])
    assert best == pytest.approx(1.0, abs=0.1)
