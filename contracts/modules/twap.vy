# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title A Uniswap V3 pool's mean price over a window, as a check on a price and never as one
@license GNU Affero General Public License v3.0 only
@notice A price that is further from the pool's time-weighted geometric mean than allowed is a fault, and so is a pool that is too thin,
        remembers too little or does not answer: a fault halts, nothing is switched to.
@dev The liquidity that has to be there is the harmonic mean over the window, which a flash loan cannot lend. Ratios are compared as
     cross products, exactly but for a factor of 1.0001 to the tick that is rounded down 19 times at 128 bits, and 60 bits that
     are dropped of large numbers.
"""
from contracts.interfaces import IPriceOracle
from contracts.modules import wad


interface V3Pool:
    def token0() -> address: view
    def token1() -> address: view


interface Decimals:
    def decimals() -> uint8: view


LEAST_WINDOW: constant(uint256) = 1800  # s
MOST_WINDOW: constant(uint256) = 86400  # s
MAX_DEVIATION: constant(uint256) = 5 * 10**17  # WAD
MAX_DECIMALS: constant(uint256) = 18
TICKS: constant(uint256) = 19  # bits of a tick; a price beyond 1.0001^(2^19) is no price
ADDRESS_MASK: constant(uint256) = 2**160 - 1
Q128: constant(uint256) = 2**128
# What a tick cumulative, an int56, can be.
MOST_CUMULATIVE: constant(int256) = 2**55
# 2^128 divided by 1.0001^(2^i), rounded down
POWERS: constant(uint256[19]) = [
    340248342086729790484326174814286782777,
    340214320654664324051920982716015181259,
    340146287995602323631171512101879684303,
    340010263488231146823593991679159461443,
    339738377640345403697157401104375502015,
    339195258003219555707034227454543997024,
    338111622100601834656805679988414885970,
    335954724994790223023589805789778977699,
    331682121138379247127172139078559817299,
    323299236684853023288211250268160618738,
    307163716377032989948697243942600083928,
    277268403626896220162999269216087595045,
    225923453940442621947126027127485391332,
    149997214084966997727330242082538205942,
    66119101136024775622716233608466517925,
    12847376061809297530290974190478138312,
    485053260817066172746253684029974020,
    691415978906521570653435304214167,
    1404880482679654955896180642,
]

# bits 0-159 pool, 160-191 window in seconds, 192-207 least cardinality, 208-215 decimals of the asset, 216-223 decimals of the other
# token, 224 set when the asset is token0
_pool: HashMap[address, uint256]
# bits 0-127 least liquidity, 128-191 largest deviation as a WAD share
_floors: HashMap[address, uint256]
# The pool's other token
_other: HashMap[address, address]


@internal
def _set(check: IPriceOracle.CrossCheck):
    """
    @notice Set or replace the check of an asset; none for a pool of zero. The decimals are read here, once.
    """
    if check.pool == empty(address):
        self._pool[check.asset] = 0
        self._floors[check.asset] = 0
        self._other[check.asset] = empty(address)
        return
    assert check.pool.is_contract, "oracle: pool has no code"
    assert check.window >= LEAST_WINDOW and check.window <= MOST_WINDOW, "oracle: bad window"
    assert check.max_deviation != 0 and check.max_deviation <= MAX_DEVIATION, "oracle: bad deviation"
    assert check.min_liquidity != 0, "oracle: bad liquidity floor"
    assert check.min_liquidity < Q128, "oracle: bad liquidity floor"
    assert check.min_cardinality > 1 and check.min_cardinality < 2**16, "oracle: bad cardinality floor"
    token0: address = staticcall V3Pool(check.pool).token0()
    token1: address = staticcall V3Pool(check.pool).token1()
    is_zero: bool = token0 == check.asset
    assert is_zero or token1 == check.asset, "oracle: asset not in the pool"
    other: address = token1 if is_zero else token0
    decimals: uint256 = convert(staticcall Decimals(check.asset).decimals(), uint256)
    other_decimals: uint256 = convert(staticcall Decimals(other).decimals(), uint256)
    assert decimals <= MAX_DECIMALS and other_decimals <= MAX_DECIMALS, "oracle: too many decimals"
    self._pool[check.asset] = (
        convert(check.pool, uint256)
        | (check.window << 160)
        | (check.min_cardinality << 192)
        | (decimals << 208)
        | (other_decimals << 216)
        | (convert(is_zero, uint256) << 224)
    )
    self._floors[check.asset] = check.min_liquidity | (check.max_deviation << 128)
    self._other[check.asset] = other


@internal
@view
def _get(asset: address) -> IPriceOracle.CrossCheck:
    """
    @return The check of an asset; all zero when it has none
    """
    word: uint256 = self._pool[asset]
    floors: uint256 = self._floors[asset]
    return IPriceOracle.CrossCheck(
        asset=asset if word != 0 else empty(address),
        pool=convert(word & ADDRESS_MASK, address),
        window=(word >> 160) & convert(max_value(uint32), uint256),
        max_deviation=floors >> 128,
        min_liquidity=floors & convert(max_value(uint128), uint256),
        min_cardinality=(word >> 192) & convert(max_value(uint16), uint256),
    )


@internal
@view
def _check(asset: address, price: uint256, other_price: uint256) -> IPriceOracle.Fault:
    """
    @notice Hold the price of an asset against its pool
    @param price WAD USD per whole token, under 2^128, as `other_price`
    @param other_price WAD USD per whole other token
    @return No fault, or why the price is not to be believed
    """
    word: uint256 = self._pool[asset]
    floors: uint256 = self._floors[asset]
    tick: int256 = 0
    is_fit: bool = False
    tick, is_fit = self._mean_tick(word, floors & convert(max_value(uint128), uint256))
    if not is_fit:
        return IPriceOracle.Fault.POOL_UNFIT
    if (word >> 224) & 1 == 0:
        tick = -tick

    ours: uint256 = price * 10**((word >> 216) & 255)
    theirs: uint256 = other_price * 10**((word >> 208) & 255)
    if max(ours, theirs) >= Q128:
        ours = ours >> 60
        theirs = theirs >> 60
    # Both under 2^128, as is the power: neither product can overflow.
    power: uint256 = self._power_down(convert(abs(tick), uint256))
    if tick <= 0:
        ours *= Q128
        theirs *= power
    else:
        ours *= power
        theirs *= Q128
    apart: uint256 = ours - theirs if ours > theirs else theirs - ours
    # Divided first, so that it cannot overflow; the tolerance is rounded down.
    if apart > ours // wad.ONE * (floors >> 128):
        return IPriceOracle.Fault.TWAP_DEVIATES
    return empty(IPriceOracle.Fault)


@internal
@view
def _mean_tick(word: uint256, least_liquidity: uint256) -> (int256, bool):
    """
    @return The mean tick over the window, rounded to zero, and whether the pool is fit to be asked
    """
    pool: address = convert(word & ADDRESS_MASK, address)
    window: uint256 = (word >> 160) & convert(max_value(uint32), uint256)

    success: bool = False
    slot: Bytes[224] = b""
    success, slot = raw_call(pool, method_id("slot0()"), max_outsize=224, is_static_call=True, revert_on_failure=False)
    if not success or len(slot) != 224:
        return 0, False
    if extract32(slot, 96, output_type=uint256) < (word >> 192) & convert(max_value(uint16), uint256):
        return 0, False

    moments: DynArray[uint32, 2] = [convert(window, uint32), 0]
    seen: Bytes[256] = b""
    success, seen = raw_call(
        pool,
        abi_encode(moments, method_id=method_id("observe(uint32[])")),
        max_outsize=256,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(seen) != 256:
        return 0, False
    before: int256 = extract32(seen, 96, output_type=int256)
    after: int256 = extract32(seen, 128, output_type=int256)
    if max(before, after) > MOST_CUMULATIVE or min(before, after) < -MOST_CUMULATIVE:
        return 0, False
    tick: int256 = (after - before) // convert(window, int256)
    if abs(tick) >= 2**convert(TICKS, int256):
        return 0, False

    thinness: uint256 = (
        (extract32(seen, 224, output_type=uint256) & ADDRESS_MASK)
        + (ADDRESS_MASK + 1)
        - (extract32(seen, 192, output_type=uint256) & ADDRESS_MASK)
    ) & ADDRESS_MASK
    if thinness == 0 or window * Q128 // thinness < least_liquidity:
        return 0, False
    return tick, True


@internal
@pure
def _power_down(tick: uint256) -> uint256:
    """
    @notice 2^128 divided by 1.0001^tick, rounded down
    @param tick Under 2^19
    """
    power: uint256 = Q128
    for i: uint256 in range(TICKS):
        if (tick >> i) & 1 != 0:
            power = power * POWERS[i] >> 128
    return power
