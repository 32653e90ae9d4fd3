# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title What rebalancing may lose against the oracle
@license GNU Affero General Public License v3.0 only
@notice Losses add up in USD and drain linearly: a loss L recorded at t is L * (1 - (now - t) / window) until t + window,
        as a leaking bucket. The sum may not pass a share of NAV. Nobody is exempt.
"""
from contracts.modules import wad

MAX_SHARE: public(constant(uint256)) = 5 * 10**16  # WAD, 5 % of NAV


struct Loss:
    amount: uint256  # WAD USD at `updated_at`
    updated_at: uint256


MAX_LOSS: immutable(uint256)  # WAD share of NAV
WINDOW: immutable(uint256)  # s
_loss: Loss


@deploy
def __init__(max_loss: uint256, window: uint256):
    """
    @param max_loss WAD share of NAV that may be lost per window
    @param window Seconds over which a loss drains
    """
    assert max_loss <= MAX_SHARE, "loss: share too large"
    assert window >= 3600, "loss: window too short"
    MAX_LOSS = max_loss
    WINDOW = window


@internal
@view
def _current_up() -> uint256:
    """
    @notice The loss that has not drained yet, rounded up
    @return WAD USD
    """
    loss: Loss = self._loss
    elapsed: uint256 = block.timestamp - loss.updated_at
    if elapsed >= WINDOW:
        return 0
    return wad._mul_div_up(loss.amount, WINDOW - elapsed, WINDOW)


@internal
def _record(value_out: uint256, value_in: uint256, nav: uint256):
    """
    @notice Add what a fill lost and hold the sum against the budget; a fill without loss changes nothing
    @param value_out WAD USD that left
    @param value_in WAD USD that came
    @param nav WAD USD, the NAV that the budget is a share of
    """
    if value_in >= value_out:
        return
    total: uint256 = self._current_up() + value_out - value_in
    assert total <= wad._mul_div_down(nav, MAX_LOSS, wad.ONE), "loss: budget exceeded"
    self._loss = Loss(amount=total, updated_at=block.timestamp)
