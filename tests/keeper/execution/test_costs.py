"""Replacement fees, what a rollup charges for data, and the caps on what a transaction may cost: whole numbers, to the wei."""

from fractions import Fraction

import pytest
from eth_abi.abi import decode, encode
from eth_account import Account
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rpc_stub import Reply, error, result, stub

from keeper.chain.rpc import Client, Reverted
from keeper.errors import ChainError
from keeper.execution import eip1559
from keeper.execution.fees import (
    GWEI,
    NO_DATA_FEE,
    CostAboveBenefit,
    CostAboveCap,
    CostCaps,
    DataFee,
    Fees,
    GasTooExpensive,
    Rollup,
    check_cost,
    choose,
    cost,
    data_fee,
    replacement,
)
from keeper.execution.lane import Worth
from keeper.execution.lane.checks import benefit_cap, spendings
from keeper.execution.signer.policy import Spending
from keeper.settings import FeeSettings, load

__all__ = ["stub"]

WAD = 10**18
SETTINGS = FeeSettings(gas_price_max_gwei=100, tip_min_gwei=0.5, tip_max_gwei=3)
QUIET = Fees(1, 1, 3)  # a market that asks for nothing
ACCOUNT = Account.from_key(b"\x11" * 32)
TARGET = "0x" + "12" * 20
CALL = {
    "type": 2,
    "chainId": 10,
    "nonce": 7,
    "to": TARGET,
    "value": 0,
    "data": "0x12345678",
    "gas": 210_000,
    "maxFeePerGas": 30 * GWEI,
    "maxPriorityFeePerGas": GWEI,
}
CREATION = {name: value for name, value in CALL.items() if name != "to"}


# Replacement


@pytest.mark.parametrize(("fee", "bumped"), [(0, 1), (1, 2), (7, 8), (8, 9), (9, 11), (10**9, 1_125_000_000)])
def test_replacement__is_an_eighth_more_rounded_up_and_a_wei_at_least(fee, bumped):
    assert replacement(Fees(1, fee, fee), QUIET, SETTINGS) == Fees(1, bumped, max(bumped, 3))


def test_replacement__when_the_market_asks_for_more__pays_that():
    market = choose(20 * GWEI, [2 * GWEI], SETTINGS)
    assert replacement(Fees(GWEI, GWEI, 3 * GWEI), market, SETTINGS) == market


def test_replacement__when_the_node_asks_for_more__pays_that():
    assert replacement(Fees(1, 1000, 3000), QUIET, SETTINGS, node_bump_percent=12) == Fees(1, 1125, 3375)
    assert replacement(Fees(1, 1000, 3000), QUIET, SETTINGS, node_bump_percent=13) == Fees(1, 1130, 3390)
    assert replacement(Fees(1, 1001, 3001), QUIET, SETTINGS, node_bump_percent=100) == Fees(1, 2002, 6002)


def test_replacement__goes_up_to_the_cap_and_not_a_wei_further():
    cap = 100 * GWEI
    last = cap * 8 // 9
    assert replacement(Fees(1, GWEI, last), QUIET, SETTINGS).max_fee <= cap
    with pytest.raises(GasTooExpensive, match=r"more than gas_price_max_gwei \(100\)"):
        replacement(Fees(1, GWEI, last + 1), QUIET, SETTINGS)


def test_replacement__the_tip_may_pass_its_own_bound():
    assert replacement(Fees(1, 3 * GWEI, 9 * GWEI), QUIET, SETTINGS).tip == 3_375_000_000


