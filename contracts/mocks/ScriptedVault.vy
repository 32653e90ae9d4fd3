# pragma version 0.4.3
"""
@title What stands where an executor expects a vault, and does what a test tells it when it is asked to rebalance
@notice A list of raw calls, each of which may be allowed to fail; whether each one went through is kept for the test to read.
"""
from contracts.interfaces import IIndexVault


struct Step:
    target: address
    data: Bytes[4096]
    may_fail: bool


script: DynArray[Step, 40]
succeeded: public(DynArray[bool, 40])


@external
def add_steps(steps: DynArray[Step, 40]):
    for step: Step in steps:
        self.script.append(step)


@external
def rebalance(
    sells: DynArray[IIndexVault.Leg, 20],
    buys: DynArray[IIndexVault.Leg, 20],
    executor: address,
    data: Bytes[9216],
    deadline: uint256,
) -> (uint256, uint256):
    self.succeeded = []
    for step: Step in self.script:
        succeeded: bool = raw_call(step.target, step.data, revert_on_failure=False)
        assert succeeded or step.may_fail, "script: step failed"
        self.succeeded.append(succeeded)
    return 1, 2
