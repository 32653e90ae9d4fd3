# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Answers of Chainlink-shaped feeds, believed or not, and never a revert
@license GNU Affero General Public License v3.0 only
@dev A feed is called raw, so that a dead one is a reason and not a bare revert. `answeredInRound` and `latestAnswer` are deprecated by
     Chainlink and not used; the feeds' own minAnswer and maxAnswer no longer act on most feeds.

     A feed is one word: bits 0-159 its address, 160-223 what scales an answer to WAD, 224-247 the maximum age in seconds. The
     host may use bits 248-255.
"""
from contracts.interfaces import IPriceOracle


interface AggregatorV3:
    def decimals() -> uint8: view


MAX_AGE_LIMIT: constant(uint256) = 7 * 86400  # s
GRACE_LIMIT: constant(uint256) = 86400  # s
PRICE_DECIMALS: constant(uint256) = 18
ADDRESS_MASK: constant(uint256) = 2**160 - 1
AGE_MASK: constant(uint256) = 2**24 - 1
ROUND_SIZE: constant(uint256) = 160  # bytes
# Bounds of an answer that is a factor of a price: it fits 128 bits, so that two of them can be multiplied.
FACTOR: constant(uint256) = (2**128 - 1) * 2**128


@internal
@view
def _pack(feed: address, max_age: uint256) -> uint256:
    """
    @notice The word of a feed; reverts when it is none or its age is out of range. Its decimals are read here, once.
    @param max_age s
    """
    assert feed.is_contract, "oracle: feed has no code"
    assert max_age != 0 and max_age <= MAX_AGE_LIMIT, "oracle: bad maximum age"
    decimals: uint256 = convert(staticcall AggregatorV3(feed).decimals(), uint256)
    assert decimals <= PRICE_DECIMALS, "oracle: too many decimals"
    return convert(feed, uint256) | (10**(PRICE_DECIMALS - decimals) << 160) | (max_age << 224)


@internal
@pure
def _address(word: uint256) -> address:
    """
    @notice The address in a word
    """
    return convert(word & ADDRESS_MASK, address)


@internal
@pure
def _max_age(word: uint256) -> uint256:
    """
    @notice The maximum age in a word, s
    """
    return (word >> 224) & AGE_MASK


@internal
@view
def _answer(word: uint256, bounds: uint256) -> (uint256, IPriceOracle.Fault):
    """
    @param word The feed
    @param bounds WAD; bits 0-127 the least that is believed, 128-255 the most
    @return WAD and no fault, or zero and the fault
    """
    success: bool = False
    response: Bytes[ROUND_SIZE] = b""
    success, response = raw_call(
        convert(word & ADDRESS_MASK, address),
        method_id("latestRoundData()"),
        max_outsize=ROUND_SIZE,
        is_static_call=True,
        revert_on_failure=False,
    )
    # An account without code answers every call with success and nothing, which the length gives away.
    if not success or len(response) != ROUND_SIZE:
        return 0, IPriceOracle.Fault.CALL_FAILED
    answer: int256 = extract32(response, 32, output_type=int256)
    if answer <= 0:
        return 0, IPriceOracle.Fault.NOT_POSITIVE
    updated_at: uint256 = extract32(response, 96, output_type=uint256)
    if updated_at == 0 or updated_at > block.timestamp:
        return 0, IPriceOracle.Fault.IN_FUTURE
    if block.timestamp - updated_at > (word >> 224) & AGE_MASK:
        return 0, IPriceOracle.Fault.STALE
    scale: uint256 = (word >> 160) & convert(max_value(uint64), uint256)
    # Compared before scaling, so that an absurd answer is a fault and not an overflow.
    scaled: uint256 = convert(answer, uint256)
    if scaled > (bounds >> 128) // scale:
        return 0, IPriceOracle.Fault.ABOVE_MAXIMUM
    scaled *= scale
    if scaled < bounds & convert(max_value(uint128), uint256):
        return 0, IPriceOracle.Fault.BELOW_MINIMUM
    return scaled, empty(IPriceOracle.Fault)


@internal
@view
def _pack_sequencer(feed: address, grace: uint256) -> uint256:
    """
    @notice The word of a sequencer uptime feed: bits 0-159 its address, 224-247 the grace period; zero for none
    @param grace s
    """
    if feed == empty(address):
        return 0
    assert feed.is_contract, "oracle: feed has no code"
    assert grace != 0 and grace <= GRACE_LIMIT, "oracle: bad grace period"
    return convert(feed, uint256) | (grace << 224)


@internal
@view
def _is_sequencer_up(word: uint256) -> bool:
    """
    @notice Whether the sequencer is up, and has been for longer than the grace period. A feed that does not answer says no.
    @dev Answer 0 is up; `startedAt` is when that began. Arbitrum's feed has a `startedAt` of zero before its first report.
    """
    success: bool = False
    response: Bytes[ROUND_SIZE] = b""
    success, response = raw_call(
        convert(word & ADDRESS_MASK, address),
        method_id("latestRoundData()"),
        max_outsize=ROUND_SIZE,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(response) != ROUND_SIZE or extract32(response, 32, output_type=int256) != 0:
        return False
    started_at: uint256 = extract32(response, 64, output_type=uint256)
    if started_at == 0 or started_at > block.timestamp:
        return False
    return block.timestamp - started_at > (word >> 224) & AGE_MASK
