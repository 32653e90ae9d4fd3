"""Which Curve pools there are: those that the MetaRegistry names, those of the settings, and which of them count."""

from fake_chain import MULTICALL, NOBODY, USDC, WETH, FakeChain, Revert, address

from keeper.chain import abi
from keeper.chain.pools.curve_registry import existing
from keeper.chain.rpc import Client
from keeper.settings import PoolSettings

REGISTRY = PoolSettings().curve_registry
DAI = address("dai")
ETHER = "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE"
NEW, OLD, OTHER = address("new"), address("old"), address("other")


def add(fake: FakeChain, pool: str, coins: tuple[str, ...], *, is_old: bool = False) -> None:
    """A pool that reverts past its last coin, as they do."""

    def coin(i: int) -> str:
        if i >= len(coins):
            raise Revert(b"")
        return coins[i]

    fake.view(pool, abi.CurvePool.coins_int128 if is_old else abi.CurvePool.coins, coin)


def find(fake: FakeChain, *named: str) -> dict[str, tuple[str, ...]]:
    client, settings = Client(fake.url, attempts=1), PoolSettings(hubs=(WETH,), curve_pools=named)
    found = existing(client, (USDC, DAI), settings, client.head(), MULTICALL)
    assert {pool.venue for pool in found} <= {"curve"}
    return {pool.address: pool.tokens for pool in found}


def test_existing__without_a_registry__looks_at_the_pools_of_the_settings(fake):
    add(fake, NEW, (USDC, OTHER, DAI))
    add(fake, OLD, (WETH, USDC), is_old=True)
    assert find(fake, NEW, OLD, address("nobody")) == {NEW: (USDC, OTHER, DAI), OLD: (WETH, USDC)}


def test_existing__asks_the_registry_for_every_pair_of_the_basket_and_the_hubs(fake):
    add(fake, NEW, (USDC, WETH))
    asked = []

    def pools(first, second):
        asked.append({first, second})
        return [NEW] if {first, second} == {USDC.lower(), WETH.lower()} else []

    fake.view(REGISTRY, abi.CurveRegistry.find_pools, pools)
    assert find(fake) == {NEW: (USDC, WETH)}
    assert len(asked) == 3
    assert {token for pair in asked for token in pair} == {USDC.lower(), WETH.lower(), DAI.lower()}


def test_existing__with_one_of_the_tokens_or_with_ether__is_left_out(fake):
    add(fake, NEW, (USDC, OTHER))
    add(fake, OLD, (USDC, DAI, ETHER))
    assert find(fake, NEW, OLD) == {}


def test_existing__nobody_as_a_coin__ends_the_list(fake):
    fake.view(NEW, abi.CurvePool.coins, lambda i: (USDC, DAI, NOBODY, WETH, *[NOBODY] * 4)[i])
    assert find(fake, NEW) == {NEW: (USDC, DAI)}
