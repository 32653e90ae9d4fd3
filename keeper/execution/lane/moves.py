"""What to do next about the transactions that share a nonce. Pure: the ledger's rows and the chain's answers in, one move out.

An order is signed once, perhaps again with higher fees (a replacement), and in the end perhaps as a payment of nothing to
oneself (a cancellation). All of these have one nonce, so the chain takes one of them at most. They are its attempts.

    in a block                               BOOK it; the others are replaced
    the nonce is used, by none of them       WAIT until that is `confirmations` deep, then it is FOREIGN, unless a node
                                             has one of them and only its receipt is missing
    it left at this very head                WAIT
    an earlier nonce is not used             WAIT; once it is too late, and nothing is in flight that would use it, DROP it
    an order, still good
      nobody has it                          RESEND the same bytes; it is replaced too, if somebody had it and it is stuck
      not mined for `replace_after` blocks   it is stuck: REPLACE it
    an order, too late
      nobody has it                          DROP it: the next order takes its nonce
      somebody may have it                   CANCEL it
    a cancellation
      nobody has any attempt                 DROP them
      somebody has an earlier one only       RESEND the cancellation
      not mined for `replace_after` blocks   CANCEL again; a relay's is dropped, which is how relays cancel
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from keeper.chain.snapshot import Block


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed transaction of a nonce."""

    id: int
    nonce: int
    is_cancellation: bool
    is_private: bool
    is_live: bool  # nothing final is known of it
    has_left: bool  # somebody took it; otherwise it may or may not have left
    deadline: int  # unix s, from which on an order is worth nothing
    since: int  # number of the block that was the head when it began to wait
    left: int  # number of the block that was the head when it left last


@dataclass(frozen=True, slots=True)
class Seen:
    """What the chain says about a nonce.

    :param mined: the attempt that is in a block
    :param nonce: transactions of the account that are in blocks
    :param settled_nonce: the same, `confirmations` blocks below the head
    :param known: attempts that a public node has, in its pool or in a block
    """

    mined: int | None
    nonce: int
    settled_nonce: int
    known: frozenset[int]


class Kind(StrEnum):
    """What to do."""

    WAIT = "wait"
    BOOK = "book"
    RESEND = "resend"
    REPLACE = "replace"
    CANCEL = "cancel"
    DROP = "drop"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Move:
    """What to do, with which attempt, and why."""

    kind: Kind
    attempt: int
    reason: str


def next_move(
    attempts: Sequence[Attempt], seen: Seen, head: Block, replace_after: int, *, is_first: bool = True
) -> Move:
    """The move for attempts of one nonce, oldest first, of which one at least is live.

    :param replace_after: blocks after which what is not mined is stuck
    :param is_first: whether nothing with an earlier nonce is in flight
    """
    newest = [attempt for attempt in attempts if attempt.is_live][-1]
    if seen.mined is not None or seen.nonce > newest.nonce:
        return _of_used_nonce(newest, seen)
    if seen.nonce < newest.nonce:
        if is_first and head.timestamp >= newest.deadline:
            return Move(Kind.DROP, newest.id, "its time is over, and an earlier nonce is missing")
        return Move(Kind.WAIT, newest.id, "an earlier nonce comes first")
    if head.number <= newest.left:
        return Move(Kind.WAIT, newest.id, "it has only just left, a node may not have heard of it")
    is_stuck = head.number - newest.since >= replace_after
    if newest.is_cancellation:
        return _of_cancellation(newest, seen, is_stuck)
    return _of_order(newest, seen, is_stuck, is_late=head.timestamp >= newest.deadline)


def _of_used_nonce(newest: Attempt, seen: Seen) -> Move:
    if seen.mined is not None:
        return Move(Kind.BOOK, seen.mined, "it is in a block")
    if seen.settled_nonce > newest.nonce and not seen.known:
        return Move(Kind.FOREIGN, newest.id, "another transaction has its nonce")
    return Move(Kind.WAIT, newest.id, "its nonce is used, its receipt is not there yet")


def _of_order(order: Attempt, seen: Seen, is_stuck: bool, is_late: bool) -> Move:
    is_gone = not order.is_private and not seen.known
    if is_late:
        if is_gone:
            return Move(Kind.DROP, order.id, "its time is over and nobody has it")
        return Move(Kind.CANCEL, order.id, "its time is over")
    if not order.has_left or (not order.is_private and order.id not in seen.known):
        return Move(Kind.RESEND, order.id, "nobody has it")
    if is_stuck:
        return Move(Kind.REPLACE, order.id, "it is stuck")
    return Move(Kind.WAIT, order.id, "it is on its way")


def _of_cancellation(cancellation: Attempt, seen: Seen, is_stuck: bool) -> Move:
    if not cancellation.is_private and not seen.known:
        return Move(Kind.DROP, cancellation.id, "nobody has what it cancels")
    if is_stuck:
        if cancellation.is_private:
            return Move(Kind.DROP, cancellation.id, "the relay had time to forget what it cancels")
        return Move(Kind.CANCEL, cancellation.id, "the cancellation is stuck")
    if not cancellation.has_left or (not cancellation.is_private and cancellation.id not in seen.known):
        return Move(Kind.RESEND, cancellation.id, "nobody has the cancellation")
    return Move(Kind.WAIT, cancellation.id, "the cancellation is on its way")
