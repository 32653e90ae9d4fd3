"""Prices of some assets on one axis of time: one path that happened, or several that a model drew."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from keeper.errors import HistoryError

YEAR_S = 365 * 86_400  # volatilities are told per 365 days, as markets that never close tell them


@dataclass(frozen=True, slots=True, eq=False)
class _Prices:
    """What one path and several have in common.

    :param assets: names, each once
    :param times: (bars,) unix s, strictly increasing
    :param prices: (…, bars, assets) USD per whole token, finite and over 0
    :raises HistoryError: one of them is not so
    """

    _DIMENSIONS: ClassVar[int]

    assets: tuple[str, ...]
    times: NDArray[np.int64]
    prices: NDArray[np.float64]

    def __post_init__(self) -> None:
        assets, times, prices = tuple(self.assets), np.asarray(self.times), np.asarray(self.prices)
        _validate(assets, times, prices, self._DIMENSIONS)
        object.__setattr__(self, "assets", assets)
        object.__setattr__(self, "times", np.ascontiguousarray(times, dtype=np.int64))
        object.__setattr__(self, "prices", np.ascontiguousarray(prices, dtype=np.float64))

    @property
    def bars(self) -> int:
        """How many moments have prices."""
        return len(self.times)

    @property
    def step_s(self) -> float:
        """Median seconds between bars. Raises HistoryError for a single bar."""
        if self.bars < 2:
            raise HistoryError("a single bar has no step: give two bars or more")
        return float(np.median(np.diff(self.times)))

    @property
    def bars_per_year(self) -> float:
        """Bars in a year of 365 days, by the median step. Raises HistoryError for a single bar."""
        return YEAR_S / self.step_s


@dataclass(frozen=True, slots=True, eq=False)
class PriceHistory(_Prices):
    """One path of prices: `prices` are (bars, assets)."""

    _DIMENSIONS = 2

    def log_returns(self) -> NDArray[np.float64]:
        """ln(price / price a bar before), (bars - 1, assets)."""
        return np.diff(np.log(self.prices), axis=0)

    def since(self, moment: int) -> "PriceHistory":
        """The bars at `moment` (unix s) or later. `until` has that bar too: a split shares a price and no return.

        :raises HistoryError: there is none
        """
        return self.slice(int(np.searchsorted(self.times, moment, side="left")), self.bars)

    def until(self, moment: int) -> "PriceHistory":
        """The bars at `moment` (unix s) or before. Raises HistoryError when there is none."""
        return self.slice(0, int(np.searchsorted(self.times, moment, side="right")))

    def slice(self, start: int, stop: int) -> "PriceHistory":
        """The bars `start` to `stop - 1`, counted as Python counts. Raises HistoryError when there is none."""
        return PriceHistory(self.assets, self.times[start:stop], self.prices[start:stop])

    def resample(self, seconds: int) -> "PriceHistory":
        """The last prices at or before each whole multiple of `seconds` since 1970, from the first to the last bar.

        A hole is filled with the price before it; `keeper.history.align` limits that.

        :raises HistoryError: no multiple lies within, or they are closer than the bars: no price is known in between
        """
        if seconds < 1 or (self.bars > 1 and seconds < self.step_s):
            raise HistoryError(f"bars every {seconds} s: give the history's own step or a longer one")
        first = -(-int(self.times[0]) // seconds) * seconds
        grid = np.arange(first, int(self.times[-1]) + 1, seconds, dtype=np.int64)
        if not len(grid):
            raise HistoryError(f"no multiple of {seconds} s lies within the history: give a shorter step")
        return PriceHistory(self.assets, grid, self.prices[np.searchsorted(self.times, grid, side="right") - 1])

    def subset(self, assets: Sequence[str]) -> "PriceHistory":
        """The same bars of these assets, in this order. Raises HistoryError for one that is not here."""
        return PriceHistory(tuple(assets), self.times, self.prices[:, _columns(self.assets, assets)])


@dataclass(frozen=True, slots=True, eq=False)
class PricePaths(_Prices):
    """Several paths of prices on one axis of time: `prices` are (paths, bars, assets)."""

    _DIMENSIONS = 3

    @classmethod
    def from_history(cls, history: PriceHistory) -> "PricePaths":
        """What happened, as the only path."""
        return cls(history.assets, history.times, history.prices[np.newaxis])

    @property
    def paths(self) -> int:
        """How many there are."""
        return len(self.prices)

    def slice(self, start: int, stop: int) -> "PricePaths":
        """The bars `start` to `stop - 1` of all paths. Raises HistoryError when there is none."""
        return PricePaths(self.assets, self.times[start:stop], self.prices[:, start:stop])

    def path(self, index: int) -> PriceHistory:
        """One of them, counted from 0. Raises HistoryError when there is none of that number."""
        if not 0 <= index < self.paths:
            raise HistoryError(f"path {index}: there are {self.paths}, counted from 0")
        return PriceHistory(self.assets, self.times, self.prices[index])


def _validate(assets: tuple[str, ...], times: NDArray[Any], prices: NDArray[Any], dimensions: int) -> None:
    if not assets or not all(isinstance(asset, str) and asset for asset in assets):
        raise HistoryError(f"assets {assets!r}: give at least one name, and none that is empty")
    if len(set(assets)) < len(assets):
        raise HistoryError(f"assets {', '.join(assets)}: name each once")
    if times.ndim != 1 or not len(times) or times.dtype.kind not in "iu":
        raise HistoryError(
            f"times of shape {times.shape} and type {times.dtype}: give whole unix seconds, a bar at least"
        )
    shape = (len(times), len(assets))
    if prices.ndim != dimensions or prices.shape[-2:] != shape or not len(prices):
        raise HistoryError(f"prices of shape {prices.shape}: {shape[0]} times and {shape[1]} assets need (…, {shape})")
    _validate_times(times)
    _validate_prices(prices, times, assets)


def _validate_times(times: NDArray[Any]) -> None:
    bad = np.flatnonzero(np.diff(times.astype(np.int64)) <= 0)
    if len(bad):
        before, after = (int(times[bad[0] + i]) for i in (0, 1))
        what = "stands twice" if before == after else f"comes after {before}"
        raise HistoryError(f"times: {after} (bar {bad[0] + 1}) {what}; sort the bars and keep one of each time")


def _validate_prices(prices: NDArray[Any], times: NDArray[Any], assets: tuple[str, ...]) -> None:
    if prices.dtype.kind not in "iuf":
        raise HistoryError(f"prices of type {prices.dtype}: give numbers")
    bad = np.argwhere(~(np.isfinite(prices) & (prices > 0)))
    if len(bad):
        *_, bar, column = place = tuple(int(i) for i in bad[0])
        path = f" of path {place[0]}" if len(place) == 3 else ""
        raise HistoryError(
            f"price {prices[place]} of {assets[column]} at {int(times[bar])} (bar {bar}{path}): "
            "prices are finite and over 0; mend it or leave the bar out"
        )


def _columns(assets: tuple[str, ...], wanted: Sequence[str]) -> list[int]:
    for asset in wanted:
        if asset not in assets:
            raise HistoryError(f"asset {asset!r} is not in the history: it has {', '.join(assets)}")
    return [assets.index(asset) for asset in wanted]
