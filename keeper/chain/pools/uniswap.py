"""Uniswap V2 and V3: which pools the factories have, and their state.

Stages at one block, each one multicall: which pools exist, their state, their tick bitmaps, their ticks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, log

from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.chain.multicall import Read, read_all
from keeper.chain.pools.found import ZERO, Found
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.markets import Tick, UniswapV2Pool, UniswapV3Pool
from keeper.settings import PoolSettings

_MIN_TICK, _MAX_TICK = -887272, 887272
_WORD = 256


def existing(
    client: Client, tokens: Iterable[str], settings: PoolSettings, block: Block, multicall: str
) -> list[Found]:
    """The pools of both factories between the basket's tokens and the hubs."""
    basket = set(tokens)
    both = sorted(basket | set(settings.hubs), key=lambda token: int(token, 16))
    candidates: list[Found] = []
    reads: list[Read] = []
    for token0, token1 in combinations(both, 2):
        candidates.append(Found("uniswap_v2", "", (token0, token1), 3000))
        reads.append(Read(settings.v2_factory, abi.UniswapV2.get_pair, (token0, token1)))
        for fee in settings.v3_fees_ppm:
            candidates.append(Found("uniswap_v3", "", (token0, token1), fee))
            reads.append(Read(settings.v3_factory, abi.UniswapV3.get_pool, (token0, token1, fee)))
    return [
        Found(pool.venue, checksum(answer.value), pool.tokens, pool.fee)
        for pool, answer in zip(candidates, read_all(client, reads, block, multicall), strict=True)
        if answer.value not in (None, ZERO)
    ]


def read_v2(client: Client, found: Sequence[Found], block: Block, multicall: str) -> list[UniswapV2Pool]:
    """The pairs with something in them; the reserves that a pair reports are those that it swaps by."""
    answers = read_all(client, [Read(pool.address, abi.UniswapV2.get_reserves) for pool in found], block, multicall)
    return [
        UniswapV2Pool(pool.address, pool.tokens[0], pool.tokens[1], answer.value[0], answer.value[1], pool.fee)
        for pool, answer in zip(found, answers, strict=True)
        if not answer.failed and answer.value[0] and answer.value[1]
    ]


def read_v3(
    client: Client, found: Sequence[Found], settings: PoolSettings, block: Block, multicall: str
) -> list[UniswapV3Pool]:
    """The initialised pools with the ticks around their price; a pool that does not answer is left out."""
    state = (abi.UniswapV3.slot0, abi.UniswapV3.liquidity, abi.UniswapV3.tick_spacing)
    answers = read_all(client, [Read(pool.address, function) for pool in found for function in state], block, multicall)
    heads: list[_V3Head] = []
    for pool, slot0, liquidity, spacing in zip(found, answers[::3], answers[1::3], answers[2::3], strict=True):
        if not (slot0.failed or liquidity.failed or spacing.failed) and slot0.value[0] != 0:
            heads.append(_V3Head(pool, slot0.value[0], slot0.value[1], liquidity.value, spacing.value))

    words = [(head, word) for head in heads for word in head.words(settings.v3_range_bps)]
    bitmaps = read_all(
        client, [Read(head.pool.address, abi.UniswapV3.tick_bitmap, (word,)) for head, word in words], block, multicall
    )
    indices: list[tuple[_V3Head, int]] = []
    unread: set[str] = set()
    for (head, word), bitmap in zip(words, bitmaps, strict=True):
        if bitmap.failed:
            unread.add(head.pool.address)
            continue
        indices += [(head, (word * _WORD + bit) * head.spacing) for bit in range(_WORD) if bitmap.value >> bit & 1]
    answers = read_all(
        client, [Read(head.pool.address, abi.UniswapV3.ticks, (index,)) for head, index in indices], block, multicall
    )
    ticks: dict[str, list[Tick]] = {head.pool.address: [] for head in heads}
    for (head, index), answer in zip(indices, answers, strict=True):
        if answer.failed:
            unread.add(head.pool.address)
        else:
            ticks[head.pool.address].append(Tick(index, answer.value[1]))
    return [
        head.build(sorted(ticks[head.pool.address], key=lambda tick: tick.index), settings.v3_range_bps)
        for head in heads
        if head.pool.address not in unread
    ]


@dataclass(frozen=True, slots=True)
class _V3Head:
    pool: Found
    sqrt_price_x96: int
    tick: int
    liquidity: int
    spacing: int

    def words(self, range_bps: int) -> range:
        """The words of the tick bitmap around the price that cover a fall, or the matching rise, by `range_bps`."""
        reach = ceil(-log(1 - range_bps / 10_000) / log(1.0001))
        return range(self._word(self.tick - reach), self._word(self.tick + reach) + 1)

    def build(self, ticks: Sequence[Tick], range_bps: int) -> UniswapV3Pool:
        words = self.words(range_bps)
        return UniswapV3Pool(
            address=self.pool.address,
            token0=self.pool.tokens[0],
            token1=self.pool.tokens[1],
            fee=self.pool.fee,
            tick_spacing=self.spacing,
            sqrt_price_x96=self.sqrt_price_x96,
            tick=self.tick,
            liquidity=self.liquidity,
            ticks=tuple(ticks),
            tick_lower_loaded=max(words.start * _WORD * self.spacing, _MIN_TICK),
            tick_upper_loaded=min((words.stop * _WORD - 1) * self.spacing, _MAX_TICK),
        )

    def _word(self, tick: int) -> int:
        return min(max(tick, _MIN_TICK), _MAX_TICK) // self.spacing // _WORD