@given(st.data(), st.integers(0, 50))
@hypothesis_settings(deadline=None)
def test_replacement__rises_as_every_node_asks_and_no_more_than_it_has_to(data, percent):
    uncapped = FeeSettings(gas_price_max_gwei=1e15)
    fees = st.integers(0, 2**64).flatmap(lambda most: st.tuples(st.integers(0, most), st.just(most)))
    stuck, market = (Fees(1, *data.draw(fees)) for _ in range(2))
    new = replacement(stuck, market, uncapped, percent)
    assert new.tip <= new.max_fee
    for old, now, asked in ((stuck.tip, new.tip, market.tip), (stuck.max_fee, new.max_fee, market.max_fee)):
        wanted = max(Fraction(9, 8) * old, Fraction(100 + percent, 100) * old)
        # geth's rule: old × (100 + bump) / 100, cut off, and strictly more than the old one.
        assert now >= old * (100 + percent) // 100
        assert now > old
        assert now >= wanted
        assert now >= asked
        assert now < wanted + 1 or now in {asked, old + 1}


# Data on layer 1


class FakeNode:
    """Answers calls in the shape of `Client`, and keeps them."""

    def __init__(self, answer: bytes):
        self.answer = answer
        self.calls: list[tuple[str, bytes, str, str | None]] = []

    def call(self, to: str, data: bytes, block: str = "latest", sender: str | None = None) -> bytes:
        self.calls.append((to, data, block, sender))
        return self.answer


def test_data_fee__without_a_layer_below__is_nothing_and_asks_nobody():
    node = FakeNode(b"")
    assert data_fee(node, None, CALL, ACCOUNT.address) == NO_DATA_FEE == DataFee(0, is_in_gas=False)
    assert node.calls == []


@pytest.mark.parametrize("transaction", [CALL, CREATION], ids=["call", "creation"])
def test_data_fee__on_the_op_stack__is_what_the_oracle_says_of_the_unsigned_transaction(transaction):
    node = FakeNode(encode(["uint256"], [123_456_789]))
    assert data_fee(node, Rollup.OP_STACK, transaction, ACCOUNT.address) == DataFee(123_456_789, is_in_gas=False)
    ((to, data, _, _),) = node.calls
    assert to == "0x420000000000000000000000000000000000000F"
    assert data[:4].hex() == "49948e0e"
    (asked,) = decode(["bytes"], data[4:])
    signed = ACCOUNT.sign_transaction(transaction)
    assert ACCOUNT.unsafe_sign_hash(keccak(asked)).signature == signed.r.to_bytes(32) + signed.s.to_bytes(32) + bytes(
        [27 + signed.v]
    )
    eip1559.check(bytes(signed.raw_transaction), transaction, ACCOUNT.address)


@pytest.mark.parametrize(("transaction", "asked"), [(CALL, (TARGET, False)), (CREATION, ("0x" + "0" * 40, True))])
def test_data_fee__on_arbitrum__is_the_nodes_gas_for_data_at_its_base_fee(transaction, asked):
    node = FakeNode(encode(["uint64", "uint64", "uint256", "uint256"], [500_000, 120_000, 10**8, 30 * GWEI]))
    assert data_fee(node, Rollup.ARBITRUM, transaction, ACCOUNT.address) == DataFee(120_000 * 10**8, is_in_gas=True)
    ((to, data, _, sender),) = node.calls
    assert (to, sender) == ("0x00000000000000000000000000000000000000C8", ACCOUNT.address)
    assert data[:4].hex() == "c94e6eeb"
    assert decode(["address", "bool", "bytes"], data[4:]) == (*asked, bytes.fromhex("12345678"))


def test_data_fee__when_more_gas_is_for_data_than_there_is__is_an_error():
    shape = ["uint64", "uint64", "uint256", "uint256"]
    assert data_fee(FakeNode(encode(shape, [5, 5, 1, 1])), Rollup.ARBITRUM, CALL, TARGET).wei == 5
    with pytest.raises(ChainError, match="estimates 6 gas for data, of 5 in all"):
        data_fee(FakeNode(encode(shape, [5, 6, 1, 1])), Rollup.ARBITRUM, CALL, TARGET)


