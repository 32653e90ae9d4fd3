"""When to look for a route again after one was found that did not pay. Pure.

Whether a vault is due costs nothing to know, a route costs requests and a solve. Between two blocks little changes that a
route depends on, so that it is looked for again when something did, when the last decision said, or after a while.
"""

from dataclasses import dataclass

from keeper.chain.snapshot import VaultSnapshot
from keeper.policy.decision import Decision

# WAD share of NAV: a smaller move of the drift changes what a rebalance would bring by less than the least margin.
_MOVED = 5 * 10**14


@dataclass(frozen=True, slots=True)
class Waited:
    """A wait that took a route to find out; `at` is unix s."""

    decision: Decision
    snapshot: VaultSnapshot
    at: int


def is_worth_a_route(last: Waited | None, snapshot: VaultSnapshot, now: int, replan_s: float) -> bool:
    """Whether to look for a route in a vault that is due.

    :param last: None where none has been looked for since the vault came due
    :param now: unix s
    :param replan_s: how long a wait is believed when nothing moves
    :raises OracleError: the vault has no prices
    """
    if last is None or now >= last.at + replan_s:
        return True
    if last.decision.until is not None and now >= last.decision.until:
        return True
    if _rules(snapshot) != _rules(last.snapshot):
        return True
    return abs(snapshot.priced().drift - last.snapshot.priced().drift) > _MOVED


def _rules(snapshot: VaultSnapshot) -> tuple[object, ...]:
    """What decides beside prices: a fill, an opening, or the owner's hand changes it."""
    return (
        snapshot.is_open,
        snapshot.opened_at,
        snapshot.completed_at,
        snapshot.terms,
        snapshot.schedule,
        snapshot.priced().trigger,
        snapshot.head_start,
        snapshot.is_keeper,
        tuple((asset.address, asset.balance, asset.band) for asset in snapshot.assets),
    )
