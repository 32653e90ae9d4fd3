"""Downloads against servers that answer as documented, fail as documented, and are killed in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
import traceback

import numpy as np
import pytest
from price_server import DAY, HOUR, PriceServer, Reply, binance, coingecko, coinmetrics, price
from pydantic import SecretStr

from keeper.errors import HistoryError
from keeper.history import journal as journals
from keeper.history import read, write
from keeper.history.download import download
from keeper.history.server import Patience, Server, Unavailable
from keeper.history.sources import SOURCES

START = 1_704_067_200  # 2024-01-01T00:00:00Z
END = START + 2_500 * HOUR
QUICK = Patience(timeout_s=5, attempts=3, total_s=10)
KEY = SecretStr("CG-secret")
CASES = {"binance": (binance, "ETHUSDT"), "coingecko": (coingecko, "ethereum"), "coinmetrics": (coinmetrics, "eth")}
every = pytest.mark.parametrize("name", CASES)


@pytest.fixture
def serve(monkeypatch):
    """A server by the source's name, asked without pauses."""
    monkeypatch.setattr("keeper.history.server.Rate", lambda *_: __import__("pyrate_limiter").Rate(10_000, 1))
    running = []

    def start(name: str) -> PriceServer:
        manager = PriceServer(CASES[name][0]).running()
        running.append(manager)
        return manager.__enter__()

    yield start
    for manager in running:
        manager.__exit__(None, None, None)


def source(name: str, server: PriceServer, key=KEY, patience=QUICK):
    return SOURCES[name](server.url, key, patience)


def get(name, server, file, start=START, end=END, step=HOUR, assets=None, **how):
    wanted = assets or {"WETH": CASES[name][1]}
    return download(source(name, server, **how), wanted, start, end, step, 1, file)


def assert_true_prices(found, start=START, end=END, step=HOUR, name=""):
    assert found.times.tolist() == list(range(start, end + 1, step))
    # What stands seconds after an hour was not known at it: the bar has the price of the hour before.
    late = HOUR if (name, step) == ("coingecko", HOUR) else 0
    assert found.prices[:, 0].tolist() == [price(t - late) for t in found.times.tolist()]


@every
@pytest.mark.parametrize("step", [HOUR, DAY])
def test_download__documented_answers__give_every_bar_once(serve, tmp_path, name, step):
    server = serve(name)
    start, end = (START, END) if step == HOUR else (START - 600 * DAY, START + 500 * DAY)
    found = get(name, server, tmp_path / "h.parquet", start=start, end=end, step=step)
    assert_true_prices(found, start, end, step, name)
    assert np.array_equal(read(tmp_path / "h.parquet").prices, found.prices)
    assert len(server.asked) > 1
    if (name, step) == ("coingecko", DAY):  # shorter spans have hourly prices, some seconds late
        assert all(int(asked.query["to"]) - int(asked.query["from"]) > 90 * DAY for asked in server.asked)
    assert [each.name for each in tmp_path.iterdir()] == ["h.parquet"]


def test_download__several_assets__stand_beside_each_other(serve, tmp_path):
    found = get("binance", serve("binance"), tmp_path / "h.csv", assets={"WETH": "ETHUSDT", "WBTC": "BTCUSDT"})
    assert found.assets == ("WETH", "WBTC")
    assert np.array_equal(found.prices[:, 0], found.prices[:, 1])


@every
def test_download__a_second_time__goes_on_where_the_file_ends(serve, tmp_path, name):
    server, file = serve(name), tmp_path / "h.parquet"
    get(name, server, file, end=START + 600 * HOUR)
    server.asked.clear()
    assert_true_prices(get(name, server, file), name=name)
    server.asked.clear()
    assert_true_prices(get(name, server, file), name=name)
    assert server.asked == []  # there is nothing new


