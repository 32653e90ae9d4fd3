# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Price oracle
@license GNU Affero General Public License v3.0 only
@notice USD prices from Chainlink-shaped feeds, each with its own maximum age and bounds; where the owner says so, through a second
        feed that the first is quoted in, through the capped rate of a yield-bearing wrapper, held against the mean price of a Uniswap V3
        pool, and only while the chain's sequencer is up. What is missing, malformed, stale, out of bounds or contradicted is
        a typed error that names the asset and the reason: `BadPrice(address asset, uint256 fault)`, selector of that
        signature, `fault` one of IPriceOracle.Fault. A source that is dead or lies can do no more than that: none is switched to.

        How it is stopped: it is not. A feed that fails stops what needs a price: rebalances and the views of value. In-kind mint and
        redeem never ask.

        Owner: sets feeds, wrappers, cross-checks and the sequencer feed, hands ownership over in two steps. A malicious owner can
        name any price and with it give away what a rebalance trades; it belongs behind a timelock.
@dev A plain feed is two words and one call; whatever else an asset has is a bit in its first word.
"""
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from contracts.interfaces import IPriceOracle
from contracts.modules import chainlink
from contracts.modules import rate
from contracts.modules import twap
from contracts.modules import wad

implements: IPriceOracle

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: rate
initializes: twap

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)

MAX_ASSETS: constant(uint256) = 20  # of one question
MAX_LISTED: constant(uint256) = 50  # of one oracle

# Bits 248 and up of a source: what else an asset has. None for a plain feed.
KINDS: constant(uint256) = 248
QUOTED: constant(uint256) = 1
WRAPPER: constant(uint256) = 2
WSTETH: constant(uint256) = 4
SEQUENCED: constant(uint256) = 8
CROSS_CHECKED: constant(uint256) = 16

# bits 0-247 the feed as in chainlink.vy or the wrapper as in rate.vy, 248-255 its kinds
_source: HashMap[address, uint256]
# bits 0-127 lower bound, 128-255 upper bound, both WAD USD per whole token
_bounds: HashMap[address, uint256]
# The second feed of what is QUOTED, as in chainlink.vy
_quote: HashMap[address, uint256]
# Everything that has a source; SEQUENCED is set for all of them or for none.
_assets: DynArray[address, MAX_LISTED]
# As in chainlink.vy
_sequencer: uint256


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
        self._set_feed(feed, empty(IPriceOracle.Quote))
    ownable._transfer_ownership(owner)


# ---------------------------------------------------------------- anybody


@external
@view
def price(asset: address) -> uint256:
    """
    @notice The price of one asset; reverts with BadPrice when it is not to be believed
    @return WAD USD per whole token
    """
    return self._checked_price(asset, False)


@external
@view
def prices(assets: DynArray[address, MAX_ASSETS]) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice The prices of several assets in one call; reverts with BadPrice at the first that is not to be believed
    @return WAD USD per whole token, in the order asked
    """
    found: DynArray[uint256, MAX_ASSETS] = []
    for asset: address in assets:
        # The first good price has shown that the sequencer is up.
        found.append(self._checked_price(asset, len(found) != 0))
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
    answer, fault = self._read(asset, False)
    return fault


@external
@view
def feed(asset: address) -> IPriceOracle.Feed:
    """
    @return The feed of an asset; all zero when it has none
    """
    return self._feed(asset)


@external
@view
def quote(asset: address) -> IPriceOracle.Quote:
    """
    @return What the feed of an asset is quoted in; all zero for USD
    """
    return self._quote_of(asset)


@external
@view
def wrapper(asset: address) -> IPriceOracle.Wrapper:
    """
    @return The wrapper that an asset is, with its anchor of now; all zero when it is none
    """
    return self._wrapper(asset)


@external
@view
def cross_check(asset: address) -> IPriceOracle.CrossCheck:
    """
    @return The pool that the price of an asset is held against; all zero when there is none
    """
    return twap._get(asset)


@external
@view
def sequencer() -> (address, uint256):
    """
    @return The sequencer's uptime feed, empty for none, and the grace period in seconds
    """
    return chainlink._address(self._sequencer), chainlink._max_age(self._sequencer)


