"""A transaction goes only where it can, and every step leaves a trace."""

import json
from dataclasses import replace

import pytest
from ledger_places import BIG, LEG, SENDER, VAULT, intent, mined, planned, row_of
from sqlalchemy import text

from keeper.errors import LedgerError
from keeper.ledger import IllegalStep, Inclusion, State
from keeper.ledger.states import Step

STEPS = {
    Step.SENT: lambda ledger, row: ledger.mark_sent(row, "0xH"),
    Step.MINED: mined,
    Step.REVERTED: lambda ledger, row: ledger.mark_reverted(row, Inclusion(8, "0x8", 5, 6)),
    Step.CONFIRMED: lambda ledger, row: ledger.mark_confirmed(row),
    Step.UNMINED: lambda ledger, row: ledger.mark_unmined(row),
    Step.REPLACED: lambda ledger, row: ledger.mark_replaced(row),
    Step.DROPPED: lambda ledger, row: ledger.mark_dropped(row, "nobody knows it"),
    Step.FAILED: lambda ledger, row: ledger.mark_failed(row, "refused"),
}
# The steps that lead to each state from an intent, and where each further step leads: all others are refused.
WAYS = {
    "intent": (),
    "sent": (Step.SENT,),
    "mined": (Step.MINED,),
    "confirmed": (Step.MINED, Step.CONFIRMED),
    "refused": (Step.FAILED,),
    "reverted": (Step.REVERTED,),
    "replaced": (Step.REPLACED,),
    "dropped": (Step.DROPPED,),
}
TO_A_BLOCK = {Step.MINED: State.MINED, Step.REVERTED: State.FAILED}
ON_ITS_WAY = TO_A_BLOCK | {
    Step.SENT: State.SENT,
    Step.REPLACED: State.REPLACED,
    Step.DROPPED: State.DROPPED,
    Step.FAILED: State.FAILED,
}
ALLOWED = {
    "intent": ON_ITS_WAY,
    "sent": ON_ITS_WAY,
    "mined": {Step.CONFIRMED: State.CONFIRMED, Step.UNMINED: State.SENT},
    "confirmed": {Step.UNMINED: State.SENT},
    "refused": TO_A_BLOCK,
    "reverted": {Step.UNMINED: State.SENT},
    "replaced": TO_A_BLOCK,
    "dropped": TO_A_BLOCK | {Step.SENT: State.SENT, Step.REPLACED: State.REPLACED},
}


@pytest.mark.parametrize("way", WAYS)
def test_step__is_taken_when_allowed_and_refused_without_a_trace_when_not(armed, way):
    for nonce, step in enumerate(Step):
        row_id = planned(armed, nonce)
        for earlier in WAYS[way]:
            STEPS[earlier](armed, row_id)
        before, events = row_of(armed, row_id), armed.events(row_id)
        following = ALLOWED[way].get(step)
        if following is None:
            with pytest.raises(IllegalStep, match=f"is {before.state} and cannot be marked {step}"):
                STEPS[step](armed, row_id)
            assert columns(row_of(armed, row_id)) == columns(before)
            assert len(armed.events(row_id)) == len(events)
        else:
            STEPS[step](armed, row_id)
            assert row_of(armed, row_id).state is following
            *kept, event = armed.events(row_id)
            assert [each.id for each in kept] == [each.id for each in events]
            assert (event.from_state, event.to_state) == (before.state, following)
        settle(armed, row_id)


def settle(ledger, row_id: int) -> None:
    """Out of the way of the next one."""
    if row_of(ledger, row_id).state in {State.INTENT, State.SENT}:
        ledger.mark_dropped(row_id, "")


def columns(row) -> dict:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


