"""Balancer V2's weighted and stable pools, read at one block.

Stages, each one multicall: what the pools say of themselves, what the Vault holds for them, decimals and rates, and last
what the Vault quotes. The quotes tell of which generation a pool is, and drop one that swaps by other rules than ours:
paused, of a kind unknown here, or not what its address was listed for.

What may change between the block and the swap cannot be promised to the wei. So a stable pool is left out while its
amplification moves, which takes a day or more, and at the end of a rate's cache when the rate has moved on since.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, permutations
from typing import Any, TypeVar

from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.chain.multicall import Answer, Read, read_all
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.markets.balancer_pool import GENERATIONS, BalancerPool
from keeper.markets.balancer_stable import AMP_PRECISION, BalancerStablePool
from keeper.markets.balancer_weighted import BalancerWeightedPool
from keeper.markets.fixed_point import ONE, mul_down
from keeper.markets.pool import InsufficientLiquidity, InvalidPool

_NOBODY = "0x" + "0" * 40
_MOST_DECIMALS = 18
_GIVEN_IN = 0
# A pool is tried with a few swaps that tell the generations apart, looked for among many: where they differ at all, they do
# in some direction in a tenth of the swaps or more.
_MOST_QUOTES = 3
_LEAST_PROBES, _MOST_PROBES = 4, 128
_LARGEST_PART = 7


@dataclass(frozen=True, slots=True)
class _Head:
    """What a pool and the Vault say."""

    address: str
    pool_id: bytes
    fee: int
    shape: Any  # weights, or the amplification as the pool tells it
    rates: tuple[str, ...]  # who knows the rate of each token, nobody for most
    tokens: tuple[str, ...]
    balances: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Probe:
    """A swap to try a pool with: tokens by index, base units."""

    i: int
    j: int
    amount: int


_Pool = TypeVar("_Pool", bound=BalancerPool)
_Build = Callable[[_Head, tuple[int, ...]], _Pool]


def read_weighted(
    client: Client, addresses: Sequence[str], vault: str, block: Block, multicall: str
) -> list[BalancerWeightedPool]:
    """The pools with fixed weights among `addresses` that trade; others are left out.

    :raises ChainError: the endpoint fails
    """

    def build(head: _Head, scaling: tuple[int, ...]) -> BalancerWeightedPool:
        return BalancerWeightedPool(
            head.address, head.tokens, head.balances, scaling, head.fee, GENERATIONS[0], tuple(head.shape)
        )

    heads = _heads(client, addresses, abi.Balancer.weights, vault, block, multicall)
    return _read(client, heads, build, vault, block, multicall, block.timestamp)


def read_stable(
    client: Client, addresses: Sequence[str], vault: str, block: Block, multicall: str, until: int | None = None
) -> list[BalancerStablePool]:
    """The StablePools and MetaStablePools among `addresses` whose next swap is certain; others are left out.

    :param until: unix s, the last moment at which that swap may come; the block's own time when None
    :raises ChainError: the endpoint fails
    """

    def build(head: _Head, scaling: tuple[int, ...]) -> BalancerStablePool:
        amplification, _, _ = head.shape
        return BalancerStablePool(
            head.address, head.tokens, head.balances, scaling, head.fee, GENERATIONS[0], amplification
        )

    heads = _heads(client, addresses, abi.Balancer.amplification, vault, block, multicall)
    still = [head for head in heads if head.shape[1:] == (False, AMP_PRECISION)]
    return _read(client, still, build, vault, block, multicall, block.timestamp if until is None else until)


def _heads(
    client: Client, addresses: Sequence[str], shape: abi.Function, vault: str, block: Block, multicall: str
) -> list[_Head]:
    functions = (abi.Balancer.pool_id, abi.Balancer.swap_fee, shape, abi.Balancer.rate_providers)
    answers = read_all(client, [Read(pool, function) for pool in addresses for function in functions], block, multicall)
    said = [
        (pool, pool_id.value, fee.value, own.value, rates.value)
        for pool, pool_id, fee, own, rates in zip(
            addresses, answers[::4], answers[1::4], answers[2::4], answers[3::4], strict=True
        )
        if not (pool_id.failed or fee.failed or own.failed)
    ]
    held = read_all(client, [Read(vault, abi.Balancer.pool_tokens, (pool[1],)) for pool in said], block, multicall)
    heads = []
    for (pool, pool_id, fee, own, rates), answer in zip(said, held, strict=True):
        if not answer.failed:
            tokens, balances, _ = answer.value
            knowing = rates if rates and len(rates) == len(tokens) else (_NOBODY,) * len(tokens)
            heads.append(_Head(pool, pool_id, fee, own, knowing, tuple(map(checksum, tokens)), tuple(balances)))
    return heads


def _read(
    client: Client,
    heads: Sequence[_Head],
    build: _Build[_Pool],
    vault: str,
    block: Block,
    multicall: str,
    until: int,
) -> list[_Pool]:
    """The pools that have certain scaling factors and a state that a pool can be in, and that quote as one."""
    pools: list[tuple[bytes, _Pool]] = []
    for head, scaling in zip(heads, _scaling_factors(client, heads, block, multicall, until), strict=True):
        if scaling is not None and 0 not in head.balances:
            try:
                pools.append((head.pool_id, build(head, scaling)))
            except InvalidPool:
                continue
    probes = [_probes(pool) for _, pool in pools]
    reads = [
        _query(vault, pool_id, pool, probe)
        for (pool_id, pool), of_pool in zip(pools, probes, strict=True)
        for probe in of_pool
    ]
    answers = iter(read_all(client, reads, block, multicall))
    settled: list[_Pool] = []
    for (_, pool), of_pool in zip(pools, probes, strict=True):
        paid = [_paid(next(answers), probe) for probe in of_pool]
        agreeing = (same for same in _generations(pool) if [_quote(same, probe) for probe in of_pool] == paid)
        settled.extend(list(agreeing)[:1])
    return settled


def _scaling_factors(
    client: Client, heads: Sequence[_Head], block: Block, multicall: str, until: int
) -> list[tuple[int, ...] | None]:
    """WAD, in the order of each head's tokens; None where a rate may change before the swap."""
    tokens = [(head, token, knowing) for head in heads for token, knowing in zip(head.tokens, head.rates, strict=True)]
    rated = [each for each in tokens if each[2] != _NOBODY]
    reads = [Read(token, abi.Token.decimals) for _, token, _ in tokens]
    reads += [Read(head.address, abi.Balancer.rate_cache, (token,)) for head, token, _ in rated]
    reads += [Read(knowing, abi.Balancer.rate) for _, _, knowing in rated]
    answers = read_all(client, reads, block, multicall)
    caches, fresh = answers[len(tokens) : len(tokens) + len(rated)], answers[len(tokens) + len(rated) :]
    rates = {
        (head.address, token): _next_rate(cache, now, block, until)
        for (head, token, _), cache, now in zip(rated, caches, fresh, strict=True)
    }
    decimals = iter(answers)
    return [_factors(head, [next(decimals) for _ in head.tokens], rates) for head in heads]


