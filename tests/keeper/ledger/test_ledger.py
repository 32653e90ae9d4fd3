"""The ledger keeps every row: exact amounts, states, and what a killed process leaves behind."""

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from fake_chain import bare_snapshot

from keeper.chain.abi import Trigger
from keeper.chain.snapshot import Valuation
from keeper.errors import ConfigurationError
from keeper.ledger import Intent, Ledger, LedgerLeg, State
from keeper.policy import Decision, Kind, Quote

BIG = 2**256 - 1
SNAPSHOT = bare_snapshot("0xV", valuation=Valuation((), (), BIG, 5, Trigger.BAND))
DECISION = Decision(Kind.REBALANCE, "because", 99, Quote(BIG, 3, None))
LEG = LedgerLeg("0xP", "uniswap_v3", "0xA", "0xB", BIG, 2)


@pytest.fixture
def ledger(tmp_path):
    found = Ledger(tmp_path / "new" / "ledger.sqlite")
    yield found
    found.close()


def intent(nonce: int = 3, transaction_hash: str | None = "0xH") -> Intent:
    return Intent("0xS", nonce, "0xT", "rebalance", transaction_hash, BIG, 2, 21_000)


def test_record_decision__keeps_amounts_exactly(ledger):
    ledger.record_decision(1, SNAPSHOT, DECISION, armed=True)
    (row,) = ledger.decisions("0xV")
    assert (row.kind, row.reason, row.until, row.armed) == ("rebalance", "because", 99, True)
    assert (row.block_number, row.block_hash) == (7, "0x7")
    assert int(row.nav) == BIG
    assert int(row.value_out) == BIG
    assert row.gas_cost is None


def test_record_decision__without_prices__keeps_the_reason(ledger):
    ledger.record_decision(1, replace(SNAPSHOT, valuation=None), Decision(Kind.WAIT, "stale"), armed=False)
    (row,) = ledger.decisions()
    assert (row.nav, row.reason) == (None, "stale")


def test_transaction__goes_from_intent_to_sent_to_mined(ledger):
    decision = ledger.record_decision(1, SNAPSHOT, DECISION, armed=True)
    row_id = ledger.record_intent(1, decision, intent(transaction_hash=None), [LEG])
    assert [(row.id, row.state, row.nonce) for row in ledger.unsettled(1, "0xS")] == [(row_id, State.INTENT, 3)]
    ledger.mark_sent(row_id, "0xH")
    assert [(row.state, row.hash) for row in ledger.unsettled(1, "0xS")] == [(State.SENT, "0xH")]
    mined = replace(LEG, amount_in=1)
    ledger.mark_mined(
        row_id, block_number=8, block_hash="0x8", gas_used=5, gas_price=6, values=(BIG, 1), legs=[mined, LEG]
    )
    assert ledger.unsettled(1, "0xS") == []
    (row,) = ledger.transactions()
    assert (row.state, row.block_number, row.gas_used, row.gas_price) == (State.MINED, 8, 5, "6")
    assert int(row.value_out) == BIG
    assert [int(leg.amount_in) for leg in ledger.legs(row_id)] == [1, BIG]


def test_transaction__when_it_failed__is_settled_and_says_why(ledger):
    decision = ledger.record_decision(1, SNAPSHOT, DECISION, armed=True)
    first = ledger.record_intent(1, decision, intent())
    ledger.mark_failed(first, "refused")
    second = ledger.record_intent(1, decision, intent(4, "0xH2"))
    ledger.mark_reverted(second, 9, "0x9", 10, 11)
    assert ledger.unsettled(1, "0xS") == []
    assert [(row.state, row.error) for row in ledger.transactions()] == [
        (State.FAILED, "refused"),
        (State.FAILED, "reverted"),
    ]


def test_unsettled__is_of_one_chain_and_one_sender(ledger):
    decision = ledger.record_decision(1, SNAPSHOT, DECISION, armed=True)
    ledger.record_intent(1, decision, intent())
    assert ledger.unsettled(5, "0xS") == []
    assert ledger.unsettled(1, "0xOther") == []
    (row,) = ledger.unsettled(1, "0xS")
    assert row.decision.vault == "0xV"
    assert row.legs == []


def test_ledger__when_the_process_is_killed_after_an_intent__still_has_it(tmp_path):
    file = tmp_path / "ledger.sqlite"
    program = f"""
        import os, signal
        from test_ledger import DECISION, LEG, SNAPSHOT, intent
        from pathlib import Path
        from keeper.ledger import Ledger
        ledger = Ledger(Path({str(file)!r}))
        ledger.record_intent(1, ledger.record_decision(1, SNAPSHOT, DECISION, True), intent(), [LEG])
        os.kill(os.getpid(), signal.SIGKILL)
    """
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), str(Path(__file__).parents[2])))
    }
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    (row,) = Ledger(file).unsettled(1, "0xS")
    assert (row.state, row.hash, len(row.legs)) == (State.INTENT, "0xH", 1)


def test_ledger__when_two_processes_write__both_rows_are_kept(ledger):
    other = Ledger(ledger.file)
    ledger.record_decision(1, SNAPSHOT, DECISION, armed=False)
    other.record_decision(1, SNAPSHOT, DECISION, armed=False)
    assert len(ledger.decisions()) == 2
    other.close()


def test_ledger__when_the_file_is_something_else__names_it_and_the_setting(tmp_path):
    file = tmp_path / "ledger.sqlite"
    file.write_text("not a database, " * 100)
    with pytest.raises(ConfigurationError, match=r"ledger\.sqlite cannot be opened .*: set ledger_file"):
        Ledger(file)


def test_ledger__when_the_file_is_of_another_version__refuses_to_write(tmp_path, ledger):
    ledger.close()
    import sqlite3

    with sqlite3.connect(ledger.file) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(ConfigurationError, match="another version"):
        Ledger(ledger.file)


def test_latest__of_each_vault_and_of_all_transactions(ledger):
    other = replace(SNAPSHOT, address="0xW")
    for chain_id, snapshot, reason in ((1, SNAPSHOT, "a"), (1, other, "b"), (10, SNAPSHOT, "c"), (1, SNAPSHOT, "d")):
        decision = ledger.record_decision(chain_id, snapshot, replace(DECISION, reason=reason), armed=True)
        ledger.record_intent(chain_id, decision, intent(nonce=decision, transaction_hash=f"0x{decision}"))
    assert [(row.chain_id, row.vault, row.reason) for row in ledger.latest_decisions()] == [
        (1, "0xV", "d"),
        (1, "0xW", "b"),
        (10, "0xV", "c"),
    ]
    assert [row.nonce for row in ledger.latest_transactions(3)] == [4, 3, 2]
