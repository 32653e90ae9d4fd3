# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Loans for the length of one call
@license GNU Affero General Public License v3.0 only
@notice Morpho Blue, Balancer V2, Aave V3, Uniswap V3 pools and whoever speaks ERC-3156. A lender calls back once, with what this contract told
        it and nothing else, and gets back what it lent and its fee.
@dev The host has the callbacks: each begins with `_accept` and ends with `_repay`. A Uniswap V3 pool is locked while it lends, so nothing may
     be swapped on it meanwhile.
"""
from ethereum.ercs import IERC20

from contracts.modules import approval
from contracts.modules import uniswap
from contracts.interfaces import IRouteExecutor

uses: uniswap


interface Morpho:
    def flashLoan(token: address, amount: uint256, data: Bytes[MAX_LOAN_DATA]): nonpayable


interface Balancer:
    def flashLoan(
        recipient: address, tokens: DynArray[address, 1], amounts: DynArray[uint256, 1], data: Bytes[MAX_LOAN_DATA]
    ): nonpayable


interface Aave:
    def flashLoanSimple(
        receiver: address, token: address, amount: uint256, data: Bytes[MAX_LOAN_DATA], referral: uint16
    ): nonpayable


interface V3Pool:
    def token0() -> address: view
    def token1() -> address: view
    def fee() -> uint24: view
    def flash(recipient: address, amount0: uint256, amount1: uint256, data: Bytes[MAX_LOAN_DATA]): nonpayable


interface ERC3156:
    def flashLoan(receiver: address, token: address, amount: uint256, data: Bytes[MAX_LOAN_DATA]) -> bool: nonpayable


MAX_LOAN_DATA: constant(uint256) = 10528

# Who may call back now, what it lends and what it was told.
_loan: transient (IRouteExecutor.Loan)
_digest: transient (bytes32)


@internal
def _borrow(loan: IRouteExecutor.Loan, data: Bytes[MAX_LOAN_DATA]):
    """
    @notice Take a loan; returns when it is repaid
    @param data What the callback gets
    """
    self._loan = loan
    self._digest = keccak256(data)
    if loan.kind == IRouteExecutor.Lender.MORPHO:
        extcall Morpho(loan.lender).flashLoan(loan.token, loan.amount, data)
    elif loan.kind == IRouteExecutor.Lender.BALANCER_V2:
        extcall Balancer(loan.lender).flashLoan(self, [loan.token], [loan.amount], data)
    elif loan.kind == IRouteExecutor.Lender.AAVE_V3:
        extcall Aave(loan.lender).flashLoanSimple(self, loan.token, loan.amount, data, 0)
    elif loan.kind == IRouteExecutor.Lender.UNISWAP_V3:
        amount0: uint256 = 0
        amount1: uint256 = 0
        amount0, amount1 = self._v3_amounts(loan)
        extcall V3Pool(loan.lender).flash(self, amount0, amount1, data)
    elif loan.kind == IRouteExecutor.Lender.ERC3156:
        extcall ERC3156(loan.lender).flashLoan(self, loan.token, loan.amount, data)
    else:
        raise "flash: unknown lender"
    # `_accept` clears it.
    assert self._digest == empty(bytes32), "flash: nothing lent"
    self._loan = empty(IRouteExecutor.Loan)
    approval._take_back(loan.token, loan.lender)


@internal
@view
def _v3_amounts(loan: IRouteExecutor.Loan) -> (uint256, uint256):
    """
    @notice What to ask of each token of a Uniswap V3 pool
    """
    token0: address = staticcall V3Pool(loan.lender).token0()
    token1: address = staticcall V3Pool(loan.lender).token1()
    fee: uint256 = convert(staticcall V3Pool(loan.lender).fee(), uint256)
    assert loan.lender == uniswap._v3_pool(token0, token1, fee), "flash: not a factory pool"
    if loan.token == token0:
        return loan.amount, 0
    assert loan.token == token1, "flash: not a token of the pool"
    return 0, loan.amount


@internal
def _accept(kind: IRouteExecutor.Lender, initiator: address, digest: bytes32):
    """
    @notice Let the lender in that was asked, once, with what it was told
    @param kind Whose callback this is
    @param initiator Who asked for the loan, by the lender's word; this contract where the protocol does not tell
    @param digest Hash of what the callback got
    """
    assert (
        msg.sender == self._loan.lender and kind == self._loan.kind and initiator == self and digest == self._digest
    ), "flash: not the lender"
    self._digest = empty(bytes32)


@internal
@view
def _check_lent(token: address, amount: uint256):
    """
    @notice Hold the lender's word for what it lent against what it was asked for
    """
    assert token == self._loan.token and amount == self._loan.amount, "flash: not the loan asked for"


@internal
def _repay(fee: uint256):
    """
    @notice Give back, or let the lender pull, exactly what it lent and its fee
    @param fee Base units, by the lender's word
    """
    loan: IRouteExecutor.Loan = self._loan
    owed: uint256 = loan.amount + fee
    assert staticcall IERC20(loan.token).balanceOf(self) >= owed, "flash: cannot repay"
    if loan.kind in (IRouteExecutor.Lender.BALANCER_V2 | IRouteExecutor.Lender.UNISWAP_V3):
        extcall IERC20(loan.token).transfer(loan.lender, owed, default_return_value=True)
    else:
        approval._grant(loan.token, loan.lender, owed)
    log IRouteExecutor.FlashLoan(lender=loan.lender, token=loan.token, amount=loan.amount, fee=fee)
