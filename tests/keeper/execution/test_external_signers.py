"""web3signer and Clef: asked in their own words, and believed only if they signed what they were asked to."""

import json
import time

import pytest
import rlp
from eth_account import Account
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr
from rpc_stub import MALICIOUS, Reply, error, result, serving, stub

from keeper.errors import ConfigurationError, SignerError
from keeper.execution import eip1559
from keeper.execution import signer as signers
from keeper.execution.eip1559 import unsigned
from keeper.execution.endpoint import ANSWER_MAX_BYTES, Endpoint, NoAnswer
from keeper.execution.signer import ClefSigner, Web3Signer
from keeper.settings import Settings, load

__all__ = ["stub"]

ACCOUNT = Account.from_key(b"\x11" * 32)
STRANGER = Account.from_key(b"\x22" * 32)
TARGET = "0x" + "12" * 20
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ASKED = {
    "type": 2,
    "chainId": 1,
    "nonce": 7,
    "to": TARGET,
    "value": 0,
    "data": "0x12345678" + "00" * 32,
    "gas": 210_000,
    "maxFeePerGas": 30 * 10**9,
    "maxPriorityFeePerGas": 10**9,
}
KINDS = {
    "web3signer": (Web3Signer, lambda raw: raw),
    "clef": (ClefSigner, lambda raw: {"raw": raw, "tx": {"hash": "0x00"}}),
}


def signed(transaction=ASKED, account=ACCOUNT) -> str:
    return to_hex(account.sign_transaction(transaction).raw_transaction)


def changed(**fields) -> str:
    return signed(ASKED | fields)


def resigned(**parts) -> str:
    """What was asked, with parts of the signature changed."""
    items = rlp.decode(bytes.fromhex(signed()[4:]))
    for name, value in parts.items():
        items[9 + "vrs".index(name)] = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return "0x02" + rlp.encode(items).hex()


def mirrored() -> str:
    """The other signature of the same key over the same hash, which EIP-2 forbids."""
    v, _, s = (int.from_bytes(item, "big") for item in rlp.decode(bytes.fromhex(signed()[4:]))[9:])
    return resigned(v=1 - v, s=ORDER - s)


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


def ask(stub, kind, answer, timeout_s=5.0):
    make, wrap = kind
    stub.answer = lambda _: answer if isinstance(answer, Reply) else result(wrap(answer))
    return make(SecretStr(stub.url), ACCOUNT.address, timeout_s).sign(ASKED)


def refused(stub, kind, answer, timeout_s=5.0) -> str:
    with pytest.raises(SignerError) as caught:
        ask(stub, kind, answer, timeout_s)
    line = str(caught.value)
    assert line.isprintable()
    return line


def test_prepare__gives_back_what_was_signed_and_its_hash(stub, kind):
    prepared = ask(stub, kind, signed())
    assert to_hex(prepared.raw) == signed()
    assert prepared.hash == to_hex(keccak(hexstr=signed()))


@pytest.mark.parametrize(
    ("name", "method"), [("web3signer", "eth_signTransaction"), ("clef", "account_signTransaction")]
)
def test_prepare__asks_in_the_words_of_its_interface(stub, name, method):
    ask(stub, KINDS[name], signed())
    (request,) = stub.requests
    assert request.headers["Content-Type"] == "application/json"
    (transaction,) = request.json["params"]
    assert (request.json["jsonrpc"], request.json["method"]) == ("2.0", method)
    assert transaction == {
        "type": "0x2",
        "from": ACCOUNT.address,
        "to": ASKED["to"],
        "chainId": "0x1",
        "nonce": "0x7",
        "value": "0x0",
        "data": ASKED["data"],
        "gas": hex(210_000),
        "maxFeePerGas": hex(30 * 10**9),
        "maxPriorityFeePerGas": hex(10**9),
    }


def test_prepare__of_a_new_contract__names_no_target(stub, kind):
    make, wrap = kind
    creation = {name: value for name, value in ASKED.items() if name != "to"}
    stub.answer = lambda _: result(wrap(signed(creation)))
    assert make(SecretStr(stub.url), ACCOUNT.address, 5).sign(creation).raw == bytes.fromhex(signed(creation)[2:])
    assert "to" not in stub.requests[0].json["params"][0]
    assert "another to" in refused(stub, kind, signed(creation))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("chainId", 5),
        ("nonce", 8),
        ("nonce", 0),
        ("to", "0x" + "11" * 20),
        ("value", 1),
        ("data", "0x12345679" + "00" * 32),
        ("data", "0x"),
        ("gas", 210_001),
        ("maxFeePerGas", 30 * 10**9 + 1),
        ("maxPriorityFeePerGas", 10**9 - 1),
        ("accessList", ({"address": TARGET, "storageKeys": ()},)),
    ],
)
def test_prepare__when_another_field_was_signed__refuses_and_names_it(stub, kind, field, value):
    assert f"gave back another {field} than was asked for" in refused(stub, kind, changed(**{field: value}))


