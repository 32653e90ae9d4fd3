# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Swaps on Uniswap V2 and V3 pools, directly
@license GNU Affero General Public License v3.0 only
@notice No router and no allowance: the pool is paid before (V2) or in its callback (V3). The host measures what came out.
@dev The host exports `uniswapV3SwapCallback`. A V3 pool is derived from its factory, so that the callback pays nobody else.
"""
from ethereum.ercs import IERC20


interface V2Pair:
    def getReserves() -> (uint112, uint112, uint32): view
    def swap(amount0_out: uint256, amount1_out: uint256, to: address, data: Bytes[1]): nonpayable


interface V3Pool:
    def swap(recipient: address, zero_for_one: bool, amount: int256, sqrt_price_limit: uint160, data: Bytes[1]) -> (
        int256, int256
    ): nonpayable


PPM: constant(uint256) = 10**6
MIN_SQRT_RATIO: constant(uint160) = 4295128739
MAX_SQRT_RATIO: constant(uint160) = 1461446703485210103287273052203988822378723970342
V3_INIT_CODE_HASH: constant(bytes32) = 0xe34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54

V3_FACTORY: immutable(address)

# The pool that may call back now, and what it may take.
_active_pool: transient (address)
_active_token: transient (address)
_active_amount: transient (uint256)


@deploy
def __init__(v3_factory: address):
    """
    @param v3_factory The Uniswap V3 factory, whose pools may call back
    """
    assert v3_factory != empty(address), "uniswap: no factory"
    V3_FACTORY = v3_factory


@external
def uniswapV3SwapCallback(amount0_delta: int256, amount1_delta: int256, data: Bytes[1]):
    """
    @notice Pay the pool that is being swapped on, and only it, at most what it was offered
    @param amount0_delta Base units of token0 the pool is owed, or gave when negative
    @param amount1_delta Base units of token1 the pool is owed, or gave when negative
    @param data Unused
    """
    assert msg.sender == self._active_pool, "uniswap: not the pool"
    owed: uint256 = convert(max(amount0_delta, amount1_delta), uint256)
    assert owed <= self._active_amount, "uniswap: pool asks too much"
    self._active_pool = empty(address)
    extcall IERC20(self._active_token).transfer(msg.sender, owed, default_return_value=True)


@internal
def _swap_v2(pair: address, token_in: address, token_out: address, fee: uint256, amount: uint256):
    """
    @notice Sell `amount` on a V2 pair
    @param fee Parts per million that the pair keeps
    """
    reserve0: uint112 = 0
    reserve1: uint112 = 0
    updated_at: uint32 = 0
    reserve0, reserve1, updated_at = staticcall V2Pair(pair).getReserves()
    is_zero_in: bool = convert(token_in, uint256) < convert(token_out, uint256)
    reserve_in: uint256 = convert(reserve0 if is_zero_in else reserve1, uint256)
    reserve_out: uint256 = convert(reserve1 if is_zero_in else reserve0, uint256)

    extcall IERC20(token_in).transfer(pair, amount, default_return_value=True)
    # What the pair received, not what was sent: they differ for a token that takes a fee.
    received: uint256 = staticcall IERC20(token_in).balanceOf(pair) - reserve_in
    after_fee: uint256 = received * (PPM - fee)
    # Rounded down, as the pair's invariant asks.
    amount_out: uint256 = after_fee * reserve_out // (reserve_in * PPM + after_fee)
    # Dust, worth less than a unit of the other token: the pair refuses to pay nothing, the other legs go on.
    if amount_out == 0:
        return

    if is_zero_in:
        extcall V2Pair(pair).swap(0, amount_out, self, b"")
    else:
        extcall V2Pair(pair).swap(amount_out, 0, self, b"")


@internal
def _swap_v3(pool: address, token_in: address, token_out: address, fee: uint256, amount: uint256):
    """
    @notice Sell up to `amount` on a V3 pool; what the pool cannot take stays here
    @param fee Parts per million, which with the tokens names the pool
    """
    assert pool == self._v3_pool(token_in, token_out, fee), "uniswap: not a factory pool"
    self._active_pool = pool
    self._active_token = token_in
    self._active_amount = amount

    is_zero_in: bool = convert(token_in, uint256) < convert(token_out, uint256)
    limit: uint160 = MIN_SQRT_RATIO + 1 if is_zero_in else MAX_SQRT_RATIO - 1
    delta0: int256 = 0
    delta1: int256 = 0
    delta0, delta1 = extcall V3Pool(pool).swap(self, is_zero_in, convert(amount, int256), limit, b"")
    self._active_pool = empty(address)


@internal
@view
def _v3_pool(token_a: address, token_b: address, fee: uint256) -> address:
    """
    @notice The pool of two tokens and a fee, by CREATE2 from the factory
    """
    token0: address = token_a
    token1: address = token_b
    if convert(token_a, uint256) > convert(token_b, uint256):
        token0 = token_b
        token1 = token_a
    salt: bytes32 = keccak256(abi_encode(token0, token1, fee))
    digest: bytes32 = keccak256(concat(0xff, convert(V3_FACTORY, bytes20), salt, V3_INIT_CODE_HASH))
    return convert(convert(digest, uint256) & convert(max_value(uint160), uint256), address)
