"""The transactions of an account by nonce: what the lane needs to follow, replace and cancel them."""

import pytest
from ledger_places import BIG, LEG, SENDER, VAULT, decided, intent, mined, planned, row_of

from keeper.errors import LedgerError
from keeper.ledger import CANCEL, Inclusion, Ledger, LockLost, State


def test_record_intent__keeps_what_sends_it_again(armed):
    given = {"raw": "0x02", "deadline": 99, "since_block": 7, "benefit_cap": BIG, "data_fee_max": BIG}
    row = armed.transaction(planned(armed, **given))
    assert (row.raw, row.deadline, row.since_block, row.left_block) == ("0x02", 99, 7, 7)
    assert (int(row.benefit_cap), int(row.data_fee_max)) == (BIG, BIG)
    assert (row.decision.vault, len(row.legs)) == (VAULT, 1)
    with pytest.raises(LedgerError, match="no transaction 99"):
        armed.transaction(99)


def test_note_left__of_one_that_waits__leaves_since_when(armed):
    row_id = planned(armed, since_block=7)
    armed.note_left(row_id, 8)
    assert (armed.transaction(row_id).since_block, armed.transaction(row_id).left_block) == (7, 8)
    armed.note_head(row_id, 9)
    assert (armed.transaction(row_id).since_block, armed.transaction(row_id).left_block) == (9, 9)


def test_attempts__are_those_of_a_nonce_oldest_first(armed):
    decision = decided(armed)
    first = armed.record_intent(1, decision, intent(), [LEG])
    armed.mark_sent(first, "0xH")
    second = armed.record_intent(1, decision, intent(transaction_hash="0xI", replaces_id=first))
    assert [row.id for row in armed.attempts(1, SENDER, 3)] == [first, second]
    assert armed.attempts(1, SENDER, 4) == armed.attempts(5, SENDER, 3) == armed.attempts(1, "0xOther", 3) == []


def test_planned_legs__are_still_known_when_it_was_mined(armed):
    row_id = planned(armed)
    mined(armed, row_id, legs=[LEG, LEG])
    assert armed.planned_legs(row_id) == [LEG]


def test_next_nonce__follows_what_is_in_blocks_and_what_somebody_else_used(armed):
    assert armed.next_nonce(1, SENDER) is None
    first = planned(armed)
    assert armed.next_nonce(1, SENDER) == 3
    mined(armed, first)
    assert armed.next_nonce(1, SENDER) == 4
    second = planned(armed, 4)
    assert armed.next_nonce(1, SENDER) == 4
    armed.mark_reverted(second, Inclusion(9, "0x9", 10, 11))
    assert armed.next_nonce(1, SENDER) == 5
    armed.mark_unmined(second)
    assert armed.next_nonce(1, SENDER) == 4
    armed.mark_dropped(second, "nobody knows it")
    armed.record_foreign(1, decided(armed), SENDER, 7)
    assert armed.next_nonce(1, SENDER) == 8
    assert armed.next_nonce(1, "0xOther") is None


def test_record_foreign__is_a_row_with_an_event_and_no_attempt_of_the_keepers(armed):
    decision = decided(armed)
    row = row_of(armed, armed.record_foreign(1, decision, SENDER, 7))
    assert (row.state, row.mode, row.nonce, row.error) == (State.FAILED, "foreign", 7, "somebody else's transaction")
    assert [event.to_state for event in armed.events(row.id)] == [State.FAILED]
    assert armed.attempts(1, SENDER, 7) == armed.unsettled(1, SENDER) == []
    armed.record_foreign(1, decision, SENDER, 8)


def test_record_foreign__without_the_lane__is_refused(ledger):
    with pytest.raises(LockLost):
        ledger.record_foreign(1, decided(ledger), SENDER, 7)


def test_record_intent__of_a_cancellation__needs_the_lane_alone(ledger: Ledger):
    with ledger.locks.lane(1, SENDER):
        with ledger.locks.vault(1, VAULT):
            decision = decided(ledger)
            first = ledger.record_intent(1, decision, intent())
        with pytest.raises(LockLost):
            ledger.record_intent(1, decision, intent(replaces_id=first))
        ledger.record_intent(1, decision, intent(mode=CANCEL, replaces_id=first))


def test_record_intent__of_a_replacement__does_not_mind_what_is_on_its_way_to_the_vault(armed):
    decision = decided(armed)
    first = armed.record_intent(1, decision, intent())
    mined(armed, first)
    second = planned(armed, 4)
    mined(armed, second)
    armed.mark_unmined(second)
    armed.mark_unmined(first)
    armed.record_intent(1, decision, intent(transaction_hash="0xI", replaces_id=first))
