# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Timelock
@license GNU Affero General Public License v3.0 only
@notice The intended owner of vaults and oracles: what it does is announced for everybody to see, and done no sooner than the delay. Depositors who
        do not agree redeem before. It is snekmate's timelock controller, roles and all; nothing is added.

        How it is stopped: a canceller takes back what is announced and not yet done.

        Proposers: announce. Executors: do what is due; the empty address as executor is everybody. Cancellers: take back.
        Roles and delay change by announcement as well. A malicious proposer can announce anything; what it can do after the delay is what
        the owner of each contract can do, see there.
"""
from snekmate.auth import access_control
from snekmate.governance import timelock_controller

initializes: access_control
initializes: timelock_controller[access_control := access_control]

exports: timelock_controller.__interface__


@deploy
def __init__(minimum_delay: uint256, proposers: DynArray[address, 128], executors: DynArray[address, 128]):
    """
    @param minimum_delay Seconds from the announcement to the deed
    @param proposers Who announces, and who takes back
    @param executors Who does what is due; the empty address: everybody
    """
    access_control.__init__()
    timelock_controller.__init__(minimum_delay, proposers, executors, empty(address))
