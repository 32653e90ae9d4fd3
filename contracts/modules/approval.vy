# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Allowances that live for one call
@license GNU Affero General Public License v3.0 only
@notice Granted exactly, taken back after the call. Since none is ever left over, a token that refuses to change one allowance into another
        (USDT) is never asked to.
"""
from ethereum.ercs import IERC20


@internal
def _grant(token: address, spender: address, amount: uint256):
    extcall IERC20(token).approve(spender, amount, default_return_value=True)


@internal
def _take_back(token: address, spender: address):
    """
    @notice Bring an allowance to zero
    @dev Only where something is left: there are tokens that refuse an approval of zero.
    """
    if staticcall IERC20(token).allowance(self, spender) != 0:
        extcall IERC20(token).approve(spender, 0, default_return_value=True)
