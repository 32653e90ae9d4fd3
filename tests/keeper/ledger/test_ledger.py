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


@pytest.fixture
def armed(ledger):
    """The ledger of a keeper that holds its locks."""
    with ledger.locks.lane(1, "0xS"), ledger.locks.vault(1, "0xV"):
        yield ledger


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


def planned(ledger, nonce: int = 3, transaction_hash: str | None = "0xH", block: str = "0x7", **changes) -> int:
    """The row of a transaction that an armed keeper decided on at a block."""
    snapshot = replace(SNAPSHOT, block=replace(SNAPSHOT.block, hash=block))
    decision = ledger.record_decision(1, snapshot, DECISION, armed=True)
    return ledger.record_intent(1, decision, replace(intent(nonce, transaction_hash), **changes), [LEG])


def mined(ledger, row_id: int, block: int = 8, **changes) -> None:
    given = {"block_number": block, "block_hash": hex(block), "gas_used": 5, "gas_price": 6} | changes
    ledger.mark_mined(row_id, **given)


def row_of(ledger, row_id: int):
    return next(row for row in ledger.transactions() if row.id == row_id)


def test_transaction__goes_from_intent_to_sent_to_mined_to_confirmed(armed):
    row_id = planned(armed, transaction_hash=None)
    assert [(row.id, row.state, row.nonce) for row in armed.unsettled(1, "0xS")] == [(row_id, State.INTENT, 3)]
    armed.mark_sent(row_id, "0xH")
    assert [(row.state, row.hash) for row in armed.unsettled(1, "0xS")] == [(State.SENT, "0xH")]
    mined(armed, row_id, values=(BIG, 1), legs=[replace(LEG, amount_in=1)], block_timestamp=77)
    (row,) = armed.unsettled(1, "0xS")
    assert (row.state, row.block_number, row.block_timestamp, row.gas_used, row.gas_price) == (
        State.MINED,
        8,
        77,
        5,
        "6",
    )
    assert (int(row.value_out), row.settled_at) == (BIG, None)
    armed.mark_confirmed(row_id)
    assert armed.unsettled(1, "0xS") == []
    assert row_of(armed, row_id).state is State.CONFIRMED
    assert row_of(armed, row_id).settled_at is not None
    steps = [(event.from_state, event.to_state, event.block_hash) for event in armed.events(row_id)]
    assert steps == [
        (None, State.INTENT, None),
        (State.INTENT, State.SENT, None),
        (State.SENT, State.MINED, "0x8"),
        (State.MINED, State.CONFIRMED, "0x8"),
    ]


def test_transaction__when_it_failed__is_settled_and_says_why(armed):
    armed.mark_failed(planned(armed), "refused")
    armed.mark_reverted(planned(armed, 4, "0xH2"), 9, "0x9", 10, 11)
    assert armed.unsettled(1, "0xS") == []
    assert [(row.state, row.error, row.block_number) for row in armed.transactions()] == [
        (State.FAILED, "refused", None),
        (State.FAILED, "reverted", 9),
    ]


def test_unsettled__is_of_one_chain_and_one_sender(armed):
    planned(armed)
    assert armed.unsettled(5, "0xS") == []
    assert armed.unsettled(1, "0xOther") == []
    (row,) = armed.unsettled(1, "0xS")
    assert (row.decision.vault, len(row.legs)) == ("0xV", 1)


def test_ledger__when_the_process_is_killed_after_an_intent__still_has_it(tmp_path):
    file = tmp_path / "ledger.sqlite"
    program = f"""
        import os, signal
        from test_ledger import DECISION, LEG, SNAPSHOT, intent
        from pathlib import Path
        from keeper.ledger import Ledger
        ledger = Ledger(Path({str(file)!r}))
        locks = ledger.locks.lane(1, "0xS"), ledger.locks.vault(1, "0xV")
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
