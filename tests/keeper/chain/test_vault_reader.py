"""Many vaults at one block: in how many requests, and that each is what reading it alone gives."""

import pytest
from fake_chain import MULTICALL, NOBODY, USDC, WETH, FakeVault, address

from keeper.chain import abi, reader
from keeper.chain.reader import VaultReader
from keeper.chain.rpc import Client
from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import ConfigurationError


@pytest.fixture
def client(fake) -> Client:
    return Client(fake.url, attempts=1)


@pytest.fixture
def vaults(fake) -> list[FakeVault]:
    return [
        FakeVault(
            fake, address(f"vault {n}"), address(f"rebalancer {n}"), address(f"oracle {n}"), weth=(600 + n) * 10**18
        ).install()
        for n in range(20)
    ]


def requests(client: Client) -> int:
    return client.counts[client.name]["eth_call"]


def test_take_all__each__is_what_reading_it_alone_gives(fake, client, vaults):
    vaults[3].keepers = (vaults[3].executor,)
    executor = vaults[3].executor
    head = client.head()
    addresses = [vault.address for vault in vaults]
    alone = {each: reader.take(client, each, MULTICALL, WETH, executor, head) for each in addresses}
    together = VaultReader(client, MULTICALL, WETH, executor)
    for _ in range(2):
        assert together.take_all(addresses, head) == alone
    assert alone[addresses[3]].is_keeper
    assert VaultReader(client, MULTICALL, WETH).take_all(addresses[3:4], head) == {
        addresses[3]: reader.take(client, addresses[3], MULTICALL, WETH, None, head)
    }


def test_take_all__however_many__is_one_request_once_they_are_known(client, vaults):
    together = VaultReader(client, MULTICALL, WETH)
    head = client.head()
    for count, expected in ((1, 3), (1, 1), (20, 3), (20, 1), (20, 1)):
        before = requests(client)
        together.take_all([vault.address for vault in vaults[:count]], head)
        assert requests(client) - before == expected


def test_take_all__when_a_vault_has_other_parts_than_before__reads_those_that_it_has(fake, client, vaults):
    together = VaultReader(client, MULTICALL, WETH)
    addresses = [vault.address for vault in vaults]
    together.take_all(addresses, client.head())
    other = address("another oracle")
    fake.view(vaults[5].rebalancer, abi.Rebalancer.oracle, other)
    vaults[5].oracle = other
    vaults[5].weth_price = 3_000 * 10**18
    vaults[5].install()
    before = requests(client)
    found = together.take_all(addresses, client.head())[addresses[5]]
    assert isinstance(found, VaultSnapshot)
    assert (found.oracle, found.prices) == (other, (3_000 * 10**18, 10**18))
    assert requests(client) - before == 2
    together.take_all(addresses, client.head())
    assert requests(client) - before == 3


def test_take_all__one_that_is_wrong__does_not_stop_the_others(fake, client, vaults):
    together = VaultReader(client, MULTICALL, WETH)
    nothing, no_vault = address("nothing"), USDC
    good = vaults[0].address

    def fails(*_):
        return b""

    fake.view(vaults[1].address, abi.Vault.holdings, fails)
    found = together.take_all([nothing, no_vault, vaults[1].address, good], client.head())
    assert list(found) == [nothing, no_vault, vaults[1].address, good]
    for wrong in (nothing, no_vault, vaults[1].address):
        assert isinstance(found[wrong], ConfigurationError)
        assert f"{wrong} is not an index vault" in str(found[wrong])
    assert isinstance(found[good], VaultSnapshot)


def test_take_all__of_none__asks_nothing(client):
    assert VaultReader(client, MULTICALL, NOBODY).take_all([], client.head()) == {}
    assert requests(client) == 0
