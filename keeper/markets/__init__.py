"""Markets: one module per venue, with its state and exact integer swap maths. Pure: nothing here touches a network."""

from keeper.markets.pool import InsufficientLiquidity, InvalidPool, Pool, TicksNotLoaded, WrongToken
from keeper.markets.uniswap_v2 import UniswapV2Pool
from keeper.markets.uniswap_v3 import SwapResult, Tick, UniswapV3Pool

__all__ = [
    "InsufficientLiquidity",
    "InvalidPool",
    "Pool",
    "SwapResult",
    "Tick",
    "TicksNotLoaded",
    "UniswapV2Pool",
    "UniswapV3Pool",
    "WrongToken",
]
