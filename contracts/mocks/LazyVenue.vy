# pragma version 0.4.3
"""
@title A venue of every kind that takes half of what it is offered and gives nothing for it
"""
from ethereum.ercs import IERC20


struct SingleSwap:
    pool_id: bytes32
    kind: uint8
    asset_in: address
    asset_out: address
    amount: uint256
    data: Bytes[1]


struct Funds:
    sender: address
    from_internal: bool
    recipient: address
    to_internal: bool


coins: public(DynArray[address, 9])


@external
def set_coins(coins: DynArray[address, 9]):
    self.coins = coins


@external
@view
def getPoolId() -> bytes32:
    return convert(self, bytes32)


@external
def swap(swap: SingleSwap, funds: Funds, limit: uint256, deadline: uint256) -> uint256:
    self._take(swap.asset_in, swap.amount)
    return 0


@external
def exchange(i: int128, j: int128, dx: uint256, min_dy: uint256):
    self._take(self.coins[convert(i, uint256)], dx)


@external
def deposit(assets: uint256, receiver: address) -> uint256:
    self._take(self.coins[0], assets)
    return 0


@external
def wrap(amount: uint256) -> uint256:
    self._take(self.coins[0], amount)
    return 0


# An ERC-20 without holders, so that it can stand for a wrapper.
@external
@view
def balanceOf(owner: address) -> uint256:
    return 0


@internal
def _take(token: address, amount: uint256):
    extcall IERC20(token).transferFrom(msg.sender, self, amount // 2, default_return_value=True)
