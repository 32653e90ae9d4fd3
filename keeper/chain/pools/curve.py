"""Curve's stable pools with int128 indices, read at one block.

Stages, each one multicall: what a pool says of itself, its coins' decimals, and last its own quotes. A pool does not say
which code it runs: whether its A has a precision tells the half of it, the quotes tell the rest and prove the rates. So a
pool that counts by other rules than ours drops out: rates that it does not tell, coins that are another pool's.

What may change between the block and the swap cannot be promised to the wei. So a pool is left out while its A moves.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import permutations

from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.chain.multicall import Answer, Read, read_all
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.markets.curve_stable import GENERATIONS, MAX_COINS, CurveStablePool
from keeper.markets.pool import InvalidPool

_NOBODY = "0x" + "0" * 40
# A rate is 10^18 times the units of the invariant, 10^18 to a whole coin, per base unit.
_RATE_DECIMALS = 36
_A_PRECISION = 100
_WORD = 32
# One part in so many of a balance is quoted, in a few quotes more than there are coins.
_PROBES = (9_973, 997, 97, 11)
_MOST_TELLING = 4

_INDEXED = (abi.CurvePool.coins, abi.CurvePool.coins_int128, abi.CurvePool.balances, abi.CurvePool.balances_int128)
_PLAIN = (
    abi.CurvePool.a,
    abi.CurvePool.a_precise,
    abi.CurvePool.fee,
    abi.CurvePool.admin_fee,
    abi.CurvePool.future_a_time,
    abi.CurvePool.offpeg_fee_multiplier,
    abi.CurvePool.stored_rates,
)


@dataclass(frozen=True, slots=True)
class _Head:
    """What a pool says."""

    address: str
    coins: tuple[str, ...]
    balances: tuple[int, ...]
    amplification: int
    a_precision: int
    fee: int
    admin_fee: int
    offpeg_fee_multiplier: int  # nought where it has none
    rates: tuple[int, ...]  # none where it says none


@dataclass(frozen=True, slots=True)
class _Probe:
    """A swap to try a pool with: coins by index, base units."""

    i: int
    j: int
    amount: int


def read_curve(client: Client, addresses: Sequence[str], block: Block, multicall: str) -> list[CurveStablePool]:
    """The pools among `addresses` whose next swap is certain; others are left out.

    :raises ChainError: the endpoint fails
    """
    heads = _heads(client, addresses, block, multicall)
    decimals = read_all(
        client, [Read(coin, abi.Token.decimals) for head in heads for coin in head.coins], block, multicall
    )
    of_coin = iter(decimals)
    candidates = [_candidates(head, [next(of_coin) for _ in head.coins]) for head in heads]
    candidates = [each for each in candidates if each]
    probes = [_probes(each) for each in candidates]
    reads = [
        Read(each[0].address, abi.CurvePool.get_dy, (probe.i, probe.j, probe.amount))
        for each, of_pool in zip(candidates, probes, strict=True)
        for probe in of_pool
    ]
    answers = iter(read_all(client, reads, block, multicall))
    settled: list[CurveStablePool] = []
    for each, of_pool in zip(candidates, probes, strict=True):
        quoted = [next(answers).value for _ in of_pool]
        agreeing = (pool for pool in each if all(map(partial(_quotes, pool), of_pool, quoted)))
        settled.extend(list(agreeing)[:1])
    return settled


def _heads(client: Client, addresses: Sequence[str], block: Block, multicall: str) -> list[_Head]:
    reads = [Read(pool, function, (k,)) for pool in addresses for k in range(MAX_COINS) for function in _INDEXED]
    indexed = read_all(client, reads, block, multicall)
    plain = read_all(client, [Read(pool, function) for pool in addresses for function in _PLAIN], block, multicall)
    width, heads = len(_INDEXED) * MAX_COINS, []
    for at, pool in enumerate(addresses):
        head = _head(
            pool,
            indexed[at * width : (at + 1) * width],
            plain[at * len(_PLAIN) : (at + 1) * len(_PLAIN)],
            block,
        )
        if head is not None:
            heads.append(head)
    return heads


def _head(pool: str, indexed: Sequence[Answer], plain: Sequence[Answer], block: Block) -> _Head | None:
    """None for what is no such pool, for an empty one, and for one whose A moves."""
    coins: list[str] = []
    balances: list[int] = []
    rows = zip(*(indexed[at :: len(_INDEXED)] for at in range(len(_INDEXED))), strict=True)
    for coin, coin_int128, balance, balance_int128 in rows:
        address = coin.value or coin_int128.value or _NOBODY
        held = balance_int128.value if balance.failed else balance.value
        if address == _NOBODY or held is None:
            break
        coins.append(checksum(address))
        balances.append(held)
    a, a_precise, fee, admin_fee, ramp_end, offpeg_fee, rates = plain
    moves = (ramp_end.value or 0) > block.timestamp
    if len(coins) < 2 or 0 in balances or a.failed or fee.failed or admin_fee.failed or moves:
        return None
    amplification, precision = (a.value, 1) if a_precise.failed else (a_precise.value, _A_PRECISION)
    return _Head(
        pool,
        tuple(coins),
        tuple(balances),
        amplification,
        precision,
        fee.value,
        admin_fee.value,
        offpeg_fee.value or 0,
        _stored_rates(rates, len(coins)),
    )


def _stored_rates(answer: Answer, coins: int) -> tuple[int, ...]:
    """As a list, or as the array of as many words that pools of a fixed number of coins return."""
    if not answer.failed:
        return tuple(answer.value)
    if len(answer.data) != _WORD * coins:
        return ()
    return tuple(int.from_bytes(answer.data[at : at + _WORD]) for at in range(0, len(answer.data), _WORD))


def _candidates(head: _Head, decimals: Sequence[Answer]) -> list[CurveStablePool]:
    """The pool in every generation that it may be of."""
    rates = head.rates
    if not rates:
        if any(answer.failed or answer.value > _RATE_DECIMALS for answer in decimals):
            return []
        rates = tuple(10 ** (_RATE_DECIMALS - answer.value) for answer in decimals)
    pools: list[CurveStablePool] = []
    for generation in GENERATIONS:
        if generation.a_precision == head.a_precision:
            with suppress(InvalidPool):
                pools.append(
                    CurveStablePool(
                        head.address,
                        head.coins,
                        head.balances,
                        rates,
                        head.amplification,
                        head.fee,
                        head.admin_fee,
                        generation,
                        head.offpeg_fee_multiplier,
                    )
                )
    return pools


def _probes(candidates: Sequence[CurveStablePool]) -> list[_Probe]:
    """Swaps whose quotes tell the candidates apart, and one from each coin, for the rates."""
    pool = candidates[0]
    coins = range(len(pool.tokens))
    each = [_Probe(i, (i + 1) % len(coins), pool.balances[i] // _PROBES[-1]) for i in coins]
    others = [_Probe(i, j, pool.balances[i] // part) for i, j in permutations(coins, 2) for part in _PROBES]
    telling = [
        probe for probe in others if len({pool.quotes(probe.i, probe.j, probe.amount) for pool in candidates}) > 1
    ]
    return each + telling[:_MOST_TELLING]


def _quotes(pool: CurveStablePool, probe: _Probe, quoted: int | None) -> bool:
    return quoted in pool.quotes(probe.i, probe.j, probe.amount)