def _factors(
    head: _Head, decimals: Sequence[Answer], rates: Mapping[tuple[str, str], int | None]
) -> tuple[int, ...] | None:
    factors = []
    for token, answer in zip(head.tokens, decimals, strict=True):
        rate = rates.get((head.address, token), ONE)
        if rate is None or answer.failed or answer.value > _MOST_DECIMALS:
            return None
        factors.append(mul_down(10 ** (_MOST_DECIMALS - answer.value) * ONE, rate))
    return tuple(factors)


def _next_rate(cache: Answer, fresh: Answer, block: Block, until: int) -> int | None:
    """WAD, the rate that the pool's next swap uses; None if that depends on when it comes up to `until`, or nobody tells.

    A swap takes the cached rate, and renews it before when its time is over (Balancer V2: MetaStablePool). A pool that knows
    somebody who tells rates but keeps no cache of them does not swap by them.
    """
    if cache.failed:
        return ONE
    rate, _, expires = cache.value
    if expires < block.timestamp:
        rate = fresh.value
    elif expires < until and fresh.value != rate:
        return None
    return None if rate is None else int(rate)


def _generations(pool: _Pool) -> list[_Pool]:
    return [replace(pool, generation=generation) for generation in GENERATIONS]


def _probes(pool: BalancerPool) -> list[_Probe]:
    """Swaps whose outputs tell the generations apart; any one if none does."""
    pairs = list(permutations(range(len(pool.tokens)), 2))
    parts = range(_LARGEST_PART, _LARGEST_PART + max(_LEAST_PROBES, _MOST_PROBES // len(pairs)))
    probes = [_Probe(i, j, pool.balances[i] // part) for part in parts for i, j in pairs]
    telling = (probe for probe in probes if len({_quote(same, probe) for same in _generations(pool)}) > 1)
    return list(islice(telling, _MOST_QUOTES)) or probes[:1]


def _quote(pool: BalancerPool, probe: _Probe) -> int:
    """What the pool would pay; -1 when it refuses."""
    try:
        return pool.amount_out(pool.tokens[probe.i], pool.tokens[probe.j], probe.amount)
    except InsufficientLiquidity:
        return -1


def _query(vault: str, pool_id: bytes, pool: BalancerPool, probe: _Probe) -> Read:
    steps = [(pool_id, probe.i, probe.j, probe.amount, b"")]
    nobody = (_NOBODY, False, _NOBODY, False)
    return Read(vault, abi.Balancer.query_batch_swap, (_GIVEN_IN, steps, pool.tokens, nobody))


def _paid(answer: Answer, probe: _Probe) -> int:
    """What the Vault would pay; -1 when it refuses."""
    return -1 if answer.failed else -int(answer.value[probe.j])
