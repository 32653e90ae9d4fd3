"""Uniswap V3 ticks: sqrt(1.0001 ** tick) as Q64.96, to the bit as the chain computes it (whitepaper, section 6.1)."""

from __future__ import annotations

from functools import lru_cache
from math import floor, log

MIN_TICK = -887_272
MAX_TICK = 887_272
MIN_SQRT_RATIO = 4_295_128_739
MAX_SQRT_RATIO = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342

_MAX_UINT256 = 2**256 - 1
_Q32 = 1 << 32
_LOG_SQRT_BASE = log(1.0001) / 2

# Entry i is 2**128 / sqrt(1.0001 ** (2 ** i)), one for each bit of |tick|.
_FACTORS = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x9AA508B5B7A84E1C677DE54F3E99BC9,
    0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98,
    0x48A170391F7DC42444E8FA2,
)


@lru_cache(maxsize=1 << 16)
def sqrt_ratio_at_tick(tick: int) -> int:
    """sqrt(1.0001 ** tick) * 2**96, rounded up. Raises ValueError outside MIN_TICK..MAX_TICK."""
    size = abs(tick)
    if size > MAX_TICK:
        raise ValueError(f"tick {tick} is not within {MIN_TICK}..{MAX_TICK}")
    ratio = 1 << 128
    for bit, factor in enumerate(_FACTORS):
        if size >> bit & 1:
            ratio = ratio * factor >> 128
    if tick > 0:
        ratio = _MAX_UINT256 // ratio
    # Rounding up keeps tick_at_sqrt_ratio(sqrt_ratio_at_tick(tick)) == tick.
    return -(-ratio // _Q32)


def tick_at_sqrt_ratio(sqrt_ratio_x96: int) -> int:
    """The greatest tick whose ratio is at most `sqrt_ratio_x96`. Raises ValueError outside the valid ratios."""
    if not MIN_SQRT_RATIO <= sqrt_ratio_x96 < MAX_SQRT_RATIO:
        raise ValueError(f"square root price {sqrt_ratio_x96} is not within {MIN_SQRT_RATIO}..{MAX_SQRT_RATIO - 1}")
    # The float logarithm is off by far less than one tick; the exact ratios settle which side of a boundary it is.
    tick = floor(log(sqrt_ratio_x96 / 2**96) / _LOG_SQRT_BASE)
    tick = min(max(tick, MIN_TICK), MAX_TICK - 1)
    while sqrt_ratio_at_tick(tick) > sqrt_ratio_x96:
        tick -= 1
    while sqrt_ratio_at_tick(tick + 1) <= sqrt_ratio_x96:
        tick += 1
    return tick
