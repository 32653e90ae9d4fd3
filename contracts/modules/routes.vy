# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Routes: operations on pools and on aggregators alike
@license GNU Affero General Public License v3.0 only
@notice One operation at a time is carried out, by the venue that it names.
@dev The host says what an aggregator's calls are, checks the targets before the first operation, and forgets the calls at the end.
"""
from contracts.modules import aggregator
from contracts.modules import swaps
from contracts.interfaces import IIndexVault
from contracts.interfaces import IRouteExecutor

uses: aggregator
uses: swaps

MAX_OPERATIONS: constant(uint256) = 40
MAX_TOKENS: constant(uint256) = 101  # the vault's, two of each operation and one more


@internal
@view
def _check_targets(vault: address, operations: DynArray[IRouteExecutor.Operation, MAX_OPERATIONS], other: address):
    """
    @notice No aggregator is the vault, one of its assets or another token that is in play, whatever was pinned
    @param other A token that is in play beside those of vault and operations: what is borrowed, given or asked for
    """
    tokens: DynArray[address, MAX_TOKENS] = staticcall IIndexVault(vault).assets()
    tokens.append(other)
    for operation: IRouteExecutor.Operation in operations:
        tokens.append(operation.token_in)
        tokens.append(operation.token_out)
    for operation: IRouteExecutor.Operation in operations:
        if operation.venue == IRouteExecutor.Venue.AGGREGATOR:
            assert operation.pool != vault and operation.pool not in tokens, "executor: target in play"


@internal
def _swap(operation: IRouteExecutor.Operation):
    """
    @notice One operation, on a pool or on an aggregator
    """
    if operation.venue != IRouteExecutor.Venue.AGGREGATOR:
        swaps._swap(operation)
        return
    amount: uint256 = 0
    held_in: uint256 = 0
    held_out: uint256 = 0
    amount, held_in, held_out = swaps._offer(operation)
    if amount == 0:
        return
    least_out: uint256 = aggregator._swap(operation.pool, operation.fee, operation.token_in, amount)
    amount_out: uint256 = swaps._came(operation, held_in, held_out)
    assert amount_out >= least_out, "executor: too little out"
