"""At which prices the vault counted a fill. Pure.

The rebalancer logs the value that left and the value that came. A feed may have answered in the same block, before the fill
or after it: each asset's price is the one of the block's beginning or of its end, and the logged values say which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from keeper.report.records import Filled, Transfer

_MOST_WAYS = 4_096


@dataclass(frozen=True, slots=True)
class Counted:
    """A fill as the vault counted it. Base units by asset; prices are WAD USD per whole token.

    `is_confirmed`: value out and in are the logged ones to the unit. `uncounted` is WAD USD of what came and was not in
    deficit: the vault gives nothing for it.
    """

    sold: Mapping[str, int]
    bought: Mapping[str, int]
    prices: Mapping[str, int]
    is_confirmed: bool
    uncounted: int


def net(transfers: Sequence[Transfer], vault: str) -> dict[str, int]:
    """What the vault has more of each token, in base units; below zero for less."""
    found: dict[str, int] = {}
    for each in transfers:
        found[each.token] = found.get(each.token, 0) + (each.amount if each.receiver == vault else -each.amount)
    return {token: moved for token, moved in found.items() if moved}


def value_down(amount: int, price: int, decimals: int) -> int:
    """WAD USD, rounded down, as contracts/modules/wad.vy."""
    return amount * price // int(10**decimals)


def value_up(amount: int, price: int, decimals: int) -> int:
    """WAD USD, rounded up, as contracts/modules/wad.vy."""
    return -(-amount * price // int(10**decimals))


def count(filled: Filled, vault: str, decimals: Mapping[str, int], candidates: Mapping[str, Sequence[int]]) -> Counted:
    """Find the prices at which a fill's transfers are worth what was logged.

    :param candidates: prices by asset, the likeliest first; those are taken where no choice fits
    """
    moved = net(filled.moved, vault)
    sold = {token: -amount for token, amount in moved.items() if amount < 0}
    bought = {token: amount for token, amount in moved.items() if amount > 0}
    first = {token: candidates[token][0] for token in moved}

    def worth_out(prices: Mapping[str, int]) -> int:
        return sum(value_up(amount, prices[token], decimals[token]) for token, amount in sold.items())

    def worth_in(prices: Mapping[str, int]) -> int:
        return sum(value_down(amount, prices[token], decimals[token]) for token, amount in bought.items())

    out = next((each for each in _ways(sold, candidates) if worth_out(each) == filled.value_out), None)
    into = next((each for each in _ways(bought, candidates) if worth_in(each) == filled.value_in), None)
    uncounted = 0
    if into is None:
        # What came in beside the deficits counts for nothing: some of the assets, at the end's prices.
        into = first
        uncounted = max(worth_in(first) - filled.value_in, 0)
        is_confirmed = out is not None and _is_part(uncounted, bought, first, decimals)
    else:
        is_confirmed = out is not None
    return Counted(sold, bought, first | into | (out or {}), is_confirmed, uncounted)


def _ways(tokens: Mapping[str, int], candidates: Mapping[str, Sequence[int]]) -> list[dict[str, int]]:
    """Every choice of prices, as far as there are not too many."""
    options = [list(dict.fromkeys(candidates[token])) for token in tokens]
    return [
        dict(zip(tokens, chosen, strict=True)) for _, chosen in zip(range(_MOST_WAYS), product(*options), strict=False)
    ]


def _is_part(uncounted: int, bought: Mapping[str, int], prices: Mapping[str, int], decimals: Mapping[str, int]) -> bool:
    """Whether some of the assets are worth exactly this."""
    worths = [value_down(amount, prices[token], decimals[token]) for token, amount in bought.items()]
    sums = {0}
    for worth in worths[:12]:
        sums |= {each + worth for each in sums}
    return uncounted in sums
