"""One endpoint that is slow, floods, breaks its format, or wants to be left alone."""

import json
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from fake_clock import clock
from rpc_stub import MALICIOUS, Reply, error, result, stub

from keeper.chain import transport
from keeper.chain.breaker import Breaker
from keeper.chain.errors import BlockMissing, RpcError, TransientError
from keeper.chain.rpc import Client
from keeper.chain.transport import Transport
from keeper.errors import ChainError

__all__ = ["clock", "stub"]

BUSY = Reply(b"busy", 503)


@pytest.mark.parametrize("name", MALICIOUS)
def test_ask__whatever_comes_back__ends_in_time_in_a_typed_error(stub, name, monkeypatch):
    monkeypatch.setattr(transport, "ANSWER_MAX_BYTES", 2**20)
    stub.answer = lambda _: MALICIOUS[name]
    if name == "null result":
        assert Transport(stub.url, 0.5).ask("eth_x", ()) is None
    elif name == "huge body that is announced short":
        with pytest.raises(ChainError):
            Transport(stub.url, 0.5).ask("eth_x", ())
    else:
        with pytest.raises(ChainError):
            Transport(stub.url, 0.5).ask("eth_x", ())
    assert len(stub.requests) == 1


def test_ask__deep_json_under_a_raised_recursion_limit__ends_in_an_error(stub):
    stub.answer = lambda _: Reply(b'{"result":' + b"[" * 500_000 + b"]" * 500_000 + b"}")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10**7)
    try:
        with pytest.raises(TransientError, match="not JSON"):
            Transport(stub.url, 5).ask("eth_x", ())
    finally:
        sys.setrecursionlimit(limit)


def test_ask__more_than_the_most_bytes__is_no_answer(stub, monkeypatch):
    monkeypatch.setattr(transport, "ANSWER_MAX_BYTES", 100)
    stub.answer = lambda _: result("0" * 200)
    with pytest.raises(ChainError, match="more than 100 bytes"):
        Transport(stub.url, 5).ask("eth_x", ())


def test_ask__counts_by_method_and_sends_json_rpc_over_one_connection(stub):
    stub.answer = lambda _: result("0x1")
    asked = Transport(stub.url, 5)
    for method in ("eth_a", "eth_b", "eth_a"):
        asked.ask(method, ("0x", {"x": [1]}))
    assert asked.counts == {"eth_a": 2, "eth_b": 1}
    assert stub.requests[0].json == {"jsonrpc": "2.0", "id": 1, "method": "eth_a", "params": ["0x", {"x": [1]}]}
    assert stub.requests[0].headers["Content-Type"] == "application/json"
    assert stub.requests[0].headers["Accept-Encoding"] == "identity"


def test_ask__a_user_in_the_url__becomes_a_header_and_no_secret_is_repeated(stub):
    stub.answer = lambda _: error("key apikey123 is over its limit")
    asked = Transport(stub.url.replace("http://", "http://me:word@") + "/v2/apikey123", 5)
    with pytest.raises(RpcError) as caught:
        asked.ask("eth_x", ())
    assert stub.requests[0].headers["authorization"] == "Basic bWU6d29yZA=="
    assert stub.requests[0].path == "/v2/apikey123"
    assert str(caught.value) == f"{stub.url} refused eth_x: key … is over its limit"


def test_ask__an_error_answer_with_a_status_of_its_own__is_that_error(stub):
    stub.answer = lambda _: error("nonce too low", status=400)
    with pytest.raises(RpcError, match="nonce too low"):
        Transport(stub.url, 5).ask("eth_x", ())


def test_ask__a_status_without_json__names_the_status(stub):
    stub.answer = lambda _: Reply(b"who are you", 403)
    with pytest.raises(ChainError, match="HTTP status 403"):
        Transport(stub.url, 5).ask("eth_x", ())


@pytest.mark.parametrize("text", ["header not found", "Unknown block", "missing trie node abc"])
def test_ask__a_block_that_is_not_there__is_told_from_other_errors(stub, text):
    stub.answer = lambda _: error(text)
    with pytest.raises(BlockMissing):
        Transport(stub.url, 5).ask("eth_x", ())


def test_ask__after_failures_in_a_row__leaves_the_endpoint_alone_for_longer_each_time(stub, clock):
    stub.answer = lambda _: BUSY
    asked = Transport(stub.url, 5, clock)
    for _ in range(5):
        with pytest.raises(TransientError, match="503"):
            asked.ask("eth_x", ())
    waits = []
    for _ in range(12):
        with pytest.raises(TransientError, match="left alone") as caught:
            asked.ask("eth_x", ())
        waits.append(caught.value.wait_s)
        clock.now += caught.value.wait_s
        with pytest.raises(TransientError, match="503"):
            asked.ask("eth_x", ())
    assert len(stub.requests) == 5 + 12
    assert 0.75 <= waits[0] <= 1.0
    assert all(90 <= wait <= 120 for wait in waits[7:])
    assert all(later > sooner for sooner, later in pairwise(waits[:7]))
    clock.now += 120
    stub.answer = lambda _: result("0x1")
    assert asked.ask("eth_x", ()) == "0x1"
    stub.answer = lambda _: BUSY
    for _ in range(4):  # and the count begins anew
        with pytest.raises(TransientError, match="503"):
            asked.ask("eth_x", ())


def test_ask__refusals__are_no_failures(stub, clock):
    stub.answer = lambda _: error("no such method")
    asked = Transport(stub.url, 5, clock)
    for _ in range(20):
        with pytest.raises(RpcError):
            asked.ask("eth_x", ())


@pytest.mark.parametrize("is_date", [False, True])
def test_read__retry_after__is_waited_for_and_no_request_is_made_before(stub, clock, is_date):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=7.5), usegmt=True)
    answers = [Reply(b"slow down", 429, {"Retry-After": date if is_date else "7"}), result("0x7")]
    stub.answer = lambda _: answers.pop(0)
    client = Client(stub.url, clock=clock, sleep=clock.sleep)
    assert client.read("eth_x") == "0x7"
    assert len(stub.requests) == 2
    (slept,) = clock.slept
    assert 5 <= slept <= 8


def test_read__a_long_retry_after__is_not_waited_for_and_respected_by_the_next(stub, clock):
    stub.answer = lambda _: Reply(b"slow down", 429, {"Retry-After": "60"})
    client = Client(stub.url, clock=clock, sleep=clock.sleep)
    for _ in range(3):
        with pytest.raises(TransientError):
            client.read("eth_x")
    assert (len(stub.requests), clock.slept) == (1, [])
    clock.now += 61
    stub.answer = lambda _: result("0x7")
    assert client.read("eth_x") == "0x7"


def test_breaker__a_demand_beyond_the_most__is_cut(clock):
    breaker = Breaker(3, 1, 100, clock)
    assert breaker.failed(10**9)
    assert breaker.wait_s == 100


def test_send__when_the_node_has_it_already__counts_as_taken(stub):
    stub.answer = lambda _: error("already known")
    expected = "0xbc36789e7a1e281436464229828f817d6612f7b477d66591ff96a9e064bcc98a"  # keccak256 of one zero byte
    assert Client(stub.url).send("eth_sendRawTransaction", "0x00") == expected
    with pytest.raises(RpcError):
        Client(stub.url).send("eth_sendTransaction", "0x00")


def test_requests__are_json_that_another_parser_reads(stub):
    stub.answer = lambda _: result(None)
    Transport(stub.url, 5).ask("eth_x", ("\u2028", None, True))
    assert json.loads(stub.requests[0].body)["params"] == ["\u2028", None, True]
