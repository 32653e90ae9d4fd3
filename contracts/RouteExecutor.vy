# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Route executor
@license GNU Affero General Public License v3.0 only
@notice Runs a keeper's swaps in a vault's callback: the vault sends what it sells, the swaps turn it into what it buys, and all of it
        goes back to the vault. It holds nothing between transactions and has no allowance to anybody.

        How it is stopped: by its owner not using it; nobody else can start it.

        Owner: the keeper. Starts it and takes out what strangers sent here. A malicious owner can route badly, within the bounds that
        the vault sets; it never has access to anybody's funds.
@dev Amounts are shares of the balance at that moment, not numbers, so that a fill which the vault clamped still settles. Every callback
     checks its caller: the vault this was started for, the pool that is being swapped on.
"""
from ethereum.ercs import IERC20
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from contracts.modules import uniswap
from contracts.interfaces import IIndexVault
from contracts.interfaces import IRebalanceExecutor
from contracts.interfaces import IRouteExecutor

implements: IRouteExecutor
implements: IRebalanceExecutor

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: uniswap

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    uniswap.uniswapV3SwapCallback,
)

MAX_ASSETS: constant(uint256) = 20
MAX_OPERATIONS: constant(uint256) = 40
MAX_DATA: constant(uint256) = 9216
WAD: constant(uint256) = 10**18

# The vault that may call back now.
_active_vault: transient (address)


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
        self._send_all(operation.token_in, msg.sender)
        self._send_all(operation.token_out, msg.sender)
    return value_out, value_in


@external
@reentrant
def on_rebalance(initiator: address, sold: DynArray[IIndexVault.Leg, MAX_ASSETS], data: Bytes[MAX_DATA]):
    """
    @notice Swap what the vault sold and send it what was bought, and what is left of what it sold
    @dev Outside the lock, because it runs inside `rebalance`; the vault and the initiator are checked instead.
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
        self._swap(operation)
    for bought: address in recipients:
        self._send_all(bought, msg.sender)
    for leg: IIndexVault.Leg in sold:
        self._send_all(leg.asset, msg.sender)


@external
def sweep(token: address):
    """
    @notice Take out what strangers sent here; for the owner
    @param token The token
    """
    ownable._check_owner()
    self._send_all(token, msg.sender)


@internal
def _swap(operation: IRouteExecutor.Operation):
    assert operation.share <= WAD, "executor: share over 1"
    assert operation.fee < 10**6, "executor: bad fee"
    balance: uint256 = staticcall IERC20(operation.token_in).balanceOf(self)
    amount: uint256 = balance * operation.share // WAD
    # A leg that clamping left nothing for is no reason to fail the others.
    if amount == 0:
        return

    amount_out: uint256 = 0
    if operation.venue == IRouteExecutor.Venue.UNISWAP_V2:
        amount_out = uniswap._swap_v2(operation.pool, operation.token_in, operation.token_out, operation.fee, amount)
    elif operation.venue == IRouteExecutor.Venue.UNISWAP_V3:
        amount_out = uniswap._swap_v3(operation.pool, operation.token_in, operation.token_out, operation.fee, amount)
    else:
        raise "executor: unknown venue"
    log IRouteExecutor.Swap(
        pool=operation.pool,
        token_in=operation.token_in,
        token_out=operation.token_out,
        amount_in=balance - staticcall IERC20(operation.token_in).balanceOf(self),
        amount_out=amount_out,
    )


@internal
def _send_all(token: address, receiver: address):
    balance: uint256 = staticcall IERC20(token).balanceOf(self)
    if balance != 0:
        extcall IERC20(token).transfer(receiver, balance, default_return_value=True)
