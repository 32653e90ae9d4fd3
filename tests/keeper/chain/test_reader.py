"""Snapshots of a vault, of what is no vault, and of a vault whose oracle fails."""

import pytest
from fake_chain import MULTICALL, USDC, WAD, WETH, FakeVault, Revert, address

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
    # Who its rebalancer and its assets are, which oracle, the tokens, and then everything.
    assert sum(method == "eth_call" for method, _ in fake.requests) == 4


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


def reader_of(fake, executor=None):
    return reader.VaultReader(Client(fake.url, attempts=1), MULTICALL, WETH, executor)


def calls(fake) -> int:
    return sum(method == "eth_call" for method, _ in fake.requests)


def test_vault_reader__after_the_first_block__reads_all_vaults_in_one_call(fake):
    vaults = [FakeVault(fake, address=address(f"vault {i}"), weth=(600 + i) * WAD).install() for i in range(5)]
    reading = reader_of(fake)
    reading.take([vault.address for vault in vaults])
    vaults[3].weth += WAD
    fake.number += 1
    fake.requests.clear()
    found = reading.take([vault.address for vault in vaults])
    assert [method for method, _ in fake.requests] == ["eth_getBlockByNumber", "eth_call"]
    assert [found[vault.address].assets[0].balance for vault in vaults] == [vault.weth for vault in vaults]
    assert {snapshot.block.number for snapshot in found.values()} == {101}


def test_vault_reader__values_the_basket_as_the_rebalancer_does(fake):
    vault = FakeVault(fake, weth=123_456_789_123_456_789_123).install()
    found = take(fake, vault.address).priced()
    asked = (abi.Rebalancer.weights, abi.Rebalancer.nav, abi.Rebalancer.drift)
    told = [function.decode(fake.run(vault.rebalancer, function.encode())) for function in asked]
    assert [list(found.weights), found.nav] == [list(told[0]), told[1]]


def test_vault_reader__when_a_vault_changes_its_assets_or_its_oracle__reads_it_again_and_alone(fake):
    steady, changing = (FakeVault(fake, address=address(name)).install() for name in ("steady", "changing"))
    reading = reader_of(fake)
    reading.take([steady.address, changing.address])
    fake.view(changing.address, abi.Vault.assets, [USDC, WETH])
    fake.view(changing.address, abi.Vault.holdings, (2, [0] * 20, [7, 8] + [0] * 18))
    found = reading.take([steady.address, changing.address])
    assert [(asset.symbol, asset.balance) for asset in found[changing.address].assets] == [("USDC", 7), ("WETH", 8)]
    assert [asset.symbol for asset in found[steady.address].assets] == ["WETH", "USDC"]
    fake.requests.clear()
    assert reading.take([steady.address, changing.address]) == found
    assert calls(fake) == 1


def test_vault_reader__one_that_is_no_vault__stops_no_other(fake):
    vault = FakeVault(fake).install()
    reading = reader_of(fake)
    found = reading.take([address("nothing"), vault.address, USDC])
    assert str(found[address("nothing")]).startswith("no contract at")
    assert "is not an index vault" in str(found[USDC])
    assert found[vault.address].symbol == "TWO"


def test_vault_reader__while_an_oracle_fails__asks_what_is_wrong_along_with_the_rest(fake):
    vault = FakeVault(fake).install()
    reading = reader_of(fake)
    reading.take([vault.address])
    vault.fault = int(Fault.STALE)
    assert reading.take([vault.address])[vault.address].faults[0].fault == Fault.STALE
    fake.requests.clear()
    again = reading.take([vault.address])[vault.address]
    assert [(fault.asset, fault.fault) for fault in again.faults] == [(WETH, Fault.STALE)]
    assert again.valuation is None
    assert calls(fake) == 1
    vault.fault = 0
    assert reading.take([vault.address])[vault.address].priced().nav == vault.nav


def test_vault_reader__when_a_read_of_many_had_too_little_gas__reads_the_vault_alone(fake):
    vaults = [FakeVault(fake, address=address(f"vault {i}"), rebalancer=address(f"half {i}")).install() for i in (1, 2)]
    reading = reader_of(fake)
    reading.take([vault.address for vault in vaults])
    starved = iter([True])

    def trigger(*_):
        if next(starved, False):
            raise Revert(b"")
        return 2

    fake.view(vaults[1].rebalancer, abi.Rebalancer.trigger, trigger)
    found = reading.take([vault.address for vault in vaults])
    assert all(snapshot.valuation is not None for snapshot in found.values())


def test_vault_reader__after_it_forgot__learns_everything_anew(fake):
    vault = FakeVault(fake).install()
    reading = reader_of(fake)
    reading.take([vault.address])
    fake.view(vault.address, abi.Vault.rebalancer, address("other half"))
    for function in reader._REBALANCER_READS:
        selector = function.selector
        fake.views[address("other half").lower(), selector] = fake.views[vault.rebalancer.lower(), selector]
    assert reading.take([vault.address])[vault.address].rebalancer == vault.rebalancer
    reading.forget()
    assert reading.take([vault.address])[vault.address].rebalancer == address("other half")
