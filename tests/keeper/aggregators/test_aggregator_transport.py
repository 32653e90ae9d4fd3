"""What goes wrong on the way, and what venues say of it: one line, typed, without the key."""

import gzip
import logging
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aggregator_cases import CASES, KEY, KYBERSWAP, ONEINCH, REQUEST, ZEROX, Case
from aggregator_server import FakeAggregator, Reply
from pydantic import SecretStr

from keeper.aggregators import (
    AccessRefused,
    AggregatorUnavailable,
    Connection,
    MalformedAnswer,
    NoQuote,
    OneInch,
    RateLimited,
    RequestRefused,
    ZeroX,
)
from keeper.aggregators.transport import ANSWER_MAX
from keeper.errors import AggregatorError, ConfigurationError, NoRoute

every = pytest.mark.parametrize("case", CASES, ids=[case.venue for case in CASES])


@pytest.fixture(scope="module")
def server() -> Iterator[FakeAggregator]:
    with FakeAggregator().running() as running:
        yield running


def failure(server: FakeAggregator, case: Case, *replies: Reply, **connection) -> AggregatorError:
    """The error, after all that it prints was searched for the key and for a second line."""
    server.answer(*replies)
    with pytest.raises(AggregatorError) as caught:
        case.adapter(server.url, **connection).quote(REQUEST)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    line = str(caught.value)
    assert line.isprintable()
    assert case.venue in line
    return caught.value


@every
def test_quote__documented_answer_of_no_route__says_so(server: FakeAggregator, case: Case) -> None:
    status, body = case.no_route
    error = failure(server, case, Reply(body, status))
    assert type(error) is case.no_route_kind
    assert isinstance(error, NoRoute) == (case.no_route_kind is NoQuote)


@every
def test_quote__documented_refusal__repeats_what_the_venue_says(server: FakeAggregator, case: Case) -> None:
    status, body = case.refusal
    error = failure(server, case, Reply(body, status))
    assert type(error) is RequestRefused
    said = [value for value in body.values() if isinstance(value, str)]
    assert any(text in str(error) for text in said)
    assert len(server.asked) == 1


@every
@pytest.mark.parametrize("status", [401, 403])
def test_quote__access_refused__names_the_key_and_is_final(server: FakeAggregator, case: Case, status: int) -> None:
    error = failure(server, case, Reply({"message": KEY}, status), attempts=3)
    assert type(error) is AccessRefused
    assert isinstance(error, ConfigurationError)
    assert len(server.asked) == 1


@every
def test_quote__too_many_requests__waits_as_long_as_asked_and_asks_again(server: FakeAggregator, case: Case) -> None:
    server.answer(Reply({}, 429, {"Retry-After": "1"}), *map(Reply, case.answers))
    started = time.monotonic()
    case.adapter(server.url, attempts=2).quote(REQUEST)
    assert 1.0 <= time.monotonic() - started < 4
    assert len(server.asked) == 1 + len(case.answers)


def test_quote__retry_after_as_a_date__is_waited_for(server: FakeAggregator) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    server.answer(Reply({}, 429, {"Retry-After": date}), *map(Reply, ONEINCH.answers))
    started = time.monotonic()
    ONEINCH.adapter(server.url, attempts=2).quote(REQUEST)
    assert 0.9 <= time.monotonic() - started < 4


def test_quote__retry_after_beyond_patience__is_not_waited_for(server: FakeAggregator) -> None:
    started = time.monotonic()
    error = failure(server, ONEINCH, Reply({}, 429, {"Retry-After": "4"}), attempts=2, patience_s=3)
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 4
    assert time.monotonic() - started < 2
    assert len(server.asked) == 1


@pytest.mark.parametrize("value", ["", "-5", "1e9", "nan", "٣", "soon", "99999999999999999999999", "Fri, 99 Foo"])
def test_quote__retry_after_that_makes_no_sense__is_no_other_error(server: FakeAggregator, value: str) -> None:
    headers = {"Retry-After": value.encode("utf-8").decode("latin-1")}
    error = failure(server, ONEINCH, Reply({}, 429, headers), attempts=1)
    assert isinstance(error, RateLimited)


@every
def test_quote__venue_that_fails__is_asked_as_often_as_told(server: FakeAggregator, case: Case) -> None:
    error = failure(server, case, Reply(b"<html>Bad gateway</html>", 502), attempts=3)
    assert type(error) is AggregatorUnavailable
    assert len(server.asked) == 3


def test_quote__venue_that_failed_once__gives_its_quote(server: FakeAggregator) -> None:
    server.answer(Reply({"name": "INTERNAL_SERVER_ERROR", "message": "x"}, 500), *map(Reply, ZEROX.answers))
    assert ZEROX.adapter(server.url, attempts=2).quote(REQUEST).venue == "0x"


@every
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_quote__redirect__is_not_followed(server: FakeAggregator, case: Case, status: int) -> None:
    location = {"Location": f"{server.url}/elsewhere"}
    error = failure(server, case, Reply(case.answers[0], status, location), attempts=3)
    assert type(error) is MalformedAnswer
    assert "redirect" in str(error)
    assert len(server.asked) == 1


