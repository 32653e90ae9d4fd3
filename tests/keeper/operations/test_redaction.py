"""No secret gets into a log, whatever it is nested in; what strangers wrote cannot pass for something else."""

import json
from dataclasses import dataclass

import pytest
import requests
from pydantic import BaseModel, SecretStr

from keeper.operations.redaction import HASH_KEYS, REDACTED, TEXT_MAX, Redactor, neutral, secrets_of
from keeper.settings import load

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
SHOW = Redactor(["hush-hush", "s3cr3t/with+signs"])


@dataclass(frozen=True)
class Holder:
    note: object


class Model(BaseModel):
    note: str
    password: SecretStr


def shown(value, key="note") -> str:
    return json.dumps(SHOW.value(value, key))


@pytest.mark.parametrize(
    "key_in_some_form",
    [KEY, "0x" + KEY, KEY.upper(), f"key={KEY}.", f"x{KEY}x", str(int(KEY, 16)), "0X" + KEY, KEY + KEY],
)
@pytest.mark.parametrize(
    "wrap",
    [
        str,
        lambda text: [text],
        lambda text: ({"deep": {"er": [text]}},),
        lambda text: {text: 1},
        lambda text: {text},
        lambda text: ValueError(f"refused {text}"),
        lambda text: Holder(Holder([text])),
        lambda text: Model(note=text, password=SecretStr("x")),
        lambda text: text.encode(),
    ],
)
def test_value__a_private_key_under_a_harmless_name__is_redacted(key_in_some_form, wrap):
    line = shown(wrap(key_in_some_form))
    assert KEY.lower() not in line.lower()
    assert str(int(KEY, 16)) not in line


@pytest.mark.parametrize(
    "value", [int(KEY, 16), bytes.fromhex(KEY), bytearray.fromhex(KEY), memoryview(bytes.fromhex(KEY))]
)
def test_value__a_private_key_that_is_no_text__is_redacted(value):
    assert shown(value) in (f'"{REDACTED}"', f'"0x{REDACTED}"')


@pytest.mark.parametrize("key", sorted(HASH_KEYS))
def test_value__a_hash_under_its_own_name__stays(key):
    assert SHOW.value("0x" + KEY, key) == "0x" + KEY
    assert SHOW.value({"inner": {key: "0x" + KEY}}) == {"inner": {key: "0x" + KEY}}
    assert SHOW.value(bytes.fromhex(KEY), key) == "0x" + KEY


@pytest.mark.parametrize("value", [KEY, f"0x{KEY}{KEY}", f"0x{KEY} ", f"sent 0x{KEY}", int(KEY, 16)])
def test_value__what_is_no_hash_under_a_hashs_name__is_redacted(value):
    assert KEY not in str(SHOW.value(value, "hash"))
    assert str(int(KEY, 16)) not in str(SHOW.value(value, "hash"))


def test_value__amounts_addresses_and_times__stay():
    address = "0x1F98431c8aD98523631AE4a59f267346ea31F984"
    assert SHOW.value({"a": 10**30, "b": address, "c": -5, "d": True, "e": None, "f": 0.5, "g": 2**160 - 1}) == {
        "a": 10**30, "b": address, "c": -5, "d": True, "e": None, "f": 0.5, "g": 2**160 - 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "PASSWORD_FILE_CONTENT",
        "oneinch_api_key",
        "X-Api-Key",
        "Authorization",
        "authorisation",
        "private_key",
        "mnemonic",
        "Set-Cookie",
        "X-Flashbots-Signature",
        "auth_token",
        "alert_urls",
        "client_secret",
    ],
)
def test_value__under_the_name_of_a_secret__is_redacted_whatever_it_is(key):
    for value in ("abc", ["abc"], {"x": "abc"}, b"abc", 12345):
        assert SHOW.value({key: value}) == {key: REDACTED}


def test_value__a_token_is_an_erc20_here_and_stays():
    assert SHOW.value({"token_in": "0xabc", "symbol": "WETH"}) == {"token_in": "0xabc", "symbol": "WETH"}


