"""One asset's prices out of what a source writes: numbers as text, times in some unit."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from keeper.errors import HistoryError
from keeper.history.prices import PriceHistory


def number(value: object, where: str) -> float:
    """A price that stands as a number or as text.

    :raises HistoryError: it is neither
    """
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    raise HistoryError(f"{where}: {str(value)[:40]!r} is no price")


def seconds_up(value: object, where: str) -> int:
    """Unix seconds, rounded up, of a time in milliseconds, or since 2025 in Binance's dumps in microseconds.

    :raises HistoryError: it is no whole number
    """
    try:
        moment = int(str(value))
    except ValueError:
        raise HistoryError(f"{where}: {str(value)[:40]!r} is no time in milliseconds or microseconds") from None
    # In milliseconds 10^14 is the year 5138.
    return -(-moment // (10**6 if moment >= 10**14 else 10**3))


def series(asset: str, prices: Mapping[int, float], source: str) -> PriceHistory:
    """The history of one asset from its prices by unix seconds, in whatever order.

    :raises HistoryError: there are none, or one is no price
    """
    if not prices:
        raise HistoryError(f"{source}: no prices of {asset}: check the file and the span of time")
    times = sorted(prices)
    values = np.array([[prices[moment]] for moment in times])
    return PriceHistory((asset,), np.array(times, dtype=np.int64), values)


def joined(asset: str, parts: Iterable[PriceHistory]) -> PriceHistory:
    """Several files of one asset, as a file a month, as one.

    :raises HistoryError: two of them tell different prices of one moment
    """
    found: dict[int, float] = {}
    for part in parts:
        for moment, price in zip(part.times.tolist(), part.prices[:, 0].tolist(), strict=True):
            if found.setdefault(moment, price) != price:
                raise HistoryError(f"{asset} at {moment}: two files say {found[moment]} and {price}; leave one out")
    return series(asset, found, "files")


def rows_of(body: Any, source: str) -> list[Any]:
    """A list out of an answer.

    :raises HistoryError: it is none
    """
    if not isinstance(body, list):
        raise HistoryError(f"{source}: a list was to come, not {type(body).__name__}: check the file or the URL")
    return body
