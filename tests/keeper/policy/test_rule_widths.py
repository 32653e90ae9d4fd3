"""The no-trade region: the laws of its limits, and a minimum that a search confirms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from keeper.policy.rules import Aim, Kind, Penalty, RebalancingPolicy, best_widths, fill_widths
from keeper.policy.rules.trade import cost_of, proportional_costs
from keeper.policy.rules.widths import centre_width, penalty_of, tracking_penalty_of

costs = st.floats(1e-5, 2e-2)
lumps = st.floats(1e-8, 1e-3)
variances = st.floats(1e-4, 1.0)
penalties = st.floats(0.1, 100)


def yearly(b, m, cost, fixed, impact, variance, penalty):
    """J of the module's docstring."""
    lump = variance * fixed / (b**2 - m**2) if fixed else 0.0
    traded = variance * (cost + impact * (b - m)) / (b + m)
    return penalty * (b**2 + m**2) / 6 + lump + traded


@settings(deadline=None)  # the first example compiles
@given(cost=costs, variance=variances, penalty=penalties)
def test_best_widths__proportional_cost_alone__trades_to_the_edge_by_the_cube_root_law(cost, variance, penalty):
    b, m = best_widths(cost, 0.0, 0.0, variance, penalty)
    assert b == pytest.approx((3 * cost * variance / (4 * penalty)) ** (1 / 3), rel=1e-9)
    assert m == pytest.approx(b, rel=1e-9)


@settings(deadline=None)  # the first example compiles
@given(fixed=lumps, variance=variances, penalty=penalties)
def test_best_widths__fixed_cost_alone__trades_to_the_target_by_the_fourth_root_law(fixed, variance, penalty):
    b, m = best_widths(0.0, fixed, 0.0, variance, penalty)
    assert b == pytest.approx((6 * variance * fixed / penalty) ** 0.25, rel=1e-9)
    assert m == pytest.approx(0.0, abs=1e-6 * b)


@settings(deadline=None)
@given(cost=costs, fixed=lumps, impact=st.floats(0, 3), variance=variances, penalty=penalties)
def test_best_widths__all_costs__is_between_and_no_neighbour_is_cheaper(cost, fixed, impact, variance, penalty):
    b, m = best_widths(cost, fixed, impact, variance, penalty)
    assert 0 <= m < b
    best = yearly(b, m, cost, fixed, impact, variance, penalty)
    for db in (0.99, 1.0, 1.01):
        for dm in (0.99, 1.0, 1.01):
            if m * dm < b * db:
                assert yearly(b * db, m * dm, cost, fixed, impact, variance, penalty) >= best * (1 - 1e-12)


@pytest.mark.parametrize("impact", [0.0, 0.3])
def test_best_widths__against_a_search__is_its_minimum(impact):
    rest = (0.003, 2e-5, impact, 0.04, 4.0)
    found = minimize(
        lambda x: yearly(x[0], x[0] * x[1], *rest),
        [0.05, 0.5],
        method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-16},
    )
    b, m = best_widths(*rest)
    assert b == pytest.approx(found.x[0], rel=1e-5)
    assert m == pytest.approx(found.x[0] * found.x[1], rel=1e-5)


def test_best_widths__more_impact__makes_smaller_trades():
    jumps = [b - m for b, m in (best_widths(0.003, 2e-5, impact, 0.04, 4.0) for impact in (0.0, 0.1, 1.0))]
    assert jumps[0] > jumps[1] > jumps[2]


@settings(deadline=None)
@given(cost=costs, fixed=lumps, variance=variances, penalty=penalties)
def test_centre_width__no_neighbour_is_cheaper(cost, fixed, variance, penalty):
    b = centre_width(cost, fixed, variance, penalty)
    best = yearly(b, 0.0, cost, fixed, 0.0, variance, penalty)
    assert all(yearly(b * by, 0.0, cost, fixed, 0.0, variance, penalty) >= best * (1 - 1e-12) for by in (0.99, 1.01))


def test_best_widths__without_cost__is_nothing():
    assert best_widths(0.0, 0.0, 0.0, 0.04, 4.0) == (0.0, 0.0)


def test_penalty_of__two_assets__counts_both_deviations():
    # d and -d: risk_aversion / 2 * 2 d².
    assert penalty_of(4.0, np.array([0.3, 0.7]), 0) == pytest.approx(4.0)


def test_tracking_penalty_of__one_asset_and_cash__is_half_the_aversion_times_its_variance():
    # Against cash: r - r_basket = (1 - π) r.
    variance = 0.7**2 * 0.36
    assert tracking_penalty_of(4.0, 0.3, variance) == pytest.approx(4.0 * 0.36 / 2)


