"""On the seeded regimes the adaptive cost-aware policy is at least as good as the best fixed band, for less."""

import pytest

from keeper.backtest.fund import ORACLE_TERMS, Fund
from keeper.backtest.regimes import duel
from keeper.history.scenarios import SCENARIOS, scenario

ASSETS = ("WETH", "WBTC", "LINK", "USDC")
FUND = Fund(
    ASSETS,
    (0.3, 0.3, 0.2, 0.2),
    nav_usd=5e6,
    fee=(0.0005, 0.0005, 0.003, 0.0001),
    depth_usd=(6e7, 6e7, 2e7, 2e8),
    gas_usd=8,
    gas_asset_usd=2,
    terms=ORACLE_TERMS,
)


@pytest.mark.parametrize("regime", SCENARIOS)
def test_duel__adaptive_against_the_best_fixed_band__tracks_no_worse_for_four_fifths_of_its_cost(regime):
    made = [
        scenario(regime, ASSETS, stable=("USDC",), bars=1_096, paths=16, step_s=4 * 3_600, seed=seed) for seed in (1, 2)
    ]
    found = duel(regime, FUND, *made)
    assert found.tracking_ratio <= 1.0, found.verdict
    assert found.cost_ratio <= 0.8, found.verdict
    assert found.verdict.startswith("wins")
