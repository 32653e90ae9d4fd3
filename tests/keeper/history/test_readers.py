"""What others write, in the shapes that they document, and files of our own."""

import json
import time
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.errors import HistoryError
from keeper.history import PriceHistory, align, files, read, read_series, write
from keeper.history.moments import iso, span, unix

HOUR = 3_600
START = 1_735_689_600  # 2025-01-01T00:00:00Z
HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)


def kline(opens: int, close: str, unit: int = 10**3, seconds: int = HOUR) -> list:
    """As Binance documents it: twelve fields, prices as text, the close time one unit before the next opening."""
    closes = (opens + seconds) * unit - 1
    return [opens * unit, "3300.1", "3400", "3200", close, "148.9", closes, "2434.1", 308, "1756.8", "28.4", "0"]


def dump(rows: list[list], header: bool = False) -> bytes:
    lines = [HEADER] * header + [",".join(map(str, row)) for row in rows]
    return ("\n".join(lines) + "\n").encode()


@pytest.fixture
def put(tmp_path):
    def write_bytes(content, name="file"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return file

    return write_bytes


def told(history: PriceHistory) -> list[tuple[int, float]]:
    return list(zip(history.times.tolist(), history.prices[:, 0].tolist(), strict=True))


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("unit", [10**3, 10**6])
def test_read_series__binance_dump__has_the_close_when_it_was_known(put, header, unit):
    file = put(dump([kline(START, "3310.5", unit), kline(START + HOUR, "3320.25", unit)], header))
    assert told(read_series("binance", "WETH", [file])) == [(START + HOUR, 3310.5), (START + 2 * HOUR, 3320.25)]


def test_read_series__binance_answer__reads_as_its_dump(put):
    rows = [kline(START, "3310.5"), kline(START + HOUR, "3320.25")]
    assert told(read_series("binance", "WETH", [put(rows)])) == told(read_series("binance", "WETH", [put(dump(rows))]))


def test_read_series__dumps_of_two_months_in_two_units__are_one_history(put):
    old = put(dump([kline(START - HOUR, "1")]), "old")
    new = put(dump([kline(START, "2", 10**6)]), "new")
    assert told(read_series("binance", "WETH", [new, old])) == [(START, 1.0), (START + HOUR, 2.0)]


def test_read_series__files_that_contradict_each_other__are_refused(put):
    one, other = put(dump([kline(START, "1")]), "one"), put(dump([kline(START, "2")]), "other")
    with pytest.raises(HistoryError, match=r"two files say 1\.0 and 2\.0"):
        read_series("binance", "WETH", [one, other])
    assert read_series("binance", "WETH", [one, one]).bars == 1


def test_read_series__coingecko__leaves_out_what_has_no_price_and_rounds_times_up(put):
    milliseconds = START * 1_000
    rows = [[milliseconds, 1.5], [milliseconds + 3_600_123, None], [milliseconds + 7_200_123, 2.5]]
    newest = [milliseconds + 7_200_456, 2.75]
    body = {"prices": [*rows, newest], "market_caps": [], "total_volumes": []}
    assert told(read_series("coingecko", "LINK", [put(body)])) == [(START, 1.5), (START + 7_201, 2.75)]


def test_read_series__coinmetrics__has_a_days_price_at_its_end(put):
    day = [{"asset": "eth", "time": "2025-01-01T00:00:00.000000000Z", "PriceUSD": "3353.25"}]
    assert told(read_series("coinmetrics", "WETH", [put({"data": day})])) == [(START + 86_400, 3353.25)]
    rate = [{"asset": "eth", "time": "2025-01-01T00:00:00.000000000Z", "ReferenceRateUSD": "3353.25"}]
    assert told(read_series("coinmetrics", "WETH", [put({"data": rate})])) == [(START, 3353.25)]


def test_read_series__coinmetrics_csv__begins_where_its_prices_begin(put):
    file = put(b"time,AdrActCnt,PriceUSD\n2024-12-30,5,\n2024-12-31,6,3330.5\n2025-01-01,7,3353.25\n")
    assert told(read_series("coinmetrics", "WETH", [file])) == [(START, 3330.5), (START + 86_400, 3353.25)]


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("binance", b"", "no prices of X"),
        ("binance", b"[[1,", "no JSON"),
        ("binance", b"1735689600000,1,2\n", "kline 0 has not the 7 fields"),
        ("binance", dump([kline(START, "dear")]), "kline 0: 'dear' is no price"),
        ("binance", dump([kline(START, "-1")]), r"price -1\.0 of X"),
        ("binance", dump([kline(START, "nan")]), "price nan of X"),
        ("binance", [{"open": 1}], "kline 0 has not the 7 fields"),
        ("binance", [[1, 2, 3, 4, "5", 6, "soon"]], "kline 0: 'soon' is no time"),
        ("coingecko", b"<html>", "no JSON"),
        ("coingecko", [], "has no prices"),
        ("coingecko", {"prices": {}}, "a list was to come, not dict"),
        ("coingecko", {"prices": [[1]]}, "price 0 is no pair"),
        ("coingecko", {"prices": [[START * 1_000, True]]}, "price 0: 'True' is no price"),
        ("coinmetrics", b"time,AdrActCnt\n2025-01-01,5\n", "row 0 has neither PriceUSD nor ReferenceRateUSD"),
        ("coinmetrics", b"date,PriceUSD\n2025-01-01,5\n", "row 0 has no time"),
        ("coinmetrics", b"time,PriceUSD\nyesterday,5\n", "time 'yesterday' is no ISO 8601 date"),
        ("coinmetrics", {"error": {"message": "x"}}, "has no data"),
        ("coinbase", b"", "format 'coinbase' is unknown: use one of binance, coingecko, coinmetrics"),
    ],
    ids=range(18),
)
def test_read_series__malformed__says_in_one_line_what_and_where(put, kind, content, message):
    with pytest.raises(HistoryError, match=message) as raised:
        read_series(kind, "X", [put(content)])
    assert "\n" not in str(raised.value)


