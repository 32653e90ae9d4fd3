# pragma version 0.4.3
"""
@title An executor, depositor and attacker that does what a test tells it
@notice A script is a list of raw calls. It runs when a vault calls back, when an odd token moves, or when the test says so. A call
        may be allowed to fail; what each one answered is kept for the test to read.
"""
from ethereum.ercs import IERC20
from contracts.interfaces import IIndexVault


struct Step:
    target: address
    data: Bytes[9728]
    may_fail: bool


struct Outcome:
    succeeded: bool
    response: Bytes[160]


script: public(DynArray[Step, 80])
outcomes: public(DynArray[Outcome, 80])
is_running: transient (bool)

# What the last callback was told.
vault: public(address)
initiator: public(address)
_sold: DynArray[IIndexVault.Leg, 20]
data: public(Bytes[9216])


@external
def clear():
    self.script = []
    self.outcomes = []


@external
def add_steps(steps: DynArray[Step, 16]):
    for step: Step in steps:
        self.script.append(step)


@external
def run():
    self._run()


@external
def call(target: address, data: Bytes[9728]) -> Bytes[1024]:
    """
    @notice One raw call in this contract's name
    """
    return raw_call(target, data, max_outsize=1024)


@external
def on_rebalance(initiator: address, sold: DynArray[IIndexVault.Leg, 20], data: Bytes[9216]):
    self.vault = msg.sender
    self.initiator = initiator
    self._sold = sold
    self.data = data
    self._run()


@external
@view
def sold() -> DynArray[IIndexVault.Leg, 20]:
    return self._sold


@external
def on_token(token: address, owner: address, receiver: address, amount: uint256):
    # Once a transaction, or a step that moves the token would start over.
    if not self.is_running:
        self._run()


@internal
def _run():
    self.is_running = True
    for step: Step in self.script:
        succeeded: bool = False
        response: Bytes[160] = b""
        succeeded, response = raw_call(step.target, step.data, max_outsize=160, revert_on_failure=False)
        assert succeeded or step.may_fail, "script: step failed"
        self.outcomes.append(Outcome(succeeded=succeeded, response=response))
