"""`equipoise design`, as the console script runs it."""

import json
import os

import pytest

from keeper.cli.app import main
from keeper.history import write
from keeper.history.scenarios import scenario

SYMBOLS = ("WETH", "WBTC", "USDC", "DAI")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    for name in [name for name in os.environ if name.startswith("EQUIPOISE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    write(scenario("calm", SYMBOLS, stable=("USDC", "DAI"), bars=200, seed=1).path(0), tmp_path / "h.csv")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["equipoise", "design", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return (code, *capsys.readouterr())

    return call


def test_design__json__has_targets_that_sum_to_one_and_the_figures(run):
    code, out, err = run("h.csv", "--profile", "conservative", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert sum(int(row["target"]) for row in found["assets"]) == 10**18
    assert found["method"] == "minimum-variance"
    assert sum(int(row["target"]) for row in found["assets"] if row["stable"]) <= 6 * 10**17
    assert found["volatility"] <= found["limits"]["max_volatility"]
    assert found["walk_forward"]["folds"] == 6


def test_design__for_people__gives_a_reason_for_each_asset(run):
    code, out, _ = run("h.csv", "--profile", "balanced", "--stable-max", "0.3")
    assert code == 0
    assert "A balanced basket by risk-parity" in out
    assert "stable-coins are held at their" in " ".join(out.split())
    assert "as concentrated as" in out


def test_design__market_caps__are_the_weights(run, tmp_path):
    (tmp_path / "caps.csv").write_text("asset,usd\nWETH,4e11\nWBTC,4e11\nUSDC,1e11\nDAI,1e11\n")
    free = ("--max-weight", "1", "--stable-max", "1", "--stable-min", "0", "--max-volatility", "9")
    code, out, err = run("h.csv", "--method", "market-cap", "--market-caps", "caps.csv", *free, "--json")
    assert (code, err) == (0, "")
    assert [int(row["target"]) // 10**16 for row in json.loads(out)["assets"]] == [40, 40, 10, 10]


def test_design__stable_coins_by_name__are_those_and_no_others(run):
    code, out, _ = run("h.csv", "--stable", "DAI", "--stable-min", "0.1", "--max-volatility", "9", "--json")
    assert code == 0
    assert [row["stable"] for row in json.loads(out)["assets"]] == [False, False, False, True]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("h.csv", "--profile", "reckless"), "use one of conservative, balanced, aggressive"),
        (("h.csv", "--method", "magic"), "method 'magic' is unknown: use one of minimum-variance"),
        (("h.csv", "--max-weight", "0.1"), "raise --max-weight to 0.2500"),
        (("h.csv", "--max-volatility", "0.01"), "raise --max-volatility to"),
        (("absent.csv",), "history absent.csv does not exist"),
        (("h.csv", "--method", "market-cap"), "--market-caps"),
        (("h.csv", "--method", "market-cap", "--market-caps", "no.csv"), "no.csv cannot be read"),
        (("h.csv", "--method", "market-cap", "--market-caps", "h.csv"), "--market-caps has none over 0 of WETH"),
        (("h.csv", "--deploy-file", "f.toml", "--symbol", "TOOLONG"), "symbol: string should have at most 5"),
        (("h.csv", "--deploy-file", "f.toml", "--guardian", "me"), "'me' is not an address"),
    ],
    ids=range(10),
)
def test_design__what_cannot_be_done__is_one_line(run, tmp_path, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (1, ""), err
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "f.toml").exists()
