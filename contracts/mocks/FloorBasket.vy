# pragma version 0.4.3
"""
@title The least that an in-kind basket token can do
@notice What the gas benchmark holds the vault against: n transfers pro rata of the balances, addresses in storage, a share of its own.
        No lock, no limits, no fees, no roles, no checks. Never to be used.
"""
from ethereum.ercs import IERC20

assets: DynArray[address, 20]
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])


@deploy
def __init__(assets: DynArray[address, 20]):
    self.assets = assets


@external
def seed(shares: uint256, amount: uint256):
    """
    @notice The first shares, for `amount` of every asset
    """
    for asset: address in self.assets:
        extcall IERC20(asset).transferFrom(msg.sender, self, amount)
    self.totalSupply = shares
    self.balanceOf[msg.sender] = shares


@external
def mint(shares: uint256):
    supply: uint256 = self.totalSupply
    for asset: address in self.assets:
        held: uint256 = staticcall IERC20(asset).balanceOf(self)
        extcall IERC20(asset).transferFrom(msg.sender, self, (held * shares + supply - 1) // supply)
    self.totalSupply = supply + shares
    self.balanceOf[msg.sender] += shares
    log IERC20.Transfer(sender=empty(address), receiver=msg.sender, value=shares)


@external
def redeem(shares: uint256):
    supply: uint256 = self.totalSupply
    self.totalSupply = supply - shares
    self.balanceOf[msg.sender] -= shares
    for asset: address in self.assets:
        held: uint256 = staticcall IERC20(asset).balanceOf(self)
        extcall IERC20(asset).transfer(msg.sender, held * shares // supply)
    log IERC20.Transfer(sender=msg.sender, receiver=empty(address), value=shares)


@external
def swap(
    sold: DynArray[address, 20],
    sold_amounts: DynArray[uint256, 20],
    bought: DynArray[address, 20],
    bought_amounts: DynArray[uint256, 20],
):
    """
    @notice A rebalance that asks nothing: the bought tokens come, the sold ones go
    """
    for i: uint256 in range(len(bought), bound=20):
        extcall IERC20(bought[i]).transferFrom(msg.sender, self, bought_amounts[i])
    for i: uint256 in range(len(sold), bound=20):
        extcall IERC20(sold[i]).transfer(msg.sender, sold_amounts[i])
