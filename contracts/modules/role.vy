# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title A role that is granted in two steps and taken away in one
@license GNU Affero General Public License v3.0 only
@notice Mechanism only; the host names the role, logs its changes and decides who may call what.
"""

_holder: address
_pending: address


@internal
def _propose(proposed: address):
    """
    @param proposed Who may accept; the empty address withdraws a proposal
    """
    self._pending = proposed


@internal
def _accept() -> address:
    """
    @notice The caller takes the role
    @return Who had it before
    """
    assert msg.sender == self._pending, "role: not proposed"
    old: address = self._holder
    self._holder = msg.sender
    self._pending = empty(address)
    return old


@internal
def _remove() -> address:
    """
    @notice Take role and proposal away
    @return Who had it before
    """
    old: address = self._holder
    self._holder = empty(address)
    self._pending = empty(address)
    return old
