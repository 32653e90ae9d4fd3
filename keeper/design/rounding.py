"""Weights as the vault takes them: integers in WAD that sum to exactly 10^18."""

from collections.abc import Sequence

import numpy as np

from keeper.design.feasible import Floats, Mask

WAD = 10**18
BASIS_POINT = 10**14  # WAD; bands are multiples of a millionth, which this is too
_PARTS = WAD // BASIS_POINT


def targets(weights: Floats, stable: Mask) -> tuple[int, ...]:
    """Whole basis points, in WAD, by the largest remainder: first stable-coins against the rest, then inside of each.

    So limits that are whole basis points still hold, those of all stable-coins together too.

    :param weights: (assets,) that sum to 1
    """
    scaled = weights * _PARTS
    groups = [np.flatnonzero(stable), np.flatnonzero(~stable)]
    sums = _largest_remainder([float(scaled[group].sum()) for group in groups], _PARTS)
    found = [0] * len(weights)
    for group, total in zip(groups, sums, strict=True):
        for place, parts in zip(group, _largest_remainder(scaled[group].tolist(), total), strict=True):
            found[place] = parts * BASIS_POINT
    return tuple(found)


def _largest_remainder(shares: Sequence[float], total: int) -> list[int]:
    """Whole numbers that sum to `total`: each share rounded down, and one more for those that lost most by it."""
    # What is a whole number but for a float's last digits counts as that.
    tidy = [round(share, 6) for share in shares]
    floors = [int(share) for share in tidy]
    order = sorted(range(len(tidy)), key=lambda place: floors[place] - tidy[place])
    for place in order[: total - sum(floors)]:
        floors[place] += 1
    return floors
