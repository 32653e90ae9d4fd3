# pragma version 0.4.3
"""
@title Morpho Blue's flash loan, for a chain that has no Morpho Blue
"""
from ethereum.ercs import IERC20


interface Borrower:
    def onMorphoFlashLoan(amount: uint256, data: Bytes[10528]): nonpayable


@external
def flashLoan(token: address, amount: uint256, data: Bytes[10528]):
    assert amount != 0, "zero assets"
    extcall IERC20(token).transfer(msg.sender, amount, default_return_value=True)
    extcall Borrower(msg.sender).onMorphoFlashLoan(amount, data)
    extcall IERC20(token).transferFrom(msg.sender, self, amount, default_return_value=True)
