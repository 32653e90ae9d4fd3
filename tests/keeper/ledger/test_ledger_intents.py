"""An intent is written once: for a decision, for a nonce, for a vault."""

import threading

import pytest
from ledger_places import DECISION, LEG, SENDER, SNAPSHOT, VAULT, decided, intent, mined, planned, row_of

from keeper.errors import LedgerError
from keeper.ledger import AlreadyIntended, Inclusion, Ledger
from keeper.ledger import intents as intents_module


def void(ledger, row_id: int) -> None:
    ledger.mark_dropped(row_id, "nobody knows it")


def test_intent__for_a_decision_that_has_one__is_refused(armed):
    first = armed.record_intent(1, decided(armed), intent(3))
    mined(armed, first)
    # Another look at the same block that comes to the same decision.
    for again in (row_of(armed, first).decision_id, decided(armed)):
        with pytest.raises(AlreadyIntended, match=r"transaction 1 \(mined\) was for decision 1:0xv:0x7:rebalance"):
            armed.record_intent(1, again, intent(4, "0xI"))
    assert len(armed.transactions()) == 1
    assert armed.record_intent(1, decided(armed, "0x8"), intent(4, "0xI")) == 2


@pytest.mark.parametrize(
    ("end", "is_void"),
    [
        (lambda ledger, row: ledger.mark_failed(row, "refused"), True),
        (void, True),
        (lambda ledger, row: ledger.mark_reverted(row, Inclusion(8, "0x8", 5, 6)), False),
        (lambda ledger, row: ledger.mark_replaced(row), False),
    ],
)
def test_intent__for_a_decision_whose_transaction_is_void__is_written_with_the_next_attempt(armed, end, is_void):
    first = armed.record_intent(1, decided(armed), intent())
    end(armed, first)
    if is_void:
        second = armed.record_intent(1, decided(armed), intent())
        assert [row_of(armed, row).parts[0].attempt for row in (first, second)] == [0, 1]
    else:
        with pytest.raises(AlreadyIntended, match="was for decision"):
            armed.record_intent(1, decided(armed), intent())


def test_intent__with_a_nonce_on_its_way__is_refused_unless_it_says_what_it_replaces(armed):
    first = planned(armed)
    decision = row_of(armed, first).decision_id
    with pytest.raises(
        AlreadyIntended, match=f"transaction {first} with nonce 3 of {SENDER} is intent: settle it first"
    ):
        planned(armed, 3, "0xI")
    second = armed.record_intent(1, decision, intent(transaction_hash="0xI", replaces_id=first))
    third = armed.record_intent(1, decision, intent(transaction_hash="0xJ", replaces_id=second, mode="cancel"))
    assert [(row.replaces_id, row.parts[0].attempt) for row in armed.transactions()] == [
        (None, 0),
        (first, 1),
        (second, 2),
    ]
    mined(armed, third)
    with pytest.raises(AlreadyIntended, match=f"transaction {third} is mined: there is nothing to replace"):
        armed.record_intent(1, decision, intent(transaction_hash="0xK", replaces_id=third))


def test_intent__with_a_nonce_that_is_mined_and_not_confirmed__is_refused(armed):
    first = planned(armed)
    mined(armed, first)
    with pytest.raises(AlreadyIntended, match="is mined: settle it first"):
        planned(armed, 3, "0xI")


def test_intent__that_replaces_what_has_another_nonce_or_is_not_there__is_refused(armed):
    first = planned(armed)
    for changes in ({"nonce": 4, "replaces_id": first}, {"replaces_id": first + 7}):
        with pytest.raises(AlreadyIntended, match="has another nonce or sender"):
            planned(armed, **changes)
    assert len(armed.transactions()) == 1


def test_intent__to_a_vault_that_another_transaction_is_on_its_way_to__is_refused(armed):
    first = planned(armed)
    armed.mark_sent(first, "0xH")
    with pytest.raises(AlreadyIntended, match=f"transaction {first} of {SENDER} to vault {VAULT} is on its way"):
        planned(armed, 4, "0xI")
    with armed.locks.lane(1, "0xS2"):
        other = intent(0, "0xI", sender="0xS2")
        with pytest.raises(AlreadyIntended, match="is on its way: settle it first"):
            armed.record_intent(1, decided(armed, "0x9"), other)
        mined(armed, first)
        armed.record_intent(1, decided(armed, "0x9"), other)


def test_intent__to_another_vault__goes_along(armed):
    planned(armed)
    with armed.locks.vault(1, "0xV2"):
        armed.record_intent(1, decided(armed, vault="0xV2"), intent(4, "0xI"))
    assert len(armed.unsettled(1, SENDER)) == 2


def test_intent__for_a_dry_run_or_another_chain_or_no_decision__is_refused(armed):
    with pytest.raises(LedgerError, match="is a dry run's"):
        armed.record_intent(1, decided(armed, armed=False), intent())
    with pytest.raises(LedgerError, match="has no decision 1 for chain 5"):
        armed.record_intent(5, 1, intent())
    with pytest.raises(LedgerError, match="has no decision 77 for chain 1"):
        armed.record_intent(1, 77, intent())
    assert armed.transactions() == []


def test_decision__of_the_same_block__is_written_each_time_it_is_made(ledger):
    ids = [ledger.record_decision(1, SNAPSHOT, DECISION, armed=True) for _ in range(2)]
    assert [row.id for row in ledger.decisions()] == ids
    assert len({row.key for row in ledger.decisions()}) == 1


def test_intent__that_two_writers_write_at_once__is_written_by_one(armed, place, monkeypatch):
    """Whatever the checks see: the database itself takes one."""
    monkeypatch.setattr(intents_module, "_check_nonce", lambda *_: None)
    monkeypatch.setattr(intents_module, "_check_vault", lambda *_: None)
    monkeypatch.setattr(intents_module, "_attempt", lambda *_: 0)
    decision = decided(armed)
    armed.record_intent(1, decision, intent(), [LEG])
    with pytest.raises(AlreadyIntended, match="another keeper wrote a transaction for decision 1:0xv:0x7:rebalance"):
        armed.record_intent(1, decision, intent(4, "0xI"), [LEG])
    assert len(armed.transactions()) == 1
    assert len(armed.legs(1)) == 1


def test_intent__that_threads_write_at_once__is_written_once(armed):
    decisions = [decided(armed) for _ in range(8)]
    outcomes: list[object] = []

    def write(decision: int) -> None:
        try:
            outcomes.append(armed.record_intent(1, decision, intent(transaction_hash=f"0x{decision}")))
        except AlreadyIntended as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=write, args=(decision,)) for decision in decisions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == sorted(["1", *[str(AlreadyIntended)] * 7])
    assert len(armed.transactions()) == 1


def test_intent__that_is_refused__leaves_nothing_half_written(armed: Ledger):
    first = planned(armed)
    with pytest.raises(AlreadyIntended):
        planned(armed, 4, "0xI")
    assert [row.id for row in armed.transactions()] == [first]
    assert (len(armed.legs(first)), len(armed.legs(first + 1)), len(armed.events(first + 1))) == (1, 0, 0)
