"""The pools that a basket can trade on, read at one block into `keeper.markets` objects.

Which pools exist, how deep they are and their state, each at the same block. A token pair is asked for when both are in
the basket or one is a hub (a token that much else trades against).
"""

from collections.abc import Mapping, Sequence

from keeper.chain import abi
from keeper.chain.multicall import Read, read_all
from keeper.chain.pools import uniswap
from keeper.chain.pools.found import Found, Priced
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.markets import Pool
from keeper.settings import PoolSettings

__all__ = ["Priced", "discover"]


def discover(
    client: Client, tokens: Mapping[str, Priced], settings: PoolSettings, block: Block, multicall: str
) -> list[Pool]:
    """Every Uniswap V2 and V3 pool between the basket's tokens and the hubs that is deep enough, frozen at `block`.

    :param tokens: the basket by checksum address
    :raises ChainError: the endpoint fails
    """
    found = uniswap.existing(client, tokens, settings, block, multicall)
    found = _deep_enough(client, found, tokens, settings, block, multicall)
    v2 = [pool for pool in found if pool.venue == "uniswap_v2"]
    v3 = [pool for pool in found if pool.venue == "uniswap_v3"]
    return [*uniswap.read_v2(client, v2, block, multicall), *uniswap.read_v3(client, v3, settings, block, multicall)]


def _deep_enough(
    client: Client,
    found: Sequence[Found],
    tokens: Mapping[str, Priced],
    settings: PoolSettings,
    block: Block,
    multicall: str,
) -> list[Found]:
    """The pools that hold at least the floor; one whose tokens have no price stays, the router will judge it."""
    reads = [Read(token, abi.Token.balance_of, (pool.address,)) for pool in found for token in pool.tokens]
    held = iter(read_all(client, reads, block, multicall))
    deep: list[Found] = []
    for pool in found:
        balances = [(token, next(held).value or 0) for token in pool.tokens]
        sides = [tokens[token].usd(balance) for token, balance in balances if token in tokens]
        # What has no price is taken to be worth as much as the rest, as it is in a pool at the market's price.
        if not sides or sum(sides) * len(balances) / len(sides) >= settings.min_depth_usd:
            deep.append(pool)
    return deep
