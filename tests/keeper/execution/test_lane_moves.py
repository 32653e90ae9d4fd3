"""The pure part: what to do next about the transactions that share a nonce, on both sides of each bound."""

from dataclasses import replace

import pytest

from keeper.chain.snapshot import Block
from keeper.execution.lane.moves import Attempt, Kind, Seen, next_move

ORDER = Attempt(
    1, 5, is_cancellation=False, is_private=False, is_live=True, has_left=True, deadline=1_000, since=50, left=50
)
RIVAL = replace(ORDER, id=2)
CANCELLATION = replace(ORDER, id=3, is_cancellation=True)
NOWHERE = Seen(None, 5, 5, frozenset())
EVERYWHERE = Seen(None, 5, 5, frozenset({1, 2, 3}))
HEAD = Block(52, "0x", 999, 0)
STUCK, LATE = replace(HEAD, number=53), replace(HEAD, timestamp=1_000)


def move(attempts, seen, head=HEAD):
    found = next_move(attempts, seen, head, 3)
    return found.kind, found.attempt


def private(attempt):
    return replace(attempt, is_private=True)


def intent(attempt):
    return replace(attempt, has_left=False)


@pytest.mark.parametrize(
    ("attempts", "seen", "head", "expected"),
    [
        # In a block, whichever it is and whatever else holds.
        ([ORDER, RIVAL], replace(NOWHERE, mined=1), LATE, (Kind.BOOK, 1)),
        ([replace(ORDER, is_live=False), RIVAL], replace(NOWHERE, mined=1), HEAD, (Kind.BOOK, 1)),
        # Somebody else's, or not yet seen.
        ([ORDER], replace(NOWHERE, nonce=6), HEAD, (Kind.WAIT, 1)),
        ([ORDER], replace(NOWHERE, nonce=6, settled_nonce=6), HEAD, (Kind.FOREIGN, 1)),
        ([ORDER], replace(EVERYWHERE, nonce=6, settled_nonce=6), HEAD, (Kind.WAIT, 1)),
        # After an earlier nonce that is on its way again.
        ([ORDER], replace(NOWHERE, nonce=4), HEAD, (Kind.WAIT, 1)),
        # After one that nobody fills.
        ([ORDER], replace(NOWHERE, nonce=4), LATE, (Kind.DROP, 1)),
        ([ORDER, CANCELLATION], replace(EVERYWHERE, nonce=4), LATE, (Kind.DROP, 3)),
        # At the head at which it left.
        ([ORDER], NOWHERE, replace(LATE, number=50), (Kind.WAIT, 1)),
        ([intent(ORDER)], NOWHERE, replace(HEAD, number=50), (Kind.WAIT, 1)),
        ([ORDER, CANCELLATION], NOWHERE, replace(HEAD, number=50), (Kind.WAIT, 3)),
        ([replace(ORDER, left=53)], EVERYWHERE, STUCK, (Kind.WAIT, 1)),
        ([ORDER], NOWHERE, replace(HEAD, number=51), (Kind.RESEND, 1)),
        # An order that is still good.
        ([ORDER], EVERYWHERE, HEAD, (Kind.WAIT, 1)),
        ([ORDER], EVERYWHERE, STUCK, (Kind.REPLACE, 1)),
        ([ORDER], NOWHERE, HEAD, (Kind.RESEND, 1)),
        ([ORDER], NOWHERE, STUCK, (Kind.RESEND, 1)),
        ([intent(ORDER)], EVERYWHERE, HEAD, (Kind.RESEND, 1)),
        ([ORDER, RIVAL], replace(NOWHERE, known=frozenset({1})), HEAD, (Kind.RESEND, 2)),
        # What a relay has is in no public pool.
        ([private(ORDER)], NOWHERE, HEAD, (Kind.WAIT, 1)),
        ([private(ORDER)], NOWHERE, STUCK, (Kind.REPLACE, 1)),
        ([intent(private(ORDER))], NOWHERE, HEAD, (Kind.RESEND, 1)),
        # Too late.
        ([ORDER], EVERYWHERE, LATE, (Kind.CANCEL, 1)),
        ([ORDER], NOWHERE, LATE, (Kind.DROP, 1)),
        ([ORDER, RIVAL], replace(NOWHERE, known=frozenset({1})), LATE, (Kind.CANCEL, 2)),
        ([private(ORDER)], NOWHERE, LATE, (Kind.CANCEL, 1)),
        # A cancellation.
        ([ORDER, CANCELLATION], EVERYWHERE, HEAD, (Kind.WAIT, 3)),
        ([ORDER, CANCELLATION], EVERYWHERE, LATE, (Kind.WAIT, 3)),
        ([ORDER, CANCELLATION], EVERYWHERE, STUCK, (Kind.CANCEL, 3)),
        ([ORDER, CANCELLATION], replace(NOWHERE, known=frozenset({1})), HEAD, (Kind.RESEND, 3)),
        ([ORDER, intent(CANCELLATION)], EVERYWHERE, HEAD, (Kind.RESEND, 3)),
        ([ORDER, CANCELLATION], NOWHERE, HEAD, (Kind.DROP, 3)),
        ([private(ORDER), private(CANCELLATION)], NOWHERE, HEAD, (Kind.WAIT, 3)),
        ([private(ORDER), intent(private(CANCELLATION))], NOWHERE, HEAD, (Kind.RESEND, 3)),
        ([private(ORDER), private(CANCELLATION)], NOWHERE, STUCK, (Kind.DROP, 3)),
    ],
)
def test_next_move(attempts, seen, head, expected):
    assert move(attempts, seen, head) == expected


def test_next_move__after_an_earlier_nonce_that_is_on_its_way__waits_for_it_even_when_late():
    found = next_move([ORDER], replace(NOWHERE, nonce=4), LATE, 3, is_first=False)
    assert (found.kind, found.attempt) == (Kind.WAIT, 1)
