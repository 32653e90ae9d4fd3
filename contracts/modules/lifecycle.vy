# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title What a vault may do now: seeded or not, open, paused or shut down, and up to which supply
@license GNU Affero General Public License v3.0 only
@notice Mechanism only; the host decides who may call what. Two things are set once and cannot be unset: that the first mint has happened, so its
        path can never run again whatever the supply does, and that the vault is shut down.
@dev Everything shares one slot, because a mint reads all of it.
"""
from contracts.modules import reasons


event Paused:
    caller: indexed(address)


event Unpaused:
    caller: indexed(address)


event ShutDown:
    caller: indexed(address)


SEEDED: constant(uint256) = 1  # the first mint has happened
PAUSED: constant(uint256) = 2  # no mint, no opening, no rebalance; redeem works
SHUT_DOWN: constant(uint256) = 4  # the same for good
FLAGS: constant(uint256) = 2**128 - 1
# What every supply stays under: fees on it cannot overflow, see modules/share_fees.vy.
MAX_SUPPLY: constant(uint256) = 2**96 - 1

# bits 0-127 flags, 128-255 supply cap in base units of shares
_state: uint256


@deploy
def __init__():
    self._state = MAX_SUPPLY << 128


@external
@view
def paused() -> bool:
    """
    @notice Whether mint, opening and rebalance are switched off for a time
    """
    return self._state & PAUSED != 0


@external
@view
def is_shut_down() -> bool:
    """
    @notice Whether mint, opening and rebalance are switched off for good
    """
    return self._state & SHUT_DOWN != 0


@external
@view
def supply_cap() -> uint256:
    """
    @return Base units of shares that no mint passes; fees are made beyond it
    """
    return self._state >> 128


@internal
@view
def _check_running() -> uint256:
    """
    @notice Revert while paused and when shut down
    @return The state that was read
    """
    state: uint256 = self._state
    reasons._require(state & SHUT_DOWN == 0, "vault: shut down")
    reasons._require(state & PAUSED == 0, "vault: paused")
    return state


@internal
@view
def _is_seeded() -> bool:
    return self._state & SEEDED != 0


@internal
def _set_seeded():
    self._state |= SEEDED


@internal
def _set_supply_cap(cap: uint256):
    reasons._require(cap <= MAX_SUPPLY, "vault: cap too large")
    self._state = (self._state & FLAGS) | (cap << 128)


@internal
def _pause():
    self._check_running()
    self._state |= PAUSED
    log Paused(caller=msg.sender)


@internal
def _unpause():
    reasons._require(self._state & PAUSED != 0, "vault: not paused")
    self._state ^= PAUSED
    log Unpaused(caller=msg.sender)


@internal
def _shut_down():
    reasons._require(self._state & SHUT_DOWN == 0, "vault: shut down")
    self._state |= SHUT_DOWN
    log ShutDown(caller=msg.sender)