def test_read_series__missing_file__is_named(tmp_path):
    with pytest.raises(HistoryError, match=r"absent cannot be read \(No such file"):
        read_series("binance", "X", [tmp_path / "absent"])


# --- files of our own


@settings(deadline=None)  # the first call imports pandas
@given(
    prices=st.lists(st.tuples(*[st.floats(1e-12, 1e9)] * 2), min_size=1, max_size=30),
    start=st.integers(0, 4 * 10**9),
    step=st.integers(1, 10**6),
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_write__then_read__gives_the_same_to_the_last_bit(tmp_path_factory, suffix, prices, start, step):
    file = tmp_path_factory.mktemp("history") / f"h.{suffix}"
    times = start + step * np.arange(len(prices))
    before = PriceHistory(("WETH", 'a,b "c"'), times, np.array(prices))
    write(before, file)
    after = read(file)
    assert after.assets == before.assets
    assert np.array_equal(after.times, before.times)
    assert np.array_equal(after.prices, before.prices)
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_read__csv_by_hand__takes_dates_and_whole_numbers(tmp_path):
    file = tmp_path / "h.csv"
    file.write_text("WETH,time,USDC\n3000,2025-01-01,1\n3001,2025-01-01T06:00:00Z,1.0\n")
    found = read(file)
    assert found.assets == ("WETH", "USDC")
    assert found.times.tolist() == [START, START + 6 * HOUR]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,WETH\n1,2\n", "has no column 'time': it has date, WETH"),
        ("time,WETH\n1,dear\n", "column 'WETH' has something that is no number"),
        ("time,WETH\n1,\n2,5\n", "price nan of WETH at 1"),
        ("time,WETH\n2,1\n1,5\n", "comes after 2"),
        ("time,WETH\nsoon,1\n", "time 'soon' is no ISO 8601 date"),
        ("time\n1\n", "at least one name"),
        ("", "cannot be read"),
    ],
)
def test_read__malformed__names_the_file_and_the_fault(tmp_path, text, message):
    file = tmp_path / "h.csv"
    file.write_text(text)
    with pytest.raises(HistoryError, match=message) as raised:
        read(file)
    assert str(file) in str(raised.value)


def test_read__parquet_with_timestamps__takes_them(tmp_path):
    import pandas as pd

    pd.DataFrame({"time": [datetime(2025, 1, 1, tzinfo=UTC)], "WETH": [1.5]}).to_parquet(tmp_path / "h.parquet")
    assert told(read(tmp_path / "h.parquet")) == [(START, 1.5)]


def test_read__what_is_not_there_or_of_another_kind__says_what_to_do(tmp_path):
    with pytest.raises(HistoryError, match="`equipoise history download` makes one"):
        read(tmp_path / "absent.csv")
    with pytest.raises(HistoryError, match=r"has to end in \.csv or \.parquet"):
        read(tmp_path / "h.xlsx")
    (tmp_path / "h.parquet").write_bytes(b"PAR1")
    with pytest.raises(HistoryError, match="cannot be read"):
        read(tmp_path / "h.parquet")


