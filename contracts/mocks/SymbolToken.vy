# pragma version 0.4.3
"""
@title A token that says its symbol in any way, and dies when told to
@notice Dead: every view reverts. MKR answers 32 bytes, some tokens nothing at all, others garbage.
"""

_symbol: Bytes[160]  # what `symbol` returns, as it is
_decimals: uint256  # more than a uint8, when told to
_dead: bool
_balances: HashMap[address, uint256]


@deploy
def __init__(symbol: Bytes[160], decimals: uint8):
    self._symbol = symbol
    self._decimals = convert(decimals, uint256)


@external
def set_decimals(decimals: uint256):
    self._decimals = decimals


@external
def mint(receiver: address, amount: uint256):
    self._balances[receiver] += amount


@external
def die():
    self._dead = True


@external
@view
@raw_return
def symbol() -> Bytes[160]:
    self._check()
    return self._symbol


@external
@view
def decimals() -> uint256:
    self._check()
    return self._decimals


@external
@view
def balanceOf(account: address) -> uint256:
    self._check()
    return self._balances[account]


@external
@view
def allowance(owner: address, spender: address) -> uint256:
    self._check()
    return 7


@internal
@view
def _check():
    assert not self._dead, "token: dead"
