"""Binance, CoinGecko and Coin Metrics as local HTTP servers: a market that is known, in the shapes that they document."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

HOUR, DAY = 3_600, 86_400
COINGECKO_LATE_MS = 41_331


@dataclass(frozen=True)
class Reply:
    body: object
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


def price(moment: int) -> float:
    """What everything costs at an hour, with digits that a rounding would lose."""
    return 1_000 + (moment // HOUR % 997) + 1 / 3


class PriceServer:
    """Replies in `before` are given first, in order; nothing before `oldest` is for a demo key."""

    def __init__(self, answer: Callable[["PriceServer", Asked], Reply]) -> None:
        self.asked: list[Asked] = []
        self.before: list[Reply] = []
        self.now = 2_000_000_000
        self.oldest = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(url.path, dict(parse_qsl(url.query)), headers)
                outer.asked.append(asked)
                reply = outer.before.pop(0) if outer.before else answer(outer, asked)
                content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator["PriceServer"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def binance(server: PriceServer, asked: Asked) -> Reply:
    if asked.path != "/api/v3/klines":
        return Reply({"code": -1, "msg": "no such path"}, 404)
    if asked.query["symbol"] not in ("ETHUSDT", "BTCUSDT"):
        return Reply({"code": -1121, "msg": "Invalid symbol."}, 400)
    step = {"1h": HOUR, "1d": DAY}[asked.query["interval"]]
    start, end = int(asked.query["startTime"]), int(asked.query["endTime"])
    opens = range(-(-start // (step * 1_000)) * step, min(end // 1_000, server.now) + 1, step)
    rows = [
        [t * 1_000, "1", "1", "1", repr(price(t + step)), "5", (t + step) * 1_000 - 1, "5", 7, "5", "5", "0"]
        for t in opens[: min(int(asked.query["limit"]), 1_000)]
    ]
    return Reply(rows)


def coingecko(server: PriceServer, asked: Asked) -> Reply:
    if asked.headers.get("x-cg-demo-api-key") != "CG-secret":
        status = {"error_code": 10002, "error_message": "API Key Missing CG-secret"}
        return Reply({"status": status}, 401)
    start, end = int(asked.query["from"]), int(asked.query["to"])
    assert asked.query["vs_currency"] == "usd"
    if asked.path != "/coins/ethereum/market_chart/range":
        return Reply({"error": "coin not found"}, 404)
    if start < server.oldest:
        message = "Your request exceeds the allowed time range. Public API users are limited to the past 365 days."
        return Reply({"error": {"status": {"error_code": 10012, "error_message": message}}}, 401)
    # An hour's price stands some seconds after it, as in the documented answer; a day's at 00:00 UTC.
    step, late = (DAY, 0) if end - start > 90 * DAY else (HOUR, COINGECKO_LATE_MS)
    moments = range(-(-start // step) * step, min(end - late // 1_000, server.now) + 1, step)
    prices = [[t * 1_000 + late, price(t)] for t in moments]
    return Reply({"prices": prices, "market_caps": prices, "total_volumes": prices})


def coinmetrics(server: PriceServer, asked: Asked) -> Reply:
    if asked.path != "/timeseries/asset-metrics":
        return Reply({"error": {"type": "not_found", "message": "Not found."}}, 404)
    if asked.query["assets"] != "eth":
        message = f"Bad parameter 'assets'. Value '{asked.query['assets']}' is not supported."
        return Reply({"error": {"type": "bad_parameter", "message": message}}, 400)
    step, lag = {"1h": (HOUR, 0), "1d": (DAY, DAY)}[asked.query["frequency"]]
    start, end = (int(datetime.fromisoformat(asked.query[name]).timestamp()) for name in ("start_time", "end_time"))
    moments = list(range(-(-start // step) * step, min(end, server.now) + 1, step))
    first = int(asked.query.get("next_page_token", 0))
    size = min(int(asked.query["page_size"]), 500)  # as little as makes pages
    rows = [
        {
            "asset": "eth",
            "time": datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000000Z"),
            asked.query["metrics"]: repr(price(t + lag)),
        }
        for t in moments[first : first + size]
    ]
    body: dict[str, object] = {"data": rows}
    if first + size < len(moments):
        token = str(first + size)
        query = urlencode({**asked.query, "next_page_token": token})
        body |= {"next_page_token": token, "next_page_url": f"{server.url}{asked.path}?{query}"}
    return Reply(body)
