# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Swaps on Curve's stable pools, directly
@license GNU Affero General Public License v3.0 only
@notice Pools whose `exchange` takes int128 indices, of any age: the old ones count their coins in int128 and return nothing, the newer ones
        in uint256. The host measures what came out.
"""
from contracts.modules import approval


interface Pool:
    def exchange(i: int128, j: int128, dx: uint256, min_dy: uint256): nonpayable


MAX_COINS: constant(int128) = 8


@internal
def _swap(pool: address, token_in: address, token_out: address, amount: uint256):
    """
    @notice Sell `amount` on a Curve pool
    """
    i: int128 = self._index(pool, token_in)
    j: int128 = self._index(pool, token_out)
    approval._grant(token_in, pool, amount)
    # No limit here: the vault that is rebalanced, or the lender, holds all swaps together to one.
    extcall Pool(pool).exchange(i, j, amount, 0)
    approval._take_back(token_in, pool)


@internal
@view
def _index(pool: address, token: address) -> int128:
    """
    @notice The place of a token among a pool's coins
    """
    for k: int128 in range(MAX_COINS):
        coin: address = self._coin(pool, method_id("coins(uint256)"), k)
        if coin == empty(address):
            coin = self._coin(pool, method_id("coins(int128)"), k)
        if coin == token:
            return k
        # Past the last coin.
        if coin == empty(address):
            break
    raise "curve: not a coin"


@internal
@view
def _coin(pool: address, method: Bytes[4], k: int128) -> address:
    """
    @notice One coin of a pool by one of the two methods; empty where it has no such method or no such coin
    """
    succeeded: bool = False
    response: Bytes[32] = b""
    # A word is the same for both types: k is not negative.
    succeeded, response = raw_call(
        pool, concat(method, convert(k, bytes32)), max_outsize=32, is_static_call=True, revert_on_failure=False
    )
    if not succeeded or len(response) != 32:
        return empty(address)
    return abi_decode(response, (address))
