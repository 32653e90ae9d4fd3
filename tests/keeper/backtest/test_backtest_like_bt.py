"""A plain band rebalance is bt's to the last digits; `benchmarks/backtest_engines/freeze.py` made the file."""

from pathlib import Path

import numpy as np

from keeper.backtest.engine import backtest
from keeper.backtest.fund import Fund
from keeper.history.prices import PricePaths
from keeper.policy.rules import Kind, RebalancingPolicy

FROZEN = Path(__file__).parent / "bt_1_4_1.npz"


def test_backtest__without_costs__equals_bt_within_1e_9():
    frozen = np.load(FROZEN)
    count = frozen["prices"].shape[1]
    names = tuple("ABCDEFGH"[:count])
    prices = PricePaths(names, frozen["times"], frozen["prices"][np.newaxis])
    policies = [RebalancingPolicy(Kind.BAND, band_rel=band, is_guarded=False) for band in frozen["bands"]]
    runs = backtest(Fund(names, (1 / count,) * count), prices, policies, is_recorded=True)
    assert np.all(runs.results["trades"] >= 2)
    assert np.abs(runs.values[:, 0] / frozen["values"] - 1).max() < 1e-9
