# pragma version 0.4.3
"""
@title A token that counts loosely, as it is told
@notice It may deliver more than asked, and leave allowances as they are.
"""

symbol: public(String[5])
decimals: public(uint8)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])

extra: public(uint256)  # base units made for the receiver on top of the amount
keeps_allowance: public(bool)


@deploy
def __init__(extra: uint256, keeps_allowance: bool):
    self.symbol = "LOOSE"
    self.decimals = 18
    self.extra = extra
    self.keeps_allowance = keeps_allowance


@external
def mint(receiver: address, amount: uint256):
    self.balanceOf[receiver] += amount


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    assert self.allowance[owner][msg.sender] >= amount, "token: allowance too low"
    if not self.keeps_allowance:
        self.allowance[owner][msg.sender] -= amount
    self.balanceOf[owner] -= amount
    self.balanceOf[receiver] += amount + self.extra
    return True
