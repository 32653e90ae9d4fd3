# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title The basket: which assets, at which targets and bands, and what each is worth
@license GNU Affero General Public License v3.0 only
@notice An asset, its decimals, target and band share one storage slot, because a rebalance reads all four of every asset:
        bits 0-159 address, 160-167 decimals, 168-231 target (WAD), 232-255 band (millionths).
@dev Holds no authority and no prices; the host passes prices in.
"""
from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

from contracts.modules import wad
from contracts.interfaces import IIndexVault

MAX_ASSETS: constant(uint256) = 20
MAX_DECIMALS: constant(uint8) = 27
BAND_UNIT: constant(uint256) = 10**12  # WAD per stored unit of a band
MAX_DUST: constant(uint256) = 2  # base units by which a transfer may fall short
MIN_SEED: constant(uint256) = 10**4  # base units of each asset at the first mint


# A basket at one set of prices, in basket order. `nav` is the sum of `values`.
struct Valuation:
    assets: DynArray[uint256, MAX_ASSETS]  # packed; see `_address`, `_decimals`, `_target`, `_band`
    balances: DynArray[uint256, MAX_ASSETS]  # base units
    prices: DynArray[uint256, MAX_ASSETS]  # WAD USD per whole token
    values: DynArray[uint256, MAX_ASSETS]  # WAD USD, rounded down
    nav: uint256  # WAD USD


_assets: DynArray[uint256, MAX_ASSETS]
_units: DynArray[uint256, MAX_ASSETS]  # base units a whole share holds at the first mint; never read again


@deploy
def __init__(assets: DynArray[IIndexVault.AssetTerms, MAX_ASSETS]):
    """
    @param assets Two or more assets, each once, with targets that sum to exactly 1e18
    """
    assert len(assets) >= 2, "basket: fewer than two assets"
    total: uint256 = 0
    for terms: IIndexVault.AssetTerms in assets:
        assert terms.asset != empty(address) and terms.asset != self, "basket: bad asset"
        assert terms.units != 0, "basket: zero units"
        assert terms.target != 0, "basket: zero target"
        assert terms.band != 0 and terms.band < wad.ONE and terms.band % BAND_UNIT == 0, "basket: bad band"
        for packed: uint256 in self._assets:
            assert (
                convert(packed & convert(max_value(uint160), uint256), address) != terms.asset
            ), "basket: duplicate asset"
        decimals: uint8 = staticcall IERC20Detailed(terms.asset).decimals()
        assert decimals <= MAX_DECIMALS, "basket: too many decimals"
        total += terms.target
        self._assets.append(
            convert(terms.asset, uint256)
            | (convert(decimals, uint256) << 160)
            | (terms.target << 168)
            | ((terms.band // BAND_UNIT) << 232)
        )
        self._units.append(terms.units)
    assert total == wad.ONE, "basket: targets do not sum to 1"


@internal
@pure
def _address(packed: uint256) -> address:
    return convert(packed & convert(max_value(uint160), uint256), address)


@internal
@pure
def _decimals(packed: uint256) -> uint256:
    return (packed >> 160) & 255


@internal
@pure
def _target(packed: uint256) -> uint256:
    """
    @return WAD share of NAV
    """
    return (packed >> 168) & convert(max_value(uint64), uint256)


@internal
@pure
def _band(packed: uint256) -> uint256:
    """
    @return WAD half-width around the target
    """
    return (packed >> 232) * BAND_UNIT


@internal
@view
def _addresses() -> DynArray[address, MAX_ASSETS]:
    found: DynArray[address, MAX_ASSETS] = []
    for packed: uint256 in self._assets:
        found.append(self._address(packed))
    return found


@internal
@view
def _balance(asset: address) -> uint256:
    return staticcall IERC20(asset).balanceOf(self)


@internal
@view
def _seed_amounts_up(shares: uint256) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice What the first `shares` (18 decimals) cost in each asset, rounded up
    @dev Every later mint is pro rata of this one, so its rounding must not bend the basket: at MIN_SEED units it is at most 1 bp.
    @return Base units per asset
    """
    amounts: DynArray[uint256, MAX_ASSETS] = []
    for units: uint256 in self._units:
        amount: uint256 = wad._mul_div_up(units, shares, wad.ONE)
        assert amount >= MIN_SEED, "basket: first mint too small"
        amounts.append(amount)
    return amounts