@every
def test_download__that_breaks_off__keeps_its_pages_and_asks_for_none_of_them_again(serve, tmp_path, name):
    server, file = serve(name), tmp_path / "h.parquet"
    whole = source(name, server)
    pages = list(whole.pages(CASES[name][1], START - 2 * HOUR, END, HOUR))
    assert len(pages) >= 2
    once = [(asked.path, asked.query) for asked in server.asked]

    class Torn:
        name = whole.name

        def pages(self, *arguments):
            yield next(whole.pages(*arguments))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(Torn(), {"WETH": CASES[name][1]}, START, END, HOUR, 1, file)
    assert not file.exists()
    server.asked.clear()
    assert_true_prices(get(name, server, file), name=name)
    assert len(server.asked) < len(once)


def test_download__line_cut_short_by_a_kill__is_dropped_and_its_page_asked_for_again(serve, tmp_path):
    server, file = serve("binance"), tmp_path / "h.parquet"
    request = {"source": "binance", "assets": {"WETH": "ETHUSDT"}, "start": START, "step_s": HOUR}
    pages = list(source("binance", server).pages("ETHUSDT", START - 2 * HOUR, END, HOUR))
    part = journals.Journal(file.with_name("h.parquet.part"), request)
    for page in pages:
        part.add("WETH", page)
    part.close(done=False)
    whole = (tmp_path / "h.parquet.part").read_bytes()
    # At whatever byte it was cut.
    for length in [0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 1]:
        (tmp_path / "h.parquet.part").write_bytes(whole[:length])
        for page in pages[:2]:
            again = journals.Journal(file.with_name("h.parquet.part"), request)
            again.add("WETH", page)
            again.close(done=False)
        file.unlink(missing_ok=True)
        assert_true_prices(get("binance", server, file))


def test_download__killed_process__goes_on_in_the_next(serve, tmp_path):
    server, file = serve("binance"), tmp_path / "h.csv"
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from keeper.history.download import download\n"
        "from keeper.history.server import Patience\n"
        "from keeper.history.sources import Binance\n"
        f"source = Binance({server.url!r}, None, Patience())\n"
        f"tell = lambda line: (print(line, flush=True), time.sleep(60))\n"
        f"download(source, {{'WETH': 'ETHUSDT'}}, {START}, {END}, {HOUR}, 1, Path({str(file)!r}), tell)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert "WETH: 1000 prices" in process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    server.asked.clear()
    assert_true_prices(get("binance", server, file))
    assert len(server.asked) == 2  # of three pages
    assert sorted(each.name for each in tmp_path.iterdir()) == ["h.csv"]


def test_download__journal_of_another_request_or_process__is_refused(serve, tmp_path):
    server, file = serve("binance"), tmp_path / "h.csv"
    request = {"source": "binance", "assets": {"WETH": "BTCUSDT"}, "start": START, "step_s": HOUR}
    held = journals.Journal(file.with_name("h.csv.part"), request)
    with pytest.raises(HistoryError, match="in use"):
        get("binance", server, file)
    held.close(done=False)
    with pytest.raises(HistoryError, match="of another download"):
        get("binance", server, file)
    file.with_name("h.csv.part").write_text("{\n")
    with pytest.raises(HistoryError, match="no journal of a download: remove it"):
        get("binance", server, file)


def test_download__full_disk__says_so_and_keeps_what_came_before(serve, tmp_path, monkeypatch):
    server, file = serve("binance"), tmp_path / "h.csv"
    sync, done = os.fsync, []

    def fsync(handle):
        done.append(handle)
        if len(done) == 3:
            raise OSError(28, "No space left on device")
        sync(handle)

    monkeypatch.setattr(journals.os, "fsync", fsync)
    with pytest.raises(HistoryError, match="No space left on device"):
        get("binance", server, file)
    monkeypatch.undo()
    lines = file.with_name("h.csv.part").read_bytes().splitlines(keepends=True)
    assert len(lines) == 2  # the request and a page
    assert all(json.loads(line) and line.endswith(b"\n") for line in lines)


