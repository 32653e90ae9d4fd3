"""Private relays: asked in their own words, signed over the very bytes that are sent, and closed whatever they answer."""

import json
import time

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr
from rpc_stub import MALICIOUS, Reply, error, result, serving, stub

from keeper.errors import ChainError, ConfigurationError
from keeper.execution.relays import (
    BUNDLE_MAX_BYTES,
    BUNDLE_MAX_TRANSACTIONS,
    FlashbotsBundles,
    FlashbotsRelay,
    PrivateRpc,
    RelayError,
    RelayRefused,
    RelayUncertain,
    signature_header,
)

__all__ = ["stub"]

AUTH = Account.from_key("0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
RAW, OTHER = bytes.fromhex("02c0ffee"), bytes.fromhex("02decaf0")
HASH = "0xb2ab22bfdb01efdd2ea45bdf89c89a4156a472e36e98ac979b873b35e645a616"
BUNDLE_HASH = to_hex(keccak(keccak(RAW) + keccak(OTHER)))
# Worked out by hand from EIP-191 with a curve library, not with the code under test.
BODY = (
    b'{"jsonrpc":"2.0","id":1,"method":"eth_sendPrivateTransaction",'
    b'"params":[{"tx":"0x02c0ffee","maxBlockNumber":"0x112a880"}]}'
)
HEADER = (
    "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23:"
    "0x9c8f1b427e2fc5c5250278036bfea606dd66b0a25745a51f31180ad10dd3b29c"
    "356d36ff3f7b5eb47b25e7ff8a266f91d90d24936dd33f3b63228341248abe211c"
)


def flashbots(url: str, timeout_s: float = 5.0) -> FlashbotsRelay:
    return FlashbotsRelay(SecretStr(url), AUTH, timeout_s)


def private_rpc(url: str, timeout_s: float = 5.0) -> PrivateRpc:
    return PrivateRpc(SecretStr(url), timeout_s)


# Each way to hand over a transaction, and how its relay says yes.
WAYS = {
    "private RPC": (lambda url, timeout_s=5.0: private_rpc(url, timeout_s).send(RAW), HASH),
    "private transaction": (lambda url, timeout_s=5.0: flashbots(url, timeout_s).send(RAW), HASH),
    "bundle": (
        lambda url, timeout_s=5.0: flashbots(url, timeout_s).send_bundle([RAW, OTHER], 1),
        {"bundleHash": BUNDLE_HASH},
    ),
}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


def refused(kind: type[RelayError], send, url: str, timeout_s: float = 5.0) -> str:
    with pytest.raises(RelayError) as caught:
        send(url, timeout_s)
    line = str(caught.value)
    assert type(caught.value) is kind
    assert "nothing was sent publicly" in line
    assert line.isprintable()
    return line


def test_signature_header__of_a_known_key_and_body__is_the_known_one():
    assert signature_header(AUTH, BODY) == {"X-Flashbots-Signature": HEADER}


def test_send__to_flashbots__sends_the_known_body_under_the_known_header(stub):
    stub.answer = lambda _: result(HASH)
    assert flashbots(stub.url).send(RAW, max_block=18_000_000) == HASH
    (request,) = stub.requests
    assert request.body == BODY
    assert request.headers["X-Flashbots-Signature"] == HEADER
    assert request.headers["Content-Type"] == "application/json"


def test_send_bundle__signs_the_bytes_that_arrive(stub):
    stub.answer = lambda _: result({"bundleHash": BUNDLE_HASH, "smart": True})
    assert flashbots(stub.url).send_bundle([RAW, OTHER], 0x112A880) == BUNDLE_HASH
    (request,) = stub.requests
    address, _, signature = request.headers["X-Flashbots-Signature"].partition(":")
    arrived = encode_defunct(text="0x" + keccak(request.body).hex())
    assert Account.recover_message(arrived, signature=signature) == address == AUTH.address
    again = encode_defunct(text="0x" + keccak(json.dumps(request.json).encode()).hex())
    assert Account.recover_message(again, signature=signature) != address
    assert (request.json["method"], request.json["params"]) == (
        "eth_sendBundle",
        [{"txs": ["0x02c0ffee", "0x02decaf0"], "blockNumber": "0x112a880"}],
    )


def bundles(url: str, head=lambda: 7, blocks: int = 3) -> FlashbotsBundles:
    return FlashbotsBundles(flashbots(url), head, blocks)


def answering(*answers):
    """Answers one request after the other."""
    left = list(answers)
    return lambda _: left.pop(0)


BUNDLED = {"bundleHash": to_hex(keccak(keccak(RAW)))}


def test_bundles__are_sent_for_each_of_the_next_blocks_and_are_one_transaction(stub):
    stub.answer = lambda _: result(BUNDLED)
    assert bundles(stub.url).send(RAW) == HASH
    wanted = [request.json["params"] for request in stub.requests]
    assert wanted == [[{"txs": ["0x02c0ffee"], "blockNumber": hex(block)}] for block in (8, 9, 10)]


def test_bundles__taken_for_one_block__are_taken(stub):
    stub.answer = answering(error(-32000, "late"), result(BUNDLED), result("0x"))
    assert bundles(stub.url).send(RAW) == HASH


def test_bundles__taken_for_none__are_refused_or_uncertain_and_nothing_is_public(stub):
    stub.answer = lambda _: error(-32000, "no")
    refused(RelayRefused, lambda url, _: bundles(url).send(RAW), stub.url)
    stub.answer = answering(error(-32000, "no"), result("0x"), error(-32000, "no"))
    refused(RelayUncertain, lambda url, _: bundles(url).send(RAW), stub.url)


def test_bundles__no_head__ask_the_relay_nothing(stub):
    def gone() -> int:
        raise ChainError("no endpoint answers")

    refused(RelayRefused, lambda url, _: bundles(url, gone).send(RAW), stub.url)
    assert stub.requests == []


def test_send__without_a_last_block__names_none(stub):
    stub.answer = lambda _: result(HASH)
    flashbots(stub.url).send(RAW)
    assert stub.requests[0].json["params"] == [{"tx": "0x02c0ffee"}]


def test_send__to_a_private_rpc__is_plain_json_rpc(stub):
    stub.answer = lambda _: result(HASH.upper().replace("X", "x"))
    assert private_rpc(stub.url + "/fast?key=1").send(RAW) == HASH
    (request,) = stub.requests
    assert request.path == "/fast?key=1"
    assert (request.json["method"], request.json["params"]) == ("eth_sendRawTransaction", ["0x02c0ffee"])
    assert "X-Flashbots-Signature" not in request.headers


def test_send__when_the_relay_refuses__says_why(stub, way):
    stub.answer = lambda _: error("nonce too low", -32025)
    assert "refused eth_send" in refused(RelayRefused, way[0], stub.url)
    stub.answer = lambda _: error("unauthorized", status=403)
    assert "unauthorized" in refused(RelayRefused, way[0], stub.url)


def test_send__when_the_hash_is_of_something_else__fails(stub, way):
    other = to_hex(keccak(b"other"))
    stub.answer = lambda _: result({"bundleHash": other} if isinstance(way[1], dict) else other)
    line = refused(RelayUncertain, way[0], stub.url)
    assert f"answered with hash {other}, not 0x" in line


@pytest.mark.parametrize("answer", [1, True, "", "0x", HASH[2:], HASH + "00", HASH[:-1] + "g", HASH + "\n", [HASH], {}])
def test_send__when_the_answer_is_no_hash__fails(stub, way, answer):
    for value in (answer, {"bundleHash": answer}):
        stub.answer = lambda _, value=value: result(value)
        assert "answered without a hash; it may have" in refused(RelayUncertain, way[0], stub.url)


@pytest.mark.parametrize("name", [name for name in MALICIOUS if not name.startswith("error")])
def test_send__when_the_relay_misbehaves__is_uncertain_and_not_asked_again(stub, way, name):
    stub.answer = lambda _: MALICIOUS[name]
    start = time.monotonic()
    refused(RelayUncertain, way[0], stub.url, timeout_s=0.5)
    assert time.monotonic() - start < 3
    assert len(stub.requests) == 1


@pytest.mark.parametrize("name", [name for name in MALICIOUS if name.startswith("error")])
def test_send__when_the_relay_answers_an_error_of_any_shape__is_refused(stub, way, name):
    stub.answer = lambda _: MALICIOUS[name]
    refused(RelayRefused, way[0], stub.url)
    assert len(stub.requests) == 1


def test_send__when_nobody_listens__fails(way):
    assert "cannot be reached" in refused(RelayUncertain, way[0], "http://127.0.0.1:1")


@pytest.fixture(scope="module")
def served():
    with serving() as found:
        yield found


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=33).map(to_hex),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["bundleHash", "result", "error", "code"]), inner)
        ),
    )
)
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_send__whatever_json_comes_back__ends_in_a_typed_error(served, answer):
    for value in (answer, {"result": answer}, {"result": {"bundleHash": answer}}):
        served.answer = lambda _, value=value: Reply(json.dumps(value).encode())
        for send, _ in WAYS.values():
            with pytest.raises(RelayError, match="nothing was sent publicly"):
                send(served.url)