@settings(deadline=None)
@given(cost=costs, variance=st.floats(0.01, 2), aversion=penalties)
def test_fill_widths__that_count_tracking__follow_the_law_for_a_merton_weight_whatever_the_variance(
    cost, variance, aversion
):
    # Janeček and Shreve: (3/(2γ) π²(1-π)² c)^(1/3).
    policy = RebalancingPolicy(Kind.COST_AWARE, Aim.EDGE, risk_aversion=aversion, penalty=Penalty.TRACKING)
    targets = (0.5, 0.3, 0.2)
    law = [(3 / (2 * aversion) * (target * (1 - target)) ** 2 * cost) ** (1 / 3) for target in targets]
    for each in (variance, 0.0):
        band, _ = widths(policy, targets, variance=each, cost=cost, fixed=0.0)
        assert band == pytest.approx(np.minimum(law, 1.0), rel=1e-9)


def test_proportional_costs__a_dear_asset__is_dear_alone():
    targets, fees = np.array([0.5, 0.3, 0.2]), np.array([0.001, 0.0, 0.004])
    expected = [0.001 + 0.2 * 0.004 / 0.5, (0.5 * 0.001 + 0.2 * 0.004) / 0.7, 0.004 + 0.5 * 0.001 / 0.8]
    assert proportional_costs(targets, fees) == pytest.approx(expected)
    assert proportional_costs(np.ones(1), fees[:1]) == pytest.approx([0.001])
    # To the first order it is what a trade pays whose other side the others take so.
    for place in range(3):
        trades = -targets / (1 - targets[place]) * 1e-6
        trades[place] = 1e-6
        cost = cost_of(trades, 1.0, fees, np.full(3, np.inf))
        assert cost / 1e-6 == pytest.approx(expected[place], rel=0.01)


def test_fill_widths__a_dear_asset__has_the_wider_band():
    policy = RebalancingPolicy(Kind.COST_AWARE, Aim.BETWEEN)
    (one, other), _ = widths(policy, (0.5, 0.5), cost=(0.001, 0.008), fixed=0.0)
    assert other == pytest.approx(2 * one)


def widths(policy, targets=(0.5, 0.3, 0.2), variance=0.2, cost=0.003, fixed=1e-5):
    band, aim = np.empty(len(targets)), np.empty(len(targets))
    fill_widths(
        policy.record(),
        np.array(targets),
        np.full(len(targets), variance),
        np.full(len(targets), cost),
        fixed,
        np.zeros(len(targets)),
        band,
        aim,
    )
    return band, aim


def test_fill_widths__absolute_and_relative__the_narrower_counts():
    band, aim = widths(RebalancingPolicy(Kind.BAND, band_abs=0.05, band_rel=0.25))
    assert band == pytest.approx([0.05, 0.05, 0.05])
    band, aim = widths(RebalancingPolicy(Kind.BAND, band_abs=0.05, band_rel=0.1))
    assert band == pytest.approx([0.05, 0.03, 0.02])
    assert aim == pytest.approx([0, 0, 0])


def test_fill_widths__aim_edge__ends_where_it_begins():
    band, aim = widths(RebalancingPolicy(Kind.BAND, Aim.EDGE, band_rel=0.1))
    assert list(aim) == list(band)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.05, 1.0), (0.0, 0.001)])
def test_fill_widths__adaptive__follows_variance_and_cost_within_the_rails(low, high):
    policy = RebalancingPolicy(Kind.BAND, width_factor=0.6, width_min=low, width_max=high)
    band, _ = widths(policy, cost=0.002, variance=0.5)
    wide = [0.6 * (0.002 * target**2 * 0.5) ** (1 / 3) for target in (0.5, 0.3, 0.2)]
    assert band == pytest.approx(np.clip(wide, low, high))


def test_fill_widths__adaptive__doubles_with_eightfold_variance():
    policy = RebalancingPolicy(Kind.BAND, width_factor=0.6)
    assert widths(policy, variance=0.8)[0] == pytest.approx(2 * widths(policy, variance=0.1)[0])


def test_fill_widths__cost_aware_within_rails__keeps_the_ratio_of_aim_to_band():
    free, railed = (widths(RebalancingPolicy(Kind.COST_AWARE, Aim.BETWEEN, width_max=most)) for most in (1.0, 0.001))
    assert railed[0] == pytest.approx([0.001] * 3)
    assert railed[1] / railed[0] == pytest.approx(free[1] / free[0])
