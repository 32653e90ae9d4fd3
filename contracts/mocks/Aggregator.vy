# pragma version 0.4.3
"""
@title An aggregator that swaps on Uniswap's V3 router, and on the side does what a test tells it
@notice Speaks 1inch's, KyberSwap's and 0x's forms. A test puts its code at the address that is pinned, so it has no constructor.
"""
from ethereum.ercs import IERC20


interface Router:
    def exactInputSingle(params: RouterParams) -> uint256: payable


struct RouterParams:
    token_in: address
    token_out: address
    fee: uint24
    recipient: address
    deadline: uint256
    amount_in: uint256
    amount_out_minimum: uint256
    price_limit: uint160


struct OneInch:
    sold: address
    bought: address
    source: address
    receiver: address
    amount: uint256
    least: uint256
    flags: uint256


struct KyberSwap:
    sold: address
    bought: address
    source_receivers: DynArray[address, 4]
    source_amounts: DynArray[uint256, 4]
    fee_receivers: DynArray[address, 4]
    fees: DynArray[uint256, 4]
    receiver: address
    amount: uint256
    least: uint256
    flags: uint256
    permit: Bytes[64]


struct Settling:
    receiver: address
    bought: address
    least: uint256


flag Trick:
    TAKES_MORE
    DELIVERS_LESS
    DELIVERS_ELSEWHERE
    BURNS_GAS
    CALLS  # first of all, whatever a test says


ROUTER: constant(address) = 0xE592427A0AEce92De3Edee1F18E0157C05861564

trick: public(Trick)
fee: public(uint24)  # of the V3 pool that is swapped on
other: public(address)  # who gets what goes elsewhere, or is called
data: public(Bytes[4096])


@external
def set_up(fee: uint24, trick: Trick, other: address, data: Bytes[4096]):
    self.fee = fee
    self.trick = trick
    self.other = other
    self.data = data


@external
@payable
def swap(caller: address, description: OneInch, data: Bytes[1024]) -> (uint256, uint256):
    return self._swap(description.sold, description.bought, description.amount, description.receiver), 0


@external
@payable
def swapSimpleMode(
    caller: address, description: KyberSwap, data: Bytes[1024], client_data: Bytes[1024]
) -> (uint256, uint256):
    return self._swap(description.sold, description.bought, description.amount, description.receiver), 0


@external
@payable
def exec(operator: address, sold: address, amount: uint256, target: address, data: Bytes[4096]) -> Bytes[32]:
    """
    @notice AllowanceHolder and the Settler in one: what the Settler is told stands behind its selector
    """
    settling: Settling = abi_decode(slice(data, 4, 96), Settling)
    self._swap(sold, settling.bought, amount, settling.receiver)
    return b""


@internal
def _swap(sold: address, bought: address, amount: uint256, receiver: address) -> uint256:
    if self.trick == Trick.BURNS_GAS:
        for i: uint256 in range(10**9):
            self.fee = self.fee
    if self.trick == Trick.CALLS:
        raw_call(self.other, self.data)
    taken: uint256 = amount
    if self.trick == Trick.TAKES_MORE:
        taken += amount // 1000
    extcall IERC20(sold).transferFrom(msg.sender, self, taken, default_return_value=True)
    extcall IERC20(sold).approve(ROUTER, amount, default_return_value=True)
    got: uint256 = extcall Router(ROUTER).exactInputSingle(
        RouterParams(
            token_in=sold,
            token_out=bought,
            fee=self.fee,
            recipient=self,
            deadline=block.timestamp,
            amount_in=amount,
            amount_out_minimum=0,
            price_limit=0,
        )
    )
    if self.trick == Trick.DELIVERS_LESS:
        got = got * 98 // 100
    to: address = receiver
    if self.trick == Trick.DELIVERS_ELSEWHERE:
        to = self.other
    extcall IERC20(bought).transfer(to, got, default_return_value=True)
    return got
