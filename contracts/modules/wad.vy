# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Fixed-point arithmetic with its rounding in the name
@license GNU Affero General Public License v3.0 only
@notice WAD is 1e18. All arithmetic is checked: an overflow reverts, it never wraps.
@dev Every function says in its name which way it rounds; there is no default.
"""

ONE: constant(uint256) = 10**18


@internal
@pure
def _mul_div_down(x: uint256, y: uint256, denominator: uint256) -> uint256:
    """
    @notice floor(x * y / denominator)
    """
    return x * y // denominator


@internal
@pure
def _mul_div_up(x: uint256, y: uint256, denominator: uint256) -> uint256:
    """
    @notice ceil(x * y / denominator)
    """
    return (x * y + denominator - 1) // denominator


@internal
@pure
def _value_down(amount: uint256, price: uint256, decimals: uint256) -> uint256:
    """
    @notice USD value of an amount, rounded down
    @param amount Base units of the token
    @param price WAD USD per whole token
    @param decimals Decimals of the token
    @return WAD USD
    """
    return amount * price // 10**decimals


@internal
@pure
def _value_up(amount: uint256, price: uint256, decimals: uint256) -> uint256:
    """
    @notice USD value of an amount, rounded up; parameters as `_value_down`
    """
    return self._mul_div_up(amount, price, 10**decimals)


@internal
@pure
def _amount_down(usd: uint256, price: uint256, decimals: uint256) -> uint256:
    """
    @notice Base units that a USD value buys at a price, rounded down
    @param usd WAD USD
    @param price WAD USD per whole token, not zero
    @param decimals Decimals of the token
    @return Base units
    """
    return usd * 10**decimals // price


@internal
@pure
def _amount_up(usd: uint256, price: uint256, decimals: uint256) -> uint256:
    """
    @notice Base units that a USD value buys at a price, rounded up; parameters as `_amount_down`
    """
    return self._mul_div_up(usd, 10**decimals, price)
