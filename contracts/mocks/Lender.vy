# pragma version 0.4.3
"""
@title An ERC-3156 lender that keeps to the standard or breaks it in the way it is told to
"""
from ethereum.ercs import IERC20


interface Borrower:
    def onFlashLoan(
        initiator: address, token: address, amount: uint256, fee: uint256, data: Bytes[10528]
    ) -> bytes32: nonpayable
    def onMorphoFlashLoan(amount: uint256, data: Bytes[10528]): nonpayable


flag Trick:
    NO_CALLBACK
    CALLS_TWICE
    OTHER_INITIATOR
    OTHER_DATA
    OTHER_PROTOCOL
    TAKES_LESS
    LENDS_NOTHING
    OTHER_TOKEN
    OTHER_AMOUNT


ACCEPTED: constant(bytes32) = keccak256("ERC3156FlashBorrower.onFlashLoan")
fee: uint256
trick: Trick


@external
def configure(fee: uint256, trick: Trick):
    self.fee = fee
    self.trick = trick


@external
@view
def maxFlashLoan(token: address) -> uint256:
    return staticcall IERC20(token).balanceOf(self)


@external
@view
def flashFee(token: address, amount: uint256) -> uint256:
    return self.fee


@external
def flashLoan(receiver: address, token: address, amount: uint256, data: Bytes[10528]) -> bool:
    if self.trick == Trick.NO_CALLBACK:
        return True
    if self.trick != Trick.LENDS_NOTHING:
        extcall IERC20(token).transfer(receiver, amount, default_return_value=True)
    if self.trick == Trick.OTHER_PROTOCOL:
        extcall Borrower(receiver).onMorphoFlashLoan(amount, data)
    else:
        self._call_back(receiver, token, amount, data)
    if self.trick == Trick.CALLS_TWICE:
        self._call_back(receiver, token, amount, data)
    owed: uint256 = amount + self.fee
    if self.trick == Trick.TAKES_LESS:
        owed -= 1
    extcall IERC20(token).transferFrom(receiver, self, owed, default_return_value=True)
    return True


@internal
def _call_back(receiver: address, token: address, amount: uint256, data: Bytes[10528]):
    initiator: address = self if self.trick == Trick.OTHER_INITIATOR else msg.sender
    told: Bytes[10528] = b"\x01" if self.trick == Trick.OTHER_DATA else data
    told_token: address = self if self.trick == Trick.OTHER_TOKEN else token
    told_amount: uint256 = amount + 1 if self.trick == Trick.OTHER_AMOUNT else amount
    assert extcall Borrower(receiver).onFlashLoan(initiator, told_token, told_amount, self.fee, told) == ACCEPTED
