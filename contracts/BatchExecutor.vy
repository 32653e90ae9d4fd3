# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Batch executor
@license GNU Affero General Public License v3.0 only
@notice Fills the open rebalances of several vaults in one transaction: what one sells and another buys goes from vault to vault, at the amounts
        that the keeper states, and what remains is swapped together on pools. Each vault holds its own fill to its own rules, or nothing
        happens. It holds nothing between transactions and has no allowance to anybody: those it grants live for one call.

        How it is stopped: by its owner not using it; nobody else can start it.

        Owner: the keeper. Says which vaults, what each sells and buys, and takes out what strangers sent here. A malicious owner can route
        badly and favour one vault before another, within the bounds that each vault sets; it never has access to anybody's funds.
        A malicious vault among the orders, or a contract that poses as one, can make the transaction fail. It can send less than it was asked
        for, which scales what everybody trades. It cannot get a token that the owner's plan does not give it, nor change the plan, nor
        call back out of turn.
@dev Every callback checks its caller: the vault whose turn it is, once, and the pool that is being swapped on. A vault that reads another one of
     the same transaction, as one that holds the other's shares and prices them by its views, cannot be filled with it: those revert meanwhile.
"""
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from contracts.modules import crossing
from contracts.modules import swaps
from contracts.modules import uniswap
from contracts.interfaces import IBatchExecutor
from contracts.interfaces import IRebalanceExecutor
from contracts.interfaces import IRouteExecutor

implements: IBatchExecutor
implements: IRebalanceExecutor

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: uniswap
initializes: swaps[uniswap := uniswap]
initializes: crossing[swaps := swaps]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    crossing.on_rebalance,
    uniswap.uniswapV3SwapCallback,
)

MAX_ORDERS: constant(uint256) = 8
MAX_OPERATIONS: constant(uint256) = 40


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
def rebalance_many(
    orders: DynArray[IBatchExecutor.Order, MAX_ORDERS],
    operations: DynArray[IRouteExecutor.Operation, MAX_OPERATIONS],
    deadline: uint256,
) -> DynArray[IBatchExecutor.Fill, MAX_ORDERS]:
    """
    @notice Fill the open rebalances of several vaults; for the owner, who says at which terms
    @param orders What each vault sells and buys, each vault once
    @param operations The swaps of what the vaults do not sell to each other, in order
    @param deadline Last second at which this may happen
    @return What left and what came, as each vault counts
    """
    ownable._check_owner()
    crossing._orders = orders
    crossing._operations = operations
    crossing._deadline = deadline
    crossing._begin()
    crossing._start(0)
    for operation: IRouteExecutor.Operation in crossing._operations:
        swaps._send_all(operation.token_in, msg.sender)
        swaps._send_all(operation.token_out, msg.sender)
    return crossing._end()


# -------------------------------------------------------------------- owner


@external
def sweep(token: address):
    """
    @notice Take out what strangers sent here; for the owner
    @param token The token
    """
    ownable._check_owner()
    swaps._send_all(token, msg.sender)
