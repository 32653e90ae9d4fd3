"""Binance's klines: the CSV dumps of data.binance.vision and the arrays of its REST interface.

A kline is open time, open, high, low, close, volume, close time and what is not used here. Its price is the close, known
when it closes: a bar stands at the first second after the close time. Times are milliseconds, in dumps of 2025 and later
microseconds. A symbol's quote, as USDT, counts as one USD.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic_core import from_json

from keeper.errors import HistoryError
from keeper.history.prices import PriceHistory
from keeper.history.series import number, rows_of, seconds_up, series

_CLOSE, _CLOSE_TIME, _FIELDS = 4, 6, 7


def parse(asset: str, content: bytes) -> PriceHistory:
    """A dump or a saved answer.

    :raises HistoryError: it is neither
    """
    text = content.decode("utf-8", errors="replace")
    if text.lstrip().startswith("["):
        try:
            return klines(asset, rows_of(from_json(content), "binance"))
        except ValueError as error:
            raise error if isinstance(error, HistoryError) else HistoryError("binance: the file is no JSON") from None
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    if rows and not rows[0][0].strip().isdigit():
        rows = rows[1:]  # the names of the columns, which older dumps do not have
    return klines(asset, rows)


def klines(asset: str, rows: Iterable[Any]) -> PriceHistory:
    """The closes of klines.

    :raises HistoryError: there are none, or one has another form
    """
    return series(asset, dict(closes(rows)), "binance")


def closes(rows: Iterable[Any]) -> Iterable[tuple[int, float]]:
    """When each kline is over, unix s, and its close."""
    for place, row in enumerate(rows):
        where = f"binance: kline {place}"
        if not isinstance(row, Sequence) or isinstance(row, str) or len(row) < _FIELDS:
            raise HistoryError(f"{where} has not the {_FIELDS} fields up to its close time: check the file")
        yield seconds_up(row[_CLOSE_TIME], where), number(row[_CLOSE], where)
