"""Keepers that are killed at random points of their pass; the thousand is `-m long`, or `python -m chaos.kills`."""

import pytest

from chaos.kills import KINDS, PLAYS, theatre


@pytest.mark.parametrize("trials", [15, pytest.param(1_000, marks=pytest.mark.long)])
def test_kill__at_random_points__sends_once_loses_nothing_and_is_steady_within_two_passes(tmp_path, trials):
    with theatre(tmp_path, seed=trials) as stage:
        stage.measure()
        for _ in range(trials):
            stage.trial()
    assert stage.tally.wrong == []
    assert stage.tally.kills.total() >= trials
    assert {(play, kind) for play, kind, _ in stage.tally.kills} == {
        (play.name, kind) for play in PLAYS for kind in KINDS
    }
