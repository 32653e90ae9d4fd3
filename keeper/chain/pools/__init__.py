"""The pools that a basket can trade on, read at one block into `keeper.markets` objects.

Which pools exist, how deep they are and their state, each at the same block. A pool counts when at least two of its
tokens are in the basket or are hubs (tokens that much else trades against).
"""

import hashlib
from collections.abc import Mapping, Sequence

from keeper.chain import abi
from keeper.chain.multicall import Read, read_all
from keeper.chain.pools import balancer, balancer_logs, curve, curve_registry, uniswap, wrappers
from keeper.chain.pools.cache import PoolCache, pack, still_there, unpack
from keeper.chain.pools.found import ZERO, Found, Priced
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.markets import Pool
from keeper.settings import PoolSettings

__all__ = ["PoolCache", "Priced", "discover"]

_WRAPPERS = ("erc4626", "wsteth")
# Settings that say how much is read, not which pools there are.
_NOT_WHICH = {"min_depth_usd", "v3_range_bps", "logs_span_blocks", "cache_folder", "cache_max_age_s"}


def discover(
    client: Client,
    tokens: Mapping[str, Priced],
    settings: PoolSettings,
    block: Block,
    multicall: str,
    *,
    cache: PoolCache | None = None,
    until: int | None = None,
    holder: str = ZERO,
) -> list[Pool]:
    """Every pool of a known venue between the basket's tokens and the hubs that is deep enough, frozen at `block`.

    :param tokens: the basket by checksum address
    :param cache: where the addresses of pools are kept; they are looked for anew without
    :param until: unix s, the last moment at which the pools' amounts have to hold; the block's time when None
    :param holder: who will have what is sold, for venues that limit it
    :raises ChainError: the endpoint fails
    """
    found = _known(client, tokens, settings, block, multicall, cache)
    found = _deep_enough(client, found, tokens, settings, block, multicall)
    of = {venue: [pool for pool in found if pool.venue == venue] for venue in {pool.venue for pool in found}}
    vault, in_vault = settings.balancer_vault, [pool.address for pool in of.get("balancer_v2", ())]
    return [
        *uniswap.read_v2(client, of.get("uniswap_v2", ()), block, multicall),
        *uniswap.read_v3(client, of.get("uniswap_v3", ()), settings, block, multicall),
        *balancer.read_weighted(client, in_vault, vault, block, multicall),
        *balancer.read_stable(client, in_vault, vault, block, multicall, until),
        *curve.read_curve(client, [pool.address for pool in of.get("curve", ())], block, multicall),
        *wrappers.read_erc4626(client, of.get("erc4626", ()), block, multicall, until, holder),
        *wrappers.read_wsteth(client, of.get("wsteth", ()), block, multicall),
    ]


def _known(
    client: Client,
    tokens: Mapping[str, Priced],
    settings: PoolSettings,
    block: Block,
    multicall: str,
    cache: PoolCache | None,
) -> list[Found]:
    """The pools that exist: out of the cache while it is young and every pool in it is still what it was."""
    name = _question(tokens, settings)
    kept = cache.read(name) if cache else None
    if kept and 0 <= block.timestamp - kept.get("found_at", 0) < settings.cache_max_age_s:
        pools = unpack(kept.get("pools"))
        if pools is not None and still_there(client, pools, settings, block, multicall):
            return pools
    found = [
        *uniswap.existing(client, tokens, settings, block, multicall),
        *balancer_logs.existing(client, tokens, settings, block, multicall, cache),
        *curve_registry.existing(client, tokens, settings, block, multicall),
        *wrappers.existing(client, tokens, settings, block, multicall),
    ]
    if cache:
        cache.write(name, {"found_at": block.timestamp, "pools": pack(found)})
    return found


def _question(tokens: Mapping[str, Priced], settings: PoolSettings) -> str:
    """A name for what was looked for: the tokens and the venues' settings."""
    asked = f"{sorted(tokens)} {settings.model_dump_json(exclude=_NOT_WHICH)}"
    return f"pools-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"


def _deep_enough(
    client: Client,
    found: Sequence[Found],
    tokens: Mapping[str, Priced],
    settings: PoolSettings,
    block: Block,
    multicall: str,
) -> list[Found]:
    """The pools that hold at least the floor; one whose tokens have no price stays, the router will judge it.

    A wrapper stays too: it holds little itself, and its rate has no depth.
    """
    reads: list[Read] = []
    for pool in found:
        if pool.venue == "balancer_v2":
            vault_read = Read(settings.balancer_vault, abi.Balancer.pool_tokens, (bytes.fromhex(pool.pool_id),))
            reads.append(vault_read)
        elif pool.venue not in _WRAPPERS:
            reads += [Read(token, abi.Token.balance_of, (pool.address,)) for token in pool.tokens]
    answers = iter(read_all(client, reads, block, multicall))
    deep: list[Found] = []
    for pool in found:
        if pool.venue in _WRAPPERS:
            deep.append(pool)
            continue
        if pool.venue == "balancer_v2":
            answer = next(answers)
            held = [0] * len(pool.tokens) if answer.failed else answer.value[1]
        else:
            held = [next(answers).value or 0 for _ in pool.tokens]
        sides = [
            tokens[token].usd(balance) for token, balance in zip(pool.tokens, held, strict=True) if token in tokens
        ]
        # What has no price is taken to be worth as much as the rest, as it is in a pool at the market's price.
        if not sides or sum(sides) * len(held) / len(sides) >= settings.min_depth_usd:
            deep.append(pool)
    return deep