def test_transaction__goes_from_intent_to_sent_to_mined_to_confirmed(armed):
    row_id = planned(armed, transaction_hash=None, channel="relay.example", calldata_hash="0xC")
    (row,) = armed.unsettled(1, SENDER)
    assert (row.id, row.state, row.nonce, row.hash) == (row_id, State.INTENT, 3, None)
    assert (row.channel, row.calldata_hash, row.first_seen) == ("relay.example", "0xC", None)
    armed.mark_sent(row_id, "0xH")
    (row,) = armed.unsettled(1, SENDER)
    assert (row.state, row.hash) == (State.SENT, "0xH")
    assert row.first_seen >= row.at
    mined(armed, row_id, values={VAULT: (BIG, 1)}, timestamp=77)
    (row,) = armed.unsettled(1, SENDER)
    assert (row.state, row.block_number, row.block_timestamp, row.gas_used, row.gas_price) == (
        State.MINED,
        8,
        77,
        5,
        "6",
    )
    assert (int(row.value_out), row.settled_at) == (BIG, None)
    armed.mark_confirmed(row_id)
    assert armed.unsettled(1, SENDER) == []
    row = row_of(armed, row_id)
    assert (row.state, row.settled_at >= row.first_seen) == (State.CONFIRMED, True)
    assert [
        (event.from_state, event.to_state, event.block_number, event.block_hash) for event in armed.events(row_id)
    ] == [
        (None, State.INTENT, None, None),
        (State.INTENT, State.SENT, None, None),
        (State.SENT, State.MINED, 8, "0x8"),
        (State.MINED, State.CONFIRMED, 8, "0x8"),
    ]


def test_transaction__when_it_failed__is_settled_and_says_why(armed):
    armed.mark_failed(planned(armed), "refused")
    armed.mark_reverted(planned(armed, 4, "0xH2"), Inclusion(9, "0x9", 10, 11, 3, 5))
    assert armed.unsettled(1, SENDER) == []
    assert [
        (row.state, row.error, row.block_number, row.block_timestamp, row.data_fee) for row in armed.transactions()
    ] == [
        (State.FAILED, "refused", None, None, None),
        (State.FAILED, "reverted", 9, 5, "3"),
    ]
    assert all(row.settled_at is not None for row in armed.transactions())


def test_mark_sent__with_another_hash__is_refused(armed):
    row_id = planned(armed)
    with pytest.raises(IllegalStep, match="has hash 0xH, not 0xI"):
        armed.mark_sent(row_id, "0xI")
    assert row_of(armed, row_id).hash == "0xH"


def test_mark_sent__again__keeps_when_it_was_first_seen(armed, monkeypatch):
    row_id = planned(armed)
    armed.mark_sent(row_id, "0xH")
    first = row_of(armed, row_id).first_seen
    monkeypatch.setattr("keeper.ledger.transactions.time.time", lambda: first + 100)
    armed.mark_sent(row_id, "0xH")
    assert row_of(armed, row_id).first_seen == first


@pytest.mark.parametrize("step", [Step.SENT, Step.MINED])
def test_transaction__that_was_given_up_and_is_there_after_all__has_no_error(armed, step):
    row_id = planned(armed)
    armed.mark_dropped(row_id, "nobody knows it")
    STEPS[step](armed, row_id)
    assert row_of(armed, row_id).error is None
    assert [event.detail for event in armed.events(row_id)][1:] == ["nobody knows it", step.value]


def test_mark__of_what_there_is_not__says_so(armed):
    with pytest.raises(LedgerError, match="has no transaction 7"):
        armed.mark_confirmed(7)


def test_mark_unmined__goes_back_with_all_that_the_block_said_kept_in_the_event(armed):
    row_id = planned(armed)
    armed.mark_sent(row_id, "0xH")
    extra = replace(LEG, pool="0xQ")
    mined(armed, row_id, values={VAULT: (BIG, 1)}, legs=[LEG, extra], data_fee=9, timestamp=77)
    armed.mark_confirmed(row_id)
    armed.mark_unmined(row_id)
    row = row_of(armed, row_id)
    assert row.state is State.SENT
    cleared = ("block_number", "block_hash", "block_timestamp", "gas_used", "gas_price", "data_fee", "gas_cost")
    assert [getattr(row, name) for name in (*cleared, "value_out", "value_in", "settled_at")] == [None] * 10
    assert [(leg.planned_in, leg.realised_in) for leg in armed.legs(row_id)] == [(str(BIG), None)]
    event = armed.events(row_id)[-1]
    assert (event.from_state, event.to_state, event.block_hash) == (State.CONFIRMED, State.SENT, "0x8")
    said = json.loads(event.detail)
    assert (said["block_timestamp"], said["gas_used"], said["value_out"], said["data_fee"]) == (77, 5, str(BIG), "9")
    assert [leg[1:] for leg in said["legs"]] == [
        ["0xP", "0xA", "0xB", str(BIG), "2"],
        ["0xQ", "0xA", "0xB", str(BIG), "2"],
    ]
    mined(armed, row_id, 9, legs=[LEG])
    assert row_of(armed, row_id).block_hash == "0x9"


