"""Asks several endpoints at once, and no more of them than it takes."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial

from keeper.chain.member import Member, Said
from keeper.exchange import in_background

HEDGE_S = 1.0  # after so long without the answers that are needed one more endpoint is asked
# Once the answers that are there do, who is slow gets so many times what these took: at least this, and HEDGE_S at most.
_GRACE_TIMES, _GRACE_LEAST_S = 2.0, 0.2


def gather(
    ask: Callable[[Member], Said],
    members: Sequence[Member],
    missing: Callable[[Sequence[Said]], int],
    *,
    at_first: int,
    enough: Callable[[Sequence[Said]], bool] = lambda _: False,
) -> list[Said]:
    """What endpoints say: so many are asked, and another one for each whose answer does not help or is slow.

    Nobody is waited for longer than `ask` takes; whoever is left behind is so with a thread that ends by itself.

    :param missing: how many more answers it takes, given those that are there
    :param at_first: how many are asked at first, in the order given
    :param enough: whether those that are slow may be left behind
    """
    waiting = list(members)
    running: set[Future[Said]] = set()
    said: list[Said] = []

    def start(count: int) -> None:
        for _ in range(min(count, len(waiting))):
            member = waiting.pop(0)
            running.add(in_background(partial(ask, member), f"ask {member.name}"))

    start(at_first)
    began = time.monotonic()
    left_behind_at: float | None = None
    while running:
        if left_behind_at is None and enough(said):
            now = time.monotonic()
            left_behind_at = now + min(max(_GRACE_LEAST_S, _GRACE_TIMES * (now - began)), HEDGE_S)
        patience = HEDGE_S if left_behind_at is None else max(0.0, left_behind_at - time.monotonic())
        finished, _ = wait(running, timeout=patience, return_when=FIRST_COMPLETED)
        if not finished:
            if left_behind_at is not None:
                break
            start(1)
        running -= finished
        said.extend(future.result() for future in finished)
        short = missing(said)
        if short <= 0:
            break
        start(short - len(running))
    return said


def largest(said: Sequence[Said]) -> list[Said]:
    """The largest group of equal answers, the first of them where there are several."""
    groups: list[list[Said]] = []
    for each in said:
        if not each.is_answer:
            continue
        for group in groups:
            if each.agrees(group[0]):
                group.append(each)
                break
        else:
            groups.append([each])
    return max(groups, key=len, default=[])
