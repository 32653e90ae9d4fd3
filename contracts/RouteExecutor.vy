# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Route executor
@license GNU Affero General Public License v3.0 only
@notice Runs a keeper's swaps for a vault, in one of two ways. In the vault's callback: the vault sends what it sells, the swaps turn it into
        what it buys, and all of it goes back to the vault. Or with a loan: what the vault buys is borrowed, the vault takes its due and
        pays with what it sells, the swaps turn that into what repays the lender, and what is left is the owner's.
        It holds nothing between transactions and has no allowance to anybody: those it grants live for one call.

        How it is stopped: by its owner not using it; nobody else can start it.

        Owner: the keeper. Starts it, pins the aggregators that it may call and takes out what strangers sent here. A malicious owner can
        route badly, within the bounds that the vault sets; it never has access to anybody's funds, but to rights that somebody gives this
        contract beside allowances, as to a relayer.
@dev Amounts are shares of the balance at that moment, not numbers, so that a fill which the vault clamped still settles. Every callback
     checks its caller: the vault this was started for, the pool that is being swapped on, the lender that was asked.
"""
from ethereum.ercs import IERC20
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from contracts.modules import aggregator
from contracts.modules import approval
from contracts.modules import flash_loan
from contracts.modules import routes
from contracts.modules import swaps
from contracts.modules import uniswap
from contracts.interfaces import IIndexVault
from contracts.interfaces import IRebalanceExecutor
from contracts.interfaces import IRouteExecutor

implements: IRouteExecutor
implements: IRebalanceExecutor

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: aggregator
initializes: uniswap
initializes: swaps[uniswap := uniswap]
initializes: routes[aggregator := aggregator, swaps := swaps]
initializes: flash_loan[uniswap := uniswap]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    aggregator.aggregator_spenders,
    uniswap.uniswapV3SwapCallback,
)

MAX_ASSETS: constant(uint256) = 20
MAX_OPERATIONS: constant(uint256) = 40
MAX_CALLS: constant(uint256) = 4
MAX_DATA: constant(uint256) = 9216
MAX_LOAN_DATA: constant(uint256) = 10528
ERC3156_ACCEPTED: constant(bytes32) = keccak256("ERC3156FlashBorrower.onFlashLoan")

# What `rebalance_with_loan` was told, on its way through the lender.
struct LoanPlan:
    vault: address
    sells: DynArray[IIndexVault.Leg, MAX_ASSETS]
    buys: DynArray[IIndexVault.Leg, MAX_ASSETS]
    operations: DynArray[IRouteExecutor.Operation, MAX_OPERATIONS]
    buying: uint256
    deadline: uint256


# The vault that may call back now.
_active_vault: transient (address)

# What the vault counted in the middle of a loan, WAD USD.
_value_out: transient (uint256)
_value_in: transient (uint256)


@deploy
def __init__(owner: address, v3_factory: address):
    """
    @param owner The keeper
    @param v3_factory The Uniswap V3 factory, whose pools may call back
    """
    ownable.__init__()
    ownable_2step.__init__()
    uniswap.__init__(v3_factory)
    assert owner != empty(address), "executor: no owner"
    ownable._transfer_ownership(owner)


@external
def rebalance(
    vault: address,
    sells: DynArray[IIndexVault.Leg, MAX_ASSETS],
    buys: DynArray[IIndexVault.Leg, MAX_ASSETS],
    operations: DynArray[IRouteExecutor.Operation, MAX_OPERATIONS],
    deadline: uint256,
) -> (uint256, uint256):
    """
    @notice Fill a vault's open rebalance by swapping on pools; for the owner
    @param vault The vault
    @param sells What to sell at most; the vault clamps it to the surplus
    @param buys What has to arrive at the vault at least: the keeper's limit against slippage
    @param operations The swaps, in order
    @param deadline Last second at which this may happen
    @return WAD USD that left and that came, as the vault counts
    """
    ownable._check_owner()
    return self._rebalance(vault, sells, buys, operations, deadline)


@external
def rebalance_with_loan(
    vault: address,
    sells: DynArray[IIndexVault.Leg, MAX_ASSETS],
    buys: DynArray[IIndexVault.Leg, MAX_ASSETS],
    operations: DynArray[IRouteExecutor.Operation, MAX_OPERATIONS],
    deadline: uint256,
    loan: IRouteExecutor.Loan,
) -> (uint256, uint256):
    """
    @notice Fill a vault's open rebalance in its pull form with borrowed tokens; for the owner, who keeps what is left
    @param vault The vault
    @param sells What to sell at most; the vault clamps it to the surplus
    @param buys What the vault may take at most, in the order in which it takes its due; clamped to what is here
    @param operations The swaps, in order: the first `loan.buying` turn the borrowed token into what the vault buys, the others turn
           what it paid, and did not take, into the borrowed token
    @param deadline Last second at which this may happen
    @param loan Who lends what, and what has to be left of it
    @return WAD USD that left and that came, as the vault counts
    """
    ownable._check_owner()
    flash_loan._borrow(loan, abi_encode(vault, sells, buys, operations, loan.buying, deadline))
    self._pay_out(loan, sells, buys, operations)
    return self._value_out, self._value_in


@external
def rebalance_with_calls(
    vault: address,
    sells: DynArray[IIndexVault.Leg, MAX_ASSETS],
    buys: DynArray[IIndexVault.Leg, MAX_ASSETS],
    operations: DynArray[IRouteExecutor.Operation, MAX_OPERATIONS],
    deadline: uint256,
    loan: IRouteExecutor.Loan,
    calls: DynArray[IRouteExecutor.AggregatorCall, MAX_CALLS],
) -> (uint256, uint256):
    """
    @notice As `rebalance`, or where a lender is named as `rebalance_with_loan`, with aggregators among the venues; for the owner
    @dev An aggregator sells what its calldata says, and its call fails where clamping left less. So sell a stated amount a little under
         the surplus, and let an operation on a pool, or the vault, take what the aggregator leaves.
    @param loan As in `rebalance_with_loan`; of no kind where nothing is borrowed
    @param calls What the operations on aggregators call, by number
    """
    ownable._check_owner()
    routes._check_targets(vault, operations, loan.token)
    aggregator._calls = calls
    value_out: uint256 = 0
    value_in: uint256 = 0
    if loan.kind == empty(IRouteExecutor.Lender):
        value_out, value_in = self._rebalance(vault, sells, buys, operations, deadline)
    else:
        flash_loan._borrow(loan, abi_encode(vault, sells, buys, operations, loan.buying, deadline))
        self._pay_out(loan, sells, buys, operations)
        value_out = self._value_out
        value_in = self._value_in
    # Or another rebalance of the same transaction could call them on targets that nobody checked.
    aggregator._calls = []
    return value_out, value_in


# ---------------------------------------------------------------- callbacks
# Outside the lock, because they run inside the above; who calls is checked instead.


@external
@reentrant
def on_rebalance(initiator: address, sold: DynArray[IIndexVault.Leg, MAX_ASSETS], data: Bytes[MAX_DATA]):
    """
    @notice Swap what the vault sold and send it what was bought, and what is left of what it sold
    @param initiator Who called the vault: this contract
    @param sold What the vault sent
    @param data ABI-encoded operations and the assets to buy
    """
    assert msg.sender == self._active_vault and initiator == self, "executor: not the vault"
    operations: DynArray[IRouteExecutor.Operation, MAX_OPERATIONS] = []
    recipients: DynArray[address, MAX_ASSETS] = []
    operations, recipients = abi_decode(
        data, (DynArray[IRouteExecutor.Operation, MAX_OPERATIONS], DynArray[address, MAX_ASSETS])
    )

    for operation: IRouteExecutor.Operation in operations:
        routes._swap(operation)
    for bought: address in recipients:
        swaps._send_all(bought, msg.sender)
    for leg: IIndexVault.Leg in sold:
        swaps._send_all(leg.asset, msg.sender)


@external
@reentrant
def onMorphoFlashLoan(amount: uint256, data: Bytes[MAX_LOAN_DATA]):
    """
    @notice Morpho Blue's callback; it lends for nothing
    """
    flash_loan._accept(IRouteExecutor.Lender.MORPHO, self, keccak256(data))
    flash_loan._check_lent(flash_loan._loan.token, amount)
    self._spend_loan(data)
    flash_loan._repay(0)


@external
@reentrant
def receiveFlashLoan(
    tokens: DynArray[address, 1],
    amounts: DynArray[uint256, 1],
    fees: DynArray[uint256, 1],
    data: Bytes[MAX_LOAN_DATA],
):
    """
    @notice Balancer V2's callback
    """
    flash_loan._accept(IRouteExecutor.Lender.BALANCER_V2, self, keccak256(data))
    flash_loan._check_lent(tokens[0], amounts[0])
    self._spend_loan(data)
    flash_loan._repay(fees[0])


@external
@reentrant
def executeOperation(
    asset: address, amount: uint256, premium: uint256, initiator: address, data: Bytes[MAX_LOAN_DATA]
) -> bool:
    """
    @notice Aave V3's callback
    """
    flash_loan._accept(IRouteExecutor.Lender.AAVE_V3, initiator, keccak256(data))
    flash_loan._check_lent(asset, amount)
    self._spend_loan(data)
    flash_loan._repay(premium)
    return True


@external
@reentrant
def uniswapV3FlashCallback(fee0: uint256, fee1: uint256, data: Bytes[MAX_LOAN_DATA]):
    """
    @notice A Uniswap V3 pool's callback; the fee on the token that was not lent is zero
    """
    flash_loan._accept(IRouteExecutor.Lender.UNISWAP_V3, self, keccak256(data))
    self._spend_loan(data)
    flash_loan._repay(fee0 + fee1)


@external
@reentrant
def onFlashLoan(
    initiator: address, token: address, amount: uint256, fee: uint256, data: Bytes[MAX_LOAN_DATA]
) -> bytes32:
    """
    @notice ERC-3156's callback
    """
    flash_loan._accept(IRouteExecutor.Lender.ERC3156, initiator, keccak256(data))
    flash_loan._check_lent(token, amount)
    self._spend_loan(data)
    flash_loan._repay(fee)
    return ERC3156_ACCEPTED


# -------------------------------------------------------------------- owner


@external
def sweep(token: address):
    """
    @notice Take out what strangers sent here; for the owner
    @param token The token
    """
    ownable._check_owner()
    swaps._send_all(token, msg.sender)


@external
def set_aggregator(target: address, selector: bytes4, spender: address):
    """
    @notice Let operations call a function of an aggregator, or no more; for the owner
    @param target The aggregator: a contract that is no token, not Permit2 and not this one
    @param selector The function: none of a token
    @param spender Who takes the tokens that are sold, often the target itself; empty to forbid the function
    """
    ownable._check_owner()
    aggregator._pin(target, selector, spender)


# ----------------------------------------------------------------- internal


@internal
def _rebalance(
    vault: address,
    sells: DynArray[IIndexVault.Leg, MAX_ASSETS],
    buys: DynArray[IIndexVault.Leg, MAX_ASSETS],
    operations: DynArray[IRouteExecutor.Operation, MAX_OPERATIONS],
    deadline: uint256,
) -> (uint256, uint256):
    """
    @notice The callback form
    """
    recipients: DynArray[address, MAX_ASSETS] = []
    for leg: IIndexVault.Leg in buys:
        recipients.append(leg.asset)

    self._active_vault = vault
    value_out: uint256 = 0
    value_in: uint256 = 0
    value_out, value_in = extcall IIndexVault(vault).rebalance(
        sells, buys, self, abi_encode(operations, recipients), deadline
    )
    self._active_vault = empty(address)

    for operation: IRouteExecutor.Operation in operations:
        swaps._send_all(operation.token_in, msg.sender)
        swaps._send_all(operation.token_out, msg.sender)
    return value_out, value_in


@internal
def _pay_out(
    loan: IRouteExecutor.Loan,
    sells: DynArray[IIndexVault.Leg, MAX_ASSETS],
    buys: DynArray[IIndexVault.Leg, MAX_ASSETS],
    operations: DynArray[IRouteExecutor.Operation, MAX_OPERATIONS],
):
    """
    @notice After a loan is repaid: all that is left is the owner's
    """
    assert staticcall IERC20(loan.token).balanceOf(self) >= loan.least_left, "executor: too little left"
    swaps._send_all(loan.token, msg.sender)
    for leg: IIndexVault.Leg in sells:
        swaps._send_all(leg.asset, msg.sender)
    for leg: IIndexVault.Leg in buys:
        swaps._send_all(leg.asset, msg.sender)
    for operation: IRouteExecutor.Operation in operations:
        swaps._send_all(operation.token_in, msg.sender)
        swaps._send_all(operation.token_out, msg.sender)


@internal
def _spend_loan(data: Bytes[MAX_LOAN_DATA]):
    """
    @notice Between borrowing and repaying: buy, let the vault take its due and pay, sell
    @param data What `rebalance_with_loan` encoded
    """
    plan: LoanPlan = abi_decode(data, LoanPlan, unwrap_tuple=False)
    count: uint256 = len(plan.operations)
    assert plan.buying <= count, "executor: more swaps than given"
    for i: uint256 in range(plan.buying, bound=MAX_OPERATIONS):
        routes._swap(plan.operations[i])
    offers: DynArray[IIndexVault.Leg, MAX_ASSETS] = []
    for leg: IIndexVault.Leg in plan.buys:
        amount: uint256 = min(leg.amount, staticcall IERC20(leg.asset).balanceOf(self))
        approval._grant(leg.asset, plan.vault, amount)
        offers.append(IIndexVault.Leg(asset=leg.asset, amount=amount))
    value_out: uint256 = 0
    value_in: uint256 = 0
    value_out, value_in = extcall IIndexVault(plan.vault).rebalance(
        plan.sells, offers, empty(address), b"", plan.deadline
    )
    self._value_out = value_out
    self._value_in = value_in
    for leg: IIndexVault.Leg in plan.buys:
        approval._take_back(leg.asset, plan.vault)
    for i: uint256 in range(plan.buying, count, bound=MAX_OPERATIONS):
        routes._swap(plan.operations[i])
