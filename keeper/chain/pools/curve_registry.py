"""Curve: which pools its MetaRegistry knows, where there is one, and those of the settings."""

from collections.abc import Iterable
from itertools import combinations

from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.chain.multicall import Read, read_all
from keeper.chain.pools.found import ZERO, Found
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.settings import PoolSettings

_MOST_COINS = 8
_ETHER = "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE"  # Curve's name for it; the executor trades tokens alone


def existing(
    client: Client, tokens: Iterable[str], settings: PoolSettings, block: Block, multicall: str
) -> list[Found]:
    """The pools with at least two of the basket's tokens and the hubs."""
    wanted = set(tokens) | set(settings.hubs)
    pairs = combinations(sorted(wanted), 2)
    registered = read_all(
        client, [Read(settings.curve_registry, abi.CurveRegistry.find_pools, pair) for pair in pairs], block, multicall
    )
    pools = {checksum(pool) for answer in registered for pool in answer.value or ()} | set(settings.curve_pools)
    found: list[Found] = []
    for pool, coins in _coins(client, sorted(pools), block, multicall).items():
        if len(wanted & set(coins)) >= 2 and _ETHER not in coins:
            found.append(Found("curve", pool, coins))
    return found


def _coins(client: Client, pools: list[str], block: Block, multicall: str) -> dict[str, tuple[str, ...]]:
    """Each pool's coins, up to the first that it does not have."""
    both = (abi.CurvePool.coins, abi.CurvePool.coins_int128)
    reads = [Read(pool, coins, (i,)) for pool in pools for i in range(_MOST_COINS) for coins in both]
    answers = read_all(client, reads, block, multicall)
    of_pool: dict[str, tuple[str, ...]] = {}
    for at, pool in enumerate(pools):
        own = answers[at * 2 * _MOST_COINS : (at + 1) * 2 * _MOST_COINS]
        coins: list[str] = []
        for new, old in zip(own[::2], own[1::2], strict=True):
            coin = new.value or old.value
            if coin in (None, ZERO):
                break
            coins.append(checksum(coin))
        of_pool[pool] = tuple(coins)
    return of_pool
