"""Policy: a vault's snapshot and a route's worth in, a decision out. Pure: it neither sleeps nor reads a clock."""

from keeper.policy.auction import bound_at, meets_at
from keeper.policy.decision import Decision, Kind, Limits, Quote
from keeper.policy.due import due
from keeper.policy.imbalance import deficits, surpluses
from keeper.policy.judge import before_route, judge

__all__ = [
    "Decision",
    "Kind",
    "Limits",
    "Quote",
    "before_route",
    "bound_at",
    "deficits",
    "due",
    "judge",
    "meets_at",
    "surpluses",
]
