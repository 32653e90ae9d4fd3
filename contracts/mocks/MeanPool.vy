# pragma version 0.4.3
"""
@title The memory of a Uniswap V3 pool, that is what it is told
"""

token0: public(address)
token1: public(address)
cardinality: public(uint256)
ticks: public(DynArray[int256, 2])  # cumulative, then and now
thinness: public(DynArray[uint256, 2])  # seconds per liquidity, cumulative, X128
is_dead: public(bool)  # reverts


@deploy
def __init__(token0: address, token1: address):
    self.token0 = token0
    self.token1 = token1
    self.cardinality = 100


@external
def set_memory(ticks: DynArray[int256, 2], thinness: DynArray[uint256, 2], cardinality: uint256):
    self.ticks = ticks
    self.thinness = thinness
    self.cardinality = cardinality


@external
def set_dead(is_dead: bool):
    self.is_dead = is_dead


@external
@view
def slot0() -> (uint256, int256, uint256, uint256, uint256, uint256, bool):
    return 0, 0, 0, self.cardinality, 0, 0, True


@external
@view
def observe(ago: DynArray[uint32, 2]) -> (DynArray[int256, 2], DynArray[uint256, 2]):
    assert not self.is_dead, "OLD"
    return self.ticks, self.thinness