def test_send_bundle__within_the_relays_limits__is_sent(stub):
    for raws in ([b"\x02"] * BUNDLE_MAX_TRANSACTIONS, [b"\x02" * BUNDLE_MAX_BYTES]):
        expected = to_hex(keccak(b"".join(keccak(raw) for raw in raws)))
        stub.answer = lambda _, expected=expected: result({"bundleHash": expected})
        assert flashbots(stub.url).send_bundle(raws, 1) == expected


@pytest.mark.parametrize(
    "raws",
    [[], [b"\x02"] * (BUNDLE_MAX_TRANSACTIONS + 1), [b"\x02" * BUNDLE_MAX_BYTES, b"\x02"]],
    ids=["0", "101", "big"],
)
def test_send_bundle__beyond_the_relays_limits__is_not_even_asked(stub, raws):
    with pytest.raises(RelayRefused, match="nothing was sent publicly"):
        flashbots(stub.url).send_bundle(raws, 1)
    assert stub.requests == []


@pytest.mark.parametrize("url", ["http://relay.example", "http://127.0.0.1.example/x", "http://10.0.0.1:8545"])
def test_relay__when_the_url_is_not_private__is_refused(url):
    for make in (flashbots, private_rpc):
        with pytest.raises(ConfigurationError, match="is not private without https"):
            make(url)


@pytest.mark.parametrize("url", ["https://relay.example", "http://localhost:1", "http://[::1]:1", "http://127.9.9.9"])
def test_relay__over_https_or_on_this_machine__is_accepted(url):
    assert flashbots(url).name.startswith("Flashbots relay at http")
    assert private_rpc(url).name.startswith("private RPC at http")


def test_repr__shows_neither_key_nor_path():
    url = "https://user:pass-word@relay.example/api-key"
    text = repr(flashbots(url)) + repr(private_rpc(url)) + repr(bundles(url))
    assert AUTH.address in text
    assert not [secret for secret in ("pass-word", "api-key", AUTH.key.hex()) if secret in text]