def test_mark_unmined__of_a_reverted_one__takes_its_error_along(armed):
    row_id = planned(armed)
    armed.mark_reverted(row_id, Inclusion(8, "0x8", 5, 6))
    armed.mark_unmined(row_id)
    row = row_of(armed, row_id)
    assert (row.state, row.error) == (State.SENT, None)
    assert json.loads(armed.events(row_id)[-1].detail)["error"] == "reverted"


def test_mark_unmined__brings_back_what_it_had_replaced(armed):
    first = planned(armed)
    armed.mark_sent(first, "0xH")
    second = armed.record_intent(1, row_of(armed, first).decision_id, intent(transaction_hash="0xI", replaces_id=first))
    mined(armed, second)
    armed.mark_replaced(first)
    assert row_of(armed, first).state is State.REPLACED
    other = planned(armed, 4)
    armed.mark_replaced(other)
    armed.mark_unmined(second)
    row = row_of(armed, first)
    assert (row.state, row.error, row.settled_at) == (State.SENT, None, None)
    assert "which replaced it" in armed.events(first)[-1].detail
    assert row_of(armed, other).state is State.REPLACED
    assert [row.id for row in armed.unsettled(1, SENDER)] == [first, second]


def test_events__cannot_be_changed_or_deleted(armed):
    row_id = planned(armed)
    for change in ("UPDATE transaction_events SET detail = ''", "DELETE FROM transaction_events"):
        with pytest.raises(LedgerError, match="events are kept as they are"), armed._store.writing() as session:
            session.execute(text(change))
    assert len(armed.events(row_id)) == 1


def fills(ledger, plan, done) -> list[tuple]:
    row_id = planned(ledger, legs=[leg(pool, 1) for pool in plan])
    mined(ledger, row_id, legs=[leg(pool, 2) for pool in done])
    return [
        (row.position, row.pool, row.planned_in is not None, row.realised_in is not None) for row in ledger.legs(row_id)
    ]


def leg(pool: str, amount: int):
    return replace(LEG, pool=pool, amount_in=amount, amount_out=10 * amount)


def test_fills__side_by_side(armed):
    row_id = planned(armed, legs=[leg("P", 1), leg("Q", 3)])
    mined(armed, row_id, legs=[leg("P", 2), leg("Q", 4)])
    found = [
        (row.pool, row.planned_in, row.planned_out, row.realised_in, row.realised_out) for row in armed.legs(row_id)
    ]
    assert found == [("P", "1", "10", "2", "20"), ("Q", "3", "30", "4", "40")]


@pytest.mark.parametrize(
    ("plan", "done", "seen"),
    [
        ("PQ", "P", [(0, "P", True, True), (1, "Q", True, False)]),
        ("PQ", "Q", [(0, "P", True, False), (1, "Q", True, True)]),
        ("PQ", "PXQ", [(0, "P", True, True), (1, "Q", True, True), (2, "X", False, True)]),
        ("PQP", "QP", [(0, "P", True, False), (1, "Q", True, True), (2, "P", True, True)]),
        ("PQ", "QP", [(0, "P", True, True), (1, "Q", True, False), (2, "Q", False, True)]),
        ("PP", "PPP", [(0, "P", True, True), (1, "P", True, True), (2, "P", False, True)]),
        ("P", "", [(0, "P", True, False)]),
    ],
)
def test_fills__missing_and_extra_legs_stay_visible(armed, plan, done, seen):
    assert fills(armed, plan, done) == seen


def test_fills__of_the_same_pool_the_other_way__are_not_matched(armed):
    row_id = planned(armed, legs=[LEG])
    mined(armed, row_id, legs=[replace(LEG, token_in="0xB", token_out="0xA")])
    assert [(row.planned_in is None, row.realised_in is None) for row in armed.legs(row_id)] == [
        (False, True),
        (True, False),
    ]
