# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title What rebalancing may lose against the oracle
@license GNU Affero General Public License v3.0 only
@notice A leaking bucket. Each loss adds its share of the NAV it was made on; the bucket drains at a constant rate, all of MAX_LOSS in
        one WINDOW, and never holds more than MAX_LOSS: what any span of time can lose is MAX_LOSS and what drained in it, at
        most twice MAX_LOSS in one WINDOW. Nobody is exempt.
@dev Shares and not USD, because in-kind mints and redemptions change NAV at no price: against a sum in USD, minting would buy budget
     and redeeming would leave a debt that stops the vault.
"""
from contracts.modules import wad

MAX_SHARE: constant(uint256) = 5 * 10**16  # WAD, 5 % of NAV
MIN_WINDOW: constant(uint256) = 3600  # s
MAX_WINDOW: constant(uint256) = 365 * 86400  # s

MAX_LOSS: immutable(uint256)  # WAD share of NAV
WINDOW: immutable(uint256)  # s
# bits 0-127 the loss at that time, WAD share of NAV; 128-255 the time
_loss: uint256


@deploy
def __init__(max_loss: uint256, window: uint256):
    """
    @param max_loss WAD share of NAV that may be lost per window
    @param window Seconds over which the whole budget drains
    """
    assert max_loss <= MAX_SHARE, "loss: share too large"
    assert window >= MIN_WINDOW and window <= MAX_WINDOW, "loss: bad window"
    MAX_LOSS = max_loss
    WINDOW = window


@internal
@view
def _current_up() -> uint256:
    """
    @notice What has been lost and has not drained yet, rounded up
    @return WAD share of NAV
    """
    packed: uint256 = self._loss
    recorded: uint256 = packed & convert(max_value(uint128), uint256)
    drained: uint256 = wad._mul_div_down(MAX_LOSS, block.timestamp - (packed >> 128), WINDOW)
    return recorded - min(recorded, drained)


@internal
def _record(value_out: uint256, value_in: uint256, nav: uint256):
    """
    @notice Add what a fill lost and hold the sum against the budget; a fill without loss changes nothing
    @param value_out WAD USD that left
    @param value_in WAD USD that came
    @param nav WAD USD before the fill, so that no gift in it makes the loss look smaller
    """
    if value_in >= value_out:
        return
    total: uint256 = self._current_up() + wad._mul_div_up(value_out - value_in, wad.ONE, nav)
    assert total <= MAX_LOSS, "loss: budget exceeded"
    self._loss = total | (block.timestamp << 128)
