"""What a strategist writes beside a keeper: bands of a vault that the keeper holds, and the prices that both saw."""

from dataclasses import replace

import pytest
from ledger_places import SENDER, SNAPSHOT, VAULT, WAD, decided, intent, planned

from keeper.ledger import BANDS, AlreadyIntended, Ledger, LockLost
from keeper.policy import Decision, Kind

STRATEGIST = "0xB0B"


def bands_of(nonce: int = 3, sender: str = STRATEGIST):
    return replace(intent(nonce, transaction_hash=f"0xb{nonce}"), sender=sender, mode=BANDS, target="0xR")


def test_record_intent__bands_while_a_keeper_holds_the_vault__need_the_lane_alone(ledger, place):
    keeper = Ledger(place)
    with keeper.locks.lane(1, SENDER), keeper.locks.vault(1, VAULT), ledger.locks.lane(1, STRATEGIST):
        row_id = ledger.record_intent(1, decided(ledger, "0xb"), bands_of())
        assert ledger.transaction(row_id).vaults == (VAULT,)
    keeper.close()


def test_record_intent__bands_without_the_lane__are_refused(ledger):
    with ledger.locks.vault(1, VAULT), pytest.raises(LockLost):
        ledger.record_intent(1, decided(ledger, "0xb"), bands_of())


def test_record_intent__rebalance_without_the_vault__is_refused_still(ledger):
    with ledger.locks.lane(1, SENDER), pytest.raises(LockLost, match="vault"):
        planned(ledger)


def test_record_intent__bands_while_a_rebalance_is_on_its_way__wait_for_it(armed):
    planned(armed)
    with armed.locks.lane(1, STRATEGIST), pytest.raises(AlreadyIntended, match="is on its way: settle it first"):
        armed.record_intent(1, decided(armed, "0xb"), bands_of())


def seen(ledger, at: int | None, prices: tuple[int, ...] | None, vault: str = VAULT, chain_id: int = 1) -> None:
    valuation = None if prices is None else replace(SNAPSHOT.valuation, prices=prices)
    block = replace(SNAPSHOT.block, hash=f"0x{at}", timestamp=at)
    snapshot = replace(SNAPSHOT, address=vault, block=block, valuation=valuation)
    ledger.record_decision(chain_id, snapshot, Decision(Kind.WAIT, "nothing"), armed=False)


def test_seen_prices__are_those_of_one_vault_by_time(ledger):
    seen(ledger, 200, (3 * WAD, 4 * WAD))
    seen(ledger, 100, (2**255, 2 * WAD))
    seen(ledger, 150, None)
    seen(ledger, 160, (9, 9), vault="0xOther")
    seen(ledger, 170, (9, 9), chain_id=5)
    assert ledger.seen_prices(1, VAULT) == [
        (100, "0xA", 2**255),
        (100, "0xB", 2 * WAD),
        (200, "0xA", 3 * WAD),
        (200, "0xB", 4 * WAD),
    ]
    assert ledger.seen_prices(1, "0xNone") == []


def test_latest_decisions__of_a_keeper_and_of_a_strategist__are_both_there(ledger):
    for kind, reason in ((Kind.BANDS, "old"), (Kind.WAIT, "waits"), (Kind.BANDS, "wider"), (Kind.OPEN, "opens")):
        ledger.record_decision(1, SNAPSHOT, Decision(kind, reason), armed=False)
    assert [row.reason for row in ledger.latest_decisions()] == ["wider", "opens"]
