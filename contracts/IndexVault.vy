# pragma version 0.4.3
# pragma nonreentrancy on
# pragma optimize codesize
"""
@title Index vault
@license GNU Affero General Public License v3.0 only
@notice An ERC-20 share over a basket of tokens that anybody may bring back to its targets, at prices that an oracle bounds.

        The custody half of a pair: it holds the tokens, makes and burns shares, and moves what a rebalance moves. When, towards what and
        at which terms is said and judged by its rebalancer, which holds nothing. The rules are in SPECIFICATION.md.

        How it is stopped: the guardian or the owner pauses mint, opening and rebalance; only the owner resumes, or shuts down for good.
        Redeem cannot be stopped by anybody, needs no oracle and never asks the rebalancer.

        Owner: resumes, shuts down, adds and removes assets, caps the supply, sets fees within limits in code, names the guardian, hands
        ownership over in two steps. A malicious owner can stop minting and rebalancing, take the highest fees, and what the rebalancer lets
        it; it cannot move the basket or stop a redemption. Best it is a timelock, see Timelock.vy.
        Guardian: pauses. A malicious guardian can stop minting and rebalancing until the owner replaces it.
        Anybody: opens a rebalance that is due and fills it within the bounds. The worst a malicious filler can take is what the
        price bound concedes against the oracle, and the loss budget caps the sum of it.
@dev The lock covers every function of this file but `in_flight`, views included, so nobody can read a price in the middle of a rebalance. What
     modules export stays callable: the ERC-20 functions of shares, the owner's and the guardian's. None can change basket or supply.
"""
from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.tokens import erc20

from contracts.modules import basket
from contracts.modules import share_fees
from contracts.modules import lifecycle
from contracts.modules import reasons
from contracts.modules import role
from contracts.interfaces import IIndexVault
from contracts.interfaces import IRebalanceExecutor
from contracts.interfaces import IRebalancer

implements: IIndexVault

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: erc20[ownable := ownable]
initializes: basket
initializes: share_fees
initializes: lifecycle
initializes: role

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
    # what it may do now
    lifecycle.paused,
    lifecycle.is_shut_down,
    lifecycle.supply_cap,
    # what redemptions could not pay
    basket.claims,
)


event GuardianProposed:
    guardian: indexed(address)
    proposed: indexed(address)


event GuardianChanged:
    old_guardian: indexed(address)
    new_guardian: indexed(address)


MAX_ASSETS: public(constant(uint256)) = 20
MAX_DATA: constant(uint256) = 9216
MAX_STATE: constant(uint256) = 3968

# Shares that the first mint makes for nobody, so that the supply never returns to zero.
DEAD_SHARES: public(constant(uint256)) = 10**16
DEAD: constant(address) = 0x000000000000000000000000000000000000dEaD

REBALANCER: immutable(address)

# A rebalance is under way in this transaction.
_in_flight: transient (bool)


@deploy
def __init__(
    name: String[25],
    symbol: String[5],
    owner: address,
    guardian: address,
    oracle: address,
    assets: DynArray[IIndexVault.AssetTerms, MAX_ASSETS],
    terms: IIndexVault.Terms,
    charges: IIndexVault.Fees,
    rebalancer_blueprint: address,
):
    """
    @param name Name of the share
    @param symbol Symbol of the share
    @param owner Who owns the vault, best a timelock
    @param guardian Who may pause it; may be empty
    @param oracle Prices, an IPriceOracle
    @param assets The basket; the targets sum to exactly 1e18
    @param terms When a rebalance opens and what bounds it
    @param charges Fees in shares; may be empty
    @param rebalancer_blueprint The code of Rebalancer.vy, as ERC-5202 has it: whoever trusts the vault trusts what stands there
    """
    ownable.__init__()
    ownable_2step.__init__()
    erc20.__init__(name, symbol, 18, name, "1")
    lifecycle.__init__()
    basket.__init__(assets)
    self._set_terms(share_fees._set(0, charges))
    reasons._require(owner != empty(address), "vault: no owner")
    role._holder = guardian
    log GuardianChanged(old_guardian=empty(address), new_guardian=guardian)
    REBALANCER = create_from_blueprint(rebalancer_blueprint, oracle, assets, terms)
    ownable._transfer_ownership(owner)


# ---------------------------------------------------------------- anybody


