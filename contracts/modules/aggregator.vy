# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Swaps through aggregators, by calldata that nobody here reads
@license GNU Affero General Public License v3.0 only
@notice Only a pinned function of a pinned contract is called, and its pinned spender may take what it is offered and no more. The host
        measures what came out.
@dev The host checks who pins, and that no target is the vault or a token that is in play: those it knows only when it is called.
"""
from contracts.modules import approval
from contracts.interfaces import IRouteExecutor

MAX_CALLS: constant(uint256) = 4
PERMIT2: constant(address) = 0x000000000022D473030F116dDEE9F6B43aC78BA3

# What moves tokens or lets somebody move them: functions of ERC-20, 721, 777, 1155, 1363, 2612 and 4626, and Dai's.
FORBIDDEN: constant(bytes4[21]) = [
    method_id("transfer(address,uint256)", output_type=bytes4),
    method_id("transferFrom(address,address,uint256)", output_type=bytes4),
    method_id("approve(address,uint256)", output_type=bytes4),
    method_id("increaseAllowance(address,uint256)", output_type=bytes4),
    method_id("increaseApproval(address,uint256)", output_type=bytes4),
    method_id("burnFrom(address,uint256)", output_type=bytes4),
    method_id("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)", output_type=bytes4),
    method_id("permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)", output_type=bytes4),
    method_id("safeTransferFrom(address,address,uint256)", output_type=bytes4),
    method_id("safeTransferFrom(address,address,uint256,bytes)", output_type=bytes4),
    method_id("safeTransferFrom(address,address,uint256,uint256,bytes)", output_type=bytes4),
    method_id("safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)", output_type=bytes4),
    method_id("setApprovalForAll(address,bool)", output_type=bytes4),
    method_id("send(address,uint256,bytes)", output_type=bytes4),
    method_id("operatorSend(address,address,uint256,bytes,bytes)", output_type=bytes4),
    method_id("authorizeOperator(address)", output_type=bytes4),
    method_id("transferAndCall(address,uint256,bytes)", output_type=bytes4),
    method_id("transferFromAndCall(address,address,uint256,bytes)", output_type=bytes4),
    method_id("approveAndCall(address,uint256,bytes)", output_type=bytes4),
    method_id("withdraw(uint256,address,address)", output_type=bytes4),
    method_id("redeem(uint256,address,address)", output_type=bytes4),
]

# Who may take what a function of a contract is offered; empty where it is not pinned.
aggregator_spenders: public(HashMap[address, HashMap[bytes4, address]])

# What the operations of this transaction call, by number.
_calls: transient (DynArray[IRouteExecutor.AggregatorCall, MAX_CALLS])


@internal
def _pin(target: address, selector: bytes4, spender: address):
    """
    @notice Let operations call a function of a contract, or no more
    @param spender Who takes what is offered, often the target itself; empty to forbid the function
    """
    if spender != empty(address):
        assert selector not in FORBIDDEN, "aggregator: moves tokens"
        self._check_party(target)
        self._check_party(spender)
    before: address = self.aggregator_spenders[target][selector]
    self.aggregator_spenders[target][selector] = spender
    log IRouteExecutor.AggregatorSet(target=target, selector=selector, old_spender=before, new_spender=spender)


@internal
@view
def _check_party(party: address):
    """
    @notice A contract that has no right over anybody's tokens by its own: not a token, not Permit2, not this one
    """
    assert party.is_contract and party not in [self, PERMIT2], "aggregator: bad target"
    succeeded: bool = False
    response: Bytes[32] = b""
    succeeded, response = raw_call(
        party,
        abi_encode(self, self, method_id=method_id("allowance(address,address)")),
        max_outsize=32,
        is_static_call=True,
        revert_on_failure=False,
    )
    assert not succeeded or len(response) != 32, "aggregator: a token"


@internal
def _swap(target: address, number: uint256, token_in: address, amount: uint256) -> uint256:
    """
    @notice Sell up to `amount` by a call of an aggregator
    @dev What is sold stands in the calldata. Where less than that is here, the aggregator cannot take it and its call fails; what is
         here beyond it stays.
    @param number Which of the transaction's calls
    @return Base units that have to come out at least
    """
    assert number < len(self._calls), "aggregator: no such call"
    call: IRouteExecutor.AggregatorCall = self._calls[number]
    spender: address = empty(address)
    if len(call.data) >= 4:
        spender = self.aggregator_spenders[target][convert(slice(call.data, 0, 4), bytes4)]
    assert spender != empty(address), "aggregator: not pinned"

    approval._grant(token_in, spender, amount)
    assert raw_call(target, call.data, revert_on_failure=False), "aggregator: call failed"
    approval._take_back(token_in, spender)
    return call.least_out
