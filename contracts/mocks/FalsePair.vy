# pragma version 0.4.3
"""
@title A Uniswap V2 pair that says it has twice as much of its first token as it has, and pays half of what it is asked for
@notice Its code is put where a factory's pair would stand; what it knows of itself goes with the code.
"""
from ethereum.ercs import IERC20

token0: public(immutable(address))
token1: public(immutable(address))


@deploy
def __init__(first: address, second: address):
    token0 = first
    token1 = second


@external
@view
def getReserves() -> (uint112, uint112, uint32):
    reserve0: uint256 = staticcall IERC20(token0).balanceOf(self)
    reserve1: uint256 = staticcall IERC20(token1).balanceOf(self)
    return convert(2 * reserve0, uint112), convert(reserve1, uint112), 0


@external
def swap(amount0: uint256, amount1: uint256, receiver: address, data: Bytes[1]):
    if amount0 != 0:
        extcall IERC20(token0).transfer(receiver, amount0 // 2, default_return_value=True)
    if amount1 != 0:
        extcall IERC20(token1).transfer(receiver, amount1 // 2, default_return_value=True)
