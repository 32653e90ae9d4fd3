"""The gas benchmark prints what its readers rely on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gas.py"


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    done = subprocess.run([sys.executable, SCRIPT, "--json"], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_gas__as_json__has_every_row_and_never_beats_the_floor(report: dict[str, Any]) -> None:
    rows = report["rows"]
    assert [(row["operation"], row["n"]) for row in rows] == [
        *(("mint", n) for n in (2, 3, 5, 10, 20)),
        *(("redeem", n) for n in (2, 3, 5, 10, 20)),
        *(("rebalance", n) for n in (2, 6, 10)),
    ]
    for row in rows:
        assert row["gas"] > row["execution"] > row["floor_execution"] > 0
        assert row["ratio"] == round(row["execution"] / row["floor_execution"], 3)


def test_gas__a_whole_rebalance__is_one_transaction_of_at_most_700_000_and_cheaper_than_every_peer(
    report: dict[str, Any],
) -> None:
    ours, *peers = report["whole"]
    assert (ours["system"], ours["transactions"]) == ("Equipoise: one fill", 1)
    assert ours["execution"] <= 700_000
    assert len(peers) == 3
    assert all(ours["gas"] < peer["gas"] for peer in peers)


def test_profile__accounts_for_all_of_the_execution(report: dict[str, Any]) -> None:
    # What a refund gave back is in the receipt and not in the trace; there is none here.
    assert sum(row["gas"] for row in report["spent"]) == report["whole"][0]["execution"]
    assert {row["contract"] for row in report["spent"]} == {"vault", "rebalancer", "oracle", "feeds", "tokens"}
