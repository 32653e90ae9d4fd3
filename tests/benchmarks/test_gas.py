"""The gas benchmark prints what its readers rely on."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gas.py"


def test_gas__as_json__has_every_row_and_never_beats_the_floor() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--json"], check=True, capture_output=True, text=True)
    rows = json.loads(done.stdout)["rows"]
    assert [(row["operation"], row["n"]) for row in rows] == [
        *(("mint", n) for n in (2, 3, 5, 10, 20)),
        *(("redeem", n) for n in (2, 3, 5, 10, 20)),
        *(("rebalance", n) for n in (2, 6, 10)),
    ]
    for row in rows:
        assert row["gas"] > row["execution"] > row["floor_execution"] > 0
        assert row["ratio"] == round(row["execution"] / row["floor_execution"], 3)
