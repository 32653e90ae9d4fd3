"""The benchmark of the zap measures what it says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_zap__into_a_basket_of_six__costs_less_gas_than_by_hand_and_no_more_dollars() -> None:
    command = [sys.executable, "benchmarks/zap.py", "--json"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    rows = {row["usd"]: row for row in json.loads(done.stdout)["rows"]}
    assert rows.keys() == {1_000, 10_000, 100_000}
    for row in rows.values():
        # More swaps than by hand only where they are worth it.
        assert row["zap_gas"] < row["by_hand_gas"] or row["by_hand_usdc"] > row["usd"] * (1 + 1e-5)
        assert row["by_hand_usdc"] > row["usd"] * (1 - 1e-6)
        assert abs(row["planned_off_bps"]) < 0.01
        assert row["zap_gas"] < row["planned_gas"] + 60_000
    assert rows[10_000]["zap_gas"] < rows[10_000]["by_hand_gas"]
    assert rows[10_000]["short_bps"] < 5
