"""`equipoise backtest`: the file, the sweeps, what it prints, and what it says to input that makes no sense."""

import json

import pytest
from typer.testing import CliRunner

from keeper.backtest.files import load, sweep
from keeper.cli.app import app
from keeper.errors import ConfigurationError
from keeper.policy.rules import Aim, Kind, Penalty

FILE = """
[fund]
assets = ["WETH", "USDC"]
targets = [0.5, 0.5]
stable = ["USDC"]
fee = [0.0005, 0.0001]
gas_usd = 8

[fund.terms]
auction = "oracle"
cooldown = 3600

[policies.band]
kind = "band"
band_abs = 0.05

[policies.aware]
kind = "cost_aware"
aim = "between"
risk_aversion = 8
penalty = "tracking"
"""


@pytest.fixture
def file(tmp_path):
    found = tmp_path / "policies.toml"
    found.write_text(FILE)
    return found


def test_load__reads_fund_terms_and_policies(file):
    job = load(file)
    assert job.fund.terms.cooldown == 3_600
    assert job.stable == ("USDC",)
    assert (job.policies["aware"].kind, job.policies["aware"].aim) == (Kind.COST_AWARE, Aim.BETWEEN)
    assert (job.policies["aware"].risk_aversion, job.policies["aware"].penalty) == (8.0, Penalty.TRACKING)
    assert job.policies["band"].penalty == Penalty.DRIFT


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("gas_usd", "gas_eur", "gas_eur"),
        ("band_abs = 0.05", "bands = 0.05", "bands is unknown"),
        ('"cost_aware"', '"clever"', "clever"),
        ('"tracking"', '"wandering"', "'wandering' is no kind, aim or penalty"),
        ("cooldown", "cool", "cool is unknown"),
        ('"oracle"', '"dutch"', "dutch"),
        ("risk_aversion = 8", 'risk_aversion = "8"', "risk_aversion"),
        ("[fund]", "[fund", "no TOML"),
        ("[0.5, 0.5]", "[0.5, 0.4]", "targets"),
    ],
)
def test_load__what_makes_no_sense__is_named(file, old, new, said):
    file.write_text(FILE.replace(old, new))
    with pytest.raises(ConfigurationError, match=said):
        load(file)


def test_load__no_file__is_said(tmp_path):
    with pytest.raises(ConfigurationError, match="No such file"):
        load(tmp_path / "none.toml")


def test_sweep__two_parameters__are_combined(file):
    found = sweep(load(file).policies, ["aware.risk_aversion=1:100:3", "aware.cooldown_s=0,3600"])
    assert len(found) == 2 + 6
    assert sorted({each.risk_aversion for each in found.values()}) == pytest.approx([1, 4, 8, 10, 100])


@pytest.mark.parametrize(
    "text", ["aware", "none.risk_aversion=1:2:3", "aware.kind=1,2", "aware.risk_aversion=1:2", "band.band_abs=x"]
)
def test_sweep__that_makes_no_sense__is_named(file, text):
    with pytest.raises(ConfigurationError, match="--sweep"):
        sweep(load(file).policies, [text])


def test_sweep__too_many__is_refused(file):
    with pytest.raises(ConfigurationError, match="at most"):
        sweep(load(file).policies, ["aware.risk_aversion=1:2:1000", "aware.width_max=0.1:0.2:1000"])


def test_backtest__json__has_a_row_for_each(file, tmp_path):
    words = ["backtest", "--policies", str(file), "--simulate", "calm", "--paths", "2", "--bars", "200", "--json"]
    done = CliRunner().invoke(app, [*words, "--html", str(tmp_path / "page.html")], catch_exceptions=False)
    found = json.loads(done.stdout)
    assert {row["name"] for row in found["rows"]} == {"hold", "monthly", "governance auction", "band", "aware"}
    assert found["trials"] == 2
    assert all(row["interval"]["paths"] == 2 and row["interval"]["block"] is None for row in found["rows"])
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_backtest__page_that_cannot_be_written__is_named(file, tmp_path):
    words = ["backtest", "--policies", str(file), "--simulate", "calm", "--paths", "1", "--bars", "60", "--folds", "0"]
    with pytest.raises(ConfigurationError, match=r"none/page\.html cannot be written \(No such file.*name another"):
        CliRunner().invoke(app, [*words, "--html", str(tmp_path / "none" / "page.html")], catch_exceptions=False)


@pytest.mark.parametrize(("paths", "said"), [("1", "by a block bootstrap"), ("3", "of the mean over 3 paths")])
def test_backtest__in_words__says_what_its_interval_is_of(file, paths, said):
    words = [
        "backtest",
        "--policies",
        str(file),
        "--simulate",
        "calm",
        "--paths",
        paths,
        "--bars",
        "60",
        "--folds",
        "0",
    ]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert "95 %: of the Sharpe ratio" in done.stdout and said in " ".join(done.stdout.split())


def test_backtest__neither_history_nor_simulation__is_refused(file):
    with pytest.raises(ConfigurationError, match="one of them"):
        CliRunner().invoke(app, ["backtest", "--policies", str(file)], catch_exceptions=False)
