# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title The settlement of a rebalance, whoever calls it
@license GNU Affero General Public License v3.0 only
@notice Prices are read once, before anything moves. Tokens move. Then the vault looks only at its own balances, and either every
        rule holds or nothing happened:
        1. what was sold was in surplus and is not now below target by more than the closing tolerance;
        2. what was bought was in deficit and is not now above target by more than the closing tolerance;
        3. value in >= value out * price bound;
        4. the loss against the oracle, draining over its window, stays in its budget;
        5. drift fell, by half of what was sold at least;
        6. no other asset's balance fell (the host adds: nor did the share supply change).
@dev Value out rounds up, value in rounds down: every rounding is against the caller.
"""
from ethereum.ercs import IERC20

from contracts.modules import auction
from contracts.modules import basket
from contracts.modules import loss_budget
from contracts.modules import reasons
from contracts.modules import wad
from contracts.interfaces import IIndexVault
from contracts.interfaces import IPriceOracle
from contracts.interfaces import IRebalanceExecutor

uses: auction
uses: basket
uses: loss_budget

MAX_ASSETS: constant(uint256) = 20
MAX_DATA: constant(uint256) = 9216

# What a fill did, in WAD USD and WAD.
struct Fill:
    value_out: uint256
    value_in: uint256
    drift_before: uint256
    drift_after: uint256


@internal
@view
def _valuation(oracle: address) -> basket.Valuation:
    """
    @notice The basket at the oracle's prices now
    """
    prices: DynArray[uint256, MAX_ASSETS] = staticcall IPriceOracle(oracle).prices(basket._addresses())
    reasons._require(len(prices) == len(basket._assets), "rebalance: wrong price count")
    for price: uint256 in prices:
        assert price != 0, "rebalance: zero price"
    return basket._value(prices)


@internal
def _rebalance(
    oracle: address,
    sells: DynArray[IIndexVault.Leg, MAX_ASSETS],
    buys: DynArray[IIndexVault.Leg, MAX_ASSETS],
    executor: address,
    data: Bytes[MAX_DATA],
) -> Fill:
    """
    @notice One fill of the open rebalance, in the callback form or, with an empty executor, in the pull form
    """
    auction._check_open()
    bound: uint256 = auction._bound()
    before: basket.Valuation = self._valuation(oracle)

    limits: DynArray[uint256, MAX_ASSETS] = []  # base units that may leave, in basket order
    for packed: uint256 in before.assets:
        limits.append(0)
    sold: DynArray[IIndexVault.Leg, MAX_ASSETS] = []
    value_out: uint256 = 0  # WAD USD
    for leg: IIndexVault.Leg in sells:
        i: uint256 = self._index(before.assets, leg.asset)
        assert limits[i] == 0, "rebalance: duplicate asset"
        limits[i] = min(
            leg.amount, self._surplus_down(before.assets[i], before.prices[i], before.values[i], before.nav)
        )
        if limits[i] != 0:
            sold.append(IIndexVault.Leg(asset=leg.asset, amount=limits[i]))
            value_out += wad._value_up(limits[i], before.prices[i], basket._decimals(before.assets[i]))
    reasons._require(len(sold) != 0, "rebalance: nothing in surplus")

    if executor == empty(address):
        self._pull_due(before, buys, value_out, bound)
        self._pay(sold, msg.sender)
    else:
        self._pay(sold, executor)
        extcall IRebalanceExecutor(executor).on_rebalance(msg.sender, sold, data)

    after: basket.Valuation = basket._value(before.prices)
    if executor != empty(address):
        for leg: IIndexVault.Leg in buys:
            i: uint256 = self._index(before.assets, leg.asset)
            assert after.balances[i] >= before.balances[i] + leg.amount, "rebalance: bought too little"
    return self._judge(before, after, limits, bound)


@internal
@pure
def _index(assets: DynArray[uint256, MAX_ASSETS], asset: address) -> uint256:
    """
    @notice The place of an asset in the basket
    """
    i: uint256 = 0
    for packed: uint256 in assets:
        if basket._address(packed) == asset:
            return i
        i += 1
    raise "rebalance: not an asset"


@internal
@pure
def _surplus_down(packed: uint256, price: uint256, worth: uint256, nav: uint256) -> uint256:
    """
    @notice How much of an asset is over its target
    @return Base units, rounded down; 0 when it is at or under target
    """
    wanted: uint256 = wad._mul_div_up(basket._target(packed), nav, wad.ONE)
    if worth <= wanted:
        return 0
    return wad._amount_down(worth - wanted, price, basket._decimals(packed))


@internal
def _pull_due(
    before: basket.Valuation, buys: DynArray[IIndexVault.Leg, MAX_ASSETS], value_out: uint256, bound: uint256
):
    """
    @notice Take from the caller what the bound asks for what will be paid, in the caller's order of assets
    @dev Each up to its amount and its deficit (at a bound over 1: that times its deficit, or the deficits could never pay for the surplus),
         and no more in all than the bound asks: who is overtaken by another fill pays less, never too much. Whether it was enough
         is for `_judge` to say.
    @param value_out WAD USD that will be paid
    @param bound WAD, least value in per value out
    """
    due: uint256 = wad._mul_div_up(value_out, bound, wad.ONE)
    for leg: IIndexVault.Leg in buys:
        i: uint256 = self._index(before.assets, leg.asset)
        price: uint256 = before.prices[i]
        decimals: uint256 = basket._decimals(before.assets[i])
        wanted: uint256 = wad._mul_div_down(basket._target(before.assets[i]), before.nav, wad.ONE)
        room: uint256 = wad._mul_div_up(wanted - min(wanted, before.values[i]), max(bound, wad.ONE), wad.ONE)
        amount: uint256 = min(leg.amount, wad._amount_up(min(room, due), price, decimals))
        basket._pull(leg.asset, msg.sender, amount)
        due -= min(due, wad._value_down(amount, price, decimals))


@internal
def _pay(sold: DynArray[IIndexVault.Leg, MAX_ASSETS], receiver: address):
    for leg: IIndexVault.Leg in sold:
        basket._push(leg.asset, receiver, leg.amount)


@internal
def _judge(
    before: basket.Valuation, after: basket.Valuation, limits: DynArray[uint256, MAX_ASSETS], bound: uint256
) -> Fill:
    """
    @notice Hold the balances of now against those of before; close the rebalance when the basket is on target
    @dev Only an asset that was in deficit counts as bought; whatever else came in is a gift and worth nothing here.
    @param limits Base units per asset that may have left
    @param bound WAD, least value in per value out
    """
    fill: Fill = Fill(value_out=0, value_in=0, drift_before=basket._drift(before), drift_after=basket._drift(after))
    tolerance: uint256 = wad._mul_div_down(auction.CLOSING_TOLERANCE, after.nav, wad.ONE)

    for i: uint256 in range(len(limits), bound=MAX_ASSETS):
        old: uint256 = before.balances[i]
        new: uint256 = after.balances[i]
        price: uint256 = before.prices[i]
        decimals: uint256 = basket._decimals(before.assets[i])
        target: uint256 = basket._target(before.assets[i])
        wanted: uint256 = wad._mul_div_down(target, after.nav, wad.ONE)
        if new < old:
            assert old - new <= limits[i], "rebalance: balance fell"
            assert after.values[i] + tolerance >= wanted, "rebalance: below target"
            fill.value_out += wad._value_up(old - new, price, decimals)
        elif new > old and before.values[i] < wad._mul_div_down(target, before.nav, wad.ONE):
            assert after.values[i] <= wanted + tolerance, "rebalance: above target"
            fill.value_in += wad._value_down(new - old, price, decimals)
    reasons._require(fill.value_in >= wad._mul_div_up(fill.value_out, bound, wad.ONE), "rebalance: value short")
    # Each dollar sold removes half a dollar of drift at least, or assets near their targets could be swapped to and fro at the bound.
    least: uint256 = wad._mul_div_up(fill.value_out, wad.ONE, 2 * before.nav)
    reasons._require(fill.drift_after + least < fill.drift_before, "rebalance: drift did not fall")
    loss_budget._record(fill.value_out, fill.value_in, before.nav)
    if fill.drift_after <= auction.CLOSING_TOLERANCE:
        auction._complete()
        log IIndexVault.RebalanceClosed(drift=fill.drift_after)
    return fill
