# pragma version 0.4.3
# pragma nonreentrancy on
# pragma optimize codesize
"""
@title Index vault
@license GNU Affero General Public License v3.0 only
@notice An ERC-20 share over a basket of tokens that anybody may bring back to its targets, at prices that an oracle bounds.

        A thin host: it wires the modules and decides who may call what. The rules are in SPECIFICATION.md.

        How it is stopped: the guardian or the owner pauses mint, opening and rebalance; only the owner resumes. Redeem cannot be
        stopped by anybody and needs no oracle.

        Owner: resumes, proposes and removes a guardian, hands ownership over in two steps. A malicious owner can stop minting and
        rebalancing; it cannot move the basket, change targets, bounds or the oracle, or stop a redemption.
        Guardian: pauses. A malicious guardian can stop minting and rebalancing until the owner replaces it.
        Anybody: opens a rebalance that is due and fills it within the bounds. The worst a malicious filler can take is what the
        price bound concedes against the oracle, and the loss budget caps the sum of it.
        A malicious oracle can price a rebalance falsely: at worst it sells the surplus of each asset for nothing. It is chosen at
        creation for good and cannot touch redemption.
@dev The lock covers every function of this file, views included, so nobody can read a price in the middle of a rebalance. What modules
     export stays callable: the ERC-20 functions of shares, the owner's and the guardian's. None can change the basket or the supply.
"""
from ethereum.ercs import IERC20
from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.tokens import erc20

from contracts.modules import auction
from contracts.modules import basket
from contracts.modules import lifecycle
from contracts.modules import loss_budget
from contracts.modules import rebalancing
from contracts.modules import reasons
from contracts.modules import wad
from contracts.interfaces import IIndexVault

implements: IIndexVault

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: erc20[ownable := ownable]
initializes: lifecycle
initializes: basket
initializes: auction
initializes: loss_budget
initializes: rebalancing[auction := auction, basket := basket, loss_budget := loss_budget]

exports: (
    # shares: ERC-20, ERC-20 metadata, ERC-2612, ERC-5267
    erc20.totalSupply,
    erc20.balanceOf,
    erc20.allowance,
    erc20.transfer,
    erc20.transferFrom,
    erc20.approve,
    erc20.name,
    erc20.symbol,
    erc20.decimals,
    erc20.permit,
    erc20.nonces,
    erc20.DOMAIN_SEPARATOR,
    erc20.eip712Domain,
    # owner, in two steps
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    # guardian, in two steps
    lifecycle.guardian,
    lifecycle.pending_guardian,
    lifecycle.accept_guardian,
    lifecycle.paused,
    # what redemptions could not pay
    basket.claims,
)

MAX_ASSETS: public(constant(uint256)) = 20
MAX_DATA: constant(uint256) = 9216

# Shares that the first mint makes for nobody, so that the supply never returns to zero.
DEAD_SHARES: public(constant(uint256)) = 10**16
DEAD: constant(address) = 0x000000000000000000000000000000000000dEaD

ORACLE: immutable(address)


@deploy
def __init__(
    name: String[25],
    symbol: String[5],
    owner: address,
    guardian: address,
    oracle: address,
    assets: DynArray[IIndexVault.AssetTerms, MAX_ASSETS],
    terms: IIndexVault.Terms,
):
    """
    @param name Name of the share
    @param symbol Symbol of the share
    @param owner Who owns the vault, best a timelock
    @param guardian Who may pause it; may be empty
    @param oracle Prices, an IPriceOracle
    @param assets The basket; the targets sum to exactly 1e18
    @param terms When a rebalance opens and what bounds it
    """
    ownable.__init__()
    ownable_2step.__init__()
    erc20.__init__(name, symbol, 18, name, "1")
    lifecycle.__init__(guardian)
    basket.__init__(assets)
    auction.__init__(terms)
    loss_budget.__init__(terms.max_loss, terms.loss_window)
    for asset: IIndexVault.AssetTerms in assets:
        # Or an asset could leave its band while the basket counts as on target.
        assert asset.band >= terms.closing_tolerance, "vault: band under tolerance"
    assert owner != empty(address), "vault: no owner"
    assert oracle.is_contract, "vault: oracle has no code"
    ORACLE = oracle
    ownable._transfer_ownership(owner)


# ---------------------------------------------------------------- anybody


