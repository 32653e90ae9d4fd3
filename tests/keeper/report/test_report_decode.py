"""Logs become what happened, and every transfer belongs to exactly one thing."""

import pytest
from report_samples import (
    ALICE,
    BOB,
    DEAD,
    EXECUTOR,
    KEEPER,
    NOBODY,
    REBALANCER,
    RECIPIENT,
    START,
    VAULT,
    A,
    B,
    C,
    Logs,
)

from keeper.chain import abi
from keeper.report.decode import assets_named, decode
from keeper.report.path import Holdings
from keeper.report.records import Claimed, Closed, Filled, Gift, Listed, Minted, Opened, Redeemed, Shares


def told(logs: Logs):
    return decode(logs.found, VAULT, REBALANCER, (A, B), logs.times)


def test_decode__first_mint__has_what_was_paid_and_the_dead_shares():
    found = told(Logs().tx(3, "mint").seed({A: 10, B: 20}, 1_000))
    dead, made, mint = found.deeds
    assert isinstance(mint, Minted)
    assert [(each.token, each.amount) for each in mint.paid] == [(A, 10), (B, 20)]
    assert (mint.place.block, mint.place.time, mint.shares, mint.fee) == (3, START + 36, 1_000, 0)
    assert [(each.receiver, each.amount, each.why) for each in (dead, made)] == [
        (DEAD, 10**16, "dead"),
        (ALICE, 1_000, "mint"),
    ]


def test_decode__mint_with_fees__names_each_share_transfer():
    logs = Logs().tx(3, "mint").move(VAULT, ALICE, BOB, 1)
    logs.move(VAULT, NOBODY, RECIPIENT, 7).log(VAULT, abi.Vault.streaming_fee, RECIPIENT, 7)
    logs.move(A, ALICE, VAULT, 5).move(B, ALICE, VAULT, 6)
    logs.move(VAULT, NOBODY, RECIPIENT, 2).move(VAULT, NOBODY, BOB, 100)
    logs.log(VAULT, abi.Vault.minted, ALICE, BOB, 100, 2).move(VAULT, BOB, ALICE, 9)
    shares = [each for each in told(logs).deeds if isinstance(each, Shares)]
    assert [(each.why, each.amount) for each in shares] == [
        ("transfer", 1),
        ("streaming_fee", 7),
        ("mint_fee", 2),
        ("mint", 100),
        ("transfer", 9),
    ]


def test_decode__redemption_that_a_token_did_not_pay__has_the_claim_and_its_payment():
    logs = Logs().tx(5, "redeem").move(VAULT, ALICE, RECIPIENT, 1).move(VAULT, ALICE, NOBODY, 99).move(A, VAULT, BOB, 4)
    logs.log(VAULT, abi.Vault.claim_made, ALICE, B, 3).log(VAULT, abi.Vault.redeemed, ALICE, BOB, 100, 1)
    logs.tx(6, "claim").move(B, VAULT, ALICE, 3).log(VAULT, abi.Vault.claimed, ALICE, B, ALICE, 3)
    fee, burnt, redeemed, claimed = told(logs).deeds
    assert isinstance(redeemed, Redeemed)
    assert (redeemed.owner, redeemed.receiver, redeemed.shares, redeemed.fee) == (ALICE, BOB, 100, 1)
    assert [(each.asset, each.amount, each.owner) for each in redeemed.owed] == [(B, 3, ALICE)]
    assert [each.amount for each in redeemed.paid] == [4]
    assert (fee.why, burnt.why) == ("redeem_fee", "redeem")
    assert isinstance(claimed, Claimed)
    assert [each.amount for each in claimed.paid] == [3]


def test_decode__fill__has_what_went_and_what_came_and_gifts_are_none_of_it():
    logs = Logs().tx(8, "fill").move(A, BOB, VAULT, 1)
    logs.log(REBALANCER, abi.Rebalancer.rebalance_opened, KEEPER, abi.Trigger.BAND, 900, 50)
    logs.fill((A, 50), (B, 70), 800, 790).log(REBALANCER, abi.Rebalancer.rebalance_closed, 100)
    logs.move(B, BOB, VAULT, 2)
    gift, opened, filled, closed, other = told(logs).deeds
    assert isinstance(opened, Opened)
    assert isinstance(closed, Closed)
    assert isinstance(filled, Filled)
    assert (filled.value_out, filled.value_in, filled.caller, filled.executor) == (800, 790, KEEPER, EXECUTOR)
    assert [(each.token, each.sender, each.amount) for each in filled.moved] == [(A, VAULT, 50), (B, EXECUTOR, 70)]
    assert [isinstance(each, Gift) and each.transfer.amount for each in (gift, other)] == [1, 2]


