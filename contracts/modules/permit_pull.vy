# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Tokens pulled from the caller, by allowance or by signature
@license GNU Affero General Public License v3.0 only
@notice ERC-2612 permits and Permit2's signature transfers. Whoever calls the host is the only one whose tokens move, so a signature that somebody
        else has seen, or that a token answers without knowing it, gives nobody anything.
"""
from ethereum.ercs import IERC20

from contracts.modules import aggregator
from contracts.interfaces import IIndexZap


interface Permit2:
    def permitTransferFrom(
        permit: SignedTransfer, details: TransferDetails, owner: address, signature: Bytes[65]
    ): nonpayable


struct TokenPermissions:
    token: address
    amount: uint256


struct SignedTransfer:
    permitted: TokenPermissions
    nonce: uint256
    deadline: uint256


struct TransferDetails:
    to: address
    amount: uint256


@internal
def _pull(token: address, amount: uint256, permit: IIndexZap.Permit):
    """
    @notice Take a token from the caller; what arrives is for the host to measure
    """
    if permit.means == IIndexZap.Means.PERMIT2:
        extcall Permit2(aggregator.PERMIT2).permitTransferFrom(
            SignedTransfer(
                permitted=TokenPermissions(token=token, amount=permit.amount),
                nonce=permit.nonce,
                deadline=permit.deadline,
            ),
            TransferDetails(to=self, amount=amount),
            msg.sender,
            concat(permit.r, permit.s, convert(permit.v, bytes1)),
        )
        return
    if permit.means == IIndexZap.Means.ERC2612:
        # Not looked at: where somebody has brought the signature before, this fails and the allowance is there.
        success: bool = raw_call(
            token,
            abi_encode(
                msg.sender,
                self,
                permit.amount,
                permit.deadline,
                permit.v,
                permit.r,
                permit.s,
                method_id=method_id("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"),
            ),
            revert_on_failure=False,
        )
    extcall IERC20(token).transferFrom(msg.sender, self, amount, default_return_value=True)
