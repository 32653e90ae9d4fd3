"""On the seeded regimes the adaptive cost-aware policy is at least as good as the best fixed band, for less."""

from dataclasses import replace

import pytest

from keeper.backtest.regimes import MOST_COST, Tally, duel
from keeper.history.scenarios import SCENARIOS
from keeper.policy.rules import Aim


@pytest.mark.parametrize("regime", SCENARIOS)
def test_duel__adaptive_against_the_best_fixed_band__tracks_no_worse_for_four_fifths_of_its_cost(regime):
    (found,) = duel(regime, (1, 2), bars=1_096, paths=16)
    assert found.tracking_ratio <= 1.0, found.verdict
    assert found.cost_ratio <= 0.8, found.verdict
    assert found.is_won
    assert found.verdict.startswith("wins")


def test_tally__lost_duels__are_counted_and_told_by_how_much():
    (won,) = duel("calm", (1, 2), bars=120, paths=2)
    fixed = replace(won.fixed_metrics, tracking_error=0.01, fees_bps=100.0, impact_bps=0.0, gas_bps=0.0)
    cheap, dear, loose = (
        replace(won, fixed_metrics=fixed, adaptive_metrics=replace(fixed, tracking_error=tracking, fees_bps=fees))
        for tracking, fees in ((0.0095, 50.0), (0.009, 95.0), (0.0102, 60.0))
    )
    assert [each.is_won for each in (cheap, dear, loose)] == [True, False, False]
    assert dear.verdict == f"loses: costs 0.95 times as much, asked for {MOST_COST:g}"
    found = Tally("calm", Aim.CENTRE, (cheap, dear, loose))
    assert (found.won.count, found.won.trials) == (1, 3)
    assert 0 < found.won.low < 1 / 3 < found.won.high < 1
    assert found.cost_ratios == pytest.approx((0.6833, 0.5, 0.95), abs=1e-4)
    assert (
        found.verdict
        == f"loses 2 of 3: costs up to 0.95 times as much, asked for {MOST_COST:g}, and tracks up to 2.0% worse"
    )
    assert Tally("calm", Aim.CENTRE, (cheap,)).verdict == "wins all"
