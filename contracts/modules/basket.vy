# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title The basket: which assets, at which targets and bands, and what each is worth
@license GNU Affero General Public License v3.0 only
@notice An asset, its decimals, target and band share one storage slot, because a rebalance reads all four of every asset:
        bits 0-159 address, 160-167 decimals, 168-230 target (WAD), 231 whether some of the balance belongs to claims, 232-255 band
        (millionths).

        A redemption is never stopped by an asset that cannot be paid: what a transfer refused to move becomes a claim of the
        redeemer, is no longer part of the basket, and can be claimed when the token moves again.
@dev Holds no authority and no prices; the host passes prices in.
"""
from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

from contracts.modules import reasons
from contracts.modules import wad
from contracts.interfaces import IIndexVault

MAX_ASSETS: constant(uint256) = 20
MAX_DECIMALS: constant(uint8) = 27
BAND_UNIT: constant(uint256) = 10**12  # WAD per stored unit of a band
MAX_DUST: constant(uint256) = 2  # base units by which a transfer may fall short
MIN_SEED: constant(uint256) = 10**4  # base units of each asset at the first mint
CLAIMED: constant(uint256) = 1 << 231
# What a token may burn in a redemption, so that a hostile one cannot stop it by eating all gas.
TRANSFER_GAS: constant(uint256) = 1_000_000
BALANCE_GAS: constant(uint256) = 200_000


# A basket at one set of prices, in basket order. `nav` is the sum of `values`.
struct Valuation:
    assets: DynArray[uint256, MAX_ASSETS]  # packed; see `_address`, `_decimals`, `_target`, `_band`
    balances: DynArray[uint256, MAX_ASSETS]  # base units
    prices: DynArray[uint256, MAX_ASSETS]  # WAD USD per whole token
    values: DynArray[uint256, MAX_ASSETS]  # WAD USD, rounded down
    nav: uint256  # WAD USD


event ClaimMade:
    owner: indexed(address)
    asset: indexed(address)
    amount: uint256


event Claimed:
    owner: indexed(address)
    asset: indexed(address)
    receiver: indexed(address)
    amount: uint256


# Base units that an account could not be paid, by account and asset.
claims: public(HashMap[address, HashMap[address, uint256]])
_claimed: HashMap[address, uint256]  # base units of all claims on an asset
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
    return (packed >> 168) & (2**63 - 1)


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
def _held(packed: uint256) -> uint256:
    """
    @notice Base units of an asset that belong to the basket: the balance less what belongs to claims
    """
    asset: address = self._address(packed)
    return self._without_claims(packed, asset, self._balance(asset))


@internal
@view
def _without_claims(packed: uint256, asset: address, balance: uint256) -> uint256:
    if packed & CLAIMED == 0:
        return balance
    return balance - min(balance, self._claimed[asset])


@internal
@view
def _balance_or_zero(asset: address) -> uint256:
    """
    @notice As `_balance`, and zero for a token that does not answer: nothing can be paid of it
    """
    success: bool = False
    response: Bytes[32] = b""
    success, response = raw_call(
        asset,
        abi_encode(self, method_id=method_id("balanceOf(address)")),
        max_outsize=32,
        gas=BALANCE_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(response) != 32:
        return 0
    return convert(response, uint256)


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
        amounts.append(wad._mul_div_up(self._held(packed), shares, supply))
    return amounts


@internal
@view
def _amounts_down(shares: uint256, supply: uint256) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice What `shares` of `supply` hold of each asset, rounded down; see `_amounts_up`
    """
    amounts: DynArray[uint256, MAX_ASSETS] = []
    for packed: uint256 in self._assets:
        asset: address = self._address(packed)
        held: uint256 = self._without_claims(packed, asset, self._balance_or_zero(asset))
        amounts.append(wad._mul_div_down(held, shares, supply))
    return amounts


@internal
def _pull_seed_up(
    owner: address, shares: uint256, max_amounts: DynArray[uint256, MAX_ASSETS]
) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice Take from `owner` what the first `shares` cost; see `_seed_amounts_up` and `_pull_pro_rata_up`
    """
    amounts: DynArray[uint256, MAX_ASSETS] = self._seed_amounts_up(shares)
    for i: uint256 in range(len(amounts), bound=MAX_ASSETS):
        assert amounts[i] <= max_amounts[i], "vault: amount over maximum"
        self._pull(self._address(self._assets[i]), owner, amounts[i])
    return amounts


@internal
def _pull_pro_rata_up(
    owner: address, shares: uint256, supply: uint256, max_amounts: DynArray[uint256, MAX_ASSETS]
) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice Take from `owner` what `shares` of `supply` hold of each asset, rounded up
    @param supply Not zero
    @param max_amounts Base units of each asset that may be taken at most
    @return Base units taken
    """
    amounts: DynArray[uint256, MAX_ASSETS] = []
    for packed: uint256 in self._assets:
        asset: address = self._address(packed)
        balance: uint256 = self._balance(asset)
        amount: uint256 = wad._mul_div_up(self._without_claims(packed, asset, balance), shares, supply)
        assert amount <= max_amounts[len(amounts)], "vault: amount over maximum"
        self._pull_from(asset, owner, amount, balance)
        amounts.append(amount)
    return amounts


