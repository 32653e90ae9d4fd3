"""The backtest's benchmark says no when a target is missed; run whole, it meets them."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "backtest.py"


@pytest.fixture(scope="module")
def script():
    spec = spec_from_file_location("backtest_benchmark", SCRIPT)
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def rows(script):
    shape = (2_000, 10, 200)
    return [
        script.row("ours", shape, 0.1),
        script.row("ours, everything", shape, 0.3),
        script.row("vectorbt", shape, 0.1, 1e-14),
        script.row("bt", (2_000, 10, 2), 0.1, 1e-15),
    ]


def test_missed__all_is_well__is_nothing(script):
    assert script.missed(rows(script)) == []


@pytest.mark.parametrize(("place", "changes"), [(0, {"throughput": 1e6}), (2, {"error": 2e-9}), (3, {"error": None})])
def test_missed__a_target_is_not_met__names_it(script, place, changes):
    found = rows(script)
    found[place] = replace(found[place], **changes)
    assert script.missed(found)


def test_python_of__is_made_away_from_the_project_whose_constraints_would_count(script, tmp_path, monkeypatch):
    uv, log = tmp_path / "uv", tmp_path / "log"
    uv.write_text(f'#!/bin/sh\npwd >> {log}\nfor last; do :; done\nif [ "$1" = venv ]; then mkdir "$last"; fi\n')
    uv.chmod(0o755)
    environments = sys.modules["backtest_engines.environments"]
    monkeypatch.setattr(environments.platformdirs, "user_cache_dir", lambda name: str(tmp_path / "cache"))
    monkeypatch.setattr(environments.shutil, "which", lambda name: str(uv))
    environments.python_of("bt")
    folder = tmp_path / "cache" / "backtest-engines"
    assert log.read_text().split() == [str(folder)] * 2
    environments.python_of("bt")  # it is there
    assert len(log.read_text().split()) == 2


@pytest.mark.long
def test_backtest_benchmark__run__meets_its_targets():
    words = [sys.executable, str(SCRIPT), "--json", "--bars", "1000", "--configurations", "100"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads(done.stdout)["rows"]) == 4