def test_value__what_the_settings_keep_secret__is_redacted():
    settings = load(
        environment={
            "EQUIPOISE_AGGREGATORS__ZEROX_API_KEY": "zero-x-key",
            "EQUIPOISE_OPERATIONS__ALERT_URLS": "tgram://bot/1 json://host/x",
            "EQUIPOISE_OPERATIONS__HEARTBEAT_URL": "https://hc.example/ping-id",
        }
    )
    redactor = Redactor(secrets_of(settings))
    line = str(redactor.value({"settings": settings, "error": "401 for zero-x-key, tgram://bot/1 and ping-id"}))
    assert all(secret not in line for secret in ("zero-x-key", "bot/1"))
    assert shown(SecretStr("abc")) == f'"{REDACTED}"'


def test_text__a_known_secret__is_taken_out_wherever_it_stands():
    assert SHOW.text("the answer was hush-hush!") == f"the answer was {REDACTED}!"
    assert "s3cr3t" not in SHOW.text("xs3cr3t/with+signsx")
    assert Redactor(["a"]).text("a cat") == "a cat"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("at https://rpc.example/v2/abcdef now", f"at https://rpc.example/{REDACTED} now"),
        ("at https://me:pass@rpc.example:8545/x?k=v", f"at https://rpc.example:8545/{REDACTED}"),
        ("at https://me@rpc.example", f"at https://rpc.example/{REDACTED}"),
        ("wss://rpc.example?key=abc", f"wss://rpc.example/{REDACTED}"),
        ("tgram://123:abc/99", f"tgram://{REDACTED}"),
        ("slack://TokenA/TokenB", f"slack://{REDACTED}"),
        ("postgresql://user:pw@host/db", f"postgresql://{REDACTED}"),
        ("as user:pw@host", f"as {REDACTED}@host"),
        ("GET /v2/abc?apikey=xyz failed", f"GET /v2/abc?{REDACTED} failed"),
        ("see https://rpc.example.", "see https://rpc.example."),
        ("http://127.0.0.1:8545: refused", "http://127.0.0.1:8545: refused"),
        ("Authorization: Bearer abc.def", f"Authorization: {REDACTED}"),
        ("{'Authorization': 'Basic dXNlcjpwdw=='}", f"{{'Authorization': '{REDACTED}'}}"),
        ("0x-api-key=abcd, x", f"0x-api-key={REDACTED}, x"),
        ("sent Bearer abcdefgh12", f"sent Bearer {REDACTED}"),
        ('{"password": "right"}', f'{{"password": "{REDACTED}"}}'),
    ],
)
def test_text__urls_headers_and_users__keep_only_what_is_no_secret(text, left):
    assert SHOW.text(text) == left


def test_value__a_real_exception_of_requests__keeps_no_path():
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get("http://127.0.0.1:1/v3/projectkey123?token=abc", timeout=1)
    line = shown(caught.value)
    assert "projectkey123" not in line
    assert "abc" not in line


@pytest.mark.parametrize(
    "trick",
    [
        "\n",
        "\r",
        "\x1b[31m",
        "\x9b",
        "\x00",
        "\u202e",
        "\u2066",
        "\u200f",
        "\u061c",
        "\u200b",
        "\ufeff",
        "\u2028",
        "\x85",
        "\U000e0041",
        "\ud800",
        "\x7f",
        "\x08",
    ],
)
def test_neutral__what_does_not_print__is_written_out(trick):
    symbol = f"ETH{trick}level=critical"
    line = SHOW.value({"symbol": symbol})["symbol"]
    assert trick not in line
    assert line.startswith("ETH\\")
    assert line.endswith("level=critical")
    assert neutral(line) == line
    assert trick not in str(SHOW.value({symbol: 1}))


def test_neutral__what_prints__stays():
    assert neutral("wstETH · Ünïcode – 価格 😀") == "wstETH · Ünïcode – 価格 😀"


def test_text__a_long_one__is_cut_and_leaves_no_half_of_a_secret():
    assert len(SHOW.text("x" * 10 * TEXT_MAX)) == TEXT_MAX + 1
    for fill in range(TEXT_MAX - 80, TEXT_MAX + 2, 3):
        assert KEY[:20] not in SHOW.text("x " * (fill // 2) + KEY)
    # Everything before shrinks away, and the cut is in the middle of a key.
    urls = ("https://host/" + "p" * 987 + " ") * 16
    assert "4c0883a6" not in SHOW.text(urls[: 8 * TEXT_MAX - 30] + " " + KEY)


def test_value__a_circle__ends():
    circle: list[object] = []
    circle.append(circle)
    assert "[too deep]" in shown(circle)
