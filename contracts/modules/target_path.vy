# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Targets that move linearly from the old to the new
@license GNU Affero General Public License v3.0 only
@notice WAD shares of NAV in basket order. At every moment they sum to exactly 1e18: a target is the difference of two sums of interpolated
        targets, each sum rounded down, so the sums telescope. An asset that is zero before and after is zero in between.
@dev Four targets share a slot, because a rebalance reads all of them: 64 bits each. Places from the number of assets on are zero. Mechanism
     only; the host decides who may change them.
"""
from contracts.modules import wad

MAX_ASSETS: constant(uint256) = 20
PER_SLOT: constant(uint256) = 4
BITS: constant(uint256) = 64
MASK: constant(uint256) = 2**BITS - 1
MAX_TIME: constant(uint256) = 365 * 86400  # s from now to the end of a change
CHANGING: constant(uint256) = 1 << 128

_old: uint256[MAX_ASSETS // PER_SLOT]  # in force until the start
_new: uint256[MAX_ASSETS // PER_SLOT]  # in force from the end
# bits 0-63 start, 64-127 end, 128 whether no rebalance has reached the new targets since the end
_schedule: uint256


@internal
@view
def _current(count: uint256) -> uint256[MAX_ASSETS]:
    """
    @notice The targets now
    @param count Assets in the basket
    @return WAD, sums to exactly 1e18
    """
    start: uint256 = 0
    end: uint256 = 0
    start, end = self._times()
    found: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    old: uint256 = 0
    new: uint256 = 0
    old_sum: uint256 = 0
    new_sum: uint256 = 0
    before: uint256 = 0  # the interpolated sum up to the asset before
    for i: uint256 in range(count, bound=MAX_ASSETS):
        if i % PER_SLOT == 0:
            new = self._new[i // PER_SLOT]
            if block.timestamp < end:
                old = self._old[i // PER_SLOT]
        if block.timestamp >= end:
            found[i] = new & MASK
        elif block.timestamp <= start:
            found[i] = old & MASK
        else:
            old_sum += old & MASK
            new_sum += new & MASK
            upto: uint256 = (old_sum * (end - block.timestamp) + new_sum * (block.timestamp - start)) // (end - start)
            found[i] = upto - before
            before = upto
        old >>= BITS
        new >>= BITS
    return found


@internal
@view
def _final() -> uint256[MAX_ASSETS]:
    """
    @return WAD, the targets from the end of the last change on
    """
    return self._unpacked(self._new)


@internal
@view
def _times() -> (uint256, uint256):
    """
    @return Start and end of the last change, unix s
    """
    packed: uint256 = self._schedule
    return packed & MASK, (packed >> 64) & MASK


@internal
@view
def _changing() -> bool:
    """
    @notice Whether a change has begun whose end no rebalance has reached
    """
    packed: uint256 = self._schedule
    return packed & CHANGING != 0 and block.timestamp >= packed & MASK


@internal
def _reached():
    """
    @notice A rebalance reached the targets of now
    """
    packed: uint256 = self._schedule
    if packed & CHANGING != 0 and block.timestamp >= (packed >> 64) & MASK:
        self._schedule = packed ^ CHANGING


@internal
def _init(targets: DynArray[uint256, MAX_ASSETS]):
    """
    @notice The first targets, from now on
    """
    self._new = self._packed(self._checked(targets))
    self._schedule = block.timestamp | (block.timestamp << 64)


@internal
def _change(
    targets: DynArray[uint256, MAX_ASSETS], start: uint256, end: uint256, old: uint256[MAX_ASSETS], least_time: uint256
) -> (uint256, uint256):
    """
    @notice Move from the targets of now to other ones
    @param start Unix s; a start in the past counts as now
    @param end Unix s, not in the past; zero for both is a step, now
    @param old Those of now, see `_current`
    @param least_time Seconds that a change which begins later takes at least
    @return The start and end that count
    """
    begins: uint256 = max(start, block.timestamp)
    ends: uint256 = end
    if start == 0 and end == 0:
        ends = begins
    assert ends >= begins and ends <= block.timestamp + MAX_TIME, "targets: bad schedule"
    assert begins == block.timestamp or ends - begins >= least_time, "targets: change too sudden"
    self._old = self._packed(old)
    self._new = self._packed(self._checked(targets))
    self._schedule = begins | (ends << 64) | CHANGING
    return begins, ends


@internal
def _remove(index: uint256, last: uint256):
    """
    @notice Forget an asset whose target is zero and stays so; the last takes its place
    """
    new: uint256[MAX_ASSETS] = self._unpacked(self._new)
    old: uint256[MAX_ASSETS] = self._unpacked(self._old)
    # What was in force before a change that is over counts for nothing.
    if block.timestamp >= (self._schedule >> 64) & MASK:
        old = new
    assert old[index] == 0 and new[index] == 0, "targets: not zero"
    old[index] = old[last]
    new[index] = new[last]
    old[last] = 0
    new[last] = 0
    self._old = self._packed(old)
    self._new = self._packed(new)


@internal
@pure
def _checked(targets: DynArray[uint256, MAX_ASSETS]) -> uint256[MAX_ASSETS]:
    found: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    total: uint256 = 0
    for i: uint256 in range(len(targets), bound=MAX_ASSETS):
        found[i] = targets[i]
        total += targets[i]
    assert total == wad.ONE, "targets: do not sum to 1"
    return found


@internal
@pure
def _unpacked(words: uint256[MAX_ASSETS // PER_SLOT]) -> uint256[MAX_ASSETS]:
    found: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    for i: uint256 in range(MAX_ASSETS):
        found[i] = (words[i // PER_SLOT] >> (BITS * (i % PER_SLOT))) & MASK
    return found


@internal
@pure
def _packed(targets: uint256[MAX_ASSETS]) -> uint256[MAX_ASSETS // PER_SLOT]:
    words: uint256[MAX_ASSETS // PER_SLOT] = empty(uint256[MAX_ASSETS // PER_SLOT])
    for i: uint256 in range(MAX_ASSETS):
        words[i // PER_SLOT] |= targets[i] << (BITS * (i % PER_SLOT))
    return words
