# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title An asset of a basket in one word
@license GNU Affero General Public License v3.0 only
@notice Bits 0-159 address, 160-167 decimals, 168 whether some of the vault's balance belongs to claims.
@dev What mint, redeem and rebalance read of every asset, in one storage slot.
"""

CLAIMED: constant(uint256) = 1 << 168


@internal
@pure
def _pack(asset: address, decimals: uint8, claimed: bool) -> uint256:
    return convert(asset, uint256) | (convert(decimals, uint256) << 160) | (CLAIMED if claimed else 0)


@internal
@pure
def _address(packed: uint256) -> address:
    return convert(packed & convert(max_value(uint160), uint256), address)


@internal
@pure
def _decimals(packed: uint256) -> uint256:
    return (packed >> 160) & 255
