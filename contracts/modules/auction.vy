# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title When a rebalance may open, and the price bound that falls while it is open
@license GNU Affero General Public License v3.0 only
@notice A Dutch auction around a live oracle: the bound on value in / value out starts at 1 + START_PREMIUM and falls linearly
        to 1 - MAX_DISCOUNT over DURATION.
@dev All terms are immutable: a depositor knows them for good. Times share one slot.
"""
from contracts.modules import wad
from contracts.interfaces import IIndexVault

MAX_PREMIUM: constant(uint256) = 10**17  # WAD, 10 %
MAX_ALLOWED_DISCOUNT: constant(uint256) = 5 * 10**16  # WAD, 5 %
MIN_CLOSING_TOLERANCE: constant(uint256) = 10**14  # WAD, 0.01 % of NAV: no fill hits a target to the last unit
MAX_CLOSING_TOLERANCE: constant(uint256) = 5 * 10**16  # WAD, 5 % of NAV


struct Times:
    opened_at: uint256  # 0: not open
    ended_at: uint256  # when the last opening ended, on target or out of time; at first when the vault was made
    completed_at: uint256  # when a rebalance last reached the targets; at first when the vault was made


TRIGGERS: immutable(IIndexVault.Trigger)
REQUIRE_ALL: immutable(bool)
INTERVAL: immutable(uint256)
COOLDOWN: immutable(uint256)
DURATION: immutable(uint256)
START_PREMIUM: immutable(uint256)
MAX_DISCOUNT: immutable(uint256)
CLOSING_TOLERANCE: immutable(uint256)

_times: uint256  # opened_at | ended_at << 64 | completed_at << 128


@deploy
def __init__(terms: IIndexVault.Terms):
    """
    @param terms See IIndexVault.Terms; the loss terms are not read here
    """
    assert terms.triggers != empty(IIndexVault.Trigger), "auction: no trigger"
    assert (IIndexVault.Trigger.INTERVAL in terms.triggers) == (terms.interval != 0), "auction: bad interval"
    assert terms.interval <= 10 * 365 * 86400, "auction: bad interval"
    assert terms.cooldown <= 365 * 86400, "auction: bad cooldown"
    assert terms.duration >= 60 and terms.duration <= 7 * 86400, "auction: bad duration"
    assert terms.start_premium <= MAX_PREMIUM, "auction: premium too large"
    assert terms.max_discount <= MAX_ALLOWED_DISCOUNT, "auction: discount too large"
    assert (
        terms.closing_tolerance >= MIN_CLOSING_TOLERANCE and terms.closing_tolerance <= MAX_CLOSING_TOLERANCE
    ), "auction: bad tolerance"
    TRIGGERS = terms.triggers
    REQUIRE_ALL = terms.require_all
    INTERVAL = terms.interval
    COOLDOWN = terms.cooldown
    DURATION = terms.duration
    START_PREMIUM = terms.start_premium
    MAX_DISCOUNT = terms.max_discount
    CLOSING_TOLERANCE = terms.closing_tolerance
    self._times = (block.timestamp << 64) | (block.timestamp << 128)


@internal
@view
def _read() -> Times:
    """
    @notice The times now; an opening whose time is over counts as ended then
    """
    packed: uint256 = self._times
    opened_at: uint256 = packed & convert(max_value(uint64), uint256)
    ended_at: uint256 = (packed >> 64) & convert(max_value(uint64), uint256)
    if opened_at != 0 and block.timestamp > opened_at + DURATION:
        ended_at = opened_at + DURATION
        opened_at = 0
    return Times(opened_at=opened_at, ended_at=ended_at, completed_at=packed >> 128)


@internal
@view
def _bound() -> uint256:
    """
    @notice The least value in per value out that a fill needs now; before an opening what it would start at
    @return WAD, rounded up
    """
    start: uint256 = wad.ONE + START_PREMIUM
    opened_at: uint256 = self._read().opened_at
    if opened_at == 0:
        return start
    return start - wad._mul_div_down(START_PREMIUM + MAX_DISCOUNT, block.timestamp - opened_at, DURATION)


@internal
@view
def _reason(drift: uint256, is_outside_band: bool, is_changing: bool) -> IIndexVault.Trigger:
    """
    @notice Which reasons hold, among those that count. INTERVAL and BAND hold together or not at all when both are required; TARGETS is enough
            on its own
    @dev The interval counts from the last rebalance that reached the targets: one that nobody filled must not put off the next. Like a change
         of targets it asks for a drift that a rebalance would not close at once.
    @param drift WAD
    @param is_outside_band Whether an asset is outside its band
    @param is_changing Whether a change of targets has begun whose end was not reached
    """
    found: IIndexVault.Trigger = empty(IIndexVault.Trigger)
    if IIndexVault.Trigger.INTERVAL in TRIGGERS and drift > CLOSING_TOLERANCE:
        if block.timestamp >= self._read().completed_at + INTERVAL:
            found |= IIndexVault.Trigger.INTERVAL
    if IIndexVault.Trigger.BAND in TRIGGERS and is_outside_band:
        found |= IIndexVault.Trigger.BAND
    if REQUIRE_ALL and found != (TRIGGERS & ~IIndexVault.Trigger.TARGETS):
        found = empty(IIndexVault.Trigger)
    if IIndexVault.Trigger.TARGETS in TRIGGERS and is_changing and drift > CLOSING_TOLERANCE:
        found |= IIndexVault.Trigger.TARGETS
    return found


@internal
def _open():
    """
    @notice Start the auction
    """
    times: Times = self._read()
    assert times.opened_at == 0, "auction: already open"
    assert block.timestamp >= times.ended_at + COOLDOWN, "auction: cooling down"
    self._times = block.timestamp | (times.ended_at << 64) | (times.completed_at << 128)


@internal
def _complete():
    """
    @notice End the auction on target; cooldown and interval start
    """
    self._times = (block.timestamp << 64) | (block.timestamp << 128)


@internal
def _end():
    """
    @notice End an open auction off target; the cooldown starts, the interval goes on
    """
    times: Times = self._read()
    if times.opened_at != 0:
        self._times = (block.timestamp << 64) | (times.completed_at << 128)