def test_prepare__when_another_key_signed__refuses_and_names_whose(stub, kind):
    line = refused(stub, kind, signed(account=STRANGER))
    assert f"the signature of {STRANGER.address}" in line
    assert "nothing was sent" in line


def test_prepare__when_the_transaction_is_of_another_type__refuses(stub, kind):
    legacy = {name: ASKED[name] for name in ("chainId", "nonce", "to", "value", "data", "gas")} | {"gasPrice": 10**9}
    assert "no transaction of type 2" in refused(stub, kind, signed(legacy))
    assert "no transaction of type 2" in refused(stub, kind, signed(legacy | {"type": 1, "accessList": ()}))


@pytest.mark.parametrize(
    "answer",
    [
        "0x",
        "0x02",
        "0x02c0",
        "0x0280",
        "0x02" + "c1" * 100,
        "0x02" + "f8" * 50,
        signed()[:-2],
        signed() + "00",
        "0x02" + unsigned(ASKED)[1:].hex(),
        resigned(v=2),
        resigned(r=0),
        resigned(s=0),
        resigned(s=HALF_ORDER + 1),
        resigned(r=2**256 - 1),
        resigned(r=2**264),
        resigned(r=5),
        mirrored(),
    ],
)
def test_prepare__when_it_is_no_good_signature__refuses(stub, kind, answer):
    assert "do not trust it" in refused(stub, kind, answer)


def test_prepare__when_numbers_have_leading_zeros__refuses(stub, kind):
    items = rlp.decode(bytes.fromhex(signed()[4:]))
    items[10] = b"\x00" + items[10]
    assert "not canonical" in refused(stub, kind, "0x02" + rlp.encode(items).hex())
    items = rlp.decode(bytes.fromhex(signed()[4:]))
    items[1] = b"\x00\x07"
    assert "another nonce" in refused(stub, kind, "0x02" + rlp.encode(items).hex())


@pytest.mark.parametrize("answer", [1, True, [], {}, "", "f8", "0xzz", "0x1", {"raw": 1}, {"tx": {}}, [signed()]])
def test_prepare__when_the_result_is_no_transaction__refuses(stub, kind, answer):
    assert "gave back no signed transaction" in refused(stub, kind, result(answer))


@pytest.mark.parametrize("name", MALICIOUS)
def test_prepare__when_the_signer_misbehaves__ends_in_a_typed_error_in_time(stub, kind, name):
    start = time.monotonic()
    line = refused(stub, kind, MALICIOUS[name], timeout_s=0.5)
    assert time.monotonic() - start < 3
    assert stub.url in line
    assert len(stub.requests) == 1


def test_prepare__when_nobody_listens__says_so(kind):
    make, _ = kind
    with pytest.raises(SignerError, match="cannot be reached"):
        make(SecretStr("http://127.0.0.1:1"), ACCOUNT.address, 1).sign(ASKED)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary().map(to_hex),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["raw", "result", "error", "message", ""]), inner)
        ),
    )
)
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_prepare__whatever_json_comes_back__ends_in_a_typed_error(served, answer):
    for value in (answer, {"result": answer}, {"error": answer, "result": answer}):
        served.answer = lambda _, value=value: Reply(json.dumps(value).encode())
        for make, _ in KINDS.values():
            with pytest.raises(SignerError) as caught:
                make(SecretStr(served.url), ACCOUNT.address, 5).sign(ASKED)
            assert str(caught.value).isprintable()


@pytest.fixture(scope="module")
def served():
    with serving() as found:
        yield found


@given(st.binary(max_size=300))
@hypothesis_settings(max_examples=200, deadline=None)
def test_check__whatever_the_bytes__is_a_mismatch(raw):
    for prefix in (b"", b"\x02", b"\x02\xf8"):
        with pytest.raises(eip1559.Mismatch):
            eip1559.check(prefix + raw, ASKED, ACCOUNT.address)


@given(st.data())
@hypothesis_settings(max_examples=200, deadline=None)
def test_check__with_any_bit_flipped__is_a_mismatch(data):
    raw = bytearray.fromhex(signed()[2:])
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(eip1559.Mismatch):
        eip1559.check(bytes(raw), ASKED, ACCOUNT.address)


def test_ask__takes_the_largest_answer_and_not_a_byte_more(stub):
    frame = len(b'{"result":""}')
    endpoint = Endpoint("test", SecretStr(stub.url), 5)
    stub.answer = lambda _: Reply(b'{"result":"' + b"0" * (ANSWER_MAX_BYTES - frame) + b'"}')
    assert len(endpoint.ask("x", [])) == ANSWER_MAX_BYTES - frame
    stub.answer = lambda _: Reply(b'{"result":"' + b"0" * (ANSWER_MAX_BYTES - frame + 1) + b'"}')
    with pytest.raises(NoAnswer, match="more than 1,048,576 bytes"):
        endpoint.ask("x", [])


