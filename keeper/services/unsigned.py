"""Transactions for somebody else to sign: the approvals that are missing, what they are for, and what all of it would do.

Nothing is signed or sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from keeper.chain import abi
from keeper.chain.reverts import reason
from keeper.chain.rpc import Client, SimulatedCall
from keeper.chain.snapshot import Block
from keeper.errors import ChainError
from keeper.settings import Settings


@dataclass(frozen=True, slots=True)
class Approval:
    """What a step needs its target to be allowed, and what that is allowed already. Base units."""

    asset: str
    spender: str
    amount: int
    allowed: int

    @property
    def is_missing(self) -> bool:
        """Whether less is allowed than is needed."""
        return self.allowed < self.amount


@dataclass(frozen=True, slots=True)
class Step:
    """One unsigned transaction. `gas` is a limit with room to spare; None where the node cannot simulate."""

    kind: Literal["approve", "reset", "mint", "redeem", "zap"]
    to: str
    data: bytes
    value: int = 0  # wei
    asset: str | None = None  # that is approved
    amount: int | None = None
    gas: int | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """The steps in order, and what they would do together. `failed` is the step that reverts, and `reason` why."""

    steps: tuple[Step, ...]
    is_simulated: bool = False
    failed: int | None = None
    reason: str | None = None


def time_now(client: Client, settings: Settings, block: Block) -> int:
    """Unix s at which what is sent now runs, from which deadlines count. Raises ChainError."""
    return max(client.pending_time(settings.multicall), block.timestamp)


def steps_of(approvals: Sequence[Approval], last: Step) -> tuple[Step, ...]:
    """The last one, after the approvals that are missing: exact ones."""
    return (*(_approve("approve", each, each.amount) for each in approvals if each.is_missing), last)


def attempt(
    client: Client,
    settings: Settings,
    account: str,
    block: Block,
    now: int,
    approvals: Sequence[Approval],
    last: Step,
) -> Trial:
    """The steps of `steps_of`, simulated one after the other on top of a block.

    A token that refuses to change an allowance that is not zero gets one to zero before.

    :param now: unix s of the simulated block
    :raises ChainError: the endpoint fails
    """
    tried = _tried(client, settings, account, block, now, steps_of(approvals, last))
    if _fails_to_approve(tried):
        again = _tried(client, settings, account, block, now, _with_resets(approvals, tried.steps))
        if not _fails_to_approve(again):
            return again
    return tried


def words_of(why: str, words: Mapping[str, str], shortfall: str | None, refusing: str) -> str:
    """What a revert's reason means, in words; what the account lacks, where that explains it.

    :param words: by reason, of the contracts that were called
    :param refusing: who else may have refused, as in "a token"
    """
    is_told = why in words and not why.startswith("erc20: ")
    if is_told or shortfall is None:
        return words.get(why, f"{refusing} refuses: {why}")
    return shortfall


def _fails_to_approve(trial: Trial) -> bool:
    return trial.failed is not None and trial.steps[trial.failed].kind == "approve"


def _with_resets(approvals: Sequence[Approval], steps: Sequence[Step]) -> tuple[Step, ...]:
    allowed = {each.asset: each for each in approvals if each.allowed}
    found: list[Step] = []
    for step in steps:
        if step.asset in allowed:
            found.append(_approve("reset", allowed[step.asset], 0))
        found.append(step)
    return tuple(found)


def _approve(kind: Literal["approve", "reset"], approval: Approval, amount: int) -> Step:
    data = abi.Token.approve.encode(approval.spender, amount)
    return Step(kind, approval.asset, data, asset=approval.asset, amount=amount)


def _tried(client: Client, settings: Settings, account: str, block: Block, now: int, steps: tuple[Step, ...]) -> Trial:
    """With what a simulated block says; as it is where the node simulates none."""
    calls = [SimulatedCall(account, step.to, step.data, value=step.value) for step in steps]
    try:
        outcomes = client.simulate(calls, block, now)
    except ChainError:
        client.check_chain()  # a node that is down is an error; one that cannot simulate is none
        return Trial(steps)
    percent = settings.fees.gas_limit_percent
    steps = tuple(
        replace(step, gas=outcome.gas * percent // 100 if outcome.succeeded else None)
        for step, outcome in zip(steps, outcomes, strict=True)
    )
    failed = next((place for place, outcome in enumerate(outcomes) if not outcome.succeeded), None)
    return Trial(steps, True, failed, None if failed is None else reason(outcomes[failed].data))