@pytest.mark.parametrize("rollup", Rollup)
@given(answer=st.binary(max_size=200))
@hypothesis_settings(deadline=None)
def test_data_fee__whatever_bytes_come_back__is_a_fee_or_a_typed_error(rollup, answer):
    try:
        found = data_fee(FakeNode(answer), rollup, CALL, ACCOUNT.address)
    except ChainError as caught:
        assert str(caught).isprintable()
        return
    assert found.wei >= 0
    assert len(answer) >= 32


@pytest.mark.parametrize("rollup", Rollup)
def test_data_fee__when_nothing_answers_there__names_the_kind_of_chain(rollup):
    with pytest.raises(ChainError, match=f"is it a chain of {rollup}"):
        data_fee(FakeNode(b""), rollup, CALL, ACCOUNT.address)


def test_data_fee__through_the_client__is_an_eth_call(stub):
    stub.answer = lambda _: result("0x" + (42).to_bytes(32, "big").hex())
    client = Client(stub.url, 10, attempts=1)
    assert data_fee(client, Rollup.OP_STACK, CALL, ACCOUNT.address).wei == 42
    assert stub.requests[0].json["method"] == "eth_call"
    stub.answer = lambda _: error("execution reverted", 3)
    with pytest.raises(Reverted):
        data_fee(client, Rollup.ARBITRUM, CALL, ACCOUNT.address)
    transaction, _ = stub.requests[1].json["params"]
    assert transaction["from"] == ACCOUNT.address
    stub.answer = lambda _: Reply(b"garbage")
    with pytest.raises(ChainError):
        data_fee(client, Rollup.OP_STACK, CALL, ACCOUNT.address)


def test_cost__counts_the_data_once():
    assert cost(100_000, 3) == 300_000
    assert cost(100_000, 3, DataFee(7, is_in_gas=False)) == 300_007
    assert cost(100_000, 3, DataFee(7, is_in_gas=True)) == 300_000


# Caps


def test_check_cost__up_to_the_cap_in_wei():
    caps = CostCaps(wei=10**15, benefit_wei=None)
    check_cost(10**15, 10**15, caps)
    with pytest.raises(
        CostAboveCap, match=rf"may cost {10**15 + 1} wei, more than transaction_max_eth \({10**15} wei\)"
    ):
        check_cost(10**15 + 1, 0, caps)


def test_check_cost__what_it_is_expected_to_cost__up_to_its_share_of_the_benefit():
    caps = CostCaps(wei=10**18, benefit_wei=10**15)
    check_cost(10**18, 10**15, caps)
    with pytest.raises(CostAboveBenefit, match=rf"expected to cost {10**15 + 1} wei, .*\({10**15} wei\)"):
        check_cost(10**18, 10**15 + 1, caps)


@given(st.integers(0, 2**100), st.integers(1, 2**80), st.sampled_from([0.5, 1, 12.25, 100, 10_000]))
@hypothesis_settings(deadline=None)
def test_benefit_cap__is_the_share_of_the_value_traded_rounded_down(traded, price, bps):
    found = benefit_cap(Worth(traded, price), load(arguments={"policy": {"cost_max_bps": bps}}, environment={}))
    assert found == Fraction(traded) * WAD * Fraction(bps) / 10_000 // Fraction(price)


@pytest.mark.parametrize("worth", [None, Worth(WAD, 0)])
def test_benefit_cap__without_a_price_of_ether__there_is_none(worth):
    assert benefit_cap(worth, load(environment={})) is None


def test_spendings__of_one_nonce_the_dearest_counts_and_of_the_next_ones_own_only_the_excess():
    known = [(10, 1, 5), (20, 1, 9), (15, 1, 7), (30, 2, 4)]
    assert spendings(known, 3, 100) == [Spending(20, 9), Spending(30, 4)]
    assert spendings(known, 1, 9) == [Spending(20, 0), Spending(30, 4)]
    assert spendings(known, 1, 6) == [Spending(20, 3), Spending(30, 4)]
    assert spendings([], 1, 6) == []
