# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title What a basket is worth, and how far it is from its targets
@license GNU Affero General Public License v3.0 only
@dev Pure: prices, balances and targets are passed in.
"""
from contracts.modules import asset
from contracts.modules import wad

MAX_ASSETS: constant(uint256) = 20


# A basket at one set of prices, in basket order; places from `count` on are empty. `nav` is the sum of `values`.
struct Valuation:
    count: uint256
    assets: uint256[MAX_ASSETS]  # packed, see modules/asset.vy
    balances: uint256[MAX_ASSETS]  # base units
    prices: uint256[MAX_ASSETS]  # WAD USD per whole token
    targets: uint256[MAX_ASSETS]  # WAD share of NAV
    values: uint256[MAX_ASSETS]  # WAD USD, rounded down
    nav: uint256  # WAD USD
    # Half the sum of |weight - target|: the share of NAV that has to trade to be on target. WAD, rounded down; 0 for an empty basket.
    drift: uint256


@internal
@pure
def _at(basket: Valuation, balances: uint256[MAX_ASSETS]) -> Valuation:
    """
    @notice The same basket with other balances, each value rounded down
    """
    now: Valuation = basket
    now.balances = balances
    nav: uint256 = 0
    for i: uint256 in range(now.count, bound=MAX_ASSETS):
        worth: uint256 = wad._value_down(balances[i], now.prices[i], asset._decimals(now.assets[i]))
        now.values[i] = worth
        nav += worth
    now.nav = nav
    now.drift = 0
    if nav != 0:
        off_target: uint256 = 0  # WAD * WAD USD
        for i: uint256 in range(now.count, bound=MAX_ASSETS):
            off_target += self._distance(now.values[i], now.targets[i], nav)
        now.drift = off_target // (2 * nav)
    return now


@internal
@pure
def _is_outside(basket: Valuation, bands: uint256[MAX_ASSETS]) -> bool:
    """
    @notice Whether the weight of any asset is further from its target than its band
    @param bands WAD half-widths
    """
    for i: uint256 in range(basket.count, bound=MAX_ASSETS):
        if self._distance(basket.values[i], basket.targets[i], basket.nav) > bands[i] * basket.nav:
            return True
    return False


@internal
@pure
def _distance(worth: uint256, target: uint256, nav: uint256) -> uint256:
    """
    @notice |weight - target| * NAV, exact
    @return WAD * WAD USD
    """
    held: uint256 = worth * wad.ONE
    wanted: uint256 = target * nav
    return max(held, wanted) - min(held, wanted)
