"""The benchmark of the zap measures what it says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What the benchmark measures."""
    command = [sys.executable, "benchmarks/zap.py", "--json"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


@pytest.mark.long
@pytest.mark.parametrize("way", ["mints", "redemptions"])
def test_zap__into_a_basket_of_six_and_back__costs_less_gas_than_by_hand_and_brings_as_much(
    found: dict[str, Any], way: str
) -> None:
    rows = {row["usd"]: row for row in found[way]}
    assert rows.keys() == {1_000, 10_000, 100_000}
    for row in rows.values():
        assert abs(row["planned_off_bps"]) < 0.05
        assert row["by_hand_worse_bps"] > (-0.01 if way == "mints" else -0.5)
        # Whoever signs pays for one transaction less.
        assert row["permit_gas"] < row["gas"]
        # More swaps than by hand only where they are worth it.
        assert row["gas"] < row["by_hand_gas"] or (way == "mints" and row["by_hand_worse_bps"] > 0.1)
    assert rows[10_000]["gas"] < rows[10_000]["by_hand_gas"]
    assert rows[10_000]["short_bps"] < 5


@pytest.mark.long
@pytest.mark.parametrize("way", ["mints", "redemptions"])
def test_zap__into_a_basket_of_six_and_back__uses_no_more_gas_than_planned_nor_much_less(
    found: dict[str, Any], way: str
) -> None:
    for row in found[way]:
        used = row["gas"] - row["approval_gas"]
        assert used < row["planned_gas"] < used * 1.25


@pytest.mark.long
def test_zap__a_large_amount__gains_by_parts_over_time_and_not_by_parts_at_once(found: dict[str, Any]) -> None:
    """What docs/adr/0004 says: no order of trades, and so no loan, gets more out of the same pools."""
    for row in found["large"]:
        assert row["whole_bps"] == pytest.approx(row["at_once_bps"], abs=0.05)
        assert row["gap_bps"] < 0.05
        assert row["parts_bps"] < row["whole_bps"] / 2
    whole = [row["whole_bps"] for row in found["large"]]
    assert whole == sorted(whole)
