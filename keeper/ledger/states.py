"""Where a transaction stands, and which steps lead there. Pure: `docs/reference/ledger.md` draws it."""

from enum import StrEnum


class State(StrEnum):
    """Where a transaction is on its way."""

    INTENT = "intent"  # written down, perhaps signed; whether it was sent is not known
    SENT = "sent"  # an endpoint took it
    MINED = "mined"  # in a block and it did what it should, but the block may still be taken back
    CONFIRMED = "confirmed"  # as before, under as many blocks as the keeper waits for
    FAILED = "failed"  # refused before it was sent, or in a block and reverted: then it has a block
    REPLACED = "replaced"  # another transaction with its nonce was mined
    DROPPED = "dropped"  # nobody knows it any more


class Step(StrEnum):
    """What may become of a transaction."""

    SENT = "sent"
    MINED = "mined"
    REVERTED = "reverted"
    CONFIRMED = "confirmed"
    UNMINED = "unmined"
    REPLACED = "replaced"
    DROPPED = "dropped"
    FAILED = "failed"


IN_FLIGHT = (State.INTENT, State.SENT)
UNSETTLED = (*IN_FLIGHT, State.MINED)
SETTLED = tuple(state for state in State if state not in UNSETTLED)

# A block is the last word: what was given up may still turn up in one, since a signature that has left is never void.
_BEFORE_A_BLOCK = frozenset({State.INTENT, State.SENT, State.DROPPED, State.REPLACED, State.FAILED})
_STEPS: dict[Step, tuple[State, frozenset[State]]] = {
    Step.SENT: (State.SENT, frozenset({State.INTENT, State.SENT, State.DROPPED})),
    Step.MINED: (State.MINED, _BEFORE_A_BLOCK),
    Step.REVERTED: (State.FAILED, _BEFORE_A_BLOCK),
    Step.CONFIRMED: (State.CONFIRMED, frozenset({State.MINED})),
    # A reorganisation may be deeper than the keeper's confirmations.
    Step.UNMINED: (State.SENT, frozenset({State.MINED, State.CONFIRMED, State.FAILED})),
    Step.REPLACED: (State.REPLACED, frozenset({State.INTENT, State.SENT, State.DROPPED})),
    Step.DROPPED: (State.DROPPED, frozenset({State.INTENT, State.SENT})),
    Step.FAILED: (State.FAILED, frozenset({State.INTENT, State.SENT})),
}


def after(step: Step, state: State, is_in_block: bool) -> State | None:
    """The state after a step; None where the step is not allowed.

    :param is_in_block: whether the transaction has a block now, which tells a reverted one from a refused one
    """
    following, allowed = _STEPS[step]
    if state not in allowed:
        return None
    needs_block = step in {Step.CONFIRMED, Step.UNMINED}
    return following if is_in_block == needs_block else None