@external
def mint(
    shares: uint256, receiver: address, max_amounts: DynArray[uint256, MAX_ASSETS], deadline: uint256
) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice Make shares for their part of every asset, in kind
    @dev The first mint costs the basket's initial units and makes DEAD_SHARES on top, once.
    @param shares Shares to make, 18 decimals
    @param receiver Who gets them
    @param max_amounts Base units per asset that the caller is ready to pay at most, in basket order
    @param deadline Last second at which this may happen
    @return Base units taken per asset, rounded up
    """
    seeded: bool = lifecycle.Mode.SEEDED in lifecycle._check_unpaused()
    self._check_request(shares, receiver, len(max_amounts), deadline)
    amounts: DynArray[uint256, MAX_ASSETS] = []
    if seeded:
        amounts = basket._pull_pro_rata_up(msg.sender, shares, erc20.totalSupply, max_amounts)
    else:
        amounts = basket._pull_seed_up(msg.sender, shares + DEAD_SHARES, max_amounts)
        lifecycle._set_seeded()
        erc20._mint(DEAD, DEAD_SHARES)
    erc20._mint(receiver, shares)
    log IIndexVault.Mint(caller=msg.sender, receiver=receiver, shares=shares)
    return amounts


@external
def redeem(
    shares: uint256, receiver: address, min_amounts: DynArray[uint256, MAX_ASSETS], deadline: uint256
) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice Burn the caller's shares for their part of every asset, in kind; nobody can pause this and it needs no oracle
    @dev A token that cannot be paid does not stop it: the caller gets a claim on it instead, see `claim`.
    @param shares Shares to burn, 18 decimals
    @param receiver Who gets the assets
    @param min_amounts Base units per asset that the caller accepts at least, in basket order
    @param deadline Last second at which this may happen
    @return Base units paid per asset, rounded down
    """
    self._check_request(shares, receiver, len(min_amounts), deadline)
    supply: uint256 = erc20.totalSupply
    erc20._burn(msg.sender, shares)
    amounts: DynArray[uint256, MAX_ASSETS] = basket._push_pro_rata_down(receiver, shares, supply, min_amounts)
    log IIndexVault.Redeem(owner=msg.sender, receiver=receiver, shares=shares)
    return amounts


@external
def claim(asset: address, receiver: address) -> uint256:
    """
    @notice Take what a token could not deliver when the caller redeemed; works while paused and needs no oracle
    @param asset The token
    @param receiver Who gets it
    @return Base units paid
    """
    reasons._require(receiver != empty(address) and receiver != self, "vault: bad receiver")
    return basket._claim(asset, receiver)


@external
def open_rebalance() -> IIndexVault.Trigger:
    """
    @notice Start a rebalance that is due; the price bound starts to fall
    @return The reasons that held
    """
    lifecycle._check_unpaused()
    before: basket.Valuation = rebalancing._valuation(ORACLE)
    reason: IIndexVault.Trigger = self._trigger(before)
    reasons._require(reason != empty(IIndexVault.Trigger), "auction: no trigger holds")
    auction._open()
    log IIndexVault.RebalanceOpened(caller=msg.sender, reason=reason, nav=before.nav, drift=basket._drift(before))
    return reason


@external
def rebalance(
    sells: DynArray[IIndexVault.Leg, MAX_ASSETS],
    buys: DynArray[IIndexVault.Leg, MAX_ASSETS],
    executor: address,
    data: Bytes[MAX_DATA],
    deadline: uint256,
) -> (uint256, uint256):
    """
    @notice Fill the open rebalance, wholly or in part
    @dev Callback form: the sold tokens go to `executor`, whose `on_rebalance` has to bring the bought ones. Pull form, with an empty
         executor: the bought tokens are taken from the caller, no more than the bound asks, then the sold ones are paid.
    @param sells Assets in surplus and how much of each at most; clamped to the surplus
    @param buys Assets in deficit and how much of each at least (pull form: at most)
    @param executor Contract that is called back, or empty
    @param data Passed to the executor
    @param deadline Last second at which this may happen
    @return WAD USD that left (rounded up) and that came (rounded down), at the oracle's prices
    """
    reasons._require(block.timestamp <= deadline, "vault: expired")
    lifecycle._check_unpaused()
    supply: uint256 = erc20.totalSupply
    fill: rebalancing.Fill = rebalancing._rebalance(ORACLE, sells, buys, executor, data)
    reasons._require(erc20.totalSupply == supply, "rebalance: supply changed")
    log IIndexVault.Rebalanced(
        caller=msg.sender,
        executor=executor,
        value_out=fill.value_out,
        value_in=fill.value_in,
        drift_before=fill.drift_before,
        drift_after=fill.drift_after,
    )
    return fill.value_out, fill.value_in


# ------------------------------------------------------ guardian and owner