@external
def mint(
    shares: uint256, receiver: address, max_amounts: DynArray[uint256, MAX_ASSETS], deadline: uint256
) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice Make shares for their part of every asset, in kind
    @dev The first mint costs the basket's initial units, pays no fee and makes DEAD_SHARES on top, once.
    @param shares Shares to make, 18 decimals
    @param receiver Who gets them
    @param max_amounts Base units per asset that the caller is ready to pay at most, in basket order
    @param deadline Last second at which this may happen
    @return Base units taken per asset, rounded up
    """
    state: uint256 = lifecycle._check_running()
    header: uint256 = basket._header
    self._check_request(header, shares, receiver, len(max_amounts), deadline)
    supply: uint256 = self._accrue(header)
    fee: uint256 = 0
    amounts: DynArray[uint256, MAX_ASSETS] = []
    if state & lifecycle.SEEDED != 0:
        fee = share_fees._on_mint_up(header >> 8, shares)
        amounts = basket._pull_pro_rata_up(msg.sender, shares + fee, supply, max_amounts)
        if fee != 0:
            erc20._mint(share_fees._recipient, fee)
    else:
        amounts = basket._pull_seed_up(msg.sender, shares + DEAD_SHARES, max_amounts)
        lifecycle._set_seeded()
        erc20._mint(DEAD, DEAD_SHARES)
    erc20._mint(receiver, shares)
    reasons._require(erc20.totalSupply <= state >> 128, "vault: over supply cap")
    log IIndexVault.Mint(caller=msg.sender, receiver=receiver, shares=shares, fee=fee)
    return amounts


@external
def redeem(
    shares: uint256, receiver: address, min_amounts: DynArray[uint256, MAX_ASSETS], deadline: uint256
) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice Burn the caller's shares for their part of every asset, in kind; nobody can pause this and it needs no oracle
    @dev A token that cannot be paid does not stop it: the caller gets a claim on it instead, see `claim`.
    @param shares Shares to give, 18 decimals; the fee is a part of them
    @param receiver Who gets the assets
    @param min_amounts Base units per asset that the caller accepts at least, in basket order
    @param deadline Last second at which this may happen
    @return Base units paid per asset, rounded down
    """
    header: uint256 = basket._header
    self._check_request(header, shares, receiver, len(min_amounts), deadline)
    supply: uint256 = self._accrue(header)
    fee: uint256 = share_fees._on_redeem_up(header >> 8, shares)
    if fee != 0:
        erc20._transfer(msg.sender, share_fees._recipient, fee)
    erc20._burn(msg.sender, shares - fee)
    amounts: DynArray[uint256, MAX_ASSETS] = basket._push_pro_rata_down(receiver, shares - fee, supply, min_amounts)
    log IIndexVault.Redeem(owner=msg.sender, receiver=receiver, shares=shares, fee=fee)
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
def accrue_fees() -> uint256:
    """
    @notice Make the shares that the streaming fee is due
    @return The supply after it
    """
    return self._accrue(basket._header)


@external
def open_rebalance() -> IIndexVault.Trigger:
    """
    @notice Start a rebalance that is due; the price bound starts to fall
    @return The reasons that held
    """
    lifecycle._check_running()
    count: uint256 = 0
    words: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    count, words = basket._words()
    return extcall IRebalancer(REBALANCER).open_rebalance(msg.sender, count, words, basket._balances(count, words))


