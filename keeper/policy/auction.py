"""The vault's falling bound on value in per value out, in the same integers as contracts/modules/auction.vy."""

from keeper.chain.snapshot import VaultSnapshot

WAD = 10**18


def is_open_at(snapshot: VaultSnapshot, now: int) -> bool:
    """Whether the rebalance that is open at the snapshot's block still is at `now` (unix s, not before the block)."""
    return snapshot.is_open and now <= snapshot.opened_at + snapshot.terms.duration


def closed_at(snapshot: VaultSnapshot, now: int) -> int:
    """When the last rebalance ended, as seen at `now`: one whose time is over ended then."""
    if snapshot.is_open and not is_open_at(snapshot, now):
        return snapshot.opened_at + snapshot.terms.duration
    return snapshot.closed_at


def bound_at(snapshot: VaultSnapshot, now: int) -> int:
    """The bound at `now`, WAD, rounded up as the contract does; what an opening would start at when none is open."""
    terms = snapshot.terms
    start = WAD + terms.start_premium
    if not is_open_at(snapshot, now):
        return start
    return start - (terms.start_premium + terms.max_discount) * (now - snapshot.opened_at) // terms.duration


def fills_from(snapshot: VaultSnapshot, opened_at: int) -> int:
    """First second at which this keeper may fill a rebalance opened at `opened_at`: listed keepers have a head start."""
    return opened_at if snapshot.is_keeper else opened_at + snapshot.head_start


def final_bound(snapshot: VaultSnapshot) -> int:
    """The bound at the end of a rebalance's time, WAD."""
    return WAD - snapshot.terms.max_discount


def meets_at(snapshot: VaultSnapshot, opened_at: int, ratio: int) -> int | None:
    """First second at which the bound of a rebalance opened at `opened_at` is at most `ratio` (WAD); None for never."""
    terms = snapshot.terms
    fall = terms.start_premium + terms.max_discount
    missing = WAD + terms.start_premium - ratio
    if missing <= 0:
        return opened_at
    if missing > fall:
        return None
    # fall * elapsed // duration >= missing holds from elapsed = missing * duration / fall, rounded up.
    return opened_at + -(-missing * terms.duration // fall)