def test_ask__when_the_server_redirects__does_not_follow(stub):
    with serving() as other:
        other.answer = lambda _: result("0x")
        stub.answer = lambda _: Reply(b"{}", 307, {"Location": other.url})
        with pytest.raises(NoAnswer, match="redirects elsewhere"):
            Endpoint("test", SecretStr(stub.url), 5).ask("x", [])
        assert other.requests == []
    stub.answer = lambda _: Reply(b"0" * 2**21, 307, {"Location": "http://127.0.0.1:1"})
    with pytest.raises(NoAnswer, match="more than"):
        Endpoint("test", SecretStr(stub.url), 5).ask("x", [])


def test_ask__what_stays_on_this_machine_goes_through_no_proxy(stub, monkeypatch):
    with serving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        stub.answer = proxy.answer = lambda _: result("0x")
        assert Endpoint("test", SecretStr(stub.url), 5).ask("x", []) == "0x"
        assert (len(stub.requests), proxy.requests) == (1, [])
        # Elsewhere it is the operator's to say.
        assert Endpoint("test", SecretStr("http://signer.example"), 5).ask("x", []) == "0x"
        assert (len(stub.requests), len(proxy.requests)) == (1, 1)


def test_ask__an_error_is_one_short_printable_line(stub):
    stub.answer = lambda _: error("no\n\x1b[2Jnewest line: all is well" + "x" * 1000)
    endpoint = Endpoint("test", SecretStr(stub.url), 5)
    with pytest.raises(Exception, match=r"refused x: no \[2Jnewest line") as caught:
        endpoint.ask("x", [])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_ask__what_stands_behind_the_host_is_printed_nowhere(stub):
    url = stub.url.replace("//", "//user-name:pass-word@") + "/api-key-in-path?key=api-key-in-query"
    endpoint = Endpoint("test", SecretStr(url), 0.3)
    secrets = ("user-name", "pass-word", "api-key")
    said = [repr(endpoint)]
    replies = [
        error(f"bad request to {url}"),
        Reply(status=500),
        Reply(status=307, headers={"Location": url}),
        Reply(b"{}", pause=1),
    ]
    for reply in replies:
        stub.answer = lambda _, reply=reply: reply
        with pytest.raises(Exception, match="test at") as caught:
            endpoint.ask("x", [])
        said += [str(caught.value), repr(caught.value)]
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert not [line for line in said if any(secret in line for secret in secrets)]
    assert stub.requests[0].path == "/api-key-in-path?key=api-key-in-query"


def settings(**given) -> Settings:
    return load(arguments=given, environment={})


@pytest.mark.parametrize(("name", "make"), [("web3signer_url", Web3Signer), ("clef_url", ClefSigner)])
def test_of__with_an_external_signer__asks_it_and_needs_no_password(stub, name, make):
    found = signers.of(settings(**{name: stub.url}, signer_address=ACCOUNT.address.lower()), None)
    assert isinstance(found, make)
    assert found.address == ACCOUNT.address
    assert ACCOUNT.address in repr(found)
    assert signers.sender_of(settings(**{name: stub.url}, signer_address=ACCOUNT.address)) == ACCOUNT.address
    assert stub.requests == []


def test_sender_of__with_nobody_to_sign__is_none():
    assert signers.sender_of(settings()) is None


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"web3signer_url": "http://h"}, "web3signer_url is set without signer_address"),
        ({"signer_address": TARGET}, "signer_address is set without web3signer_url or clef_url"),
        ({"web3signer_url": "http://h", "clef_url": "http://h", "signer_address": TARGET}, "both set"),
        ({"key_file": "k", "clef_url": "http://h", "signer_address": TARGET}, "key_file and clef_url are both"),
        ({"clef_url": "ws://secret-host", "signer_address": TARGET}, "clef_url: not an http:// or https:// URL"),
        ({"clef_url": "http://h:secret-port", "signer_address": TARGET}, "clef_url: the URL's port is no port"),
        ({"clef_url": "http://[secret-host", "signer_address": TARGET}, "clef_url"),
        ({"clef_url": "http://h", "signer_address": TARGET, "signer_timeout_s": 0}, "signer_timeout_s"),
    ],
)
def test_load__when_the_signer_is_not_whole__says_what_is_missing(given, line):
    with pytest.raises(ConfigurationError) as caught:
        settings(**given)
    assert line in str(caught.value)
    assert "secret" not in str(caught.value)


def test_repr__of_settings__does_not_show_the_url():
    text = repr(settings(clef_url="http://host/api-key", signer_address=ACCOUNT.address))
    assert "api-key" not in text
    assert ACCOUNT.address in text
