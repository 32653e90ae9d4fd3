"""What a history holds, in a few numbers."""

from dataclasses import dataclass

import numpy as np

from keeper.history.prices import PriceHistory


@dataclass(frozen=True, slots=True)
class Gap:
    """A span longer than the step, between two bars.

    :param after, before: unix s of the bars
    :param bars: that are missing
    """

    after: int
    before: int
    bars: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A history's figures; per asset in its order.

    :param volatility: annual, of log returns
    :param drawdown: largest fall from a high, as a share of it
    :param growth: last price over first
    :param flat: share of bars whose price is that of the bar before
    :param correlation: (assets, assets) of log returns; of an asset that never moves it is NaN
    """

    assets: tuple[str, ...]
    bars: int
    first: int
    last: int
    step_s: float
    gaps: tuple[Gap, ...]
    volatility: tuple[float, ...]
    drawdown: tuple[float, ...]
    growth: tuple[float, ...]
    flat: tuple[float, ...]
    correlation: tuple[tuple[float, ...], ...]


def summarise(history: PriceHistory) -> Summary:
    """The figures of a history of three bars or more; of fewer they mean nothing.

    :raises HistoryError: it has a single bar
    """
    step_s = history.step_s
    steps = np.diff(history.times)
    gaps = tuple(
        Gap(int(history.times[place]), int(history.times[place + 1]), round(steps[place] / step_s) - 1)
        for place in np.flatnonzero(steps >= 1.5 * step_s)
    )
    returns = history.log_returns()
    volatility = returns.std(axis=0, ddof=1 if len(returns) > 1 else 0) * np.sqrt(history.bars_per_year)
    highs = np.maximum.accumulate(history.prices, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.atleast_2d(np.corrcoef(returns, rowvar=False)) if len(returns) > 1 else _unknown(history)
    return Summary(
        assets=history.assets,
        bars=history.bars,
        first=int(history.times[0]),
        last=int(history.times[-1]),
        step_s=step_s,
        gaps=gaps,
        volatility=tuple(volatility.tolist()),
        drawdown=tuple((1 - history.prices / highs).max(axis=0).tolist()),
        growth=tuple((history.prices[-1] / history.prices[0]).tolist()),
        flat=tuple((returns == 0).mean(axis=0).tolist()),
        correlation=tuple(tuple(row) for row in correlation.tolist()),
    )


def _unknown(history: PriceHistory) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.full((len(history.assets), len(history.assets)), np.nan)
