"""How far a rebalance in steps has come, from the fills alone."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keeper.policy.gradual import progress_of

NOW = 1_800_000_000
STEP_S = 600
PATIENCE = STEP_S + 3_600 + 2 * 1_800  # of the fixture's cool-down and duration


def left(snapshot, *ages, steps=4):
    return progress_of(snapshot, [NOW - age for age in sorted(ages, reverse=True)], steps, STEP_S, NOW).steps_left


def test_progress_of__no_fills__is_none(make):
    found = progress_of(make(), (), 4, STEP_S, NOW)
    assert (found.steps_left, found.completed_at, found.filled_at) == (0, NOW - 10_000, 0)


@pytest.mark.parametrize(("ages", "steps_left"), [((600,), 3), ((1_200, 600), 2), ((1_800, 1_200, 600), 1)])
def test_progress_of__fills__are_steps(make, ages, steps_left):
    assert left(make(), *ages) == steps_left


def test_progress_of__as_many_fills_as_steps__is_over_and_another_begins_with_the_next(make):
    snapshot = make()
    assert left(snapshot, 2_400, 1_800, 1_200, 600) == 0
    assert progress_of(snapshot, [NOW - 1_200, NOW - 600], 2, STEP_S, NOW).completed_at == NOW - 600
    assert left(snapshot, 3_000, 2_400, 1_800, 1_200, 600) == 3


def test_progress_of__the_next_step_is_too_late__has_lapsed(make):
    assert left(make(), PATIENCE) == 3
    assert left(make(), PATIENCE + 1) == 0
    assert left(make(completed_at=0), 600 + PATIENCE + 1, 600) == 3
    assert left(make(completed_at=0), 600 + PATIENCE, 600) == 2


def test_progress_of__targets_reached__ends_it(make):
    assert left(make(completed_at=NOW - 600), 1_200, 600) == 0
    assert left(make(completed_at=NOW - 601), 1_200, 600) == 3


def test_progress_of__one_step__is_never_on(make):
    found = progress_of(make(), [NOW - 600], 1, STEP_S, NOW)
    assert (found.steps_left, found.completed_at, found.filled_at) == (0, NOW - 10_000, NOW - 600)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gaps=st.lists(st.integers(1, 3 * PATIENCE), max_size=12), steps=st.integers(2, 5))
def test_progress_of__any_fills__counts_as_if_it_had_been_kept(make, gaps, steps):
    """Beside a state that is carried from fill to fill, as a backtest carries it."""
    at, fills, kept = NOW - sum(gaps) - 1, [], 0
    snapshot = make(completed_at=at - 1)
    last = 0
    for gap in [0, *gaps]:
        at += gap
        if kept and at > last + PATIENCE:
            kept = 0
        kept = steps - 1 if kept == 0 else kept - 1
        fills.append(at)
        last = at
        assert progress_of(snapshot, fills, steps, STEP_S, at).steps_left == kept
