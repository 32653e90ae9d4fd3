"""Dividing a whole number so that nothing is lost and nothing is made."""

from collections.abc import Sequence


def split(total: int, weights: Sequence[int]) -> list[int]:
    """`total` by weights: each part its share rounded down, and one more for those with the largest remainders.

    The largest-remainder method (Hamilton's); of equal remainders the first. Equal parts where no weight is above zero.

    :param weights: none below zero
    :raises ValueError: nothing to divide among, or a number below zero
    """
    if not weights or total < 0 or min(weights) < 0:
        raise ValueError(f"cannot divide {total} by {list(weights)}: both have to be zero or more")
    whole = sum(weights)
    if whole == 0:
        return split(total, [1] * len(weights))
    shares = [divmod(total * weight, whole) for weight in weights]
    missing = total - sum(down for down, _ in shares)
    first = sorted(range(len(weights)), key=lambda i: (-shares[i][1], i))[:missing]
    return [down + (i in first) for i, (down, _) in enumerate(shares)]