def test_decode__pull_form__counts_what_came_before_what_went():
    logs = Logs().tx(8, "fill").move(B, KEEPER, VAULT, 70).move(A, VAULT, KEEPER, 50)
    logs.log(REBALANCER, abi.Rebalancer.rebalanced, KEEPER, NOBODY, 800, 790, 500, 100)
    (filled,) = told(logs).deeds
    assert [each.amount for each in filled.moved] == [70, 50]


def test_decode__mint_after_a_donation_in_one_transaction__pays_the_last_transfer_only():
    logs = Logs().tx(3, "mint").move(A, ALICE, VAULT, 1).move(B, BOB, VAULT, 2)
    logs.move(A, ALICE, VAULT, 10).move(B, ALICE, VAULT, 20)
    logs.move(VAULT, NOBODY, ALICE, 100).log(VAULT, abi.Vault.minted, ALICE, ALICE, 100, 0)
    deeds = told(logs).deeds
    (mint,) = (each for each in deeds if isinstance(each, Minted))
    assert [each.amount for each in mint.paid] == [10, 20]
    assert [each.transfer.amount for each in deeds if isinstance(each, Gift)] == [1, 2]


def test_decode__strangers_logs__are_passed_over():
    logs = Logs().tx(8, "lies").log(C, abi.Rebalancer.rebalanced, KEEPER, EXECUTOR, 1, 1, 1, 1)
    logs.move(C, VAULT, BOB, 5).move(A, BOB, ALICE, 5).log(BOB, abi.Vault.minted, ALICE, ALICE, 100, 0)
    logs.move(A, VAULT, VAULT, 5)
    found = told(logs)
    assert (found.deeds, found.transfers) == ((), ())


def test_decode__malformed_logs_of_a_token__are_passed_over():
    logs = Logs().tx(8, "odd").move(A, BOB, VAULT, 5).move(A, BOB, VAULT, 6)
    logs.found[0]["data"] = "0x1234"
    logs.found[1]["topics"] = logs.found[1]["topics"][:1]
    assert told(logs).deeds == ()


def test_decode__any_order_of_logs__tells_the_same():
    logs = Logs().tx(3, "mint").seed({A: 10, B: 20}, 1_000).tx(4, "fill").fill((A, 5), (B, 6), 8, 7)
    one = told(logs)
    logs.found.reverse()
    assert told(logs) == one


def test_decode__assets_that_came_and_went__are_listed():
    logs = (
        Logs().tx(3, "a").log(VAULT, abi.Vault.asset_added, C, 2).tx(4, "b").log(VAULT, abi.Vault.asset_removed, A, 0)
    )
    assert assets_named(logs.found, VAULT) == {A, C}
    added, removed = told(logs).deeds
    assert isinstance(added, Listed)
    assert (added.asset, added.is_added, removed.asset, removed.is_added) == (C, True, A, False)


@pytest.mark.parametrize("is_claimed", [False, True])
def test_holdings__with_a_claim__have_the_balance_less_what_is_owed(is_claimed):
    logs = Logs().tx(3, "mint").seed({A: 10, B: 20}, 1_000).tx(5, "redeem").move(VAULT, ALICE, NOBODY, 99)
    logs.move(A, VAULT, BOB, 4).log(VAULT, abi.Vault.claim_made, ALICE, B, 3)
    logs.log(VAULT, abi.Vault.redeemed, ALICE, BOB, 99, 0)
    if is_claimed:
        logs.tx(6, "claim").move(B, VAULT, ALICE, 3).log(VAULT, abi.Vault.claimed, ALICE, B, ALICE, 3)
    holdings = Holdings(VAULT, {A, B})
    for deed in told(logs).deeds:
        holdings.apply(deed)
    assert (holdings.held(A), holdings.held(B)) == (6, 17)
    assert holdings.balances[B] == (17 if is_claimed else 20)
    assert holdings.total == 10**16 + 1_000 - 99
