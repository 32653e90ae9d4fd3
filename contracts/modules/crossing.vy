# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Several vaults' rebalances inside each other, and who gets what of what they sold
@license GNU Affero General Public License v3.0 only
@notice Each vault is started in the callback of the one before it, so that in the last one's callback all that was sold is here. The vault that
        brought least of what it was asked for scales everybody: each gives that part of what it was asked for and has the rest back. What one
        sells and another buys changes hands in the amounts that the plan says, at no pool's price; what the swaps bring, and what they
        leave, is shared out by weight.
@dev No vault can have more than its plan says: what it brought is measured, what it is paid is computed from what was asked of it, and nothing
     that it answers or passes on is believed. The order of the vaults and what they are to do is kept here meanwhile, out of their reach.
     The host checks who starts it, says what is to be done and exports `on_rebalance`.
"""
from ethereum.ercs import IERC20

from contracts.modules import swaps
from contracts.interfaces import IBatchExecutor
from contracts.interfaces import IIndexVault
from contracts.interfaces import IRouteExecutor

uses: swaps

MAX_ORDERS: constant(uint256) = 8
MAX_ASSETS: constant(uint256) = 20
MAX_OPERATIONS: constant(uint256) = 40
MAX_DATA: constant(uint256) = 9216
WAD: constant(uint256) = 10**18

# What this transaction is to do; the host says it.
_orders: transient (DynArray[IBatchExecutor.Order, MAX_ORDERS])
_operations: transient (DynArray[IRouteExecutor.Operation, MAX_OPERATIONS])
_deadline: transient (uint256)
# The vault that may call back now, once.
_active_vault: transient (address)
# How many vaults have called back.
_entered: transient (uint256)
# What they counted.
_fills: transient (IBatchExecutor.Fill[MAX_ORDERS])
# WAD, of what was asked for the least that a vault brought.
_scale: transient (uint256)
# Base units that a vault brought, in the order of its sells; what it gives of them after `_scaled`.
_given: transient (uint256[MAX_ASSETS][MAX_ORDERS])
# Base units of a token whose owner is known.
_counted: transient (HashMap[address, uint256])
# What of a token has not been shared out, in weights; zero between two uses.
_weights: transient (HashMap[address, uint256])


@external
def on_rebalance(initiator: address, sold: DynArray[IIndexVault.Leg, MAX_ASSETS], data: Bytes[MAX_DATA]):
    """
    @notice Start the next vault; in the last one's callback swap, and pay everybody before any of them goes on
    @dev Outside the lock, because it runs inside; who calls is checked instead.
    @param initiator Who called the vault: this contract
    @param sold Unused: what came is measured
    @param data Unused: what to do is kept here
    """
    assert msg.sender == self._active_vault and initiator == self, "batch: not the vault's turn"
    # Who has called back may not again: from here on the next vault may, or nobody.
    self._active_vault = empty(address)
    self._take_in()
    if self._entered < len(self._orders):
        self._start(self._entered)
        return
    self._pay_inside()
    for operation: IRouteExecutor.Operation in self._operations:
        swaps._swap(operation)
    self._share_out()


@internal
def _begin():
    """
    @notice Note what is here before any vault sells
    """
    assert len(self._orders) != 0, "batch: no vault"
    seen: DynArray[address, MAX_ORDERS] = []
    for i: uint256 in range(len(self._orders), bound=MAX_ORDERS):
        vault: address = self._orders[i].vault
        assert vault not in seen, "batch: vault named twice"
        seen.append(vault)
        for leg: IIndexVault.Leg in self._orders[i].sells:
            self._counted[leg.asset] = staticcall IERC20(leg.asset).balanceOf(self)
    self._entered = 0
    self._scale = WAD


@internal
def _start(number: uint256):
    """
    @notice Start a vault, which calls back before it answers
    """
    order: IBatchExecutor.Order = self._orders[number]
    buys: DynArray[IIndexVault.Leg, MAX_ASSETS] = []
    for buy: IBatchExecutor.Buy in order.buys:
        buys.append(IIndexVault.Leg(asset=buy.asset, amount=buy.least))
    self._active_vault = order.vault
    value_out: uint256 = 0
    value_in: uint256 = 0
    value_out, value_in = extcall IIndexVault(order.vault).rebalance(order.sells, buys, self, b"", self._deadline)
    # A vault that never called back has kept the others from being paid.
    assert self._active_vault == empty(address), "batch: not called back"
    self._fills[number] = IBatchExecutor.Fill(value_out=value_out, value_in=value_in)


@internal
def _take_in():
    """
    @notice Measure what the vault that called back has brought
    """
    number: uint256 = self._entered
    for i: uint256 in range(len(self._orders[number].sells), bound=MAX_ASSETS):
        leg: IIndexVault.Leg = self._orders[number].sells[i]
        held: uint256 = staticcall IERC20(leg.asset).balanceOf(self)
        brought: uint256 = held - self._counted[leg.asset]
        self._counted[leg.asset] = held
        self._given[number][i] = brought
        if leg.amount != 0:
            self._scale = min(self._scale, brought * WAD // leg.amount)
    self._entered = number + 1


@internal
def _pay_inside():
    """
    @notice Before the swaps: give back what a vault brought over its part, and hand over what the vaults sell to each other
    """
    for i: uint256 in range(len(self._orders), bound=MAX_ORDERS):
        vault: address = self._orders[i].vault
        for j: uint256 in range(len(self._orders[i].sells), bound=MAX_ASSETS):
            leg: IIndexVault.Leg = self._orders[i].sells[j]
            brought: uint256 = self._given[i][j]
            given: uint256 = min(brought, self._part_up(leg.amount))
            self._given[i][j] = given
            self._send(leg.asset, vault, brought - given)
    for i: uint256 in range(len(self._orders), bound=MAX_ORDERS):
        for buy: IBatchExecutor.Buy in self._orders[i].buys:
            self._send(buy.asset, self._orders[i].vault, buy.inside * self._scale // WAD)


@internal
def _share_out():
    """
    @notice After the swaps: what they brought by the weights of the orders, then what they left by what each vault gave of it
    """
    for i: uint256 in range(len(self._orders), bound=MAX_ORDERS):
        for buy: IBatchExecutor.Buy in self._orders[i].buys:
            self._weights[buy.asset] += buy.outside
    for i: uint256 in range(len(self._orders), bound=MAX_ORDERS):
        for buy: IBatchExecutor.Buy in self._orders[i].buys:
            self._send_share(buy.asset, self._orders[i].vault, buy.outside)
    for i: uint256 in range(len(self._orders), bound=MAX_ORDERS):
        for j: uint256 in range(len(self._orders[i].sells), bound=MAX_ASSETS):
            self._weights[self._orders[i].sells[j].asset] += self._given[i][j]
    for i: uint256 in range(len(self._orders), bound=MAX_ORDERS):
        for j: uint256 in range(len(self._orders[i].sells), bound=MAX_ASSETS):
            self._send_share(self._orders[i].sells[j].asset, self._orders[i].vault, self._given[i][j])


@internal
def _end() -> DynArray[IBatchExecutor.Fill, MAX_ORDERS]:
    """
    @notice Forget the orders
    @return What the vaults counted, in the order in which they were given
    """
    fills: DynArray[IBatchExecutor.Fill, MAX_ORDERS] = []
    for i: uint256 in range(len(self._orders), bound=MAX_ORDERS):
        fills.append(self._fills[i])
    self._orders = []
    return fills


@internal
@view
def _part_up(amount: uint256) -> uint256:
    """
    @notice What is asked of a vault when another one brought too little; up, so that what is paid inside is covered
    """
    return (amount * self._scale + WAD - 1) // WAD


@internal
def _send_share(token: address, receiver: address, weight: uint256):
    """
    @notice The part of what is here that a weight is of those not served; the last one served gets the rest
    """
    if weight == 0:
        return
    share: uint256 = staticcall IERC20(token).balanceOf(self) * weight // self._weights[token]
    self._weights[token] -= weight
    self._send(token, receiver, share)


@internal
def _send(token: address, receiver: address, amount: uint256):
    if amount != 0:
        extcall IERC20(token).transfer(receiver, amount, default_return_value=True)
