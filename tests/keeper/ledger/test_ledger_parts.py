"""One transaction for several vaults: a part for each, with all the rules that a transaction of its own would have."""

import json

import pytest
from ledger_places import BIG, DECISION, SENDER, SNAPSHOT, VAULT, decided, intent, mined, planned, row_of

from keeper.errors import LedgerError
from keeper.ledger import AlreadyIntended, LockLost, State, Way

OTHER = "0xV2"


@pytest.fixture
def both(armed):
    """The ledger of a keeper that holds both vaults' locks."""
    with armed.locks.vault(1, OTHER):
        yield armed


def together(ledger, nonce: int = 3, transaction_hash: str = "0xH", block: str = "0x7", **changes) -> int:
    first, second = decided(ledger, block), decided(ledger, block, OTHER)
    return ledger.record_intent(
        1, first, intent(nonce, transaction_hash, mode="batch", **changes), together_with=[second]
    )


def test_intent__for_two_vaults__is_on_its_way_to_both(both):
    row_id = together(both)
    for vault in (VAULT, OTHER, OTHER.lower()):
        assert [row.id for row in both.in_flight(1, vault)] == [row_id]
    row = row_of(both, row_id)
    assert row.vaults == (VAULT, OTHER)
    assert (row.decision_id, [part.decision_id for part in row.parts]) == (1, [1, 2])
    assert [row.vaults for row in both.latest_transactions(5)] == [(VAULT, OTHER)]


@pytest.mark.parametrize("held", [VAULT, OTHER])
def test_intent__for_two_vaults_with_the_lock_of_one__is_refused(ledger, held):
    with ledger.locks.lane(1, SENDER), ledger.locks.vault(1, held), pytest.raises(LockLost):
        together(ledger)
    assert ledger.transactions() == []


def test_intent__for_two_vaults__is_refused_while_another_is_on_its_way_to_the_second(both):
    first = both.record_intent(1, decided(both, "0x6", OTHER), intent(2, "0xI"))
    with pytest.raises(AlreadyIntended, match=f"transaction {first} of {SENDER} to vault {OTHER} is on its way"):
        together(both)
    assert [row.id for row in both.transactions()] == [first]
    mined(both, first)
    together(both)


def test_intent__to_the_second_vault_by_itself__is_refused_while_both_are_on_their_way(both):
    row_id = together(both)
    with pytest.raises(AlreadyIntended, match=f"transaction {row_id} of {SENDER} to vault {OTHER} is on its way"):
        both.record_intent(1, decided(both, "0x8", OTHER), intent(4, "0xI"))


def test_intent__for_the_second_vaults_decision_again__is_refused(both):
    mined(both, together(both))
    with pytest.raises(AlreadyIntended, match=r"transaction 1 \(mined\) was for decision 1:0xv2:0x7:rebalance"):
        both.record_intent(1, decided(both, "0x7", OTHER), intent(4, "0xI"))


def test_intent__with_a_dry_runs_decision_among_others__is_refused(both):
    first, second = decided(both), decided(both, vault=OTHER, armed=False)
    with pytest.raises(LedgerError, match=f"decision {second} is a dry run's"):
        both.record_intent(1, first, intent(mode="batch"), together_with=[second])
    with pytest.raises(LedgerError, match="has no decision 77"):
        both.record_intent(1, first, intent(mode="batch"), together_with=[77])
    assert both.transactions() == []


def test_intent__that_replaces_one_for_two_vaults__has_both_parts_and_the_next_attempts(both):
    first = together(both)
    parts = row_of(both, first).parts
    second = both.record_intent(
        1,
        parts[0].decision_id,
        intent(transaction_hash="0xI", mode="cancel", replaces_id=first),
        together_with=[parts[1].decision_id],
    )
    assert [(part.decision_id, part.attempt) for part in row_of(both, second).parts] == [(1, 1), (2, 1)]


def test_mark_mined__for_two_vaults__keeps_what_each_logged_and_the_sum(both):
    row_id = together(both)
    mined(both, row_id, values={OTHER: (30, 29), VAULT: (BIG, 7)})
    row = row_of(both, row_id)
    assert [(part.value_out, part.value_in) for part in row.parts] == [(str(BIG), "7"), ("30", "29")]
    assert (int(row.value_out), int(row.value_in)) == (BIG + 30, 36)


def test_mark_unmined__for_two_vaults__moves_what_each_logged_to_the_event(both):
    row_id = together(both)
    mined(both, row_id, values={VAULT: (5, 4), OTHER: (30, 29)})
    both.mark_unmined(row_id)
    row = row_of(both, row_id)
    assert row.state is State.SENT
    assert [(part.value_out, part.value_in) for part in row.parts] == [(None, None)] * 2
    said = json.loads(both.events(row_id)[-1].detail)
    assert said["parts"] == [[0, "5", "4"], [1, "30", "29"]]
    mined(both, row_id, 9, values={VAULT: (6, 6)})
    assert [part.value_out for part in row_of(both, row_id).parts] == ["6", None]


def test_transaction__for_one_vault__has_one_part(armed):
    row = row_of(armed, planned(armed))
    assert [(part.position, part.decision_id) for part in row.parts] == [(0, row.decision_id)]


def test_decision__keeps_the_ways_that_were_looked_at__in_order(ledger):
    ways = [Way("own pools", -BIG), Way("0x for WETH→USDC", None, "it delivers less than it said")]
    with_ways = ledger.record_decision(1, SNAPSHOT, DECISION, True, ways)
    without = ledger.record_decision(1, SNAPSHOT, DECISION, armed=True)
    assert [(row.name, row.worth, row.left_out) for row in ledger.alternatives(with_ways)] == [
        ("own pools", str(-BIG), None),
        ("0x for WETH→USDC", None, "it delivers less than it said"),
    ]
    assert ledger.alternatives(without) == []


def test_fills_since__of_each_vault__are_those_that_stand_in_a_block_later_than_that(both):
    first = together(both)
    mined(both, first, values={VAULT: (5, 4), OTHER: (30, 29)}, timestamp=100)
    both.mark_confirmed(first)
    second = both.record_intent(1, decided(both, "0x8", OTHER), intent(4, "0xI"))
    assert both.fills_since(1, OTHER, 0) == [100]
    mined(both, second, 9, values={OTHER: (3, 2)}, timestamp=112)
    opened = both.record_intent(1, decided(both, "0x9", OTHER), intent(5, "0xJ", mode="open"))
    mined(both, opened, 10, timestamp=124)
    assert both.fills_since(1, VAULT, 0) == [100]
    assert both.fills_since(1, OTHER.lower(), 99) == [100, 112]
    assert both.fills_since(1, OTHER, 100) == [112]
    assert both.fills_since(2, OTHER, 0) == []
    both.mark_unmined(second)
    assert both.fills_since(1, OTHER, 0) == [100]


def test_fills_since__block_of_unknown_time__counts_from_the_block_that_decided(both):
    row_id = together(both)
    mined(both, row_id, values={VAULT: (5, 4), OTHER: (30, 29)})
    assert both.fills_since(1, VAULT, 0) == [row_of(both, row_id).decision.block_timestamp]
