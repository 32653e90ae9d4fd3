"""The benchmark of joint transactions measures what it says."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_joint__vaults_that_cross__cost_less_gas_and_lose_less_together() -> None:
    command = [sys.executable, "benchmarks/joint.py", "--json"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    rows = json.loads(done.stdout)["rows"]
    assert [row["vaults"] for row in rows] == [2, 4]
    for row in rows:
        assert row["joint_gas"] < row["separate_gas"]
        assert row["joint_loss_usd"] < row["separate_loss_usd"]
        assert row["crossed_usd"] > 100_000
        assert 0 <= row["gap_bps"] < 1
