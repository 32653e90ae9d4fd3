# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title What a vault may do now: seeded or not, open or paused, and the guardian who may pause it
@license GNU Affero General Public License v3.0 only
@notice Mechanism only; the host decides who may call what.
@dev Seeding and pausing share one slot, because a mint reads both. `SEEDED` is set once and there is no way to unset it:
     the first-mint path can never run again, whatever the supply does.
"""


from contracts.modules import reasons


flag Mode:
    SEEDED  # the first mint has happened
    PAUSED  # no mint, no opening, no rebalance; redeem works


event Paused:
    caller: indexed(address)


event Unpaused:
    caller: indexed(address)


event GuardianProposed:
    guardian: indexed(address)
    proposed: indexed(address)


event GuardianChanged:
    old_guardian: indexed(address)
    new_guardian: indexed(address)


_mode: Mode
guardian: public(address)
pending_guardian: public(address)


@deploy
def __init__(guardian: address):
    """
    @param guardian Who may pause from the start; may be empty
    """
    self.guardian = guardian
    log GuardianChanged(old_guardian=empty(address), new_guardian=guardian)


@external
@view
def paused() -> bool:
    """
    @notice Whether mint, opening and rebalance are switched off
    """
    return Mode.PAUSED in self._mode


@external
def accept_guardian():
    """
    @notice Become the guardian that the owner proposed
    """
    reasons._require(msg.sender == self.pending_guardian, "guardian: not proposed")
    old_guardian: address = self.guardian
    self.guardian = msg.sender
    self.pending_guardian = empty(address)
    log GuardianChanged(old_guardian=old_guardian, new_guardian=msg.sender)


@internal
def _remove_guardian():
    log GuardianChanged(old_guardian=self.guardian, new_guardian=empty(address))
    self.guardian = empty(address)
    self.pending_guardian = empty(address)


@internal
def _propose_guardian(proposed: address):
    self.pending_guardian = proposed
    log GuardianProposed(guardian=self.guardian, proposed=proposed)


@internal
@view
def _check_unpaused() -> Mode:
    """
    @notice Revert while paused
    @return The mode that was read
    """
    mode: Mode = self._mode
    reasons._require(Mode.PAUSED not in mode, "vault: paused")
    return mode


@internal
@view
def _seeded() -> bool:
    return Mode.SEEDED in self._mode


@internal
def _set_seeded():
    self._mode |= Mode.SEEDED


@internal
def _pause():
    reasons._require(Mode.PAUSED not in self._mode, "vault: paused")
    self._mode |= Mode.PAUSED
    log Paused(caller=msg.sender)


@internal
def _unpause():
    reasons._require(Mode.PAUSED in self._mode, "vault: not paused")
    self._mode &= ~Mode.PAUSED
    log Unpaused(caller=msg.sender)
