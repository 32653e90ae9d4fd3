"""Histories of different moments on one axis of time."""

from collections.abc import Sequence

import numpy as np

from keeper.errors import HistoryError
from keeper.history.moments import iso
from keeper.history.prices import PriceHistory


def align(histories: Sequence[PriceHistory], step_s: int, max_gap: int, upto: int | None = None) -> PriceHistory:
    """All assets at each whole multiple of `step_s` that all of them span, each at its last price by then.

    :param step_s: seconds between bars
    :param max_gap: bars in a row that may repeat a price for want of one of their own
    :param upto: unix s up to which all are known whole, so that a last price counts for the bar that ends its step
    :raises HistoryError: a longer hole, by asset and time; or nothing that all of them span
    """
    if step_s < 1 or max_gap < 0:
        raise HistoryError(f"bars every {step_s} s that repeat a price {max_gap} times: give 1 s and 0 times or more")
    first = -(-max(int(each.times[0]) for each in histories) // step_s) * step_s
    last = min(int(each.times[-1]) for each in histories)
    if upto is not None:
        last = max(last, min(last + step_s - 1, upto))
    grid = np.arange(first, last + 1, step_s, dtype=np.int64)
    if not len(grid):
        spans = ", ".join(f"{'/'.join(h.assets)} {iso(int(h.times[0]))} to {iso(int(h.times[-1]))}" for h in histories)
        raise HistoryError(f"no bar is spanned by all: {spans}; get the same span of each")
    columns = []
    for each in histories:
        places = np.searchsorted(each.times, grid, side="right") - 1
        # A price of the step that ends here is the bar's own; each whole step more is a repetition.
        repeats = (grid - each.times[places]) // step_s
        bad = np.flatnonzero(repeats > max_gap)
        if len(bad):
            before = int(each.times[places[bad[0]]])
            after = int(each.times[places[bad[0]] + 1]) if places[bad[0]] + 1 < each.bars else last
            raise HistoryError(
                f"{', '.join(each.assets)}: no price between {iso(before)} and {iso(after)}, and only {max_gap} bars of "
                f"{step_s} s may repeat one: fill the hole, raise --max-gap or begin after it"
            )
        columns.append(each.prices[places])
    assets = tuple(asset for each in histories for asset in each.assets)
    return PriceHistory(assets, grid, np.concatenate(columns, axis=1))