@internal
def _push_pro_rata_down(
    receiver: address, shares: uint256, supply: uint256, min_amounts: DynArray[uint256, MAX_ASSETS]
) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice Pay what `shares` of `supply` hold of each asset, rounded down; what cannot be paid becomes a claim of the caller
    @param supply Not zero
    @param min_amounts Base units of each asset that are due at least
    @return Base units paid, or claimed
    """
    amounts: DynArray[uint256, MAX_ASSETS] = []
    assets: DynArray[uint256, MAX_ASSETS] = self._assets
    for i: uint256 in range(len(min_amounts), bound=MAX_ASSETS):
        packed: uint256 = assets[i]
        asset: address = self._address(packed)
        balance: uint256 = self._balance_or_zero(asset)
        amount: uint256 = wad._mul_div_down(self._without_claims(packed, asset, balance), shares, supply)
        assert amount >= min_amounts[i], "vault: amount under minimum"
        if not self._try_push(asset, receiver, amount, balance):
            self.claims[msg.sender][asset] += amount
            self._claimed[asset] += amount
            self._assets[i] = packed | CLAIMED
            log ClaimMade(owner=msg.sender, asset=asset, amount=amount)
        amounts.append(amount)
    return amounts


@internal
def _try_push(asset: address, receiver: address, amount: uint256, balance: uint256) -> bool:
    """
    @notice As `_push`, but a transfer that moves nothing is no error
    @param balance Base units before
    @return Whether it was paid
    """
    if amount == 0:
        return True
    # Whether the call succeeded is not looked at: the balance tells.
    success: bool = raw_call(
        asset,
        abi_encode(receiver, amount, method_id=method_id("transfer(address,uint256)")),
        gas=TRANSFER_GAS,
        revert_on_failure=False,
    )
    left: uint256 = self._balance(asset)
    if left == balance:
        return False
    self._check_paid(balance, left, amount)
    return True


@internal
@pure
def _check_paid(before: uint256, left: uint256, amount: uint256):
    """
    @notice Never more than the amount may leave. A little less may, at most a basis point of it: rebasing tokens round what they move
    """
    rest: uint256 = left + amount
    if rest != before:
        reasons._require(rest > before and rest <= before + min(MAX_DUST, amount // 10_000), "basket: transfer failed")


@internal
def _claim(asset: address, receiver: address) -> uint256:
    """
    @notice Pay the caller's claim on an asset
    @return Base units paid
    """
    amount: uint256 = self.claims[msg.sender][asset]
    reasons._require(amount != 0, "basket: nothing to claim")
    self.claims[msg.sender][asset] = 0
    self._claimed[asset] -= amount
    self._push(asset, receiver, amount)
    log Claimed(owner=msg.sender, asset=asset, receiver=receiver, amount=amount)
    return amount


@internal
def _pull(asset: address, owner: address, amount: uint256):
    """
    @notice Take `amount` from `owner` by allowance and see that it arrived
    @dev The token's return value is not looked at: the balance tells. Nothing is called for zero, which some tokens refuse.
    """
    self._pull_from(asset, owner, amount, self._balance(asset))


@internal
def _pull_from(asset: address, owner: address, amount: uint256, balance: uint256):
    """
    @notice As `_pull`, for who knows the balance
    """
    if amount == 0:
        return
    extcall IERC20(asset).transferFrom(owner, self, amount, default_return_value=True)
    assert self._balance(asset) >= balance + amount, "basket: too little arrived"


@internal
def _push(asset: address, receiver: address, amount: uint256):
    """
    @notice Pay `amount` and see that it left; see `_pull` and `_check_paid`
    """
    if amount == 0:
        return
    balance: uint256 = self._balance(asset)
    extcall IERC20(asset).transfer(receiver, amount, default_return_value=True)
    self._check_paid(balance, self._balance(asset), amount)


@internal
@view
def _balances() -> DynArray[uint256, MAX_ASSETS]:
    found: DynArray[uint256, MAX_ASSETS] = []
    for packed: uint256 in self._assets:
        found.append(self._held(packed))
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
        balance: uint256 = self._held(now.assets[i])
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
