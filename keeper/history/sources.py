"""Where prices are downloaded from: page after page of one asset, each complete up to a moment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from pydantic import SecretStr

from keeper.errors import HistoryError
from keeper.history import binance, coingecko, coinmetrics
from keeper.history.moments import iso
from keeper.history.series import rows_of
from keeper.history.server import Patience, Server

_INTERVALS = {
    60: "1m", 180: "3m", 300: "5m", 900: "15m", 1_800: "30m", 3_600: "1h", 7_200: "2h",
    14_400: "4h", 21_600: "6h", 28_800: "8h", 43_200: "12h", 86_400: "1d",
}  # fmt: skip
_HOUR_S, _DAY_S = 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Page:
    """Prices of one asset.

    :param prices: by unix s
    :param upto: unix s; what is known up to then is here or in the pages before
    """

    prices: Mapping[int, float]
    upto: int


class Source(Protocol):
    """One of them."""

    name: str

    def pages(self, identifier: str, after: int, upto: int, step_s: int) -> Iterator[Page]:
        """The prices in (after, upto], unix s, in order, the last page complete up to `upto`.

        :param identifier: the asset's at this source
        :raises HistoryError: the source has no such step, or gives no usable answer
        """
        ...


class Binance:
    """`/api/v3/klines`, a thousand a page. The server is the one that Binance keeps for public market data."""

    name = "binance"
    _LIMIT = 1_000

    def __init__(self, url: str | None, key: SecretStr | None, patience: Patience):
        # 6,000 of weight a minute, of which a page of klines takes 2.
        self._server = Server(self.name, url or "https://data-api.binance.vision", 600, patience)

    def pages(self, identifier: str, after: int, upto: int, step_s: int) -> Iterator[Page]:
        """See Source."""
        if step_s not in _INTERVALS:
            raise HistoryError(f"{self.name}: no klines of {step_s} s: use one of {', '.join(_INTERVALS.values())}")
        while after < upto:
            # A kline that opens at t is over, and known, at t + step.
            parameters = {
                "symbol": identifier,
                "interval": _INTERVALS[step_s],
                "startTime": (after - step_s + 1) * 1_000,
                "endTime": (upto - step_s) * 1_000,
                "limit": self._LIMIT,
            }
            rows = rows_of(self._server.get("/api/v3/klines", parameters), self.name)
            found = {moment: price for moment, price in binance.closes(rows) if after < moment <= upto}
            # A page that is not full is the last: what is missing inside of it was never traded.
            reached = max(found, default=after) if len(rows) >= self._LIMIT else upto
            if reached == after:
                raise HistoryError(f"{self.name}: a page of klines outside of the span asked for: check its URL")
            yield Page(found, reached)
            after = reached


class CoinGecko:
    """`/coins/{id}/market_chart/range`: hourly prices in spans of up to 90 days, daily ones in longer spans.

    A demo key reaches back a year, so nothing is asked for that is older than the span needs.
    """

    name = "coingecko"
    _HOURLY_SPAN_S = 90 * _DAY_S
    _DAILY_SPAN_S = 360 * _DAY_S
    _DAILY_SPAN_LEAST_S = 91 * _DAY_S

    def __init__(self, url: str | None, key: SecretStr | None, patience: Patience):
        headers = {} if key is None else {"x-cg-demo-api-key": key}
        self._server = Server(self.name, url or "https://api.coingecko.com/api/v3", 25, patience, headers)

    def pages(self, identifier: str, after: int, upto: int, step_s: int) -> Iterator[Page]:
        """See Source."""
        if step_s < _HOUR_S:
            raise HistoryError(f"{self.name}: no prices every {step_s} s: use 1h or a longer step")
        span_s = self._HOURLY_SPAN_S if step_s < _DAY_S else self._DAILY_SPAN_S
        path = f"/coins/{quote(identifier, safe='')}/market_chart/range"
        while after < upto:
            reached = min(after + span_s, upto)
            # Days are given only of spans over 90 days: the rest of a short one is thrown away.
            begins = after if step_s < _DAY_S else min(after, reached - self._DAILY_SPAN_LEAST_S)
            parameters = {"vs_currency": "usd", "from": begins, "to": reached}
            points = coingecko.points(self._server.get(path, parameters))
            yield Page({moment: price for moment, price in points if after < moment <= reached}, reached)
            after = reached


class CoinMetrics:
    """The community's `/v4/timeseries/asset-metrics`: PriceUSD by day, ReferenceRateUSD by hour."""

    name = "coinmetrics"
    _LIMIT = 10_000

    def __init__(self, url: str | None, key: SecretStr | None, patience: Patience):
        # 10 requests in 6 s.
        self._server = Server(self.name, url or "https://community-api.coinmetrics.io/v4", 90, patience)

    def pages(self, identifier: str, after: int, upto: int, step_s: int) -> Iterator[Page]:
        """See Source."""
        series = {_HOUR_S: ("1h", "ReferenceRateUSD", 0), _DAY_S: ("1d", "PriceUSD", _DAY_S)}
        if step_s not in series:
            raise HistoryError(f"{self.name}: no prices every {step_s} s: use 1h or 1d")
        if after >= upto:
            return
        frequency, metric, lag_s = series[step_s]
        parameters = {
            "assets": identifier,
            "metrics": metric,
            "frequency": frequency,
            "start_time": iso(after + 1 - lag_s),
            "end_time": iso(upto - lag_s),
            "page_size": self._LIMIT,
            "paging_from": "start",
        }
        body: Any = self._server.get("/timeseries/asset-metrics", parameters)
        while True:
            points = dict(coinmetrics.points(coinmetrics.data_of(body)))
            found = {moment: price for moment, price in points.items() if after < moment <= upto}
            onward = body.get("next_page_url")
            if not onward:
                yield Page(found, upto)
                return
            if not isinstance(onward, str) or not found:
                raise HistoryError(f"{self.name}: the next page is not named as documented: run the command again")
            after = max(found)
            yield Page(found, after)
            body = self._server.follow(onward)


SOURCES: Mapping[str, type[Binance | CoinGecko | CoinMetrics]] = {
    source.name: source for source in (Binance, CoinGecko, CoinMetrics)
}
