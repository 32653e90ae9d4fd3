"""What was planned, side by side with what was done."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from keeper.ledger.models import LegRow


@dataclass(frozen=True, slots=True)
class LedgerLeg:
    """One swap: as planned with an intent, or as the executor logged it once mined. Base units."""

    pool: str
    venue: str
    token_in: str
    token_out: str
    amount_in: int
    amount_out: int


def planned(legs: Sequence[LedgerLeg]) -> list[LegRow]:
    """The rows of a plan."""
    return [
        _row(position, leg, planned_in=str(leg.amount_in), planned_out=str(leg.amount_out))
        for position, leg in enumerate(legs)
    ]


def realise(rows: Sequence[LegRow], done: Sequence[LedgerLeg]) -> list[LegRow]:
    """Write what was done beside what was planned; the rows of what was done and not planned.

    Both lists are in order, and legs belong together by pool and tokens: one that was left out, or that came in between,
    does not shift the others.

    :param rows: the planned ones in order, changed in place
    """
    matcher = SequenceMatcher(
        None, [_swap(row) for row in rows], [_swap(leg) for leg in done], autojunk=False
    )  # autojunk: what is frequent is no noise here
    matched: set[int] = set()
    for first_row, first_leg, length in matcher.get_matching_blocks():
        for offset in range(length):
            row, leg = rows[first_row + offset], done[first_leg + offset]
            row.realised_in, row.realised_out = str(leg.amount_in), str(leg.amount_out)
            matched.add(first_leg + offset)
    extra = [leg for index, leg in enumerate(done) if index not in matched]
    return [
        _row(len(rows) + index, leg, realised_in=str(leg.amount_in), realised_out=str(leg.amount_out))
        for index, leg in enumerate(extra)
    ]


def _swap(leg: LegRow | LedgerLeg) -> tuple[str, str, str]:
    return leg.pool, leg.token_in, leg.token_out


def _row(position: int, leg: LedgerLeg, **amounts: str) -> LegRow:
    return LegRow(
        position=position, pool=leg.pool, venue=leg.venue, token_in=leg.token_in, token_out=leg.token_out, **amounts
    )
