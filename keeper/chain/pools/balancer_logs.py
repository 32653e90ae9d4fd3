"""Balancer V2: which pools the Vault has. Its logs name every pool that ever registered tokens."""

from collections.abc import Iterable, Mapping

from eth_utils.conversions import to_bytes

from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.chain.multicall import Read, read_all
from keeper.chain.pools.cache import PoolCache
from keeper.chain.pools.found import Found
from keeper.chain.rpc import Client, RpcError
from keeper.chain.snapshot import Block
from keeper.errors import ChainError
from keeper.settings import PoolSettings

_SAVED_EVERY = 100  # requests for logs


def existing(
    client: Client,
    tokens: Iterable[str],
    settings: PoolSettings,
    block: Block,
    multicall: str,
    cache: PoolCache | None = None,
) -> list[Found]:
    """The pools with at least two of the basket's tokens and the hubs: those of the logs, and those of the settings.

    :raises ChainError: the endpoint fails, or gives no logs
    """
    wanted = set(tokens) | set(settings.hubs)
    if not client.code(settings.balancer_vault, block):
        return []
    logged = _registered(client, settings, block, cache)
    ids = {pool_id for pool_id, has in logged.items() if len(wanted & set(has)) >= 2}
    named = read_all(client, [Read(pool, abi.Balancer.pool_id) for pool in settings.balancer_pools], block, multicall)
    ids |= {answer.value.hex() for answer in named if not answer.failed}
    ordered = sorted(ids)
    vault = settings.balancer_vault
    answers = read_all(
        client, [Read(vault, abi.Balancer.pool_tokens, (bytes.fromhex(i),)) for i in ordered], block, multicall
    )
    found: list[Found] = []
    for pool_id, answer in zip(ordered, answers, strict=True):
        if answer.failed:
            continue
        has = tuple(checksum(token) for token in answer.value[0])
        if len(wanted & set(has)) >= 2:
            # A pool's id begins with its address.
            found.append(Found("balancer_v2", checksum("0x" + pool_id[:40]), has, pool_id=pool_id))
    return found


def _registered(
    client: Client, settings: PoolSettings, block: Block, cache: PoolCache | None
) -> Mapping[str, list[str]]:
    """The tokens by pool id that the logs name up to `block`; those of earlier passes come out of the cache."""
    first = settings.balancer_first_block if settings.balancer_first_block <= block.number else 0
    name = f"balancer-{settings.balancer_vault[2:10].lower()}-{first}"
    known: dict[str, list[str]] = {}
    kept = cache.read(name) if cache else None
    if kept and kept["block"] <= block.number and client.block_hash(kept["block"]) == kept["hash"]:
        known, first = kept["pools"], kept["block"] + 1

    def save(last: int) -> None:
        if cache:
            cache.write(name, {"block": last, "hash": client.block_hash(last), "pools": known})

    span, requests = settings.logs_span_blocks, 0
    while first <= block.number:
        last = min(first + span - 1, block.number)
        try:
            logs = client.logs(settings.balancer_vault, abi.Balancer.tokens_registered.topic, first, last)
        except RpcError as error:
            if span == 1:
                raise ChainError(
                    f"{error}; use another RPC, or set pools.balancer_first_block to a block that it has"
                ) from None
            span //= 2
            continue
        for log in logs:
            has, _ = abi.Balancer.tokens_registered.decode(to_bytes(hexstr=log["data"]))
            known.setdefault(log["topics"][1][2:], []).extend(checksum(token) for token in has)
        first, requests = last + 1, requests + 1
        if requests % _SAVED_EVERY == 0 or first > block.number:
            save(last)
    return known
