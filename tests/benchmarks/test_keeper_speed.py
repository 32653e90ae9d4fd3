"""The keeper's benchmark measures what it says, and says no when a target is missed."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from keeper_bench.speed import Row, misses

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "keeper.py"
ONE = Row(1, 10, 20, 150.0, 200.0, 230.0, 150.0, 3.0, 30.0)
TEN = Row(10, 10, 20, 200.0, 300.0, 280.0, 20.0, 3.0, 30.0)


def test_misses__when_all_is_well__are_none():
    assert misses([TEN, ONE]) == []
    assert misses([replace(ONE, p50_ms=300.0)]) == []


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (replace(ONE, p50_ms=301.0), "one vault: p50 301 ms, more than 300"),
        (replace(ONE, rpc_calls_per_block=3.1), "1 vaults: 3.1 requests per block, more than 3"),
    ],
)
def test_misses__a_target__is_named(row, line):
    assert misses([row]) == [line]


def test_misses__a_cost_per_vault_that_does_not_fall__is_named():
    (line,) = misses([ONE, replace(TEN, per_vault_ms=150.0)])
    assert line == "10 vaults: 150.0 ms each, no less than 150.0 with 1"


def test_keeper__one_vault__signs_and_prints_its_rows():
    words = [sys.executable, SCRIPT, "--json", "--vaults", "1", "--rebalances", "1"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr  # 1: a busy machine is slow
    (row,) = json.loads(done.stdout)["rows"]
    assert (row["vaults"], row["assets"]) == (1, 10)
    assert row["samples"] >= 1
    assert 0 < row["p50_ms"] <= row["with_rpc_p50_ms"]
    assert row["rpc_calls_per_block"] <= 3
