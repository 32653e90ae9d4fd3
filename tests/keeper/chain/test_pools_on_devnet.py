"""Discovery on the devnet: every pool of every venue, with nothing but the default settings and Aave's wrappers as hubs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from eth_abi.abi import encode

from devnet import addresses as a
from devnet.box import Box
from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.chain.pools import PoolCache, Priced, discover
from keeper.chain.rpc import Client
from keeper.settings import PoolSettings

WAD = 10**18
PRICED = {token.address: Priced(int(token.price * WAD), token.decimals) for token in a.TOKENS.values()}
HUBS = (*PoolSettings().hubs, *a.AAVE_WRAPPERS.values())
LINK, LDO = a.TOKENS["LINK"].address, a.TOKENS["LDO"].address
ALL = {
    "uniswap_v2": {pair.address for pair in a.V2_PAIRS},
    "uniswap_v3": {pool.address for pool in a.V3_POOLS},
    "balancer_v2": {pool.address for pool in a.BALANCER_POOLS},
    "curve": {a.CURVE_SUSD_POOL},
    "erc4626": set(a.AAVE_WRAPPERS.values()),
    "wsteth": {a.TOKENS["wstETH"].address},
}


@pytest.fixture
def kept(rpc_url: str) -> Iterator[Box]:
    """The chain; what a test does to it is undone."""
    box = Box(rpc_url)
    before = box.snapshot()
    yield box
    box.revert(before)


def find(box: Box, cache: PoolCache | None = None, **settings: object) -> dict[str, set[str]]:
    client = Client(box.url).connect()
    chosen = PoolSettings(**({"hubs": HUBS, "min_depth_usd": 0} | settings))
    found: dict[str, set[str]] = {}
    for pool in discover(client, PRICED, chosen, client.head(), a.MULTICALL3, cache=cache):
        found.setdefault(pool.venue, set()).add(pool.address)
    return found


def test_discover__finds_every_pool_of_every_venue(kept: Box) -> None:
    assert find(kept) == ALL


def test_discover__out_of_the_cache__finds_the_same(kept: Box, tmp_path) -> None:
    cache = PoolCache(tmp_path, Client(kept.url))
    assert find(kept, cache) == find(kept, cache) == ALL


def test_discover__depth_floor__counts_what_balancers_vault_and_curves_pool_hold(kept: Box) -> None:
    found = find(kept, min_depth_usd=25_000_000)
    assert found["balancer_v2"] == {pool.address for pool in a.BALANCER_POOLS if pool.usd >= 25_000_000}
    assert "curve" not in found  # 20 million in it
    assert found["erc4626"] == ALL["erc4626"]
    assert find(kept, min_depth_usd=19_000_000)["curve"] == ALL["curve"]


def test_discover__pool_registered_since__is_found_by_its_log(kept: Box, tmp_path) -> None:
    cache = PoolCache(tmp_path, Client(kept.url))
    assert find(kept, cache) == ALL
    new = register(kept, sorted((LINK, LDO), key=lambda token: int(token, 16)))
    assert find(kept, cache) == ALL
    assert find(kept, cache, cache_max_age_s=0) == ALL | {"balancer_v2": ALL["balancer_v2"] | {new}}


def register(box: Box, tokens: list[str]) -> str:
    """A new weighted pool with a hundred whole tokens of each in it."""
    factory = a.BALANCER_FACTORIES["BalancerWeighted2Factory"]
    signature = "create(string,string,address[],uint256[],uint256,bool,address)"
    receipt = box.send(a.LP, factory, signature, "new", "NEW", tokens, [WAD // 2] * 2, 3 * 10**15, True, a.LP)
    topic = "0x" + abi.Balancer.tokens_registered.topic.hex()
    (pool_id,) = (log["topics"][1] for log in receipt["logs"] if log["topics"][0] == topic)
    amounts = [100 * WAD] * 2
    for token in tokens:
        box.send(a.LP, token, "approve(address,uint256)", a.BALANCER_VAULT, 100 * WAD)
    join = (tokens, amounts, encode(["uint256", "uint256[]"], [0, amounts]), False)
    box.send(
        a.LP,
        a.BALANCER_VAULT,
        "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))",
        *(bytes.fromhex(pool_id[2:]), a.LP, a.LP, join),
    )
    return checksum(pool_id[:42])
