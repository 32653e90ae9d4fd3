# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Rebalancer
@license GNU Affero General Public License v3.0 only
@notice Says when a vault's basket trades, towards what and at which terms, and judges what was traded. One for each vault, created by it; the two
        are a pair for good. It holds no token and can move none: the vault moves them, asks here before and is judged here after.

        How it is stopped: by the vault, whose guardian pauses it. Redemption does not come here.

        Owner, the vault's: changes targets over time, bands' rails, strategist, keepers and oracle. A malicious owner can make the vault trade
        towards any targets and at a false oracle's prices, within the loss budget as that oracle counts; best it is a timelock, so that
        depositors leave before.
        Strategist: moves bands inside the rails and at the speed the owner set. A malicious one makes rebalances open too often or too rarely.
        Keepers: may fill first, for at most half of an auction. They are held to the same bounds as everybody.
        A malicious oracle can price a rebalance falsely: at worst it sells the surplus of each asset for nothing. It cannot touch redemption.
@dev Every view that depends on balances asks the vault, whose lock is closed in the middle of a rebalance: nobody can read a price there. Every
     setter is closed as well.
"""
from contracts.modules import asset
from contracts.modules import auction
from contracts.modules import band_rails
from contracts.modules import keepers
from contracts.modules import loss_budget
from contracts.modules import role
from contracts.modules import settlement
from contracts.modules import target_path
from contracts.modules import valuation
from contracts.modules import wad
from contracts.interfaces import IIndexVault
from contracts.interfaces import IPriceOracle
from contracts.interfaces import IRebalancer

implements: IRebalancer

initializes: auction
initializes: band_rails
initializes: keepers
initializes: loss_budget
initializes: role
initializes: settlement[loss_budget := loss_budget]
initializes: target_path

exports: (
    keepers.is_keeper,
    keepers.head_start,
)

MAX_ASSETS: constant(uint256) = 20
MAX_STATE: constant(uint256) = 3968  # bytes
# Share of NAV up to which an asset may be left behind when it is removed: dust that anybody could send must not prevent it.
LEFT_BEHIND: constant(uint256) = 10**12  # WAD, a millionth

VAULT: immutable(address)

oracle: public(address)
# A rebalance is between `begin` and `settle`.
_in_flight: transient (bool)


@deploy
def __init__(oracle: address, assets: DynArray[IIndexVault.AssetTerms, MAX_ASSETS], terms: IIndexVault.Terms):
    """
    @notice For the vault, in its constructor
    @param oracle Prices, an IPriceOracle
    @param assets The basket; the targets sum to exactly 1e18
    @param terms When a rebalance opens and what bounds it
    """
    assert oracle.is_contract, "rebalancer: oracle has no code"
    wanted: DynArray[uint256, MAX_ASSETS] = []
    widths: DynArray[uint256, MAX_ASSETS] = []
    for asset_terms: IIndexVault.AssetTerms in assets:
        assert asset_terms.target != 0, "rebalancer: zero target"
        wanted.append(asset_terms.target)
        widths.append(asset_terms.band)
    auction.__init__(terms)
    loss_budget.__init__(terms.max_loss, terms.loss_window)
    target_path._init(wanted)
    band_rails._init(widths, terms.closing_tolerance)
    VAULT = msg.sender
    self.oracle = oracle


# --------------------------------------------------------------- the vault


@external
def open_rebalance(
    caller: address, count: uint256, assets: uint256[MAX_ASSETS], balances: uint256[MAX_ASSETS]
) -> IIndexVault.Trigger:
    """
    @notice Start a rebalance that is due; the price bound starts to fall
    @param caller Who asked the vault
    @param count Assets in the basket
    @param assets Packed
    @param balances Base units
    @return The reasons that held
    """
    self._check_vault()
    return self._open(caller, self._valuation(count, assets, balances))


@external
def begin(
    caller: address,
    count: uint256,
    assets: uint256[MAX_ASSETS],
    balances: uint256[MAX_ASSETS],
    sells: DynArray[IIndexVault.Leg, MAX_ASSETS],
    buys: DynArray[IIndexVault.Leg, MAX_ASSETS],
    is_pull: bool,
) -> (uint256[MAX_ASSETS], uint256[MAX_ASSETS], Bytes[MAX_STATE]):
    """
    @notice What a fill may take and has to pay; opens the rebalance when none is open and one is due
    @param caller Who asked the vault
    @param count Assets in the basket
    @param assets Packed
    @param balances Base units
    @param sells Assets in surplus and how much of each at most
    @param buys Assets in deficit and how much of each at least, or in the pull form at most
    @param is_pull Whether the vault pulls what is due from the caller
    @return Base units that leave; base units that are due, in the pull form; what `settle` wants to be told again
    """
    self._check_vault()
    before: valuation.Valuation = self._valuation(count, assets, balances)
    if auction._read().opened_at == 0:
        self._open(caller, before)
    keepers._check(caller, auction._read().opened_at)
    bound: uint256 = auction._bound()

    leaving: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    value_out: uint256 = 0
    leaving, value_out = settlement._leaving(before, sells)
    due: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    least: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    if is_pull:
        due = settlement._due(before, buys, value_out, bound)
    else:
        least = settlement._least(before, buys)
    self._in_flight = True
    return leaving, due, abi_encode(settlement.State(before=before, least=least, bound=bound))


@external
def settle(
    caller: address, executor: address, state: Bytes[MAX_STATE], balances: uint256[MAX_ASSETS]
) -> (uint256, uint256):
    """
    @notice Hold a fill to the rules, and close the rebalance when the basket is on target
    @param caller Who asked the vault
    @param executor Whom the vault called back
    @param state What `begin` answered
    @param balances Base units now
    @return WAD USD that left (rounded up) and that came (rounded down)
    """
    self._check_vault()
    told: settlement.State = abi_decode(state, settlement.State)
    fill: settlement.Fill = settlement._judge(told, valuation._at(told.before, balances), auction.CLOSING_TOLERANCE)
    self._in_flight = False
    log IRebalancer.Rebalanced(
        caller=caller,
        executor=executor,
        value_out=fill.value_out,
        value_in=fill.value_in,
        drift_before=fill.drift_before,
        drift_after=fill.drift_after,
    )
    if fill.drift_after <= auction.CLOSING_TOLERANCE:
        auction._complete()
        target_path._reached()
        log IRebalancer.RebalanceClosed(drift=fill.drift_after)
    return fill.value_out, fill.value_in


@external
def end_rebalance():
    """
    @notice End an open rebalance off target; for a vault that is paused or shut down
    """
    self._check_vault()
    auction._end()


@external
def add_asset(added: address, index: uint256):
    """
    @notice Make room for an asset at the end of the basket: target zero, band 10 %
    @param added The token, which the oracle has to price
    @param index Its place
    """
    self._check_vault()
    assert staticcall IPriceOracle(self.oracle).price(added) != 0, "rebalancer: zero price"
    band_rails._add(index)


@external
def remove_asset(index: uint256, count: uint256, assets: uint256[MAX_ASSETS], balances: uint256[MAX_ASSETS]):
    """
    @notice Forget an asset that is wanted no more and of which no more than dust is held; the last takes its place
    @param index Its place
    @param count Assets in the basket
    @param assets Packed
    @param balances Base units
    """
    self._check_vault()
    now: valuation.Valuation = self._valuation(count, assets, balances)
    assert now.values[index] <= wad._mul_div_down(now.nav, LEFT_BEHIND, wad.ONE), "rebalancer: still held"
    target_path._remove(index, count - 1)
    band_rails._remove(index, count - 1)


# -------------------------------------------------- anybody and strategist


@external
def accept_strategist():
    """
    @notice Become the strategist that the owner proposed
    """
    self._check_idle()
    old_strategist: address = role._accept()
    log IRebalancer.StrategistChanged(old_strategist=old_strategist, new_strategist=msg.sender)


@external
def set_bands(wanted: DynArray[uint256, MAX_ASSETS]):
    """
    @notice Move the bands; for the strategist
    @param wanted WAD half-widths, multiples of 1e12, inside the rails and within reach of the speed
    """
    self._check_idle()
    assert msg.sender == role._holder, "rebalancer: not strategist"
    count: uint256 = self._count()
    assert len(wanted) == count, "bands: wrong number"
    old_bands: uint256[MAX_ASSETS] = band_rails._current(count)
    band_rails._set(wanted, old_bands)
    log IRebalancer.BandsChanged(old_bands=self._list(old_bands, count), new_bands=wanted)


# ------------------------------------------------------------------- owner


@external
def set_targets(wanted: DynArray[uint256, MAX_ASSETS], start: uint256, end: uint256):
    """
    @notice Move from the targets of now to other ones, linearly; for the owner
    @dev The bound of an open rebalance has fallen already, and whoever is first after a jump of the targets would get all of the discount: a
         change that begins now ends the rebalance, and one that begins later takes as long as an auction at least.
    @param wanted WAD shares of NAV that sum to exactly 1e18
    @param start Unix s; in the past counts as now
    @param end Unix s, within a year from now; zero for both is a step, now
    """
    self._check_owner()
    count: uint256 = self._count()
    assert len(wanted) == count, "targets: wrong number"
    old_targets: uint256[MAX_ASSETS] = target_path._current(count)
    begins: uint256 = 0
    ends: uint256 = 0
    begins, ends = target_path._change(wanted, start, end, old_targets, auction.DURATION)
    if begins == block.timestamp:
        auction._end()
    log IRebalancer.TargetsChanged(
        old_targets=self._list(old_targets, count), new_targets=wanted, start=begins, end=ends
    )


@external
def set_rails(wanted: IRebalancer.Rails):
    """
    @notice Say how far and how fast the strategist may move the bands; for the owner
    @dev A band that is outside stays until the strategist moves it.
    @param wanted See IRebalancer.Rails
    """
    self._check_owner()
    log IRebalancer.RailsChanged(old_rails=band_rails._rails, new_rails=wanted)
    band_rails._set_rails(wanted, auction.CLOSING_TOLERANCE)


@external
def propose_strategist(proposed: address):
    """
    @notice Propose a strategist, who has to accept; for the owner
    @param proposed The new strategist; the empty address withdraws a proposal
    """
    self._check_owner()
    role._propose(proposed)
    log IRebalancer.StrategistProposed(strategist=role._holder, proposed=proposed)


@external
def remove_strategist():
    """
    @notice Take the strategist's role away at once, and any proposal with it; for the owner
    """
    self._check_owner()
    log IRebalancer.StrategistChanged(old_strategist=role._remove(), new_strategist=empty(address))


@external
def set_keepers(accounts: DynArray[address, MAX_ASSETS], allowed: bool):
    """
    @notice List accounts that may fill during the head start, or take them off the list; for the owner
    @param accounts Who calls the vault: keepers' executor contracts
    @param allowed Whether they are listed
    """
    self._check_owner()
    for account: address in accounts:
        log IRebalancer.KeeperChanged(keeper=account, old_allowed=keepers.is_keeper[account], new_allowed=allowed)
        keepers.is_keeper[account] = allowed


@external
def set_head_start(seconds: uint256):
    """
    @notice Say for how long after an opening only keepers may fill; for the owner
    @param seconds Half of an auction's duration at most; zero: the list means nothing
    """
    self._check_owner()
    assert seconds <= auction.DURATION // 2, "keepers: head start too long"
    log IRebalancer.HeadStartChanged(old_head_start=keepers.head_start, new_head_start=seconds)
    keepers.head_start = seconds


@external
def set_oracle(oracle: address):
    """
    @notice Take prices from another oracle, which has to price every asset now; ends an open rebalance; for the owner
    @param oracle An IPriceOracle
    """
    self._check_owner()
    assert oracle.is_contract, "rebalancer: oracle has no code"
    self._prices(oracle, staticcall IIndexVault(VAULT).assets())
    # At the new prices the bound would already have fallen.
    auction._end()
    log IRebalancer.OracleChanged(old_oracle=self.oracle, new_oracle=oracle)
    self.oracle = oracle


# ------------------------------------------------------------------- views


@external
@view
def vault() -> address:
    """
    @return The vault that this judges
    """
    return VAULT


@external
@view
def targets() -> DynArray[uint256, MAX_ASSETS]:
    """
    @return WAD shares of NAV now; they sum to exactly 1e18
    """
    count: uint256 = self._count()
    return self._list(target_path._current(count), count)


@external
@view
def schedule() -> (DynArray[uint256, MAX_ASSETS], uint256, uint256):
    """
    @return Where the last change of targets leads, in WAD shares of NAV, its start and its end in unix s
    """
    start: uint256 = 0
    end: uint256 = 0
    start, end = target_path._times()
    return self._list(target_path._final(), self._count()), start, end


@external
@view
def bands() -> DynArray[uint256, MAX_ASSETS]:
    """
    @return WAD half-widths around the targets
    """
    count: uint256 = self._count()
    return self._list(band_rails._current(count), count)


@external
@view
def rails() -> (IRebalancer.Rails, uint256):
    """
    @return How far and how fast the strategist may move the bands, and when they were moved last or the rails set
    """
    return band_rails._rails, band_rails._set_at


@external
@view
def weights() -> DynArray[uint256, MAX_ASSETS]:
    """
    @return WAD shares of NAV, rounded down; all zero when nothing is held
    """
    now: valuation.Valuation = self._now()
    found: DynArray[uint256, MAX_ASSETS] = []
    for i: uint256 in range(now.count, bound=MAX_ASSETS):
        found.append(0 if now.nav == 0 else wad._mul_div_down(now.values[i], wad.ONE, now.nav))
    return found


@external
@view
def nav() -> uint256:
    """
    @return WAD USD that the basket is worth, each asset rounded down
    """
    return self._now().nav


@external
@view
def nav_per_share() -> uint256:
    """
    @return WAD USD per whole share, after the fees that are due, rounded down; 0 before the first mint
    """
    supply: uint256 = staticcall IIndexVault(VAULT).supply()
    if supply == 0:
        return 0
    return wad._mul_div_down(self._now().nav, wad.ONE, supply)


@external
@view
def drift() -> uint256:
    """
    @return WAD share of NAV that has to trade to be on target
    """
    return self._now().drift


@external
@view
def trigger() -> IIndexVault.Trigger:
    """
    @return The reasons for which a rebalance may open now, cooldown aside
    """
    return self._trigger(self._now())


@external
@view
def price_bound() -> uint256:
    """
    @return WAD, the least value in per value out that a fill needs now; while closed what an opening would start at
    """
    return auction._bound()


@external
@view
def is_open() -> bool:
    """
    @return Whether a rebalance is open
    """
    return auction._read().opened_at != 0


@external
@view
def opened_at() -> uint256:
    """
    @return When the open rebalance was opened; 0 when none is open
    """
    return auction._read().opened_at


@external
@view
def closed_at() -> uint256:
    """
    @return When the last opening ended, on target or out of time; at first when the vault was made. The cooldown counts from here
    """
    return auction._read().ended_at


@external
@view
def completed_at() -> uint256:
    """
    @return When a rebalance last reached the targets; at first when the vault was made. The interval counts from here
    """
    return auction._read().completed_at


@external
@view
def loss() -> uint256:
    """
    @return WAD share of NAV that rebalances lost against the oracle and that has not drained yet, rounded up
    """
    return loss_budget._current_up()


@external
@view
def terms() -> IIndexVault.Terms:
    """
    @return When a rebalance opens and what bounds it
    """
    return IIndexVault.Terms(
        triggers=auction.TRIGGERS,
        require_all=auction.REQUIRE_ALL,
        interval=auction.INTERVAL,
        cooldown=auction.COOLDOWN,
        duration=auction.DURATION,
        start_premium=auction.START_PREMIUM,
        max_discount=auction.MAX_DISCOUNT,
        closing_tolerance=auction.CLOSING_TOLERANCE,
        max_loss=loss_budget.MAX_LOSS,
        loss_window=loss_budget.WINDOW,
    )


@external
@view
def strategist() -> address:
    """
    @return Who may move the bands
    """
    return role._holder


@external
@view
def pending_strategist() -> address:
    """
    @return Who may accept the strategist's role
    """
    return role._pending


# ---------------------------------------------------------------- internal


@internal
@view
def _check_vault():
    assert msg.sender == VAULT, "rebalancer: not the vault"


@internal
@view
def _check_owner():
    self._check_idle()
    assert msg.sender == staticcall IIndexVault(VAULT).owner(), "rebalancer: not owner"


@internal
@view
def _check_idle():
    """
    @notice Nothing changes in the middle of a rebalance
    """
    assert not self._in_flight, "rebalancer: in flight"


@internal
@view
def _count() -> uint256:
    return len(staticcall IIndexVault(VAULT).assets())


@internal
@pure
def _list(values: uint256[MAX_ASSETS], count: uint256) -> DynArray[uint256, MAX_ASSETS]:
    found: DynArray[uint256, MAX_ASSETS] = []
    for i: uint256 in range(count, bound=MAX_ASSETS):
        found.append(values[i])
    return found


@internal
@view
def _now() -> valuation.Valuation:
    """
    @notice What the vault holds, at the prices of now
    """
    count: uint256 = 0
    assets: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    balances: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    count, assets, balances = staticcall IIndexVault(VAULT).holdings()
    return self._valuation(count, assets, balances)


@internal
@view
def _valuation(count: uint256, assets: uint256[MAX_ASSETS], balances: uint256[MAX_ASSETS]) -> valuation.Valuation:
    """
    @notice A basket at the oracle's prices and the targets of now
    """
    basket: valuation.Valuation = empty(valuation.Valuation)
    tokens: DynArray[address, MAX_ASSETS] = []
    for i: uint256 in range(count, bound=MAX_ASSETS):
        tokens.append(asset._address(assets[i]))
    prices: DynArray[uint256, MAX_ASSETS] = self._prices(self.oracle, tokens)
    for i: uint256 in range(count, bound=MAX_ASSETS):
        basket.prices[i] = prices[i]
    basket.count = count
    basket.assets = assets
    basket.targets = target_path._current(count)
    return valuation._at(basket, balances)


@internal
@view
def _prices(oracle: address, tokens: DynArray[address, MAX_ASSETS]) -> DynArray[uint256, MAX_ASSETS]:
    """
    @return WAD USD per whole token, none of them zero
    """
    prices: DynArray[uint256, MAX_ASSETS] = staticcall IPriceOracle(oracle).prices(tokens)
    assert len(prices) == len(tokens), "rebalancer: wrong price count"
    for price: uint256 in prices:
        assert price != 0, "rebalancer: zero price"
    return prices


@internal
@view
def _trigger(now: valuation.Valuation) -> IIndexVault.Trigger:
    """
    @notice An empty basket gives no reason: there is nothing to rebalance
    """
    if now.nav == 0:
        return empty(IIndexVault.Trigger)
    return auction._reason(
        now.drift,
        valuation._is_outside(now, band_rails._current(now.count)),
        target_path._changing(),
    )


@internal
def _open(caller: address, now: valuation.Valuation) -> IIndexVault.Trigger:
    reason: IIndexVault.Trigger = self._trigger(now)
    assert reason != empty(IIndexVault.Trigger), "auction: no trigger holds"
    auction._open()
    log IRebalancer.RebalanceOpened(caller=caller, reason=reason, nav=now.nav, drift=now.drift)
    return reason
