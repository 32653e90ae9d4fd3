"""Weights: what each method is known for, limits that hold to the last integer, and limits that cannot."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.design import bands as band_rules
from keeper.design import feasible
from keeper.design.bands import bands
from keeper.design.design import design
from keeper.design.figures import figures, walk_forward
from keeper.design.profiles import PROFILES, Limits, Method, profile
from keeper.design.rounding import BASIS_POINT, WAD, targets
from keeper.design.weights import choose, market_of
from keeper.errors import DesignError
from keeper.history.prices import PriceHistory
from keeper.history.simulate import GeometricBrownian, simulate

ASSETS = ("WETH", "WBTC", "LINK", "USDC", "DAI")
FREE = Limits(max_volatility=5.0, min_weight=1e-4, max_weight=1.0, stable_min=0.0, stable_max=1.0)
VOLATILITY = np.array([0.6, 0.5, 0.9, 0.01, 0.01])


def correlation(rho: float = 0.7) -> np.ndarray:
    found = np.full((5, 5), rho)
    found[3:], found[:, 3:] = 0, 0
    np.fill_diagonal(found, 1)
    return found


@pytest.fixture(scope="module")
def history() -> PriceHistory:
    model = GeometricBrownian([0.4, 0.3, 0.1, 0.0, 0.0], VOLATILITY)
    return simulate(
        model, ASSETS, correlation=correlation(), bars=801, paths=1, seed=3, start_prices=[3_000, 90_000, 14, 1, 1]
    ).path(0)


@pytest.fixture(scope="module")
def market(history):
    return market_of(np.expm1(history.log_returns()), np.array([False] * 3 + [True] * 2), 365)


def test_market_of__volatilities__are_the_models_also_of_stable_coins(market):
    assert market.volatility == pytest.approx(VOLATILITY, rel=0.08)


def test_market_of__correlations__are_shrunk_towards_zero(market):
    found = market.covariance / np.outer(market.volatility, market.volatility)
    plain = np.corrcoef(market.returns, rowvar=False)
    between = np.triu_indices(3, 1)
    assert (found[between] < plain[between]).all()
    assert found[between] == pytest.approx(np.full(3, 0.7), abs=0.06)


def test_choose__minimum_variance__is_the_closed_form_where_no_limit_binds(market):
    inverse = np.linalg.solve(market.covariance, np.ones(5))
    expected = inverse / inverse.sum()
    if (expected > FREE.min_weight).all():
        found = choose(market, Method.MINIMUM_VARIANCE, FREE, 1.0)
        assert found == pytest.approx(expected, abs=1e-3)
    least = feasible.volatility(choose(market, Method.MINIMUM_VARIANCE, FREE, 1.0), market.covariance)
    assert least <= feasible.volatility(np.full(5, 0.2), market.covariance)
    # Two optimisers, one answer.
    other = feasible.least_variance(market.covariance, market.stable, FREE)
    assert least == pytest.approx(feasible.volatility(other, market.covariance), rel=1e-3)


def test_choose__two_assets_of_known_variance__has_the_textbooks_weights():
    draws = np.random.default_rng(5).standard_normal((4_000, 2)) * [0.02, 0.01]
    found = choose(market_of(draws, np.array([False, False]), 365), Method.MINIMUM_VARIANCE, FREE, 1.0)
    assert found == pytest.approx([0.2, 0.8], abs=0.02)  # 1/4 : 1
    found = choose(market_of(draws, np.array([False, False]), 365), Method.RISK_PARITY, FREE, 1.0)
    assert found == pytest.approx([1 / 3, 2 / 3], abs=0.02)  # 1/2 : 1


def test_choose__risk_parity__brings_equal_risk_from_each(market):
    found = choose(market, Method.RISK_PARITY, FREE, 1.0)
    assert figures(found, market).risk == pytest.approx([0.2] * 5, abs=0.01)


def test_choose__risk_parity_with_a_limit_on_stable_coins__keeps_it_among_the_others(market):
    found = choose(market, Method.RISK_PARITY, replace(FREE, stable_max=0.4), 1.0)
    assert found[3:].sum() == pytest.approx(0.4, abs=1e-3)
    assert figures(found, market).risk[:3] == pytest.approx([1 / 3] * 3, abs=0.01)


def test_choose__mean_variance__takes_more_risk_when_it_is_less_averse(market):
    found = [
        feasible.volatility(choose(market, Method.MEAN_VARIANCE, FREE, aversion), market.covariance)
        for aversion in (0.5, 2.0, 50.0)
    ]
    assert found[0] > found[1] > found[2]


def test_choose__mean_variance__knows_the_limit_on_volatility_before_anything_is_moved(market, monkeypatch):
    wanted: list[np.ndarray] = []
    move = feasible.nearest
    monkeypatch.setattr(feasible, "nearest", lambda ideal, *rest: (wanted.append(ideal), move(ideal, *rest))[1])
    found = choose(market, Method.MEAN_VARIANCE, replace(FREE, max_volatility=0.3), 0.01)
    assert feasible.volatility(wanted[0], market.covariance) == pytest.approx(0.3, rel=1e-3)
    assert found == pytest.approx(wanted[0], abs=1e-3)


def test_choose__equal_and_market_cap__are_what_they_say(market):
    assert choose(market, Method.EQUAL, FREE, 1.0) == pytest.approx([0.2] * 5, abs=1e-6)
    caps = np.array([4.0, 3.0, 1.0, 1.0, 1.0])
    assert choose(market, Method.MARKET_CAP, FREE, 1.0, caps) == pytest.approx(caps / 10, abs=1e-6)
    with pytest.raises(DesignError, match="--market-caps"):
        choose(market, Method.MARKET_CAP, FREE, 1.0)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), method=st.sampled_from(list(Method)))
def test_design__whatever_the_limits__are_kept_to_the_integer_or_refused(history, data, method):
    def bps(low, high):
        return data.draw(st.integers(low, high)) / 10_000

    low, stable_min = bps(10, 1_500), bps(0, 6_000)
    limits = Limits(bps(1_000, 9_000), low, bps(2_000, 10_000), stable_min, max(stable_min, bps(0, 10_000)))
    caps = dict(zip(ASSETS, (4e11, 1e12, 1e10, 5e10, 5e9), strict=True))
    try:
        found = design(history.slice(0, 150), method, limits, 2.0, caps=caps)
    except DesignError as error:
        assert "\n" not in str(error)
        return
    assert sum(found.targets) == WAD
    together = sum(target for target, stable in zip(found.targets, found.stable, strict=True) if stable)
    assert all(target % BASIS_POINT == 0 for target in found.targets)
    assert limits.min_weight * WAD - 1e3 <= min(found.targets)
    assert max(found.targets) <= limits.max_weight * WAD + 1e3
    assert limits.stable_min * WAD - 1e3 <= together <= limits.stable_max * WAD + 1e3
    assert found.figures.volatility <= limits.max_volatility + 2e-4
    assert sum(found.figures.risk) == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_weight": 0.1}, r"5 assets of at most 0\.1 are less than the whole: raise --max-weight to 0\.2000"),
        ({"min_weight": 0.3}, r"lower --min-weight to 0\.2000"),
        (
            {"stable_min": 0.9, "max_weight": 0.4},
            r"2 stable-coins of at most 0\.4 are less than 0\.9: lower --stable-min to 0\.8",
        ),
        ({"stable_max": 0.1, "min_weight": 0.1}, r"raise --stable-max to 0\.2"),
        ({"stable_max": 0.1, "max_weight": 0.25}, r"3 other assets of at most 0\.25 .* raise --stable-max to 0\.25"),
        ({"stable_min": 0.9, "min_weight": 0.1}, r"3 other assets of at least 0\.1 .* lower --stable-min to 0\.7"),
        (
            {"max_volatility": 0.05, "stable_max": 0.5},
            r"the least is \d+\.\d%: raise --max-volatility to 0\.\d+, or loosen one of .*--stable-max 1",
        ),
    ],
    ids=range(7),
)
def test_choose__limits_that_contradict_each_other__say_which_to_loosen(market, changes, message):
    with pytest.raises(DesignError, match=message):
        choose(market, Method.EQUAL, replace(FREE, **changes), 1.0)


def test_choose__the_volatility_that_an_error_names__is_enough(market):
    tight = replace(FREE, max_volatility=0.05, stable_max=0.5)
    with pytest.raises(DesignError) as raised:
        choose(market, Method.EQUAL, tight, 1.0)
    named = float(re.search(r"--max-volatility to (0\.\d+)", str(raised.value))[1])
    found = choose(market, Method.EQUAL, replace(tight, max_volatility=named), 1.0)
    assert feasible.volatility(found, market.covariance) <= named + 1e-4


@pytest.mark.parametrize(
    "changes",
    [
        {"max_volatility": 0},
        {"min_weight": 0.5, "max_weight": 0.4},
        {"stable_max": 1.1},
        {"min_weight": 0.0},
        {"stable_min": -0.1},
    ],
)
def test_limits__that_make_no_sense__are_refused(changes):
    with pytest.raises(DesignError):
        replace(FREE, **changes)


def test_design__history_that_does_not_do__is_refused(history):
    with pytest.raises(DesignError, match="59 returns are too few"):
        design(history.slice(0, 60), Method.EQUAL, FREE, 1.0)
    with pytest.raises(DesignError, match="add one to the history"):
        design(history.subset(["WETH"]), Method.EQUAL, FREE, 1.0)
    with pytest.raises(DesignError, match="--stable XYZ: the history has WETH"):
        design(history, Method.EQUAL, FREE, 1.0, stable=["XYZ"])
    with pytest.raises(DesignError, match="--market-caps has none over 0 of WETH, WBTC, LINK, DAI"):
        design(history, Method.MARKET_CAP, FREE, 1.0, caps={"USDC": 1.0})
    still = PriceHistory(("A", "B"), history.times, np.stack([history.prices[:, 0], np.ones(801)], axis=1))
    with pytest.raises(DesignError, match="asset 2 of the history never moves"):
        design(still, Method.EQUAL, FREE, 1.0)


@pytest.mark.parametrize("name", PROFILES)
def test_design__every_profile__fits_a_usual_basket_and_gives_reasons(history, name):
    wanted = profile(name)
    found = design(history, wanted.method, wanted.limits, wanted.risk_aversion)
    assert found.stable == (False, False, False, True, True)
    assert len(found.reasons) == 5
    assert all("volatility" in reason for reason in found.reasons)
    assert 1 < found.figures.effective_assets <= 5
    assert found.walk_forward is not None
    assert found.walk_forward.folds == 6
    assert found.walk_forward.outside == pytest.approx(found.walk_forward.inside, rel=0.25)  # one regime


def test_profiles__from_conservative_to_aggressive__grow_in_volatility(history):
    found = [design(history, p.method, p.limits, p.risk_aversion).figures.volatility for p in PROFILES.values()]
    assert found == sorted(found)
    with pytest.raises(DesignError, match="use one of conservative, balanced, aggressive"):
        profile("reckless")


def test_design__hourly_bars__are_taken_by_the_day(history):
    hourly = np.arange(int(history.times[0]), int(history.times[-1]) + 1, 3_600)
    every = PriceHistory(ASSETS, hourly, history.prices[np.searchsorted(history.times, hourly, side="right") - 1])
    assert design(every, Method.EQUAL, FREE, 1.0).figures == design(history, Method.EQUAL, FREE, 1.0).figures


def test_walk_forward__sees_its_own_window_only(market):
    """What comes after the last window's end changes nothing of what was chosen before it."""
    seen: list[np.ndarray] = []

    def watch(window):
        seen.append(window.returns)
        return np.full(5, 0.2)

    found = walk_forward(market, watch)
    assert found is not None
    assert found.turnover == 0
    for place, returns in enumerate(seen):
        start = place * 66
        assert np.array_equal(returns, market.returns[start : start + 400])


