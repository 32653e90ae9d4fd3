"""From a plan to what the lane is asked to send. Pure."""

from collections.abc import Sequence

from keeper.execution.lane import Order, Worth
from keeper.services.joint import JointPlan
from keeper.services.plan import Plan
from keeper.settings import Settings


def order_of(planned: Plan | JointPlan, decision_ids: Sequence[int], settings: Settings) -> Order | None:
    """What the lane is to send for a plan; None for a wait.

    :param decision_ids: of the plan's decisions in the ledger, in order
    """
    if planned.call is None or planned.simulation is None or planned.fees is None:
        return None
    first, *others = decision_ids
    quotes = [decision.quote for _, decision in planned.made]
    price = next((snapshot.native_price for snapshot, _ in planned.made if snapshot.native_price is not None), None)
    worth = None
    if price is not None and all(quotes):
        worth = Worth(sum(quote.value_out for quote in quotes if quote is not None), price)
    return Order(
        first,
        planned.call,
        planned.fees,
        planned.simulation.gas,
        deadline=planned.now + settings.policy.deadline_s,
        worth=worth,
        together_with=tuple(others),
    )
