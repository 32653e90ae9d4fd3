"""Where a rebalance over several steps stands, told from the fills that were made. Pure.

Nothing is kept but what the ledger and the chain keep anyway. A fill begins a run, those that follow belong to it, and it ends
with as many as the policy has steps. A run whose next step is too late has lapsed: a step may wait for the rest of an opening
that somebody else began, for the cool-down, and for an opening of its own. Whoever reaches the targets ends it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from keeper.chain.snapshot import VaultSnapshot


@dataclass(frozen=True, slots=True)
class Progress:
    """What the rules count from.

    `steps_left` is 0 when no run is on. Times are unix s; `completed_at` is the end of the last run or, where that is later,
    when the vault last reached its targets; `filled_at` is the last known fill, 0 without one.
    """

    steps_left: int
    completed_at: int
    filled_at: int


def progress_of(snapshot: VaultSnapshot, fills: Sequence[int], steps: int, step_s: int, now: int) -> Progress:
    """How far the run has come that is on at `now`.

    :param fills: unix s of fills of the vault, in order; those up to its completion do not count
    :param steps: of a whole run
    :param step_s: least time between two
    :param now: unix s
    """
    patience = step_s + snapshot.terms.cooldown + 2 * snapshot.terms.duration
    done, last, completed_at = 0, 0, snapshot.completed_at
    for at in fills:
        if at <= snapshot.completed_at:
            continue
        done = 1 if at > last + patience else done + 1
        last = at
        if steps > 1 and done == steps:
            done, completed_at = 0, at
    is_on = 0 < done < steps and now <= last + patience
    return Progress(steps - done if is_on else 0, completed_at, last)
