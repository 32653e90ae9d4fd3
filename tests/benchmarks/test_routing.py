"""The router's benchmark prints what its readers rely on, and says no when a target is missed."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from routing_bench.measure import Row
from routing_bench.targets import targets

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "routing.py"
GOOD = Row(
    universe="20 x 500",
    tokens=20,
    pools=500,
    build_ms=50.0,
    p50_ms=9.0,
    p95_ms=20.0,
    gap_bps=0.1,
    gap_net_bps=1.0,
    least_gap_bps=0.0,
    most_gap_bps=0.4,
    most_gap_net_bps=3.0,
    without_route=0,
    pools_used=12.0,
    partial=0,
    cvxpy_pools=400,
    cvxpy_build_ms=300.0,
    cvxpy_ms=900.0,
    cvxpy_ratio=100.0,
    cvxpy_optimal="5 of 5",
    cvxpy_error=1e-8,
    grid_loss_bps=0.5,
    least_grid_loss_bps=0.0,
    grid_ms=200.0,
    single_path_loss_bps=3.0,
)


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit status and what was printed."""
    done = subprocess.run([sys.executable, SCRIPT, "--json", *arguments], check=False, capture_output=True, text=True)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_routing__thirty_pools__meets_its_targets_and_has_every_figure() -> None:
    status, report = run("--most-pools", "30")
    assert [target for target in report["targets"] if not target["passed"]] == []
    assert status == 0
    (row,) = report["rows"]
    assert (row["universe"], row["tokens"], row["pools"]) == ("5 x 30", 5, 30)
    assert all(figure is not None for figure in row.values())
    assert row["build_ms"] > 0
    assert 0 < row["p50_ms"] <= row["p95_ms"]
    assert row["gap_bps"] < row["gap_net_bps"]
    assert row["grid_loss_bps"] > 0
    assert row["single_path_loss_bps"] > 0
    assert len(report["targets"]) == 6


def test_devnet__a_dozen_rebalances__pay_what_was_predicted_to_the_wei() -> None:
    status, report = run("--devnet", "--rebalances", "12")
    assert (status, report["most_difference"], report["rebalances"]) == (0, 0, 12)
    assert report["swaps"]["uniswap_v2"] > 0
    assert report["swaps"]["uniswap_v3"] > 0
    assert report["most_legs"] > 5


def test_targets__all_met__pass() -> None:
    found = targets([GOOD])
    assert len(found) == 8
    assert all(target.passed for target in found)


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("without_route", 1),
        ("gap_bps", 0.6),
        ("gap_net_bps", 2.1),
        ("least_gap_bps", -1e-4),
        ("cvxpy_error", 1e-5),
        ("p50_ms", 10.1),
        ("cvxpy_ratio", 49.0),
        ("grid_loss_bps", -0.1),
    ],
)
def test_targets__one_figure_past_its_limit__misses_just_that_one(figure: str, value: float) -> None:
    missed = [target for target in targets([replace(GOOD, **{figure: value})]) if not target.passed]
    assert [target.value for target in missed] == [value]


def test_targets__where_a_part_was_left_out__does_not_judge_it() -> None:
    left_out = replace(GOOD, pools=10_000, cvxpy_error=None, cvxpy_ratio=None)
    names = {target.target for target in targets([left_out])}
    assert "times as fast as cvxpy" not in names
    assert "objective off cvxpy's, relative" not in names
    assert "p50, ms" in names
