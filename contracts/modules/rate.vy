# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Rates of yield-bearing wrappers, held between a floor and a cap
@license GNU Affero General Public License v3.0 only
@notice A wrapper's rate is what it says of itself, and a donation moves it. So it counts at most what an anchor (a rate and when it was
        seen) allows: the cap grows from the anchor by `max_growth` a year. A rate under the anchor by more than `max_drop` is a fault.

        Anybody moves the anchor, in two calls at least SETTLE apart: the first notes the rate, the second makes that note the anchor
        when the rate has not fallen since and grew no faster than allowed. So a rate bent
        within a transaction gets into no anchor that the rate an hour later does not bear out, the anchor never falls, and no poke
        changes the price of its moment.
@dev Rates are WAD of the underlying per whole wrapper token. Anchor and limits are one word, set together or not at all.
"""
from contracts.interfaces import IPriceOracle
from contracts.modules import wad


interface Wrapped:
    def decimals() -> uint8: view
    def asset() -> address: view
    def stETH() -> address: view


YEAR: constant(uint256) = 365 * 86400  # s
SETTLE: constant(uint256) = 3600  # s
ANCHOR_AGE_LIMIT: constant(uint256) = 30 * 86400  # s
MAX_DECIMALS: constant(uint256) = 27
RATE_DECIMALS: constant(uint256) = 18
RATE_MASK: constant(uint256) = 2**96 - 1
TIME_MASK: constant(uint256) = 2**40 - 1
SHARE_MASK: constant(uint256) = 2**60 - 1

# bits 0-95 rate, 96-135 when it was seen, 136-195 max_growth, 196-255 max_drop
_anchor: HashMap[address, uint256]
# bits 0-95 rate, 96-135 when it was seen; a candidate for the anchor
_note: HashMap[address, uint256]


@internal
@view
def _pack(asset: address, underlying: address, is_wsteth: bool) -> uint256:
    """
    @notice What it takes to read a rate, as a word: bits 0-159 the underlying, 160-223 what scales the answer to WAD, 224-247 the wrapper's
            decimals. Reverts when the wrapper does not wrap it.
    """
    assert asset.is_contract and underlying.is_contract, "oracle: wrapper has no code"
    found: address = empty(address)
    if is_wsteth:
        found = staticcall Wrapped(asset).stETH()
    else:
        found = staticcall Wrapped(asset).asset()
    assert found == underlying, "oracle: not its underlying"
    own: uint256 = convert(staticcall Wrapped(asset).decimals(), uint256)
    decimals: uint256 = convert(staticcall Wrapped(underlying).decimals(), uint256)
    assert own <= MAX_DECIMALS and decimals <= RATE_DECIMALS, "oracle: too many decimals"
    return convert(underlying, uint256) | (10**(RATE_DECIMALS - decimals) << 160) | (own << 224)


@internal
def _set_anchor(
    asset: address,
    word: uint256,
    is_wsteth: bool,
    rate: uint256,
    seen_at: uint256,
    max_growth: uint256,
    max_drop: uint256,
):
    """
    @notice Set anchor and limits together; reverts unless the rate of now is within them, neither capped nor at fault
    @param rate WAD
    @param seen_at When the rate was that, at most ANCHOR_AGE_LIMIT ago
    @param max_growth WAD share a year
    @param max_drop WAD share of the anchor
    """
    assert rate != 0 and rate <= RATE_MASK, "oracle: bad rate"
    assert seen_at <= block.timestamp, "oracle: bad rate time"
    assert block.timestamp - seen_at <= ANCHOR_AGE_LIMIT, "oracle: bad rate time"
    assert max_growth != 0 and max_growth <= wad.ONE, "oracle: bad rate limits"
    assert max_drop != 0 and max_drop < wad.ONE, "oracle: bad rate limits"
    self._anchor[asset] = rate | (seen_at << 96) | (max_growth << 136) | (max_drop << 196)
    self._note[asset] = 0
    live: uint256 = 0
    is_within: bool = False
    live, is_within = self._live(asset, word, is_wsteth)
    assert is_within, "oracle: rate out of limits"


@internal
def _poke(asset: address, word: uint256, is_wsteth: bool) -> bool:
    """
    @notice Note the rate, or make an earlier note the anchor
    @return Whether the anchor moved
    """
    live: uint256 = 0
    is_within: bool = False
    live, is_within = self._live(asset, word, is_wsteth)
    note: uint256 = self._note[asset]
    if not is_within or live > RATE_MASK or block.timestamp - (note >> 96) < SETTLE:
        return False
    self._note[asset] = live | (block.timestamp << 96)

    anchor: uint256 = self._anchor[asset]
    noted: uint256 = note & RATE_MASK
    if noted < anchor & RATE_MASK or live < noted:
        return False
    limits: uint256 = (anchor >> 136) << 136
    if live > self._cap_down(note | limits):
        return False
    self._anchor[asset] = note | limits
    return True


@internal
@view
def _read(asset: address, word: uint256, is_wsteth: bool) -> (uint256, IPriceOracle.Fault):
    """
    @notice The rate that counts: what the wrapper says, at most the cap
    @return WAD and no fault, or zero and the fault
    """
    answer: uint256 = 0
    success: bool = False
    answer, success = self._ask(asset, word, is_wsteth)
    if not success:
        return 0, IPriceOracle.Fault.CALL_FAILED
    anchor: uint256 = self._anchor[asset]
    rate: uint256 = self._at_most(answer, word, self._cap_down(anchor))
    if rate < self._floor_up(anchor):
        return 0, IPriceOracle.Fault.RATE_FELL
    return rate, empty(IPriceOracle.Fault)


@internal
@view
def _live(asset: address, word: uint256, is_wsteth: bool) -> (uint256, bool):
    """
    @return The rate that counts, WAD, and whether it is what the wrapper says: neither capped nor under the floor
    """
    answer: uint256 = 0
    success: bool = False
    answer, success = self._ask(asset, word, is_wsteth)
    if not success:
        return 0, False
    anchor: uint256 = self._anchor[asset]
    cap: uint256 = self._cap_down(anchor)
    rate: uint256 = self._at_most(answer, word, cap)
    is_whole: bool = answer <= cap // self._scale(word)
    return rate, is_whole and rate >= self._floor_up(anchor)


@internal
@view
def _ask(asset: address, word: uint256, is_wsteth: bool) -> (uint256, bool):
    """
    @return What the wrapper says a whole token is worth, base units of the underlying, and whether it answered
    """
    request: Bytes[36] = method_id("stEthPerToken()")
    if not is_wsteth:
        request = abi_encode(10**((word >> 224) & 255), method_id=method_id("convertToAssets(uint256)"))
    success: bool = False
    response: Bytes[32] = b""
    success, response = raw_call(asset, request, max_outsize=32, is_static_call=True, revert_on_failure=False)
    if not success or len(response) != 32:
        return 0, False
    return extract32(response, 0, output_type=uint256), True


@internal
@pure
def _at_most(answer: uint256, word: uint256, cap: uint256) -> uint256:
    """
    @notice An answer scaled to WAD, at most the cap; compared before scaling, so that an absurd one cannot overflow
    """
    scale: uint256 = self._scale(word)
    return cap if answer > cap // scale else answer * scale


@internal
@pure
def _scale(word: uint256) -> uint256:
    """
    @notice What scales an answer to WAD
    """
    return (word >> 160) & convert(max_value(uint64), uint256)


@internal
@view
def _cap_down(anchor: uint256) -> uint256:
    """
    @notice The most that the rate may be now, WAD, rounded down
    """
    rate: uint256 = anchor & RATE_MASK
    elapsed: uint256 = block.timestamp - ((anchor >> 96) & TIME_MASK)
    return rate + rate * ((anchor >> 136) & SHARE_MASK) * elapsed // (wad.ONE * YEAR)


@internal
@pure
def _floor_up(anchor: uint256) -> uint256:
    """
    @notice The least that the rate may be, WAD, rounded up
    """
    rate: uint256 = anchor & RATE_MASK
    return rate - wad._mul_div_down(rate, anchor >> 196, wad.ONE)
