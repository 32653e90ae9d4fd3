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

exports: (
    # roles
    access_control.DEFAULT_ADMIN_ROLE,
    access_control.hasRole,
    access_control.getRoleAdmin,
    access_control.grantRole,
    access_control.revokeRole,
    access_control.renounceRole,
    access_control.set_role_admin,
    # announce, do, take back
    timelock_controller.supportsInterface,
    timelock_controller.is_operation,
    timelock_controller.is_operation_pending,
    timelock_controller.is_operation_ready,
    timelock_controller.is_operation_done,
    timelock_controller.get_operation_state,
    timelock_controller.hash_operation,
    timelock_controller.hash_operation_batch,
    timelock_controller.schedule,
    timelock_controller.schedule_batch,
    timelock_controller.cancel,
    timelock_controller.execute,
    timelock_controller.execute_batch,
    timelock_controller.update_delay,
    timelock_controller.onERC721Received,
    timelock_controller.onERC1155Received,
    timelock_controller.onERC1155BatchReceived,
    timelock_controller.PROPOSER_ROLE,
    timelock_controller.EXECUTOR_ROLE,
    timelock_controller.CANCELLER_ROLE,
    timelock_controller.IERC721_TOKENRECEIVER_SELECTOR,
    timelock_controller.IERC1155_TOKENRECEIVER_SINGLE_SELECTOR,
    timelock_controller.IERC1155_TOKENRECEIVER_BATCH_SELECTOR,
    timelock_controller.get_timestamp,
    timelock_controller.get_minimum_delay,
    timelock_controller.__default__,
)


@deploy
def __init__(minimum_delay: uint256, proposers: DynArray[address, 128], executors: DynArray[address, 128]):
    """
    @param minimum_delay Seconds from the announcement to the deed
    @param proposers Who announces, and who takes back
    @param executors Who does what is due; the empty address: everybody
    """
    access_control.__init__()
    timelock_controller.__init__(minimum_delay, proposers, executors, empty(address))