def test_write__that_fails__leaves_what_was_there(tmp_path, monkeypatch):
    file = tmp_path / "h.csv"
    history = PriceHistory(("A",), [1], [[1.0]])
    write(history, file)
    monkeypatch.setattr(files.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(HistoryError, match="No space left on device"):
        write(PriceHistory(("A",), [2], [[2.0]]), file)
    assert read(file).times.tolist() == [1]
    assert [each.name for each in tmp_path.iterdir()] == ["h.csv"]


# --- one axis of time


def one(asset: str, **prices: float) -> PriceHistory:
    """Prices by seconds: `_60=1.0`."""
    return PriceHistory((asset,), [int(t[1:]) for t in prices], [[p] for p in prices.values()])


def test_align__takes_the_last_price_by_then_of_each():
    found = align([one("A", _0=1, _60=2, _120=3, _180=4), one("B", _50=10, _110=20, _175=30, _200=40)], 60, 0)
    assert found.assets == ("A", "B")
    assert found.times.tolist() == [60, 120, 180]
    assert found.prices.tolist() == [[2, 10], [3, 20], [4, 30]]


@pytest.mark.parametrize(("max_gap", "fits"), [(1, False), (2, True)])
def test_align__hole__is_filled_up_to_the_limit_and_else_named(max_gap, fits):
    holey = one("A", _0=1, _60=2, _240=5)  # nothing of its own at 120 and 180
    if fits:
        assert align([holey], 60, max_gap).prices[:, 0].tolist() == [1, 2, 2, 2, 5]
        return
    with pytest.raises(HistoryError, match="A: no price between 1970-01-01T00:01:00Z and 1970-01-01T00:04:00Z"):
        align([holey], 60, max_gap)


@pytest.mark.parametrize(("upto", "last"), [(None, 7_200), (10_799, 7_200), (10_800, 10_800), (50_000, 10_800)])
def test_align__last_price_inside_a_step__counts_for_its_end_where_all_is_known_by_then(upto, last):
    history = PriceHistory(("A",), np.array([3_600, 7_200, 7_241]), np.array([[1.0], [1.0], [2.0]]))
    found = align([history], 3_600, 0, upto)
    assert found.times[-1] == last
    assert found.prices[-1, 0] == (2.0 if last == 10_800 else 1.0)


def test_align__spans_that_do_not_meet__are_named():
    with pytest.raises(
        HistoryError, match=r"no bar is spanned by all: A 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z, B"
    ):
        align([one("A", _0=1, _60=2), one("B", _120=1, _180=2)], 60, 5)
    with pytest.raises(HistoryError, match="give 1 s"):
        align([one("A", _0=1)], 0, 0)


@given(data=st.data(), step=st.integers(1, 90), max_gap=st.integers(0, 3))
def test_align__never_takes_a_price_of_the_future_or_an_older_one_than_allowed(data, step, max_gap):
    times = sorted(data.draw(st.sets(st.integers(0, 900), min_size=2, max_size=40)))
    history = PriceHistory(("A",), times, np.array(times, dtype=float)[:, None] + 1)
    try:
        found = align([history], step, max_gap)
    except HistoryError:
        widest = max(b - a for a, b in pairwise(times))
        assert widest > max_gap * step or times[0] // step == times[-1] // step
        return
    for moment, price in told(found):
        taken = price - 1
        assert taken == max(t for t in times if t <= moment)
        assert moment - taken < (max_gap + 1) * step


# --- moments


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2025-01-01", START),
        ("2025-01-01T00:00:00Z", START),
        ("2025-01-01T02:00:00+02:00", START),
        ("2025-01-01T00:00:00.000000000Z", START),
        ("2025-01-01 00:00:00.25", START + 1),
    ],
)
def test_unix__iso_8601__is_utc_and_never_too_early(text, seconds):
    assert unix(text) == seconds
    assert unix(iso(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("30", 30), ("30s", 30), ("5m", 300), ("1h", 3_600), ("1d", 86_400), ("2W", 1_209_600)]
)
def test_span__is_in_seconds(text, seconds):
    assert span(text) == seconds


@pytest.mark.parametrize("text", ["", "0h", "-1h", "1y", "h", "1.5h", "1 h"])
def test_span__that_is_none__is_refused(text):
    with pytest.raises(HistoryError, match="no span of time"):
        span(text)


def test_unix__on_a_machine_elsewhere__still_is_utc(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert unix("2025-01-01") == START
    finally:
        monkeypatch.undo()
        time.tzset()
