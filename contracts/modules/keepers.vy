# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Keepers who may fill first
@license GNU Affero General Public License v3.0 only
@notice For `head_start` seconds after the opening only listed accounts may fill, then anybody. A head start is half of the auction at most, so
        that a basket never depends on its keepers. What is listed is who calls the vault: a keeper's executor contract.
@dev Mechanism only; the host decides who may change it.
"""

is_keeper: public(HashMap[address, bool])
head_start: public(uint256)  # s


@internal
@view
def _check(account: address, opened_at: uint256):
    """
    @notice Revert for who is not a keeper, during the head start
    """
    head_start: uint256 = self.head_start
    if head_start != 0 and block.timestamp < opened_at + head_start:
        assert self.is_keeper[account], "keepers: head start"
