"""The ledger keeps every row, in a file and in PostgreSQL: exact amounts, prices, and what a killed process leaves behind."""

import signal
from dataclasses import replace

import pytest
from ledger_places import BIG, DECISION, SENDER, SNAPSHOT, VAULT, WAD, intent, mined, planned, program, row_of

from keeper.errors import LedgerError
from keeper.ledger import Inclusion, Ledger, State
from keeper.policy import Decision, Kind


def test_record_decision__keeps_amounts_exactly(ledger):
    ledger.record_decision(1, SNAPSHOT, DECISION, armed=True)
    (row,) = ledger.decisions(VAULT)
    assert (row.kind, row.reason, row.until, row.armed) == ("rebalance", "because", 99, True)
    assert (row.block_number, row.block_hash, row.block_timestamp) == (7, "0x7", 1)
    assert (int(row.nav), int(row.value_out), int(row.native_price)) == (BIG, BIG, 2_000 * WAD)
    assert row.gas_cost is None


def test_record_decision__keeps_the_prices_that_it_saw(ledger):
    found = ledger.record_decision(1, SNAPSHOT, DECISION, armed=False)
    assert [(row.asset, row.symbol, row.decimals, int(row.price)) for row in ledger.prices(found)] == [
        ("0xA", "AAA", 18, BIG),
        ("0xB", "BBB", 6, 2 * WAD),
    ]


def test_record_decision__without_prices__keeps_the_reason(ledger):
    bare = replace(SNAPSHOT, valuation=None, native_price=None)
    found = ledger.record_decision(1, bare, Decision(Kind.WAIT, "stale"), armed=False)
    (row,) = ledger.decisions()
    assert (row.nav, row.native_price, row.reason) == (None, None, "stale")
    assert ledger.prices(found) == []


def test_record_decisions__writes_all_or_none(ledger):
    others = [(replace(SNAPSHOT, address=f"0xV{n}"), DECISION) for n in range(3)]
    ids = ledger.record_decisions(1, others, armed=False)
    assert [(row.id, row.vault) for row in ledger.decisions()] == list(zip(ids, ["0xV0", "0xV1", "0xV2"], strict=True))
    assert [len(ledger.prices(found)) for found in ids] == [2, 2, 2]
    broken = (replace(SNAPSHOT, address=None), DECISION)
    with pytest.raises(LedgerError):
        ledger.record_decisions(1, [*others, broken], armed=False)
    assert len(ledger.decisions()) == 3


def test_unsettled__is_of_one_chain_and_one_sender(armed):
    planned(armed)
    assert armed.unsettled(5, SENDER) == []
    assert armed.unsettled(1, "0xOther") == []
    (row,) = armed.unsettled(1, SENDER)
    assert (row.decision.vault, len(row.legs)) == (VAULT, 1)


def test_in_flight__is_of_one_vault_and_of_what_is_in_no_block(armed):
    row_id = planned(armed)
    assert [row.id for row in armed.in_flight(1, VAULT)] == [row_id]
    assert [row.id for row in armed.in_flight(1, VAULT.lower())] == [row_id]
    assert armed.in_flight(5, VAULT) == []
    assert armed.in_flight(1, "0xOther") == []
    mined(armed, row_id)
    assert armed.in_flight(1, VAULT) == []


def test_in_blocks_from__has_the_reverted_ones_too(armed):
    first = planned(armed)
    mined(armed, first, 8)
    second = planned(armed, 4)
    armed.mark_reverted(second, Inclusion(9, "0x9", 10, 11))
    assert [row.id for row in armed.in_blocks_from(1, SENDER, 8)] == [first, second]
    assert [row.id for row in armed.in_blocks_from(1, SENDER, 9)] == [second]
    assert armed.in_blocks_from(1, SENDER, 10) == []


@pytest.mark.parametrize(
    ("price", "data_fee", "cost"),
    [(2_000 * WAD, 0, 60_000), (2_000 * WAD, 1, 62_000), (1, 0, 1), (None, 7, None)],
)
def test_gas_cost__is_usd_at_the_decisions_price_with_the_data_and_rounded_up(armed, price, data_fee, cost):
    decision = armed.record_decision(1, replace(SNAPSHOT, native_price=price), DECISION, armed=True)
    row_id = armed.record_intent(1, decision, intent())
    mined(armed, row_id, gas_used=5, gas_price=6, data_fee=data_fee)
    row = row_of(armed, row_id)
    assert row.gas_cost == (None if cost is None else str(cost))
    assert row.data_fee == str(data_fee)


def test_signed_since__counts_what_was_given_up(armed):
    row_id = planned(armed, data_fee_max=7)
    at = row_of(armed, row_id).at
    armed.mark_dropped(row_id, "nobody knows it")
    assert armed.signed_since(1, SENDER, at) == [(at, 3, 21_000 * BIG + 7)]
    assert armed.signed_since(1, SENDER, at + 1) == []


def test_ledger__when_the_process_is_killed_after_an_intent__still_has_it(place):
    killed = program(
        place,
        """
        import os, signal
        ledger = Ledger(place)
        locks = ledger.locks.lane(1, SENDER), ledger.locks.vault(1, VAULT)
        planned(ledger)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    assert killed.wait(60) == -signal.SIGKILL
    found = Ledger(place)
    (row,) = found.unsettled(1, SENDER)
    assert (row.state, row.hash, len(row.legs)) == (State.INTENT, "0xH", 1)
    found.close()


def test_latest__of_each_vault_and_of_all_transactions(armed):
    other = replace(SNAPSHOT, address="0xW")
    for chain_id, snapshot, reason in ((1, SNAPSHOT, "a"), (1, other, "b"), (10, SNAPSHOT, "c"), (1, SNAPSHOT, "d")):
        armed.record_decision(chain_id, snapshot, replace(DECISION, reason=reason), armed=True)
    assert [(row.chain_id, row.vault, row.reason) for row in armed.latest_decisions()] == [
        (1, VAULT, "d"),
        (1, "0xW", "b"),
        (10, VAULT, "c"),
    ]
    rows = [planned(armed, nonce) for nonce in (3,)]
    mined(armed, rows[0], 8)
    second = planned(armed, 4)
    assert [row.id for row in armed.latest_transactions(1)] == [second]
    assert [row.id for row in armed.latest_transactions(5)] == [second, rows[0]]
