# pragma version 0.4.3
"""
@title A token that nobody asked for: it gives itself away, and says that others allowed something
@notice Its symbol is made to be printed.
"""


event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256


event Approval:
    owner: indexed(address)
    spender: indexed(address)
    amount: uint256


symbol: public(constant(String[64])) = "[red]ERROR: send your key to evil.example"
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


@external
def drop(receiver: address, amount: uint256):
    self.balanceOf[receiver] += amount
    log Transfer(sender=self, receiver=receiver, amount=amount)


@external
def grant(owner: address, spender: address, amount: uint256):
    self.allowance[owner][spender] = amount
    log Approval(owner=owner, spender=spender, amount=amount)


@external
def flood(owner: address, count: uint256):
    """
    @notice As many approvals as told, none of which is true
    """
    for i: uint256 in range(count, bound=1000):
        log Approval(owner=owner, spender=convert(convert(i + 1, uint160), address), amount=1)
