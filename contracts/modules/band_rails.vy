# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Bands around the targets, and the rails and the speed at which a strategist may move them
@license GNU Affero General Public License v3.0 only
@notice An absolute half-width per asset, in basket order. Rails and speed are the owner's and hold for every asset; bands are the strategist's:
        a malicious strategist can make rebalances open more or less often than is wise, inside the rails and no faster than the speed, and
        nothing else.
@dev Ten bands share a slot, in millionths. Places from the number of assets on are zero. Mechanism only; the host decides who may do what.
"""
from contracts.modules import wad
from contracts.interfaces import IRebalancer

MAX_ASSETS: constant(uint256) = 20
PER_SLOT: constant(uint256) = 10
BITS: constant(uint256) = 24
MASK: constant(uint256) = 2**BITS - 1
UNIT: constant(uint256) = 10**12  # WAD per stored unit
ADDED: constant(uint256) = 10**17  # WAD, the band of an asset that is added
DAY: constant(uint256) = 86400

_bands: uint256[MAX_ASSETS // PER_SLOT]
_rails: IRebalancer.Rails
_set_at: uint256  # unix s, when the strategist moved them last


@internal
def _init(bands: DynArray[uint256, MAX_ASSETS], least: uint256):
    """
    @notice The first bands; without speed they stay
    @param least WAD, the closing tolerance; a band under it would count an asset as outside while the basket is on target
    """
    for band: uint256 in bands:
        assert band < wad.ONE and band % UNIT == 0, "bands: bad band"
        assert band >= least, "bands: under tolerance"
    self._bands = self._packed(bands)
    self._set_at = block.timestamp


@internal
@view
def _current(count: uint256) -> uint256[MAX_ASSETS]:
    """
    @param count Assets in the basket
    @return WAD
    """
    found: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    word: uint256 = 0
    for i: uint256 in range(count, bound=MAX_ASSETS):
        if i % PER_SLOT == 0:
            word = self._bands[i // PER_SLOT]
        found[i] = (word & MASK) * UNIT
        word >>= BITS
    return found


@internal
def _set(bands: DynArray[uint256, MAX_ASSETS], old: uint256[MAX_ASSETS]):
    """
    @notice Move the bands, inside the rails and no further than the speed allows since they were moved last
    @param old Those of now
    """
    rails: IRebalancer.Rails = self._rails
    reach: uint256 = wad._mul_div_down(rails.speed, block.timestamp - self._set_at, DAY)
    for i: uint256 in range(len(bands), bound=MAX_ASSETS):
        band: uint256 = bands[i]
        assert band % UNIT == 0, "bands: bad band"
        assert max(band, old[i]) - min(band, old[i]) <= reach, "bands: too fast"
        # A band that was outside when the rails were set may stay or come in.
        assert band == old[i] or (band >= rails.narrowest and band <= rails.widest), "bands: outside rails"
    self._bands = self._packed(bands)
    self._set_at = block.timestamp


@internal
def _set_rails(rails: IRebalancer.Rails, least: uint256):
    """
    @param least WAD, see `_init`
    """
    assert rails.narrowest <= rails.widest and rails.widest < wad.ONE, "bands: bad rails"
    assert rails.speed <= wad.ONE, "bands: bad rails"
    assert rails.narrowest >= least, "bands: under tolerance"
    self._rails = rails
    self._set_at = block.timestamp


@internal
def _add(index: uint256):
    """
    @notice Give the asset that is new at the end of the basket a band
    """
    self._put(index, ADDED)


@internal
def _remove(index: uint256, last: uint256):
    """
    @notice Forget an asset; the last takes its place
    """
    self._put(index, self._current(last + 1)[last])
    self._put(last, 0)


@internal
def _put(index: uint256, band: uint256):
    offset: uint256 = BITS * (index % PER_SLOT)
    word: uint256 = self._bands[index // PER_SLOT]
    self._bands[index // PER_SLOT] = (word & ~(MASK << offset)) | ((band // UNIT) << offset)


@internal
@pure
def _packed(bands: DynArray[uint256, MAX_ASSETS]) -> uint256[MAX_ASSETS // PER_SLOT]:
    words: uint256[MAX_ASSETS // PER_SLOT] = empty(uint256[MAX_ASSETS // PER_SLOT])
    for i: uint256 in range(len(bands), bound=MAX_ASSETS):
        words[i // PER_SLOT] |= (bands[i] // UNIT) << (BITS * (i % PER_SLOT))
    return words
