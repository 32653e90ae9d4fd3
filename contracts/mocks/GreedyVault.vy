# pragma version 0.4.3
"""
@title A vault that takes whatever it may and makes nothing of it
@notice It names the assets that it is told to, and in the middle of a mint or redemption does what a test tells it.
"""
from ethereum.ercs import IERC20
from contracts.interfaces import IIndexVault


struct Step:
    target: address
    data: Bytes[4096]


_assets: DynArray[address, 20]
takes_nothing: public(bool)
claims: public(HashMap[address, HashMap[address, uint256]])
script: DynArray[Step, 16]
succeeded: public(DynArray[bool, 16])


@external
def set_up(assets: DynArray[address, 20], script: DynArray[Step, 16]):
    self._assets = assets
    self.script = script


@external
def set_takes_nothing(takes_nothing: bool):
    self.takes_nothing = takes_nothing


@external
@view
def assets() -> DynArray[address, 20]:
    return self._assets


@external
@view
def supply() -> uint256:
    return 1


@external
@view
def fees() -> IIndexVault.Fees:
    return empty(IIndexVault.Fees)


@external
@view
def holdings() -> (uint256, uint256[20], uint256[20]):
    held: uint256[20] = empty(uint256[20])
    for i: uint256 in range(20):
        held[i] = 1
    return 20, empty(uint256[20]), held


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    return True


@external
def mint(
    shares: uint256, receiver: address, max_amounts: DynArray[uint256, 20], deadline: uint256
) -> DynArray[uint256, 20]:
    for token: address in self._assets:
        if self.takes_nothing:
            break
        amount: uint256 = staticcall IERC20(token).allowance(msg.sender, self)
        extcall IERC20(token).transferFrom(msg.sender, self, amount, default_return_value=True)
    self._run()
    return max_amounts


@external
def redeem(
    shares: uint256, receiver: address, min_amounts: DynArray[uint256, 20], deadline: uint256
) -> DynArray[uint256, 20]:
    self._run()
    return min_amounts


@internal
def _run():
    self.succeeded = []
    for step: Step in self.script:
        self.succeeded.append(raw_call(step.target, step.data, revert_on_failure=False))