@external
def poke(asset: address) -> bool:
    """
    @notice Let the anchor of a wrapper follow its rate: note the rate, or make a note that is old enough and still holds the anchor.
            Never changes the price of its moment.
    @return Whether the anchor moved
    """
    source: uint256 = self._source[asset]
    assert (source >> KINDS) & WRAPPER != 0, "oracle: not a wrapper"
    old: uint256 = rate._anchor[asset]
    has_moved: bool = rate._poke(asset, source, (source >> KINDS) & WSTETH != 0)
    if has_moved:
        new: uint256 = rate._anchor[asset]
        log IPriceOracle.AnchorMoved(
            asset=asset,
            old_rate=old & rate.RATE_MASK,
            new_rate=new & rate.RATE_MASK,
            rate_at=(new >> 96) & rate.TIME_MASK,
        )
    return has_moved


# ------------------------------------------------------------------ owner


@external
def set_feed(feed: IPriceOracle.Feed):
    """
    @notice Set or replace the feed of an asset, in USD; for the owner. A cross-check stays.
    @param feed The feed, its maximum age and the asset's bounds
    """
    ownable._check_owner()
    self._set_feed(feed, empty(IPriceOracle.Quote))


@external
def set_quoted_feed(feed: IPriceOracle.Feed, quote: IPriceOracle.Quote):
    """
    @notice Set or replace the feed of an asset that is quoted in something else than USD; for the owner. A cross-check stays.
    @param feed The feed, its maximum age and the asset's bounds in USD
    @param quote The USD feed of what the first is quoted in
    """
    ownable._check_owner()
    assert quote.feed != empty(address), "oracle: no quote"
    self._set_feed(feed, quote)


@external
def set_wrapper(wrapper: IPriceOracle.Wrapper):
    """
    @notice Price an asset by its rate in an underlying that has a feed; anchor and limits are set together. For the owner. A cross-check stays.
    @param wrapper The wrapper, the anchor, its limits and the asset's bounds
    """
    ownable._check_owner()
    self._check_bounds(wrapper.asset, wrapper.min_price, wrapper.max_price)
    underlying: uint256 = self._source[wrapper.underlying]
    assert underlying != 0 and (underlying >> KINDS) & WRAPPER == 0, "oracle: underlying has no feed"
    word: uint256 = rate._pack(wrapper.asset, wrapper.underlying, wrapper.is_wsteth)
    old_feed: IPriceOracle.Feed = self._feed(wrapper.asset)
    old_quote: IPriceOracle.Quote = self._quote_of(wrapper.asset)
    old_wrapper: IPriceOracle.Wrapper = self._wrapper(wrapper.asset)
    rate._set_anchor(
        wrapper.asset,
        word,
        wrapper.is_wsteth,
        wrapper.rate,
        wrapper.rate_at,
        wrapper.max_growth,
        wrapper.max_drop,
    )
    kinds: uint256 = WRAPPER | WSTETH if wrapper.is_wsteth else WRAPPER
    self._store(wrapper.asset, word, kinds, wrapper.min_price | (wrapper.max_price << 128), 0)
    if old_feed.asset != empty(address):
        log IPriceOracle.FeedChanged(asset=wrapper.asset, old_feed=old_feed, new_feed=empty(IPriceOracle.Feed))
    if old_quote.feed != empty(address):
        log IPriceOracle.QuoteChanged(asset=wrapper.asset, old_quote=old_quote, new_quote=empty(IPriceOracle.Quote))
    log IPriceOracle.WrapperChanged(asset=wrapper.asset, old_wrapper=old_wrapper, new_wrapper=wrapper)


@external
def set_cross_check(check: IPriceOracle.CrossCheck):
    """
    @notice Hold the price of an asset against a Uniswap V3 pool, or with a pool of zero no longer; for the owner
    @param check The pool of the asset and another that has a feed, window, deviation and floors
    """
    ownable._check_owner()
    source: uint256 = self._source[check.asset]
    assert source != 0, "oracle: asset has no source"
    old_check: IPriceOracle.CrossCheck = twap._get(check.asset)
    twap._set(check)
    source = source & ~(CROSS_CHECKED << KINDS)
    if check.pool != empty(address):
        other: uint256 = self._source[twap._other[check.asset]]
        assert other != 0 and (other >> KINDS) & WRAPPER == 0, "oracle: pair has no feed"
        source = source | (CROSS_CHECKED << KINDS)
    self._source[check.asset] = source
    log IPriceOracle.CrossCheckChanged(asset=check.asset, old_check=old_check, new_check=twap._get(check.asset))