@external
def pause():
    """
    @notice Stop mint, opening and rebalance, and end an open rebalance; for the guardian and the owner
    @dev Its price bound would go on falling, and whoever is first after the pause would get all of the discount.
    """
    reasons._require(msg.sender == lifecycle.guardian or msg.sender == ownable.owner, "vault: not guardian")
    lifecycle._pause()
    auction._end()


@external
def unpause():
    """
    @notice Resume; for the owner
    """
    ownable._check_owner()
    lifecycle._unpause()


@external
def propose_guardian(proposed: address):
    """
    @notice Propose a guardian, who has to accept; for the owner
    @param proposed The new guardian; the empty address withdraws a proposal
    """
    ownable._check_owner()
    lifecycle._propose_guardian(proposed)


@external
def remove_guardian():
    """
    @notice Take the guardian's role away at once, and any proposal with it; for the owner
    """
    ownable._check_owner()
    lifecycle._remove_guardian()


# ------------------------------------------------------------------- views


@external
@view
def assets() -> DynArray[address, MAX_ASSETS]:
    """
    @return The assets in basket order
    """
    return basket._addresses()


@external
@view
def targets() -> DynArray[uint256, MAX_ASSETS]:
    """
    @return WAD shares of NAV in basket order; they sum to exactly 1e18
    """
    found: DynArray[uint256, MAX_ASSETS] = []
    for packed: uint256 in basket._assets:
        found.append(basket._target(packed))
    return found


@external
@view
def bands() -> DynArray[uint256, MAX_ASSETS]:
    """
    @return WAD half-widths around the targets in basket order
    """
    found: DynArray[uint256, MAX_ASSETS] = []
    for packed: uint256 in basket._assets:
        found.append(basket._band(packed))
    return found


@external
@view
def balances() -> DynArray[uint256, MAX_ASSETS]:
    """
    @return Base units held in basket order
    """
    return basket._balances()


@external
@view
def weights() -> DynArray[uint256, MAX_ASSETS]:
    """
    @return WAD shares of NAV in basket order, rounded down; all zero when nothing is held
    """
    now: basket.Valuation = rebalancing._valuation(ORACLE)
    found: DynArray[uint256, MAX_ASSETS] = []
    for worth: uint256 in now.values:
        found.append(0 if now.nav == 0 else wad._mul_div_down(worth, wad.ONE, now.nav))
    return found


@external
@view
def nav() -> uint256:
    """
    @return WAD USD that the basket is worth, each asset rounded down
    """
    return rebalancing._valuation(ORACLE).nav


@external
@view
def nav_per_share() -> uint256:
    """
    @return WAD USD per whole share, rounded down; 0 before the first mint
    """
    if erc20.totalSupply == 0:
        return 0
    return wad._mul_div_down(rebalancing._valuation(ORACLE).nav, wad.ONE, erc20.totalSupply)


@external
@view
def drift() -> uint256:
    """
    @return WAD share of NAV that has to trade to be on target
    """
    return basket._drift(rebalancing._valuation(ORACLE))


@external
@view
def trigger() -> IIndexVault.Trigger:
    """
    @return The reasons for which a rebalance may open now, cooldown aside
    """
    return self._trigger(rebalancing._valuation(ORACLE))


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
def oracle() -> address:
    """
    @return The oracle, an IPriceOracle
    """
    return ORACLE


@external
@view
def preview_mint(shares: uint256) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice What `mint` would take now
    @return Base units per asset, rounded up
    """
    reasons._require(shares != 0, "vault: zero shares")
    if lifecycle._seeded():
        return basket._amounts_up(shares, erc20.totalSupply)
    return basket._seed_amounts_up(shares + DEAD_SHARES)


@external
@view
def preview_redeem(shares: uint256) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice What `redeem` would pay now
    @return Base units per asset, rounded down
    """
    reasons._require(shares != 0, "vault: zero shares")
    reasons._require(shares <= erc20.totalSupply, "vault: more than supply")
    return basket._amounts_down(shares, erc20.totalSupply)


# ---------------------------------------------------------------- internal


@internal
@view
def _check_request(shares: uint256, receiver: address, count: uint256, deadline: uint256):
    """
    @notice What mint and redeem ask of their arguments alike
    """
    reasons._require(block.timestamp <= deadline, "vault: expired")
    reasons._require(shares != 0, "vault: zero shares")
    reasons._require(receiver != empty(address) and receiver != self, "vault: bad receiver")
    reasons._require(count == len(basket._assets), "vault: wrong number of amounts")


@internal
@view
def _trigger(now: basket.Valuation) -> IIndexVault.Trigger:
    """
    @notice An empty basket gives no reason: there is nothing to rebalance
    """
    if now.nav == 0:
        return empty(IIndexVault.Trigger)
    return auction._reason(basket._drift(now), basket._outside_band(now))
