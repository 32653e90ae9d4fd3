# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Tokens that stand for another one: ERC-4626 vaults and wstETH
@license GNU Affero General Public License v3.0 only
@notice Which of the two tokens is the wrapper tells the direction. The host measures what came out.
@dev stETH moves in shares: wrapping may leave a wei or two of it.
"""
from ethereum.ercs import IERC4626

from contracts.modules import approval


interface WstETH:
    def wrap(amount: uint256) -> uint256: nonpayable
    def unwrap(amount: uint256) -> uint256: nonpayable


@internal
def _swap_erc4626(wrapper: address, token_in: address, token_out: address, amount: uint256):
    """
    @notice Deposit into an ERC-4626 vault, or redeem its shares
    """
    if self._is_wrapping(wrapper, token_in, token_out):
        approval._grant(token_in, wrapper, amount)
        extcall IERC4626(wrapper).deposit(amount, self)
        approval._take_back(token_in, wrapper)
    else:
        extcall IERC4626(wrapper).redeem(amount, self, self)


@internal
def _swap_wsteth(wrapper: address, token_in: address, token_out: address, amount: uint256):
    """
    @notice Wrap stETH, or unwrap wstETH
    """
    if self._is_wrapping(wrapper, token_in, token_out):
        approval._grant(token_in, wrapper, amount)
        extcall WstETH(wrapper).wrap(amount)
        approval._take_back(token_in, wrapper)
    else:
        extcall WstETH(wrapper).unwrap(amount)


@internal
@pure
def _is_wrapping(wrapper: address, token_in: address, token_out: address) -> bool:
    assert (wrapper == token_in) != (wrapper == token_out), "wrappers: not the wrapper"
    return wrapper == token_out