@internal
@view
def _amounts_up(shares: uint256, supply: uint256) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice What `shares` of `supply` hold of each asset, rounded up
    @param supply Not zero
    @return Base units per asset
    """
    amounts: DynArray[uint256, MAX_ASSETS] = []
    for packed: uint256 in self._assets:
        amounts.append(wad._mul_div_up(self._balance(self._address(packed)), shares, supply))
    return amounts


@internal
@view
def _amounts_down(shares: uint256, supply: uint256) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice What `shares` of `supply` hold of each asset, rounded down; see `_amounts_up`
    """
    amounts: DynArray[uint256, MAX_ASSETS] = []
    for packed: uint256 in self._assets:
        amounts.append(wad._mul_div_down(self._balance(self._address(packed)), shares, supply))
    return amounts


@internal
def _pull(asset: address, owner: address, amount: uint256):
    """
    @notice Take `amount` from `owner` by allowance and see that it arrived
    @dev The token's return value is not looked at: the balance tells. Nothing is called for zero, which some tokens refuse.
    """
    if amount == 0:
        return
    before: uint256 = self._balance(asset)
    extcall IERC20(asset).transferFrom(owner, self, amount, default_return_value=True)
    assert self._balance(asset) >= before + amount, "basket: too little arrived"


@internal
def _push(asset: address, receiver: address, amount: uint256):
    """
    @notice Pay `amount` and see that it left; see `_pull`
    @dev Never more may leave. A little less may, at most a basis point of the amount: rebasing tokens round what they move.
    """
    if amount == 0:
        return
    before: uint256 = self._balance(asset)
    extcall IERC20(asset).transfer(receiver, amount, default_return_value=True)
    rest: uint256 = self._balance(asset) + amount
    assert rest >= before and rest <= before + min(MAX_DUST, amount // 10_000), "basket: transfer failed"


@internal
@view
def _balances() -> DynArray[uint256, MAX_ASSETS]:
    found: DynArray[uint256, MAX_ASSETS] = []
    for packed: uint256 in self._assets:
        found.append(self._balance(self._address(packed)))
    return found


@internal
@view
def _value(prices: DynArray[uint256, MAX_ASSETS]) -> Valuation:
    """
    @notice What is held now, valued at `prices`, each value rounded down
    """
    now: Valuation = empty(Valuation)
    now.assets = self._assets
    now.prices = prices
    for i: uint256 in range(len(now.assets), bound=MAX_ASSETS):
        balance: uint256 = self._balance(self._address(now.assets[i]))
        worth: uint256 = wad._value_down(balance, prices[i], self._decimals(now.assets[i]))
        now.balances.append(balance)
        now.values.append(worth)
        now.nav += worth
    return now


@internal
@pure
def _drift(basket: Valuation) -> uint256:
    """
    @notice Half the sum of |weight - target|: the share of NAV that has to trade to be on target
    @return WAD, rounded down; 0 for an empty basket
    """
    if basket.nav == 0:
        return 0
    off_target: uint256 = 0  # WAD * WAD USD
    for i: uint256 in range(len(basket.assets), bound=MAX_ASSETS):
        off_target += self._distance(basket.values[i], self._target(basket.assets[i]), basket.nav)
    return off_target // (2 * basket.nav)


@internal
@pure
def _outside_band(basket: Valuation) -> bool:
    """
    @notice Whether the weight of any asset is further from its target than its band
    """
    for i: uint256 in range(len(basket.assets), bound=MAX_ASSETS):
        packed: uint256 = basket.assets[i]
        if self._distance(basket.values[i], self._target(packed), basket.nav) > self._band(packed) * basket.nav:
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