@external
def set_sequencer(feed: address, grace: uint256):
    """
    @notice Believe no price unless this feed says that the chain's sequencer has been up for longer than the grace period; for the owner
    @param feed A Chainlink-shaped uptime feed; empty for a chain without a sequencer
    @param grace s
    """
    ownable._check_owner()
    old: uint256 = self._sequencer
    self._sequencer = chainlink._pack_sequencer(feed, grace)
    for asset: address in self._assets:
        source: uint256 = self._source[asset] & ~(SEQUENCED << KINDS)
        self._source[asset] = source | self._sequenced()
    log IPriceOracle.SequencerChanged(
        old_feed=chainlink._address(old),
        old_grace=chainlink._max_age(old),
        new_feed=chainlink._address(self._sequencer),
        new_grace=chainlink._max_age(self._sequencer),
    )


# ---------------------------------------------------------------- internal


@internal
def _set_feed(feed: IPriceOracle.Feed, quote: IPriceOracle.Quote):
    self._check_bounds(feed.asset, feed.min_price, feed.max_price)
    word: uint256 = chainlink._pack(feed.feed, feed.max_age)
    kinds: uint256 = 0
    quote_word: uint256 = 0
    if quote.feed != empty(address):
        kinds = QUOTED
        quote_word = chainlink._pack(quote.feed, quote.max_age)
    old_feed: IPriceOracle.Feed = self._feed(feed.asset)
    old_quote: IPriceOracle.Quote = self._quote_of(feed.asset)
    old_wrapper: IPriceOracle.Wrapper = self._wrapper(feed.asset)
    self._store(feed.asset, word, kinds, feed.min_price | (feed.max_price << 128), quote_word)
    log IPriceOracle.FeedChanged(asset=feed.asset, old_feed=old_feed, new_feed=feed)
    if old_quote.feed != quote.feed or old_quote.max_age != quote.max_age:
        log IPriceOracle.QuoteChanged(asset=feed.asset, old_quote=old_quote, new_quote=quote)
    if old_wrapper.asset != empty(address):
        log IPriceOracle.WrapperChanged(
            asset=feed.asset, old_wrapper=old_wrapper, new_wrapper=empty(IPriceOracle.Wrapper)
        )


@internal
@pure
def _check_bounds(asset: address, min_price: uint256, max_price: uint256):
    assert asset != empty(address), "oracle: no asset"
    assert min_price != 0 and min_price < max_price, "oracle: bad bounds"
    assert max_price <= convert(max_value(uint128), uint256), "oracle: bad bounds"


@internal
def _store(asset: address, word: uint256, kinds: uint256, bounds: uint256, quote_word: uint256):
    old: uint256 = self._source[asset]
    if old == 0:
        assert len(self._assets) < MAX_LISTED, "oracle: too many assets"
        self._assets.append(asset)
    self._source[asset] = word | (kinds << KINDS) | self._sequenced() | (old & (CROSS_CHECKED << KINDS))
    self._bounds[asset] = bounds
    self._quote[asset] = quote_word


@internal
@view
def _sequenced() -> uint256:
    """
    @return The bit of a source that asks for the sequencer, zero when there is none
    """
    return SEQUENCED << KINDS if self._sequencer != 0 else 0


@internal
@view
def _feed(asset: address) -> IPriceOracle.Feed:
    source: uint256 = self._source[asset]
    if source == 0 or (source >> KINDS) & WRAPPER != 0:
        return empty(IPriceOracle.Feed)
    bounds: uint256 = self._bounds[asset]
    return IPriceOracle.Feed(
        asset=asset,
        feed=chainlink._address(source),
        max_age=chainlink._max_age(source),
        min_price=bounds & convert(max_value(uint128), uint256),
        max_price=bounds >> 128,
    )


@internal
@view
def _quote_of(asset: address) -> IPriceOracle.Quote:
    word: uint256 = self._quote[asset]
    return IPriceOracle.Quote(feed=chainlink._address(word), max_age=chainlink._max_age(word))


@internal
@view
def _wrapper(asset: address) -> IPriceOracle.Wrapper:
    source: uint256 = self._source[asset]
    if (source >> KINDS) & WRAPPER == 0:
        return empty(IPriceOracle.Wrapper)
    anchor: uint256 = rate._anchor[asset]
    bounds: uint256 = self._bounds[asset]
    return IPriceOracle.Wrapper(
        asset=asset,
        underlying=chainlink._address(source),
        is_wsteth=(source >> KINDS) & WSTETH != 0,
        rate=anchor & rate.RATE_MASK,
        rate_at=(anchor >> 96) & rate.TIME_MASK,
        max_growth=(anchor >> 136) & rate.SHARE_MASK,
        max_drop=anchor >> 196,
        min_price=bounds & convert(max_value(uint128), uint256),
        max_price=bounds >> 128,
    )


