"""`keeper stop`, `resume` and `status`: files alone, no network."""

import json

import pytest
from fake_chain import bare_snapshot

from keeper.chain.abi import Trigger
from keeper.chain.snapshot import Valuation
from keeper.cli.app import main
from keeper.ledger import Intent, Ledger
from keeper.operations.breaker_file import BreakerFile, Tripped
from keeper.operations.events import Breaker
from keeper.policy import Decision, Kind

VAULT = "0x1F98431c8aD98523631AE4a59f267346ea31F984"
WAD = 10**18


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, file in (
        ("OPERATIONS__KILL_SWITCH_FILE", "d/STOP"),
        ("OPERATIONS__BREAKERS_FILE", "d/breakers.json"),
        ("LEDGER_FILE", "d/ledger.sqlite"),
    ):
        monkeypatch.setenv(f"EQUIPOISE_{name}", str(tmp_path / file))
    monkeypatch.setenv("EQUIPOISE_RPC_URL", "http://127.0.0.1:1")
    return tmp_path / "d"


@pytest.fixture
def run(folder, monkeypatch, capsys):
    def call(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["equipoise", "keeper", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        assert not end.value.code, err
        return out

    return call


def test_stop_and_resume__turn_the_switch(run, folder):
    assert "is on" in run("stop", "--reason", "a strange price")
    assert "a strange price" in (folder / "STOP").read_text()
    assert json.loads(run("status", "--json"))["killed"].endswith("`equipoise keeper resume` turns it off")
    assert run("resume") == "The kill switch is off.\n"
    assert not (folder / "STOP").exists()
    assert run("resume") == "The kill switch was off already.\n"
    assert json.loads(run("status", "--json"))["killed"] is None


def test_resume__with_an_address__closes_its_breakers_and_leaves_the_switch(run, folder):
    tripped = tuple(
        Tripped(name=Breaker.LOSS_BUDGET, scope=scope, why="60 bps\x1b[2J", at=1)
        for scope in (f"1/{VAULT.lower()}", f"10/{VAULT.lower()}", "1/0xother")
    )
    with BreakerFile(folder / "breakers.json").changing() as state:
        state.tripped = tripped
    run("stop")
    page = run("status")
    assert "loss_budget of 1/0xother" in page
    assert "\x1b[2J" not in page
    out = run("resume", VAULT.lower())
    assert out == f"Closed loss_budget of 1/{VAULT.lower()}.\nClosed loss_budget of 10/{VAULT.lower()}.\n"
    assert run("resume", VAULT) == "No breaker of that address was open.\n"
    found = json.loads(run("status", "--json"))
    assert [breaker["scope"] for breaker in found["breakers"]] == ["1/0xother"]
    assert found["killed"] is not None


def test_status__shows_what_the_ledger_holds(run, folder):
    assert "No decision is written down yet" in run("status")
    assert not (folder / "ledger.sqlite").exists()
    ledger = Ledger(folder / "ledger.sqlite")
    snapshot = bare_snapshot(VAULT, valuation=Valuation((), (), 5_000 * WAD, WAD // 50, Trigger.BAND))
    opening = ledger.record_decision(1, snapshot, Decision(Kind.OPEN, "it is due"), armed=True)
    with ledger.locks.lane(1, VAULT), ledger.locks.vault(1, VAULT):
        ledger.record_intent(1, opening, Intent(VAULT, 7, VAULT, "open", "0x" + "1" * 64, 1, 1, 1))
    ledger.record_decision(1, snapshot, Decision(Kind.WAIT, "the bound\x1b[2J falls", 1_800_000_000), armed=False)
    ledger.close()
    page = run("status")
    for text in ("Kill switch off", "5,000", "2.00%", "wait (dry)", "intent"):
        assert text in page, text
    assert "\x1b[2J" not in page
    found = json.loads(run("status", "--json"))
    assert found["vaults"][0] == {
        "chain_id": 1, "vault": VAULT, "at": found["vaults"][0]["at"], "block": 7, "armed": False, "decision": "wait",
        "reason": "the bound\x1b[2J falls", "until": 1_800_000_000, "nav": 5_000, "drift": 0.02,
    }  # fmt: skip
    assert found["transactions"][0]["hash"] == "0x" + "1" * 64
    assert found["transactions"][0]["state"] == "intent"