def test_download__file_of_something_else__is_left_alone(serve, tmp_path):
    server, file = serve("binance"), tmp_path / "h.csv"
    get("binance", server, file, end=START + 5 * HOUR)
    for changes, message in (
        ({"assets": {"WBTC": "BTCUSDT"}}, "has WETH, not WBTC"),
        ({"step": DAY}, "has bars every 3600 s, not 86400 s"),
        ({"start": START - HOUR}, "begins at 2024-01-01T00:00:00Z"),
    ):
        with pytest.raises(HistoryError, match=message):
            get("binance", server, file, **changes)
    assert read(file).bars == 6


def test_download__hole_at_the_source__is_named(serve, tmp_path):
    server = serve("binance")
    rows = binance(
        server,
        type(
            "A",
            (),
            {
                "path": "/api/v3/klines",
                "query": {
                    "symbol": "ETHUSDT",
                    "interval": "1h",
                    "limit": "9",
                    "startTime": str((START - HOUR) * 1_000),
                    "endTime": str(END * 1_000),
                },
            },
        ),
    ).body
    server.before = [Reply(rows[:2] + rows[5:])]
    with pytest.raises(HistoryError, match="WETH: no price between 2024-01-01T01:00:00Z and 2024-01-01T05:00:00Z"):
        get("binance", server, tmp_path / "h.csv", end=START + 8 * HOUR)


def test_download__span_that_is_over_before_it_begins__is_refused(serve, tmp_path):
    with pytest.raises(HistoryError, match="nothing from 2024-01-01T00:00:00Z"):
        get("binance", serve("binance"), tmp_path / "h.csv", end=START - HOUR)


def test_download__the_bar_that_is_not_over__is_not_taken(serve, tmp_path):
    now = int(time.time())
    found = get("binance", serve("binance"), tmp_path / "h.csv", start=now - 10 * HOUR, end=None)
    assert now - HOUR < int(found.times[-1]) <= now


# --- servers that fail


@every
@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 418])
def test_download__server_that_fails_once__is_asked_again(serve, tmp_path, name, status):
    server = serve(name)
    server.before = [Reply(b"<html>busy</html>", status, {"Retry-After": "0"})]
    assert_true_prices(get(name, server, tmp_path / "h.csv"), name=name)


def test_download__retry_after__is_waited_for(serve, tmp_path):
    server = serve("binance")
    server.before = [Reply({"code": -1003, "msg": "Too many requests"}, 429, {"Retry-After": "1"})]
    started = time.monotonic()
    get("binance", server, tmp_path / "h.csv", end=START + HOUR)
    assert 1.0 <= time.monotonic() - started < 4


def test_download__retry_after_beyond_patience__is_not_waited_for(serve, tmp_path):
    server = serve("binance")
    server.before = [Reply({}, 418, {"Retry-After": "3600"})] * 3
    started = time.monotonic()
    with pytest.raises(Unavailable, match="refuses more requests for now"):
        get("binance", server, tmp_path / "h.csv")
    assert time.monotonic() - started < 3
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("name", "identifier", "message"),
    [
        ("binance", "NOPE", "binance refuses (HTTP status 400: Invalid symbol.)"),
        ("coingecko", "nope/../x", "coingecko refuses (HTTP status 404: coin not found): check the identifiers"),
        ("coinmetrics", "nope", "coinmetrics refuses (HTTP status 400: Bad parameter 'assets'. Value 'nope' is not"),
    ],
)
def test_download__documented_refusal__says_what_the_source_says_and_is_final(
    serve, tmp_path, name, identifier, message
):
    server = serve(name)
    with pytest.raises(HistoryError) as raised:
        get(name, server, tmp_path / "h.csv", assets={"X": identifier})
    assert message in str(raised.value)
    assert len(server.asked) == 1


def test_download__days_within_a_demo_keys_year__are_asked_for_without_more(serve, tmp_path):
    server = serve("coingecko")
    server.oldest = START - 365 * DAY
    start, end = START - 270 * DAY, START - 240 * DAY
    assert_true_prices(get("coingecko", server, tmp_path / "h.csv", start=start, end=end, step=DAY), start, end, DAY)
    with pytest.raises(
        HistoryError, match=r"401: Your request exceeds the allowed time range.*\): give a key, or ask for"
    ):
        get("coingecko", server, tmp_path / "older.csv", start=START - 400 * DAY, end=end, step=DAY)


