# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Price oracle
@license GNU Affero General Public License v3.0 only
@notice USD prices from Chainlink-shaped feeds. Every feed has its own maximum age and its own bounds; an answer that is missing,
        malformed, not positive, stale, dated in the future or out of bounds is a typed error that names the asset and the
        reason: `BadPrice(address asset, uint256 fault)`, selector of that signature, `fault` one of IPriceOracle.Fault.

        How it is stopped: it is not. A feed that fails stops what needs a price: rebalances and the views of value. In-kind mint and
        redeem never ask.

        Owner: sets feeds, hands ownership over in two steps. A malicious owner can name any price and with it give away what a
        rebalance trades; it belongs behind a timelock.
@dev `answeredInRound` and `latestAnswer` are deprecated by Chainlink and not used; the feeds' own minAnswer and maxAnswer no longer act on
     most feeds, hence bounds of our own. A feed is called raw, so that a dead one is a reason and not a bare revert.
"""
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from contracts.interfaces import IPriceOracle

implements: IPriceOracle

initializes: ownable
initializes: ownable_2step[ownable := ownable]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)


interface AggregatorV3:
    def decimals() -> uint8: view


MAX_ASSETS: constant(uint256) = 20
MAX_AGE_LIMIT: constant(uint256) = 7 * 86400  # s
PRICE_DECIMALS: constant(uint256) = 18

# bits 0-159 feed, 160-167 decimals of the feed, 168-199 maximum age in seconds
_source: HashMap[address, uint256]
# bits 0-127 lower bound, 128-255 upper bound, both WAD USD per whole token
_bounds: HashMap[address, uint256]


@deploy
def __init__(owner: address, feeds: DynArray[IPriceOracle.Feed, MAX_ASSETS]):
    """
    @param owner Who may change feeds, best a timelock
    @param feeds The feeds to start with
    """
    ownable.__init__()
    ownable_2step.__init__()
    assert owner != empty(address), "oracle: no owner"
    for feed: IPriceOracle.Feed in feeds:
        self._set_feed(feed)
    ownable._transfer_ownership(owner)


# ---------------------------------------------------------------- anybody


@external
@view
def price(asset: address) -> uint256:
    """
    @notice The price of one asset; reverts with BadPrice when it is not to be believed
    @return WAD USD per whole token
    """
    return self._checked_price(asset)


@external
@view
def prices(assets: DynArray[address, MAX_ASSETS]) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice The prices of several assets in one call; reverts with BadPrice at the first that is not to be believed
    @return WAD USD per whole token, in the order asked
    """
    found: DynArray[uint256, MAX_ASSETS] = []
    for asset: address in assets:
        found.append(self._checked_price(asset))
    return found


@external
@view
def fault(asset: address) -> IPriceOracle.Fault:
    """
    @notice Why the price of an asset is not to be believed
    @return The reason; empty when the price is good
    """
    answer: uint256 = 0
    fault: IPriceOracle.Fault = empty(IPriceOracle.Fault)
    answer, fault = self._read(asset)
    return fault


@external
@view
def feed(asset: address) -> IPriceOracle.Feed:
    """
    @return The feed of an asset; all zero when it has none
    """
    return self._feed(asset)


# ------------------------------------------------------------------ owner


@external
def set_feed(feed: IPriceOracle.Feed):
    """
    @notice Set or replace the feed of an asset; for the owner
    @param feed The feed, its maximum age and the asset's bounds
    """
    ownable._check_owner()
    self._set_feed(feed)


# ---------------------------------------------------------------- internal


@internal
def _set_feed(feed: IPriceOracle.Feed):
    assert feed.asset != empty(address), "oracle: no asset"
    assert feed.feed.is_contract, "oracle: feed has no code"
    assert feed.max_age != 0 and feed.max_age <= MAX_AGE_LIMIT, "oracle: bad maximum age"
    assert feed.min_price != 0 and feed.min_price < feed.max_price, "oracle: bad bounds"
    assert feed.max_price <= convert(max_value(uint128), uint256), "oracle: bad bounds"
    decimals: uint256 = convert(staticcall AggregatorV3(feed.feed).decimals(), uint256)
    assert decimals <= PRICE_DECIMALS, "oracle: too many decimals"
    old_feed: IPriceOracle.Feed = self._feed(feed.asset)
    self._source[feed.asset] = convert(feed.feed, uint256) | (decimals << 160) | (feed.max_age << 168)
    self._bounds[feed.asset] = feed.min_price | (feed.max_price << 128)
    log IPriceOracle.FeedChanged(asset=feed.asset, old_feed=old_feed, new_feed=feed)


@internal
@view
def _feed(asset: address) -> IPriceOracle.Feed:
    source: uint256 = self._source[asset]
    bounds: uint256 = self._bounds[asset]
    return IPriceOracle.Feed(
        asset=asset if source != 0 else empty(address),
        feed=convert(source & convert(max_value(uint160), uint256), address),
        max_age=source >> 168,
        min_price=bounds & convert(max_value(uint128), uint256),
        max_price=bounds >> 128,
    )


@internal
@view
def _checked_price(asset: address) -> uint256:
    answer: uint256 = 0
    fault: IPriceOracle.Fault = empty(IPriceOracle.Fault)
    answer, fault = self._read(asset)
    if fault != empty(IPriceOracle.Fault):
        raw_revert(abi_encode(asset, fault, method_id=method_id("BadPrice(address,uint256)")))
    return answer


@internal
@view
def _read(asset: address) -> (uint256, IPriceOracle.Fault):
    """
    @return WAD USD per whole token and no fault, or zero and the fault
    """
    source: uint256 = self._source[asset]
    if source == 0:
        return 0, IPriceOracle.Fault.NO_FEED
    feed: address = convert(source & convert(max_value(uint160), uint256), address)

    success: bool = False
    response: Bytes[160] = b""
    success, response = raw_call(
        feed, method_id("latestRoundData()"), max_outsize=160, is_static_call=True, revert_on_failure=False
    )
    # An account without code answers every call with success and nothing, which the length gives away.
    if not success or len(response) != 160:
        return 0, IPriceOracle.Fault.CALL_FAILED
    round_id: uint256 = 0
    answer: int256 = 0
    started_at: uint256 = 0
    updated_at: uint256 = 0
    answered_in: uint256 = 0
    round_id, answer, started_at, updated_at, answered_in = abi_decode(
        response, (uint256, int256, uint256, uint256, uint256)
    )

    if answer <= 0:
        return 0, IPriceOracle.Fault.NOT_POSITIVE
    if updated_at == 0 or updated_at > block.timestamp:
        return 0, IPriceOracle.Fault.IN_FUTURE
    if block.timestamp - updated_at > source >> 168:
        return 0, IPriceOracle.Fault.STALE

    bounds: uint256 = self._bounds[asset]
    scale: uint256 = 10**(PRICE_DECIMALS - ((source >> 160) & 255))
    # Compared before scaling, so that an absurd answer is a fault and not an overflow.
    if convert(answer, uint256) > (bounds >> 128) // scale:
        return 0, IPriceOracle.Fault.ABOVE_MAXIMUM
    usd: uint256 = convert(answer, uint256) * scale
    if usd < bounds & convert(max_value(uint128), uint256):
        return 0, IPriceOracle.Fault.BELOW_MINIMUM
    return usd, empty(IPriceOracle.Fault)