@internal
@view
def _checked_price(asset: address, is_up: bool) -> uint256:
    answer: uint256 = 0
    fault: IPriceOracle.Fault = empty(IPriceOracle.Fault)
    answer, fault = self._read(asset, is_up)
    if fault != empty(IPriceOracle.Fault):
        raw_revert(abi_encode(asset, fault, method_id=method_id("BadPrice(address,uint256)")))
    return answer


@internal
@view
def _read(asset: address, is_up: bool) -> (uint256, IPriceOracle.Fault):
    """
    @param is_up Whether the sequencer is known to be up
    @return WAD USD per whole token and no fault, or zero and the fault
    """
    source: uint256 = self._source[asset]
    kinds: uint256 = source >> KINDS
    # A plain feed, without a detour.
    if kinds == 0 and source != 0:
        return chainlink._answer(source, self._bounds[asset])
    if kinds & SEQUENCED != 0 and not is_up:
        if not chainlink._is_sequencer_up(self._sequencer):
            return 0, IPriceOracle.Fault.SEQUENCER_DOWN
    usd: uint256 = 0
    fault: IPriceOracle.Fault = empty(IPriceOracle.Fault)
    if kinds & WRAPPER != 0:
        usd, fault = self._wrapper_price(asset, source)
    else:
        usd, fault = self._feed_price(asset, source)
    if fault != empty(IPriceOracle.Fault) or kinds & CROSS_CHECKED == 0:
        return usd, fault

    other: address = twap._other[asset]
    other_usd: uint256 = 0
    other_usd, fault = self._feed_price(other, self._source[other])
    if fault == empty(IPriceOracle.Fault):
        fault = twap._check(asset, usd, other_usd)
    return usd if fault == empty(IPriceOracle.Fault) else 0, fault


@internal
@view
def _feed_price(asset: address, source: uint256) -> (uint256, IPriceOracle.Fault):
    """
    @notice The price by an asset's own feed and what that is quoted in; the product is rounded down
    @return As `_read`
    """
    if source == 0 or (source >> KINDS) & WRAPPER != 0:
        return 0, IPriceOracle.Fault.NO_FEED
    if (source >> KINDS) & QUOTED == 0:
        return chainlink._answer(source, self._bounds[asset])
    amount: uint256 = 0
    usd: uint256 = 0
    fault: IPriceOracle.Fault = empty(IPriceOracle.Fault)
    amount, fault = chainlink._answer(source, chainlink.FACTOR)
    if fault != empty(IPriceOracle.Fault):
        return 0, fault
    usd, fault = chainlink._answer(self._quote[asset], chainlink.FACTOR)
    if fault != empty(IPriceOracle.Fault):
        return 0, fault
    return self._bounded(wad._mul_div_down(amount, usd, wad.ONE), self._bounds[asset])


@internal
@view
def _wrapper_price(asset: address, source: uint256) -> (uint256, IPriceOracle.Fault):
    """
    @notice The rate that counts × the underlying's price, rounded down
    @return As `_read`
    """
    found: uint256 = 0
    usd: uint256 = 0
    fault: IPriceOracle.Fault = empty(IPriceOracle.Fault)
    found, fault = rate._read(asset, source, (source >> KINDS) & WSTETH != 0)
    if fault != empty(IPriceOracle.Fault):
        return 0, fault
    underlying: address = chainlink._address(source)
    usd, fault = self._feed_price(underlying, self._source[underlying])
    if fault != empty(IPriceOracle.Fault):
        return 0, fault
    return self._bounded(wad._mul_div_down(found, usd, wad.ONE), self._bounds[asset])


@internal
@view
def _bounded(usd: uint256, bounds: uint256) -> (uint256, IPriceOracle.Fault):
    """
    @return As `_read`
    """
    if usd < bounds & convert(max_value(uint128), uint256):
        return 0, IPriceOracle.Fault.BELOW_MINIMUM
    if usd > bounds >> 128:
        return 0, IPriceOracle.Fault.ABOVE_MAXIMUM
    return usd, empty(IPriceOracle.Fault)
