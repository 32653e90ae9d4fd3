"""Coin Metrics: the community's CSV files, and the rows of `/timeseries/asset-metrics`.

`PriceUSD` of a day is the price at that day's end, so it stands here at the start of the next;
`ReferenceRateUSD` is the price at the time that is written.
Source: docs.coinmetrics.io, Price, USD denominated closing price.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import from_json

from keeper.errors import HistoryError
from keeper.history.moments import unix
from keeper.history.prices import PriceHistory
from keeper.history.series import number, rows_of, series

DAY_S = 86_400
_LAG_S = {"PriceUSD": DAY_S, "ReferenceRateUSD": 0}


def parse(asset: str, content: bytes) -> PriceHistory:
    """A CSV file with the columns `time` and `PriceUSD` or `ReferenceRateUSD`, or a saved answer.

    :raises HistoryError: it is neither
    """
    if content.lstrip().startswith(b"{"):
        try:
            body = from_json(content)
        except ValueError:
            raise HistoryError("coinmetrics: the file is no JSON: save the answer of asset-metrics") from None
        return series(asset, dict(points(data_of(body))), "coinmetrics")
    table = csv.DictReader(io.StringIO(content.decode("utf-8", errors="replace")))
    return series(asset, dict(points(table)), "coinmetrics")


def data_of(body: Any) -> list[Any]:
    """The rows of an answer.

    :raises HistoryError: it has none
    """
    if not isinstance(body, dict) or "data" not in body:
        raise HistoryError("coinmetrics: the answer has no data: save the answer of timeseries/asset-metrics")
    return rows_of(body["data"], "coinmetrics")


def points(rows: Iterable[Any]) -> Iterable[tuple[int, float]]:
    """Unix seconds at which each price held, and the price; rows without one are left out.

    :raises HistoryError: a row has another form
    """
    for place, row in enumerate(rows):
        where = f"coinmetrics: row {place}"
        if not isinstance(row, Mapping) or not isinstance(row.get("time"), str):
            raise HistoryError(f"{where} has no time: check the file")
        metric = next((name for name in _LAG_S if name in row), None)
        if metric is None:
            raise HistoryError(f"{where} has neither {' nor '.join(_LAG_S)}: ask for one of them")
        if row[metric] not in (None, ""):
            yield unix(row["time"]) + _LAG_S[metric], number(row[metric], where)