def test_download__without_its_key__says_so_and_never_repeats_it(serve, tmp_path):
    server = serve("coingecko")
    with pytest.raises(HistoryError, match=r"401: API Key Missing CG-secret\): give a key"):
        get("coingecko", server, tmp_path / "h.csv", key=None)
    server.before = [Reply({"error": "bad CG-secret"}, 403)]
    with pytest.raises(HistoryError, match=r"bad \*\*\*") as raised:
        get("coingecko", server, tmp_path / "h.csv")
    assert "CG-secret" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(b"<html>"), "not JSON"),
        (Reply({"code": 0}), "a list was to come, not dict"),
        (Reply([], 302, {"Location": "/elsewhere"}), "refuses (HTTP status 302)"),
        (Reply({"code": 0, "msg": "Service unavailable from a restricted location"}, 451), "with --url"),
        (Reply([[1, "1", "1", "1", "5", "1", 2]] * 1_000), "outside of the span asked for"),
        (Reply(b"[" + b" " * 17 * 2**20 + b"]"), "more than 16777216 bytes"),
    ],
    ids=["html", "object", "redirect", "place", "outside", "flood"],
)
def test_download__answer_that_is_not_as_documented__is_refused_at_once(serve, tmp_path, reply, message):
    server = serve("binance")
    server.before = [reply]
    with pytest.raises(HistoryError) as raised:
        get("binance", server, tmp_path / "h.csv")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(server.asked) == 1


def test_download__next_page_on_another_server__is_not_followed(serve, tmp_path):
    server, other = serve("coinmetrics"), serve("coinmetrics")
    row = {"asset": "eth", "time": "2024-01-01T00:00:00.000000000Z", "ReferenceRateUSD": "5"}
    server.before = [Reply({"data": [row], "next_page_url": f"{other.url}/timeseries/asset-metrics"})]
    with pytest.raises(HistoryError, match="on another server"):
        get("coinmetrics", server, tmp_path / "h.csv")
    assert other.asked == []


def test_download__server_that_is_gone__is_named(tmp_path):
    with pytest.raises(HistoryError, match="binance cannot be reached"):
        download(
            SOURCES["binance"]("http://127.0.0.1:9", None, Patience(1, 1, 1)),
            {"X": "ETHUSDT"},
            START,
            END,
            HOUR,
            1,
            tmp_path / "h.csv",
        )


@pytest.mark.parametrize(("name", "step"), [("binance", 7), ("coingecko", 60), ("coinmetrics", 7_200)])
def test_pages__step_that_the_source_has_not__is_refused(name, step):
    with pytest.raises(HistoryError, match=r"use (one of 1m|1h)"):
        next(SOURCES[name]("http://127.0.0.1:9", None, QUICK).pages("x", START, END, step))


def test_server__asks_no_faster_than_it_may():
    with PriceServer(binance).running() as server:
        asks = Server("x", server.url, 600, QUICK)
        server.before = [Reply([])] * 4
        started = time.monotonic()
        for _ in range(4):
            asks.get("/", {})
        assert time.monotonic() - started >= 0.3


def test_download__continued_over_a_hole__names_it(serve, tmp_path):
    server, file = serve("binance"), tmp_path / "h.csv"
    found = get("binance", server, file, end=START + 20 * HOUR)
    write(found.slice(0, 3), file)
    rows = [
        [(t - HOUR) * 1_000, "1", "1", "1", "5", "1", t * 1_000 - 1]
        for t in range(START + 9 * HOUR, START + 12 * HOUR, HOUR)
    ]
    server.before = [Reply(rows)]
    with pytest.raises(HistoryError, match="between 2024-01-01T02:00:00Z and 2024-01-01T09:00:00Z, 6 bars"):
        get("binance", server, file, end=START + 20 * HOUR)
    assert read(file).bars == 3