@external
def rebalance(
    sells: DynArray[IIndexVault.Leg, MAX_ASSETS],
    buys: DynArray[IIndexVault.Leg, MAX_ASSETS],
    executor: address,
    data: Bytes[MAX_DATA],
    deadline: uint256,
) -> (uint256, uint256):
    """
    @notice Fill the open rebalance, wholly or in part; opens it when none is open and one is due
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
    lifecycle._check_running()
    supply: uint256 = erc20.totalSupply
    self._in_flight = True
    count: uint256 = 0
    words: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    count, words = basket._words()
    before: uint256[MAX_ASSETS] = basket._balances(count, words)
    leaving: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    due: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    state: Bytes[MAX_STATE] = b""
    leaving, due, state = extcall IRebalancer(REBALANCER).begin(
        msg.sender, count, words, before, sells, buys, executor == empty(address)
    )
    if executor == empty(address):
        basket._pull_all(count, words, due, msg.sender)
        basket._push_all(count, words, leaving, msg.sender)
    else:
        basket._push_all(count, words, leaving, executor)
        extcall IRebalanceExecutor(executor).on_rebalance(msg.sender, basket._legs(count, words, leaving), data)

    after: uint256[MAX_ASSETS] = basket._balances(count, words)
    for i: uint256 in range(count, bound=MAX_ASSETS):
        assert after[i] + leaving[i] >= before[i], "vault: balance fell"
    reasons._require(erc20.totalSupply == supply, "vault: supply changed")
    value_out: uint256 = 0
    value_in: uint256 = 0
    value_out, value_in = extcall IRebalancer(REBALANCER).settle(msg.sender, executor, state, after)
    self._in_flight = False
    return value_out, value_in


# ------------------------------------------------------ guardian and owner


@external
def pause():
    """
    @notice Stop mint, opening and rebalance, and end an open rebalance; for the guardian and the owner
    @dev Its price bound would go on falling, and whoever is first after the pause would get all of the discount.
    """
    reasons._require(msg.sender == role._holder or msg.sender == ownable.owner, "vault: not guardian")
    lifecycle._pause()
    extcall IRebalancer(REBALANCER).end_rebalance()


@external
def unpause():
    """
    @notice Resume; for the owner
    """
    ownable._check_owner()
    lifecycle._unpause()


@external
def shut_down():
    """
    @notice Stop mint, opening and rebalance for good, and all fees; redeem and claim go on; for the owner
    """
    ownable._check_owner()
    lifecycle._shut_down()
    extcall IRebalancer(REBALANCER).end_rebalance()
    self._set_fees(empty(IIndexVault.Fees))


@external
def add_asset(asset: address):
    """
    @notice Append an asset to the basket, at target zero; for the owner
    @param asset The token, which the oracle has to price
    """
    ownable._check_owner()
    # Before the first mint there is nobody to say how much of it a share holds.
    reasons._require(lifecycle._is_seeded(), "vault: not seeded")
    index: uint256 = basket._add(asset)
    extcall IRebalancer(REBALANCER).add_asset(asset, index)
    log IIndexVault.AssetAdded(asset=asset, index=index)


@external
def remove_asset(asset: address):
    """
    @notice Take an asset out of the basket whose target is zero and of which no more than dust is left; the last asset takes its place;
            for the owner
    @dev Claims on it go on. What is left of it, a millionth of NAV at most, comes back into the basket if the asset is added again.
    @param asset The token
    """
    ownable._check_owner()
    # Before the first mint everything is dust, and the initial units would no longer fit.
    reasons._require(lifecycle._is_seeded(), "vault: not seeded")
    index: uint256 = basket._index(asset)
    count: uint256 = 0
    words: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    count, words = basket._words()
    extcall IRebalancer(REBALANCER).remove_asset(index, count, words, basket._balances_or_zero(count, words))
    basket._remove(index)
    log IIndexVault.AssetRemoved(asset=asset, index=index)


@external
def set_supply_cap(cap: uint256):
    """
    @notice Say up to which supply minting goes; for the owner
    @param cap Base units of shares, under 2^96; no mint passes it, fees are made beyond it
    """
    ownable._check_owner()
    log IIndexVault.SupplyCapChanged(old_cap=lifecycle._state >> 128, new_cap=cap)
    lifecycle._set_supply_cap(cap)


@external
def set_fees(charges: IIndexVault.Fees):
    """
    @notice Change fees and who gets them, after what is due is made; for the owner
    @param charges Streaming up to 5 % a year, minting and redeeming up to 2 %; all zero after a shutdown
    """
    ownable._check_owner()
    reasons._require(lifecycle._state & lifecycle.SHUT_DOWN == 0, "vault: shut down")
    self._set_fees(charges)


@external
def propose_guardian(proposed: address):
    """
    @notice Propose a guardian, who has to accept; for the owner
    @param proposed The new guardian; the empty address withdraws a proposal
    """
    ownable._check_owner()
    role._propose(proposed)
    log GuardianProposed(guardian=role._holder, proposed=proposed)


@external
def accept_guardian():
    """
    @notice Become the guardian that the owner proposed
    """
    old_guardian: address = role._accept()
    log GuardianChanged(old_guardian=old_guardian, new_guardian=msg.sender)


@external
def remove_guardian():
    """
    @notice Take the guardian's role away at once, and any proposal with it; for the owner
    """
    ownable._check_owner()
    log GuardianChanged(old_guardian=role._remove(), new_guardian=empty(address))


# ------------------------------------------------------------------- views


@external
@view
@reentrant
def in_flight() -> bool:
    """
    @return Whether a rebalance is under way in this transaction: every other view of the basket reverts then
    """
    return self._in_flight


@external
@view
def rebalancer() -> address:
    """
    @return Who says when, towards what and at which terms the basket trades, an IRebalancer
    """
    return REBALANCER


@external
@view
def guardian() -> address:
    """
    @return Who may pause, besides the owner
    """
    return role._holder


@external
@view
def pending_guardian() -> address:
    """
    @return Who may accept the guardian's role
    """
    return role._pending


@external
@view
def fees() -> IIndexVault.Fees:
    """
    @return Fees and who gets them
    """
    return share_fees._current(basket._header >> 8)


@external
@view
def supply() -> uint256:
    """
    @return Base units of shares with the streaming fee that is due: what mint and redeem divide by
    """
    return self._supply()


@external
@view
def assets() -> DynArray[address, MAX_ASSETS]:
    """
    @return The assets in basket order
    """
    return basket._addresses()


@external
@view
def holdings() -> (uint256, uint256[MAX_ASSETS], uint256[MAX_ASSETS]):
    """
    @return How many assets there are; a word for each, see modules/asset.vy; base units held, without those of claims
    """
    count: uint256 = 0
    words: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    count, words = basket._words()
    return count, words, basket._balances(count, words)


@external
@view
def targets() -> DynArray[uint256, MAX_ASSETS]:
    """
    @return WAD shares of NAV now, in basket order; they sum to exactly 1e18
    """
    return staticcall IRebalancer(REBALANCER).targets()


@external
@view
def weights() -> DynArray[uint256, MAX_ASSETS]:
    """
    @return WAD shares of NAV in basket order, rounded down; all zero when nothing is held
    """
    return staticcall IRebalancer(REBALANCER).weights()


@external
@view
def nav() -> uint256:
    """
    @return WAD USD that the basket is worth, each asset rounded down
    """
    return staticcall IRebalancer(REBALANCER).nav()


@external
@view
def nav_per_share() -> uint256:
    """
    @return WAD USD per whole share, after the fees that are due, rounded down; 0 before the first mint
    """
    return staticcall IRebalancer(REBALANCER).nav_per_share()


@external
@view
def drift() -> uint256:
    """
    @return WAD share of NAV that has to trade to be on target
    """
    return staticcall IRebalancer(REBALANCER).drift()


@external
@view
def trigger() -> IIndexVault.Trigger:
    """
    @return The reasons for which a rebalance may open now, cooldown aside
    """
    return staticcall IRebalancer(REBALANCER).trigger()


@external
@view
def price_bound() -> uint256:
    """
    @return WAD, the least value in per value out that a fill needs now; while closed what an opening would start at
    """
    return staticcall IRebalancer(REBALANCER).price_bound()


@external
@view
def preview_mint(shares: uint256) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice What `mint` would take now
    @return Base units per asset, rounded up
    """
    reasons._require(shares != 0, "vault: zero shares")
    if lifecycle._is_seeded():
        return basket._amounts_up(shares + share_fees._on_mint_up(basket._header >> 8, shares), self._supply())
    return basket._seed_amounts_up(shares + DEAD_SHARES)


