"""Prices from a source into one file of our own, page by page: a killed download goes on where it was."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from keeper.errors import HistoryError
from keeper.history import files
from keeper.history.alignment import align
from keeper.history.journal import Journal
from keeper.history.moments import iso
from keeper.history.prices import PriceHistory
from keeper.history.series import series
from keeper.history.sources import Source


def download(
    source: Source,
    assets: Mapping[str, str],
    start: int,
    end: int | None,
    step_s: int,
    max_gap: int,
    file: Path,
    tell: Callable[[str], None] = lambda line: None,
) -> PriceHistory:
    """Get prices of assets at each `step_s`, and put them into a file; a file that is there is continued.

    What has come is kept in `FILE.part` until all of it has, and then replaces the file at once.

    :param assets: the source's identifier by the name in the file
    :param start: unix s of the first bar
    :param end: unix s of the last; now when None
    :param max_gap: as of `align`
    :param tell: called with one line after each page
    :raises HistoryError: the source gives no usable answer, has a hole, or the file is another request's
    """
    now = int(time.time())
    end = min(now if end is None else end, now) // step_s * step_s
    before = files.read(file) if file.exists() else None
    if before is not None:
        _fits(before, assets, start, step_s, file)
        start = int(before.times[-1]) + step_s
    if start > end:
        if before is None:
            raise HistoryError(f"nothing from {iso(start)} to {iso(end)}: give an earlier start or a later end")
        return before
    # A bar's price may be older than the bar, by so much as `max_gap` allows.
    after = start - (max_gap + 1) * step_s
    request = {"source": source.name, "assets": dict(assets), "start": start, "step_s": step_s}
    journal = Journal(file.with_name(f"{file.name}.part"), request)
    done = False
    try:
        for asset, identifier in assets.items():
            for page in source.pages(identifier, journal.upto(asset, after), end, step_s):
                journal.add(asset, page)
                tell(f"{asset}: {len(page.prices)} prices up to {iso(page.upto)}")
        found = align([series(asset, journal.prices(asset), source.name) for asset in assets], step_s, max_gap, end)
        found = found.since(start)
        if (first := int(found.times[0])) > start:
            tell(f"prices of all begin at {iso(first)}")
        if (last := int(found.times[-1])) < end:
            tell(f"prices of all end at {iso(last)}")
        found = found if before is None else _continued(before, found, step_s, max_gap)
        files.write(found, file)
        done = True
    finally:
        journal.close(done=done)
    return found


def _fits(before: PriceHistory, assets: Mapping[str, str], start: int, step_s: int, file: Path) -> None:
    if before.assets != tuple(assets):
        raise HistoryError(f"{file} has {', '.join(before.assets)}, not {', '.join(assets)}: name another file")
    if before.bars > 1 and before.step_s != step_s:
        raise HistoryError(f"{file} has bars every {before.step_s:g} s, not {step_s} s: name another file")
    if start < int(before.times[0]):
        raise HistoryError(
            f"{file} begins at {iso(int(before.times[0]))}, after the start asked for: name another file"
        )


def _continued(before: PriceHistory, found: PriceHistory, step_s: int, max_gap: int) -> PriceHistory:
    last, first = int(before.times[-1]), int(found.times[0])
    if (missing := (first - last) // step_s - 1) > max_gap:
        raise HistoryError(f"no prices of all between {iso(last)} and {iso(first)}, {missing} bars: raise --max-gap")
    times = np.concatenate([before.times, found.times])
    return PriceHistory(before.assets, times, np.concatenate([before.prices, found.prices]))
