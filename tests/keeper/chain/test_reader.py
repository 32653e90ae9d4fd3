"""Snapshots of a vault, of what is no vault, and of a vault whose oracle fails."""

import pytest
from fake_chain import MULTICALL, USDC, WAD, WETH, FakeVault, address

from keeper.chain import abi, reader
from keeper.chain.abi import Fault, Trigger
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Fees, Schedule
from keeper.errors import ConfigurationError, OracleError


def take(fake, vault, executor=None):
    return reader.take(Client(fake.url, attempts=1), vault, MULTICALL, WETH, executor)


def test_take__reads_everything_at_one_block(fake):
    vault = FakeVault(fake).install()
    snapshot = take(fake, vault.address)
    assert snapshot.block.hash == fake.block_hash()
    assert [asset.symbol for asset in snapshot.assets] == ["WETH", "USDC"]
    assert [asset.decimals for asset in snapshot.assets] == [18, 6]
    assert [asset.balance for asset in snapshot.assets] == [vault.weth, vault.usdc]
    assert snapshot.prices == (2_000 * WAD, WAD)
    assert snapshot.priced().nav == vault.nav
    assert snapshot.priced().trigger == Trigger.BAND
    assert snapshot.terms.duration == 1800
    assert snapshot.native_price == 2_000 * WAD
    assert (snapshot.rebalancer, snapshot.oracle) == (vault.rebalancer, vault.oracle)
    assert (snapshot.supply, snapshot.supply_cap) == (1_000 * WAD, 2**96 - 1)
    at = {str(params[1]) for method, params in fake.requests if method in ("eth_call", "eth_getCode")}
    assert at == {str({"blockHash": fake.block_hash()})}
    # The rebalancer's address, the pair, the tokens with the oracle.
    assert sum(method == "eth_call" for method, _ in fake.requests) == 3


def test_take__reads_what_the_owner_and_the_strategist_may_change(fake):
    vault = FakeVault(fake, is_shut_down=True, head_start=60, fees=(USDC, 5, 6, 7)).install()
    vault.schedule = ([WAD // 4, 3 * WAD // 4], 11, 22)
    snapshot = take(fake, vault.address)
    assert snapshot.is_shut_down
    assert snapshot.fees == Fees(USDC, 5, 6, 7)
    assert snapshot.schedule == Schedule((WAD // 4, 3 * WAD // 4), 11, 22)
    assert snapshot.head_start == 60


def test_take__tells_whether_the_executor_is_a_listed_keeper(fake):
    vault = FakeVault(fake).install()
    vault.keepers = (vault.executor,)
    assert take(fake, vault.address, vault.executor).is_keeper
    assert not take(fake, vault.address, vault.oracle).is_keeper
    assert not take(fake, vault.address).is_keeper


def test_take__when_a_feed_is_stale__still_reads_and_names_the_fault(fake):
    vault = FakeVault(fake, fault=int(Fault.STALE)).install()
    snapshot = take(fake, vault.address)
    assert snapshot.prices is None
    assert snapshot.valuation is None
    assert [(fault.asset, fault.fault) for fault in snapshot.faults] == [(WETH, Fault.STALE)]
    with pytest.raises(OracleError, match=r"^no price at block 100: WETH: its feed is stale; wait for"):
        snapshot.priced()


def test_take__when_there_is_no_code__says_no_contract(fake):
    with pytest.raises(ConfigurationError, match=r"^no contract at 0x\w{40} on chain 1: check the vault's address$"):
        take(fake, address("nothing"))


def test_take__when_the_contract_is_no_vault__names_what_failed(fake):
    FakeVault(fake).install()
    with pytest.raises(ConfigurationError, match=r"is not an index vault, \w+\(\) fails"):
        take(fake, USDC)


def test_take__when_a_symbol_is_bytes32_or_hostile__stays_one_short_line(fake):
    vault = FakeVault(fake).install()
    fake.view(WETH, abi.Token.symbol, b"MKR".ljust(32, b"\0"))
    fake.view(USDC, abi.Token.symbol, "evil\n\x1b[31mname that never ends and ends")
    symbols = [asset.symbol for asset in take(fake, vault.address).assets]
    assert symbols == ["MKR", "evil??[31mname t"]