@every
def test_quote__answer_without_end__is_cut_off(server: FakeAggregator, case: Case) -> None:
    error = failure(server, case, Reply(b" " * (ANSWER_MAX + 1) + b"{}"))
    assert type(error) is MalformedAnswer
    assert str(ANSWER_MAX) in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"NaN",
        b'{"a": Infinity}',
        b"[" * 100_000,
        b'{"a": ' + b"9" * 10_000 + b"}",
        b'"\\ud800"',
        b"null",
        b"true",
        b"[]",
        b'"text"',
        b"1e999",
    ],
)
@every
def test_quote__anything_but_the_documented_json__is_malformed(server: FakeAggregator, case: Case, body: bytes) -> None:
    assert type(failure(server, case, Reply(body))) is MalformedAnswer


def test_quote__answer_without_end__is_not_read_to_its_end(server: FakeAggregator) -> None:
    length = 64 * 2**20
    failure(server, ZEROX, Reply(bytes(length)))
    # What the sockets hold comes on top.
    assert server.sent < length // 2


@pytest.mark.parametrize("tail", [b"0\r\n\r\n", b"", b"zz\r\n"], ids=["whole", "cut off", "malformed"])
def test_quote__answer_in_chunks__is_read_when_whole(server: FakeAggregator, tail: bytes) -> None:
    content = Reply(ZEROX.answers[0]).content()
    parts = [content[first : first + 100] for first in range(0, len(content), 100)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    reply = Reply(chunks + tail, headers={"Transfer-Encoding": "chunked"})
    if tail.startswith(b"0"):
        server.answer(reply)
        assert ZEROX.adapter(server.url).quote(REQUEST).venue == "0x"
    else:
        assert type(failure(server, ZEROX, reply)) is AggregatorUnavailable


def test_quote__answer_shorter_than_announced__is_no_quote(server: FakeAggregator) -> None:
    content = Reply(ZEROX.answers[0]).content()
    error = failure(server, ZEROX, Reply(content[:-40], headers={"Content-Length": str(len(content))}))
    assert type(error) is AggregatorUnavailable


def test_quote__compressed_answer__is_not_unpacked(server: FakeAggregator) -> None:
    packed = gzip.compress(Reply(ZEROX.answers[0]).content())
    error = failure(server, ZEROX, Reply(packed, headers={"Content-Encoding": "gzip"}))
    assert type(error) is MalformedAnswer


def test_quote__silent_venue__ends_in_time(server: FakeAggregator) -> None:
    started = time.monotonic()
    error = failure(server, ZEROX, Reply(b"1234567890" * 10, drip_s=0.2), timeout_s=0.5)
    assert type(error) is AggregatorUnavailable
    assert "0.5 s" in str(error)
    assert time.monotonic() - started < 2


def test_quote__nobody_listens__is_unavailable() -> None:
    with pytest.raises(AggregatorUnavailable, match="cannot be reached") as caught:
        ZEROX.adapter("http://127.0.0.1:9", attempts=1).quote(REQUEST)
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_quote__error_that_repeats_the_key__does_not_repeat_it_further(server: FakeAggregator) -> None:
    body = {"name": "INPUT_INVALID", "message": f"headers: 0x-api-key={KEY}\nforged line \x1b[31m" + "x" * 5_000}
    line = str(failure(server, ZEROX, Reply(body, 400)))
    assert "0x-api-key=***" in line
    assert len(line) < 400


def test_quote__kyberswap_code_with_http_200__is_an_error(server: FakeAggregator) -> None:
    assert type(failure(server, KYBERSWAP, Reply({"code": 4010, "message": "no pools"}))) is NoQuote
    assert type(failure(server, KYBERSWAP, Reply({"code": "0", "message": "a string"}))) is MalformedAnswer


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "ключ"])
@pytest.mark.parametrize("make", [ZeroX, OneInch])
def test_adapter__key_that_is_none__is_refused_without_repeating_it(make, key: str) -> None:
    with pytest.raises(ConfigurationError, match="empty or no key") as caught:
        make(SecretStr(key), Connection())
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("case", [ZEROX, ONEINCH], ids=["0x", "1inch"])
def test_adapter__logs_of_everything__hold_no_key(server: FakeAggregator, case: Case, caplog) -> None:
    with caplog.at_level(logging.DEBUG):
        server.answer(*map(Reply, case.answers))
        case.adapter(server.url).quote(REQUEST)
        failure(server, case, Reply({}, 500))
    assert caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("case", [ZEROX, ONEINCH], ids=["0x", "1inch"])
def test_adapter__repr__holds_no_key(case: Case) -> None:
    adapter = case.adapter("http://127.0.0.1:9")
    assert KEY not in repr(adapter)
    assert KEY not in repr(vars(adapter))
    assert KEY not in repr(vars(adapter._transport))
