"""`equipoise forecast` and `equipoise strategist` as a person and as a program meet them."""

import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from eth_account import Account
from fake_chain import WAD, FakeVault, address, mine, target_of

from keeper.chain import abi
from keeper.cli.app import main
from keeper.history import PriceHistory, write
from keeper.ledger import Ledger

DAY_S = 86_400


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(fake, tmp_path, monkeypatch, capsys):
    """`main` in this process, as the console script runs it."""
    for name in [name for name in os.environ if name.startswith("EQUIPOISE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EQUIPOISE_RPC_URL", fake.url)
    monkeypatch.setenv("EQUIPOISE_LEDGER_FILE", str(tmp_path / "ledger.sqlite"))
    monkeypatch.setenv("EQUIPOISE_STRATEGIST__FORECASTER", "ewma")

    def call(*arguments: str) -> Done:
        monkeypatch.setattr("sys.argv", ["equipoise", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return Done(code, *capsys.readouterr())

    return call


@pytest.fixture
def vault(fake):
    found = FakeVault(fake).install()
    rebalancer = abi.Rebalancer
    rails = ((WAD // 100, WAD // 10, WAD // 100), fake.timestamp - DAY_S)
    fake.view(found.rebalancer, rebalancer.bands, [WAD // 20, WAD // 20])
    fake.view(found.rebalancer, rebalancer.rails, rails)
    fake.view(found.rebalancer, rebalancer.strategist, address("strategist"))
    fake.view(found.rebalancer, rebalancer.set_bands, b"")
    return found


@pytest.fixture
def prices(fake, tmp_path) -> Path:
    returns = np.random.Generator(np.random.PCG64(3)).standard_normal((420, 2)) * [0.04, 1e-4]
    levels = [2_000, 1] * np.exp(np.vstack([np.zeros(2), np.cumsum(returns, axis=0)]))
    file = tmp_path / "prices.csv"
    write(PriceHistory(("WETH", "USDC"), fake.timestamp - DAY_S * np.arange(420, -1, -1), levels), file)
    return file


def test_forecast__as_json__ranks_and_says_which_one_is_used_and_why(run, prices):
    done = run("forecast", str(prices), "--horizon", "3", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    names = {score["forecaster"] for score in found["ranking"]["scores"]}
    assert names | set(found["ranking"]["left_out"]) == {"ewma", "rm2006", "garch", "gjr", "har", "boosting"}
    assert found["ranking"]["used"] == found["forecaster"]
    assert found["forecaster"] in found["reason"]
    assert found["volatility"]["WETH"] == pytest.approx(0.04 * 365**0.5, rel=0.25)
    assert found["correlation"]["WETH"]["WETH"] == 1
    assert (found["horizon"], found["bars"]) == (3, 420)


def test_forecast__for_people__shows_the_table_and_the_reason(run, prices):
    done = run("forecast", str(prices))
    assert done.returncode == 0, done.stderr
    for word in ("QLIKE", "MSE", "DM", "ewma is kept", "over the next 1 bar of 1 d", "WETH", "with USDC", "420 bars"):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.csv",), "missing.csv"),
        (("prices.csv", "--forecaster", "arima"), "there is no forecaster 'arima'"),
        (("prices.csv", "--horizon", "0"), "horizon of a walk is 0"),
        (("prices.csv", "--horizon", "400"), "leave nothing to judge"),
    ],
)
def test_forecast__bad_input__is_one_line_and_exit_1(run, prices, arguments, words):
    done = run("forecast", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


def test_strategist_once__is_a_dry_run_and_says_so(run, fake, vault, prices, tmp_path):
    done = run("strategist", "once", vault.address, "--history", str(prices))
    assert done.returncode == 0, done.stderr
    for word in ("band now", "5.0000%", "wanted", "may be set now", "Rails 1.0000% to 10.0000%", "Dry run"):
        assert word in done.stdout
    assert fake.sent == []
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert [row.kind for row in ledger.decisions()] == ["bands"]
    ledger.close()


def test_strategist_once__as_json__gives_each_band_and_the_calldata(run, vault, prices):
    done = run("strategist", "once", vault.address, "--history", str(prices), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [each["symbol"] for each in found["bands"]] == ["WETH", "USDC"]
    settable = [int(each["settable_wad"]) for each in found["bands"]]
    assert found["calldata"] == "0x" + abi.Rebalancer.set_bands.encode(settable).hex()
    assert found["target"] == vault.rebalancer
    assert found["rails"]["speed"] == 0.01
    assert (found["armed"], found["transaction"], found["forecast"]["forecaster"]) == (False, None, "ewma")


def test_strategist_once__without_a_file_or_prices_in_the_ledger__says_what_to_give(run, vault):
    done = run("strategist", "once", vault.address)
    assert (done.returncode, done.stdout) == (1, "")
    assert "--history FILE" in done.stderr


def test_strategist_once__armed_without_a_key__is_refused_before_anything_is_asked(run, fake, vault, prices):
    done = run("strategist", "once", vault.address, "--history", str(prices), "--arm")
    assert done.returncode == 1
    assert "no key to sign with" in done.stderr
    assert fake.requests == []


@pytest.fixture
def armed(fake, vault, prices, tmp_path, monkeypatch) -> tuple[str, ...]:
    """A command line that sets bands, with the strategist's key."""
    account = Account.create()
    fake.view(vault.rebalancer, abi.Rebalancer.strategist, account.address)
    fake.on_send = mine(fake)
    key, password = tmp_path / "key.json", tmp_path / "password"
    key.write_text(json.dumps(Account.encrypt(account.key, "right", kdf="scrypt", iterations=2)))
    password.write_text("right")
    monkeypatch.setenv("EQUIPOISE_CONFIRMATIONS", "1")
    monkeypatch.setenv("EQUIPOISE_STRATEGIST__ENABLED", "true")
    monkeypatch.setenv("EQUIPOISE_OPERATIONS__KILL_SWITCH_FILE", str(tmp_path / "STOP"))
    monkeypatch.setenv("EQUIPOISE_OPERATIONS__BREAKERS_FILE", str(tmp_path / "breakers.json"))
    files = ("--key-file", str(key), "--password-file", str(password))
    return ("strategist", "once", vault.address, "--history", str(prices), "--arm", *files)


def test_strategist_once__when_armed__sets_the_bands_and_reports(run, fake, vault, armed):
    done = run(*armed, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["armed"], found["gas_used"]) == (True, 180_000)
    assert [target_of(raw) for raw in fake.sent] == [vault.rebalancer]
    assert found["transaction"] in fake.receipts


def test_strategist_once__while_the_kill_switch_is_on__signs_nothing(run, fake, armed):
    assert run("keeper", "stop").returncode == 0
    done = run(*armed)
    assert done.returncode == 1
    assert "kill switch" in done.stderr
    assert fake.sent == []


def test_strategist_once__when_not_enabled__signs_nothing(run, fake, armed, monkeypatch):
    monkeypatch.delenv("EQUIPOISE_STRATEGIST__ENABLED")
    done = run(*armed)
    assert done.returncode == 1
    assert "strategist.enabled is off" in done.stderr
    assert fake.sent == []


def test_help__names_both(run):
    done = run("--help")
    assert "forecast" in done.stdout
    assert "strategist" in done.stdout
