# pragma version 0.4.3
"""
@title A vault without assets that moves nothing, and tells an executor of any caller it likes
@notice It is its own rebalancer, and answers zero to whatever it does not know.
"""
from contracts.interfaces import IIndexVault
from contracts.interfaces import IRebalanceExecutor

initiator: public(address)


@external
def set_initiator(initiator: address):
    self.initiator = initiator


@external
@view
def rebalancer() -> address:
    return self


@external
@view
def assets() -> DynArray[address, 20]:
    return []


@external
def rebalance(
    sells: DynArray[IIndexVault.Leg, 20],
    buys: DynArray[IIndexVault.Leg, 20],
    executor: address,
    data: Bytes[9216],
    deadline: uint256,
) -> (uint256, uint256):
    if executor != empty(address):
        extcall IRebalanceExecutor(executor).on_rebalance(self.initiator, [], data)
    return 1, 2


@external
@raw_return
def __default__() -> Bytes[1024]:
    return abi_encode(empty(uint256[32]))
