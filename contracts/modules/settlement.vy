# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title The settlement of a rebalance, whoever calls it
@license GNU Affero General Public License v3.0 only
@notice Prices are read once, before anything moves. Tokens move. Then only the vault's balances count, and either every rule holds or nothing
        happened:
        1. what was sold was in surplus and is not now below target by more than the closing tolerance;
        2. what was bought was in deficit and is not now above target by more than the closing tolerance;
        3. value in >= value out * price bound;
        4. the loss against the oracle, draining over its window, stays in its budget;
        5. drift fell, by half of what was sold at least;
        The vault has seen before that no balance fell by more than it should and that the share supply did not change.
@dev Value out rounds up, value in rounds down: every rounding is against the caller. Pure but for the loss it records.
"""
from contracts.modules import asset
from contracts.modules import loss_budget
from contracts.modules import valuation
from contracts.modules import wad
from contracts.interfaces import IIndexVault

uses: loss_budget

MAX_ASSETS: constant(uint256) = 20


# What a fill is held against at its end. The vault carries it from `begin` to `settle`; in memory it is cheaper than in storage.
struct State:
    before: valuation.Valuation
    least: uint256[MAX_ASSETS]  # base units that the caller wants to arrive at least; callback form
    bound: uint256  # WAD, least value in per value out


# What a fill did, in WAD USD and WAD.
struct Fill:
    value_out: uint256
    value_in: uint256
    drift_before: uint256
    drift_after: uint256


@internal
@pure
def _leaving(
    before: valuation.Valuation, sells: DynArray[IIndexVault.Leg, MAX_ASSETS]
) -> (uint256[MAX_ASSETS], uint256):
    """
    @notice What may leave: of each asset what the caller asks for, up to its surplus
    @return Base units in basket order, and what they are worth in WAD USD, rounded up
    """
    leaving: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    value_out: uint256 = 0
    for leg: IIndexVault.Leg in sells:
        i: uint256 = self._index(before.assets, leg.asset)
        assert leaving[i] == 0, "rebalance: duplicate asset"
        leaving[i] = min(
            leg.amount,
            self._surplus_down(before.assets[i], before.prices[i], before.values[i], before.targets[i], before.nav),
        )
        value_out += wad._value_up(leaving[i], before.prices[i], asset._decimals(before.assets[i]))
    assert value_out != 0, "rebalance: nothing in surplus"
    return leaving, value_out


@internal
@pure
def _least(before: valuation.Valuation, buys: DynArray[IIndexVault.Leg, MAX_ASSETS]) -> uint256[MAX_ASSETS]:
    """
    @notice What the caller wants to arrive at least, in basket order
    """
    least: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    for leg: IIndexVault.Leg in buys:
        i: uint256 = self._index(before.assets, leg.asset)
        assert least[i] == 0, "rebalance: duplicate asset"
        least[i] = leg.amount
    return least


@internal
@pure
def _due(
    before: valuation.Valuation, buys: DynArray[IIndexVault.Leg, MAX_ASSETS], value_out: uint256, bound: uint256
) -> uint256[MAX_ASSETS]:
    """
    @notice What a caller has to pay for what will leave, in the caller's order of assets; see docs/adr/0002
    @dev Each up to its amount and its deficit (at a bound over 1: that times its deficit, or the deficits could never pay for the surplus),
         and no more in all than the bound asks: who is overtaken by another fill pays less, never too much. Whether it was enough
         is for `_judge` to say.
    @param value_out WAD USD that will leave
    @param bound WAD, least value in per value out
    @return Base units in basket order, rounded up
    """
    due: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    owed: uint256 = wad._mul_div_up(value_out, bound, wad.ONE)
    for leg: IIndexVault.Leg in buys:
        i: uint256 = self._index(before.assets, leg.asset)
        assert due[i] == 0, "rebalance: duplicate asset"
        price: uint256 = before.prices[i]
        decimals: uint256 = asset._decimals(before.assets[i])
        wanted: uint256 = wad._mul_div_down(before.targets[i], before.nav, wad.ONE)
        room: uint256 = wad._mul_div_up(wanted - min(wanted, before.values[i]), max(bound, wad.ONE), wad.ONE)
        due[i] = min(leg.amount, wad._amount_up(min(room, owed), price, decimals))
        owed -= min(owed, wad._value_down(due[i], price, decimals))
    return due


@internal
@pure
def _surplus_down(packed: uint256, price: uint256, worth: uint256, target: uint256, nav: uint256) -> uint256:
    """
    @notice How much of an asset is over its target
    @return Base units, rounded down; 0 when it is at or under target
    """
    wanted: uint256 = wad._mul_div_up(target, nav, wad.ONE)
    if worth <= wanted:
        return 0
    return wad._amount_down(worth - wanted, price, asset._decimals(packed))


@internal
@pure
def _index(assets: uint256[MAX_ASSETS], wanted: address) -> uint256:
    """
    @notice The place of an asset in the basket
    """
    if wanted != empty(address):
        for i: uint256 in range(MAX_ASSETS):
            if asset._address(assets[i]) == wanted:
                return i
    raise "rebalance: not an asset"


@internal
def _judge(state: State, after: valuation.Valuation, tolerance: uint256) -> Fill:
    """
    @notice Hold the balances of now against those of before
    @dev Only an asset that was in deficit counts as bought; whatever else came in is a gift and worth nothing here.
    @param after At the prices and targets of before
    @param tolerance WAD share of NAV by which an asset may pass its target
    """
    before: valuation.Valuation = state.before
    fill: Fill = Fill(value_out=0, value_in=0, drift_before=before.drift, drift_after=after.drift)
    slack: uint256 = wad._mul_div_down(tolerance, after.nav, wad.ONE)  # WAD USD

    for i: uint256 in range(before.count, bound=MAX_ASSETS):
        old: uint256 = before.balances[i]
        new: uint256 = after.balances[i]
        target: uint256 = before.targets[i]
        wanted: uint256 = wad._mul_div_down(target, after.nav, wad.ONE)
        assert new >= old + state.least[i] or state.least[i] == 0, "rebalance: bought too little"
        if new < old:
            assert after.values[i] + slack >= wanted, "rebalance: below target"
            fill.value_out += wad._value_up(old - new, before.prices[i], asset._decimals(before.assets[i]))
        elif new > old and before.values[i] < wad._mul_div_down(target, before.nav, wad.ONE):
            assert after.values[i] <= wanted + slack, "rebalance: above target"
            fill.value_in += wad._value_down(new - old, before.prices[i], asset._decimals(before.assets[i]))
    assert fill.value_in >= wad._mul_div_up(fill.value_out, state.bound, wad.ONE), "rebalance: value short"
    # Each dollar sold removes half a dollar of drift at least, or assets near their targets could be swapped to and fro at the bound.
    removed: uint256 = wad._mul_div_up(fill.value_out, wad.ONE, 2 * before.nav)
    assert fill.drift_after + removed < fill.drift_before, "rebalance: drift did not fall"
    loss_budget._record(fill.value_out, fill.value_in, before.nav)
    return fill
