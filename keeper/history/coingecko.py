"""CoinGecko's `market_chart` and `market_chart/range`: `{"prices": [[milliseconds, USD], …], …}`.

Its hourly prices stand some seconds after the hour. What has no price is left out, and of two prices of one second the
later one counts: the newest often stands twice.
"""

from typing import Any

from pydantic_core import from_json

from keeper.errors import HistoryError
from keeper.history.prices import PriceHistory
from keeper.history.series import number, rows_of, seconds_up, series


def parse(asset: str, content: bytes) -> PriceHistory:
    """A saved answer.

    :raises HistoryError: it is none
    """
    try:
        body = from_json(content)
    except ValueError:
        raise HistoryError("coingecko: the file is no JSON: save the answer of market_chart") from None
    return series(asset, dict(points(body)), "coingecko")


def points(body: Any) -> list[tuple[int, float]]:
    """Unix seconds, rounded up, and prices.

    :raises HistoryError: the answer has another form
    """
    if not isinstance(body, dict) or "prices" not in body:
        raise HistoryError("coingecko: the answer has no prices: save the answer of market_chart")
    found = []
    for place, row in enumerate(rows_of(body["prices"], "coingecko")):
        where = f"coingecko: price {place}"
        if not isinstance(row, list) or len(row) != 2:
            raise HistoryError(f"{where} is no pair of time and price: check the file")
        if row[1] is not None:
            found.append((seconds_up(row[0], where), number(row[1], where)))
    return found