def test_figures__drawdown_and_concentration__are_the_textbooks():
    returns = np.array([[0.1, 0.1], [-0.5, -0.5], [2.0, 2.0]])  # the highest high comes after the fall
    found = figures(np.array([0.75, 0.25]), type("M", (), {"covariance": np.diag([0.04, 0.01]), "returns": returns}))
    assert found.drawdown == pytest.approx(0.5)
    assert found.effective_assets == pytest.approx(1.6)
    assert found.volatility == pytest.approx((0.5625 * 0.04 + 0.0625 * 0.01) ** 0.5)


@given(
    shares=st.lists(st.floats(0.001, 1.0), min_size=2, max_size=20),
    stable=st.lists(st.booleans(), min_size=20, max_size=20),
)
def test_targets__sum_to_one_and_stay_within_a_basis_point(shares, stable):
    weights = np.array(shares) / sum(shares)
    found = targets(weights, np.array(stable[: len(shares)]))
    assert sum(found) == WAD
    assert all(target % BASIS_POINT == 0 for target in found)
    assert np.abs(np.array(found, dtype=float) / WAD - weights).max() <= 2.0001e-4


def test_targets__what_is_left_over__goes_to_those_that_lost_most():
    found = targets(np.array([0.33337, 0.33336, 0.33327]), np.zeros(3, dtype=bool))
    assert found == tuple(parts * BASIS_POINT for parts in (3_334, 3_333, 3_333))


# --- bands


def test_bands__follow_the_cube_root_law():
    weights = np.array([0.5, 0.5])
    (one, other) = bands(weights, np.diag([0.36, 0.36]))
    wanders = 0.25 * (0.36 / 2)
    assert one == other == int((3 * 0.003 * wanders / 2) ** (1 / 3) * WAD) // BASIS_POINT * BASIS_POINT
    (wider, _) = bands(weights, np.diag([0.36, 0.36]) * 8**1.5 / 8)
    assert wider / one == pytest.approx((8**1.5 / 8) ** (1 / 3), rel=0.01)


@given(
    shares=st.lists(st.floats(0.001, 1.0), min_size=2, max_size=20),
    volatility=st.lists(st.floats(0.0, 5.0), min_size=20, max_size=20),
)
def test_bands__stay_inside_the_rails_in_millionths(shares, volatility):
    weights = np.array(shares) / sum(shares)
    found = bands(weights, np.diag(np.array(volatility[: len(shares)]) ** 2))
    for band, weight in zip(found, weights, strict=True):
        assert band_rules.NARROWEST <= band <= band_rules.WIDEST
        assert band % 10**12 == 0
        assert band <= max(weight / 2 * WAD, band_rules.NARROWEST)
