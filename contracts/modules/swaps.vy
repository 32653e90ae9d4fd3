# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Swaps on pools
@license GNU Affero General Public License v3.0 only
@notice One operation: a share of what the host holds of a token is sold on a pool, and what came out is measured by balance.
@dev The host exports what the modules of the venues ask it to.
"""
from ethereum.ercs import IERC20

from contracts.modules import balancer
from contracts.modules import curve
from contracts.modules import uniswap
from contracts.modules import wrappers
from contracts.interfaces import IRouteExecutor

uses: uniswap

WAD: constant(uint256) = 10**18


@internal
def _swap(operation: IRouteExecutor.Operation):
    """
    @notice Sell on the operation's pool; where there is nothing to sell, nothing happens
    """
    amount: uint256 = 0
    held_in: uint256 = 0
    held_out: uint256 = 0
    amount, held_in, held_out = self._offer(operation)
    # A leg that clamping left nothing for is no reason to fail the others.
    if amount == 0:
        return

    pool: address = operation.pool
    token_in: address = operation.token_in
    token_out: address = operation.token_out
    if operation.venue == IRouteExecutor.Venue.UNISWAP_V2:
        uniswap._swap_v2(pool, token_in, token_out, operation.fee, amount)
    elif operation.venue == IRouteExecutor.Venue.UNISWAP_V3:
        uniswap._swap_v3(pool, token_in, token_out, operation.fee, amount)
    elif operation.venue == IRouteExecutor.Venue.BALANCER_V2:
        balancer._swap(pool, token_in, token_out, amount)
    elif operation.venue == IRouteExecutor.Venue.CURVE:
        curve._swap(pool, token_in, token_out, amount)
    elif operation.venue == IRouteExecutor.Venue.ERC4626:
        wrappers._swap_erc4626(pool, token_in, token_out, amount)
    elif operation.venue == IRouteExecutor.Venue.WSTETH:
        wrappers._swap_wsteth(pool, token_in, token_out, amount)
    else:
        raise "executor: unknown venue"
    self._came(operation, held_in, held_out)


@internal
@view
def _offer(operation: IRouteExecutor.Operation) -> (uint256, uint256, uint256):
    """
    @notice What an operation may sell, and what is held before it
    @return Base units of token_in, rounded down; base units held of token_in and of token_out
    """
    assert operation.share <= WAD, "executor: share over 1"
    assert operation.fee < 10**6, "executor: bad fee"
    held_in: uint256 = staticcall IERC20(operation.token_in).balanceOf(self)
    held_out: uint256 = staticcall IERC20(operation.token_out).balanceOf(self)
    return held_in * operation.share // WAD, held_in, held_out


@internal
def _came(operation: IRouteExecutor.Operation, held_in: uint256, held_out: uint256) -> uint256:
    """
    @notice Tell what an operation sold and brought
    @param held_in Base units of token_in before it
    @param held_out Base units of token_out before it
    @return Base units of token_out that came
    """
    amount_out: uint256 = staticcall IERC20(operation.token_out).balanceOf(self) - held_out
    log IRouteExecutor.Swap(
        pool=operation.pool,
        token_in=operation.token_in,
        token_out=operation.token_out,
        amount_in=held_in - staticcall IERC20(operation.token_in).balanceOf(self),
        amount_out=amount_out,
    )
    return amount_out


@internal
def _send_all(token: address, receiver: address):
    """
    @notice Send all that the host holds of a token
    """
    balance: uint256 = staticcall IERC20(token).balanceOf(self)
    if balance != 0:
        extcall IERC20(token).transfer(receiver, balance, default_return_value=True)
