"""Unsigned transactions, and what they would do."""

from collections.abc import Mapping

from keeper.api.models import transactions as m
from keeper.api.views.common import text_or_none
from keeper.services.unsigned import Step, Trial


def of_steps(trial: Trial, tokens: Mapping[str, tuple[str, int]]) -> list[m.Transaction]:
    """The transactions in order.

    :param tokens: symbol and decimals of what is approved, by address
    """
    return [_transaction(step, *tokens.get(step.asset or "", (None, None))) for step in trial.steps]


def of_simulation(trial: Trial, words: str | None) -> m.Simulation:
    """What they would do."""
    return m.Simulation(
        is_simulated=trial.is_simulated,
        succeeds=trial.failed is None if trial.is_simulated else None,
        failed=trial.failed,
        reason=trial.reason,
        words=words,
    )


def _transaction(step: Step, symbol: str | None, decimals: int | None) -> m.Transaction:
    return m.Transaction(
        kind=step.kind,
        to=step.to,
        data="0x" + step.data.hex(),
        value=str(step.value),
        gas=step.gas,
        asset=step.asset,
        symbol=symbol,
        amount=text_or_none(step.amount),
        decimals=decimals,
    )
