# pragma version 0.4.3
"""
@title A Uniswap V3 pool that asks for what it is told to ask, as often as it is told to
@notice Its code is put where a factory's pool would stand. It keeps what it gets and pays nothing.
"""


interface Swapper:
    def uniswapV3SwapCallback(amount0_delta: int256, amount1_delta: int256, data: Bytes[1]): nonpayable


amounts: DynArray[int256, 4]
is_zero_asked: bool


@external
def set_asks(amounts: DynArray[int256, 4], is_zero_asked: bool):
    self.amounts = amounts
    self.is_zero_asked = is_zero_asked


@external
def swap(
    recipient: address, zero_for_one: bool, amount: int256, sqrt_price_limit: uint160, data: Bytes[1]
) -> (int256, int256):
    for asked: int256 in self.amounts:
        if self.is_zero_asked:
            extcall Swapper(msg.sender).uniswapV3SwapCallback(asked, 0, b"")
        else:
            extcall Swapper(msg.sender).uniswapV3SwapCallback(0, asked, b"")
    return 0, 0