@external
@view
def preview_redeem(shares: uint256) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice What `redeem` would pay now
    @return Base units per asset, rounded down
    """
    supply: uint256 = self._supply()
    reasons._require(shares != 0, "vault: zero shares")
    reasons._require(shares <= supply, "vault: more than supply")
    return basket._amounts_down(shares - share_fees._on_redeem_up(basket._header >> 8, shares), supply)


# ---------------------------------------------------------------- internal


@internal
@view
def _check_request(header: uint256, shares: uint256, receiver: address, count: uint256, deadline: uint256):
    """
    @notice What mint and redeem ask of their arguments alike
    """
    assert block.timestamp <= deadline, "vault: expired"
    assert shares != 0, "vault: zero shares"
    assert receiver != empty(address) and receiver != self, "vault: bad receiver"
    assert count == header & 255, "vault: wrong number of amounts"


@internal
@view
def _supply() -> uint256:
    return erc20.totalSupply + share_fees._due_down(basket._header >> 8, erc20.totalSupply)[0]


@internal
def _accrue(header: uint256) -> uint256:
    """
    @notice Make the shares that the streaming fee is due
    @param header The basket's, as it is
    @return The supply after it
    """
    supply: uint256 = erc20.totalSupply
    if (header >> 8) & share_fees.RATE == 0:
        return supply
    due: uint256 = 0
    terms: uint256 = 0
    due, terms = share_fees._accrued(header >> 8, supply)
    self._set_terms(terms)
    if due != 0:
        erc20._mint(share_fees._recipient, due)
        log IIndexVault.StreamingFee(recipient=share_fees._recipient, shares=due)
    return supply + due


@internal
def _set_fees(charges: IIndexVault.Fees):
    self._accrue(basket._header)
    terms: uint256 = basket._header >> 8
    log IIndexVault.FeesChanged(old_fees=share_fees._current(terms), new_fees=charges)
    self._set_terms(share_fees._set(terms, charges))


@internal
def _set_terms(terms: uint256):
    """
    @notice Keep the word of fees beside the number of assets, which every mint and redemption reads
    """
    basket._header = (basket._header & 255) | (terms << 8)
