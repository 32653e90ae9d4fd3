# pragma version 0.4.3
"""
@title A yield-bearing wrapper whose rate is what it is told: an ERC-4626 share and wstETH in one
"""

decimals: public(uint8)
asset: public(address)
rate: public(uint256)  # base units of the underlying per whole token
is_dead: public(bool)  # reverts


@deploy
def __init__(asset: address, decimals: uint8, rate: uint256):
    self.asset = asset
    self.decimals = decimals
    self.rate = rate


@external
def set_rate(rate: uint256):
    self.rate = rate


@external
def set_dead(is_dead: bool):
    self.is_dead = is_dead


@external
@view
def stETH() -> address:
    return self.asset


@external
@view
def stEthPerToken() -> uint256:
    assert not self.is_dead, "wrapper: dead"
    return self.rate


@external
@view
def convertToAssets(shares: uint256) -> uint256:
    assert not self.is_dead, "wrapper: dead"
    assert shares == 10**convert(self.decimals, uint256), "wrapper: not one share"
    return self.rate


@external
def poke_between(oracle: address, rate: uint256):
    """
    @notice Change the rate, poke the oracle and change the rate back, all in one transaction
    """
    honest: uint256 = self.rate
    self.rate = rate
    raw_call(oracle, abi_encode(self, method_id=method_id("poke(address)")))
    self.rate = honest
