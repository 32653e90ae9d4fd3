"""How wide bands should be, and how far they may be moved, against the contract's own rules written out here."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from keeper.policy.bands import (
    DAY_S,
    UNIT,
    WAD,
    BandPlan,
    Rails,
    half_width,
    plan_bands,
    wanted_bands,
    weight_variances,
)

SET_AT = 1_800_000_000
PERCENT = WAD // 100
RAILS = Rails(narrowest=PERCENT, widest=10 * PERCENT, speed=PERCENT, set_at=SET_AT)


def refusal(rails: Rails, old: list[int], new: list[int], now: int) -> str | None:
    """What `band_rails._set` says to these bands; None where it takes them."""
    reach = rails.speed * (now - rails.set_at) // DAY_S
    for before, band in zip(old, new, strict=True):
        if band % UNIT:
            return "bands: bad band"
        if abs(band - before) > reach:
            return "bands: too fast"
        if band != before and not rails.narrowest <= band <= rails.widest:
            return "bands: outside rails"
    return None


def settable(plan: BandPlan) -> list[int]:
    return [move.settable for move in plan.moves]


# --- how wide


@pytest.mark.parametrize(("variance", "cost", "penalty"), [(0.02, 0.003, 4.0), (1e-5, 0.01, 0.5), (0.4, 0.0005, 50.0)])
def test_half_width__is_where_cost_and_penalty_together_are_least(variance, cost, penalty):
    found = minimize_scalar(
        lambda b: cost * variance / b + penalty * b**2 / 3, bounds=(1e-6, 2), options={"xatol": 1e-12}, method="bounded"
    )
    assert half_width(variance, cost, penalty) == pytest.approx(found.x, rel=1e-4)


def test_half_width__worked_out_by_hand():
    # 3 · 0.004 · 0.02 / (2 · 1.875) = 6.4 · 10⁻⁵, whose cube root is 0.04.
    assert half_width(0.02, 0.004, 1.875) == pytest.approx(0.04)


def test_half_width__eight_times_the_variance__is_twice_as_wide():
    assert half_width(0.08, 0.003, 4) == pytest.approx(2 * half_width(0.01, 0.003, 4))


def test_weight_variances__worked_out_by_hand():
    # Two halves, variances 0.36 and 0, uncorrelated: each weight moves by a quarter of the first's return.
    covariance = np.diag([0.36, 0.0])
    assert weight_variances([0.5, 0.5], covariance) == pytest.approx([0.36 / 16, 0.36 / 16])


def test_weight_variances__assets_that_move_as_one__keep_their_weights():
    assert weight_variances([0.3, 0.7], np.full((2, 2), 0.5)) == pytest.approx([0, 0], abs=1e-12)


def test_weight_variances__are_those_of_weights_that_drift():
    generator = np.random.Generator(np.random.PCG64(8))
    root = generator.standard_normal((3, 3)) * 0.01
    weights, returns = np.array([0.5, 0.3, 0.2]), generator.standard_normal((200_000, 3)) @ root.T
    values = weights * np.exp(returns)
    drift = (values / values.sum(axis=1, keepdims=True) - weights).var(axis=0)
    assert weight_variances([0.5, 0.3, 0.2], root @ root.T) == pytest.approx(drift, rel=0.03)


def test_wanted_bands__are_inside_the_rails_and_no_wider_than_asked():
    assert wanted_bands([0.0, 0.0345678912, 0.5], RAILS) == (PERCENT, 34_567 * UNIT, 10 * PERCENT)


def test_wanted_bands__rails_between_units__are_taken_to_the_units_inside():
    rails = Rails(PERCENT + 1, 2 * PERCENT - 1, PERCENT, SET_AT)
    assert wanted_bands([0.0, 1.0], rails) == (PERCENT + UNIT, 2 * PERCENT - UNIT)


# --- how far


def test_plan_bands__after_half_a_day__may_move_half_of_a_days_way():
    plan = plan_bands([3 * PERCENT, 5 * PERCENT], [6 * PERCENT, 5 * PERCENT], RAILS, SET_AT + DAY_S // 2, 1)
    assert settable(plan) == [3 * PERCENT + PERCENT // 2, 5 * PERCENT]
    # The clock starts anew with the setting: two and a half days for two and a half percent.
    assert plan.moves[0].follows_at == SET_AT + DAY_S // 2 + 5 * DAY_S // 2
    assert plan.held is None


def test_plan_bands__within_reach__is_set_at_once():
    plan = plan_bands([5 * PERCENT], [2 * PERCENT], RAILS, SET_AT + 4 * DAY_S, 1)
    assert settable(plan) == [2 * PERCENT]
    assert plan.moves[0].follows_at == SET_AT + 4 * DAY_S


def test_plan_bands__step_between_units__is_rounded_down():
    plan = plan_bands([5 * PERCENT], [2 * PERCENT], RAILS, SET_AT + 1_000, 1)
    reach = RAILS.reach(SET_AT + 1_000)
    assert reach % UNIT
    assert plan.moves[0].change == reach // UNIT * UNIT


def test_plan_bands__no_speed__is_held_for_good():
    plan = plan_bands([5 * PERCENT], [2 * PERCENT], Rails(PERCENT, 10 * PERCENT, 0, SET_AT), SET_AT + 10**8, 1)
    assert settable(plan) == [5 * PERCENT]
    assert plan.held == "the owner has fixed the bands: their speed is zero"
    assert (plan.until, plan.moves[0].follows_at) == (None, None)


def test_plan_bands__smaller_change_than_is_worth_its_gas__is_held():
    plan = plan_bands([5 * PERCENT], [5 * PERCENT + 9 * UNIT], RAILS, SET_AT + 9 * DAY_S, 10 * UNIT)
    assert plan.held == "every band is as wide as it should be, or nearly so"
    assert plan_bands([5 * PERCENT], [5 * PERCENT + 10 * UNIT], RAILS, SET_AT + 9 * DAY_S, 10 * UNIT).held is None


def test_plan_bands__speed_that_allows_too_small_a_step__waits_until_it_is_worth_its_gas():
    change_min = PERCENT // 10
    plan = plan_bands([5 * PERCENT], [3 * PERCENT], RAILS, SET_AT + 60, change_min)
    assert plan.held == "the speed allows too small a step yet"
    assert settable(plan) == [5 * PERCENT]
    assert plan_bands([5 * PERCENT], [3 * PERCENT], RAILS, plan.until - 1, change_min).held is not None
    assert plan_bands([5 * PERCENT], [3 * PERCENT], RAILS, plan.until, change_min).held is None


def test_plan_bands__one_outside_of_the_rails__waits_and_comes_inside_in_one_step():
    old, wanted = [20 * PERCENT, 5 * PERCENT], [8 * PERCENT, 3 * PERCENT]
    plan = plan_bands(old, wanted, RAILS, SET_AT + 9 * DAY_S, 1)
    assert plan.held == "a band stands outside of the rails, and may only come inside in one step"
    assert settable(plan) == old
    assert plan.until == SET_AT + 10 * DAY_S
    inside = plan_bands(old, wanted, RAILS, plan.until, 10**18)
    assert inside.held is None
    assert settable(inside) == [10 * PERCENT, 3 * PERCENT]


def test_plan_bands__rails_without_a_unit_inside__is_held():
    rails = Rails(PERCENT + 1, PERCENT + 2, PERCENT, SET_AT)
    assert "no multiple of a millionth" in plan_bands([5 * PERCENT], [PERCENT], rails, SET_AT + 10**7, 1).held


def in_units(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least, most).map(lambda each: each * UNIT)


RAILS_OF_ANY_KIND = st.builds(
    lambda narrowest, room, speed: Rails(narrowest, min(narrowest + room, WAD - 1), speed, SET_AT),
    st.integers(0, WAD // 2),
    st.integers(0, WAD // 2),
    st.integers(0, WAD),
)


@given(
    bands=st.lists(st.tuples(in_units(0, 999_999), st.floats(0, 1)), min_size=1, max_size=20),
    rails=RAILS_OF_ANY_KIND,
    seconds=st.integers(0, 30 * DAY_S),
    change_min=st.integers(1, WAD // 10),
    late=st.integers(0, 10_000),
)
@settings(max_examples=400, deadline=None)
def test_plan_bands__of_any_bands_and_rails__is_taken_by_the_contract_and_goes_as_far_as_it_lets(
    bands, rails, seconds, change_min, late
):
    old, now = [band for band, _ in bands], SET_AT + seconds
    wanted = wanted_bands([width for _, width in bands], rails)
    plan = plan_bands(old, wanted, rails, now, change_min)
    found = settable(plan)
    # A block later than was thought is fine too.
    assert refusal(rails, old, found, now + late) is None
    if plan.held is not None:
        assert found == old
        return
    for before, after, aim in zip(old, found, wanted, strict=True):
        assert rails.narrowest <= after <= rails.widest
        assert min(before, aim) <= after <= max(before, aim) or not rails.narrowest <= before <= rails.widest
        if after != aim:
            further = after + (UNIT if aim > after else -UNIT)
            assert refusal(rails, [before], [further], now) == "bands: too fast"


@given(
    band=in_units(10_000, 100_000),
    aim=in_units(10_000, 100_000),
    speed=st.integers(10**13, WAD // 5),
    pause=st.integers(600, 5 * DAY_S),
)
@settings(max_examples=200, deadline=None)
def test_plan_bands__again_and_again__arrives_no_later_than_was_said(band, aim, speed, pause):
    rails, now = Rails(PERCENT, 10 * PERCENT, speed, SET_AT), SET_AT + pause
    plan = plan_bands([band], [aim], rails, now, 1)
    if plan.held is not None:
        assert band == aim or rails.reach(now) < UNIT
        return
    (move,) = plan.moves
    later = plan_bands([move.settable], [aim], Rails(PERCENT, 10 * PERCENT, speed, now), move.follows_at, 1)
    assert settable(later) == [aim]
    if move.settable != aim:
        early = plan_bands([move.settable], [aim], Rails(PERCENT, 10 * PERCENT, speed, now), move.follows_at - 1, 1)
        assert settable(early) != [aim]
