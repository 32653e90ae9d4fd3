"""Markets: one module per venue, with its state and exact integer swap maths. Pure: nothing here touches a network."""

from keeper.markets.balancer_stable import BalancerStablePool
from keeper.markets.balancer_weighted import BalancerWeightedPool
from keeper.markets.curve_stable import CurveStablePool
from keeper.markets.erc4626 import ERC4626Pool
from keeper.markets.pool import InsufficientLiquidity, InvalidPool, Pool, TicksNotLoaded, WrongToken
from keeper.markets.uniswap_v2 import UniswapV2Pool
from keeper.markets.uniswap_v3 import SwapResult, Tick, UniswapV3Pool
from keeper.markets.wsteth import WstETHPool

__all__ = [
    "BalancerStablePool",
    "BalancerWeightedPool",
    "CurveStablePool",
    "ERC4626Pool",
    "InsufficientLiquidity",
    "InvalidPool",
    "Pool",
    "SwapResult",
    "Tick",
    "TicksNotLoaded",
    "UniswapV2Pool",
    "UniswapV3Pool",
    "WrongToken",
    "WstETHPool",
]
