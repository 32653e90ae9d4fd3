"""Malicious answers: each is a documented one with a single thing changed, and each is refused by name."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aggregator_cases import (
    ATTACKER,
    BOUGHT,
    CALLED,
    CASES,
    COW,
    DAI,
    EXECUTOR,
    KYBERSWAP,
    KYBERSWAP_DESCRIPTION,
    LEAST,
    NOBODY,
    ONEINCH,
    OPENOCEAN,
    OPERATOR,
    ORIGIN,
    REQUEST,
    SOLD,
    USDC,
    VAULT,
    VELORA,
    WETH,
    ZEROX,
    Case,
    Where,
    call,
    kyberswap_call,
    kyberswap_description,
    oneinch_call,
    openocean_call,
    velora_call,
    wish,
    zerox_call,
)
from aggregator_server import FakeAggregator, Reply
from eth_utils.address import is_checksum_address

from keeper.aggregators import MalformedAnswer, NoQuote, Quote, SwapRequest, UnsafeQuote, check, pins
from keeper.aggregators.calldata import selectors
from keeper.aggregators.check import CALLDATA_MAX
from keeper.errors import AggregatorError

EXECUTOR_INTERFACE = Path(__file__).parents[3] / "contracts" / "interfaces" / "IRouteExecutor.vyi"
AUGUSTUS = pins.PINS[pins.VELORA][1].target


@pytest.fixture(scope="module")
def server() -> Iterator[FakeAggregator]:
    with FakeAggregator().running() as running:
        yield running


def refusal(
    server: FakeAggregator, case: Case, answers: tuple[dict[str, Any], ...], request: SwapRequest = REQUEST
) -> AggregatorError:
    server.answer(*map(Reply, answers))
    with pytest.raises(AggregatorError) as caught:
        case.adapter(server.url).quote(request)
    assert str(caught.value).isprintable()
    return caught.value


def everywhere(*values: object, field: str) -> list[Any]:
    """A case for each place of a field in each venue's answers and each value there."""
    return [
        pytest.param(case, where, value, id=f"{case.venue}-{'.'.join(where[1])}-{str(value)[:20]}")
        for case in CASES
        for where in case.places.get(field, ())
        for value in values
    ]


def refused_fields(field: str, *values: object) -> Callable[[Any], Any]:
    return pytest.mark.parametrize(("case", "where", "value"), everywhere(*values, field=field))


@refused_fields("target", ATTACKER, WETH, USDC, VAULT, EXECUTOR, pins.PERMIT2, NOBODY)
def test_quote__another_target__is_refused(server: FakeAggregator, case: Case, where: Where, value: str) -> None:
    error = refusal(server, case, case.with_field(where, value))
    assert type(error) is UnsafeQuote
    assert f"has the target {value} instead of {pins.PINS[case.venue][1].target}" in str(error)


@refused_fields("spender", ATTACKER, WETH, VAULT, pins.PERMIT2, NOBODY)
def test_quote__another_spender__is_refused(server: FakeAggregator, case: Case, where: Where, value: str) -> None:
    error = refusal(server, case, case.with_field(where, value))
    assert type(error) is UnsafeQuote
    assert f"has the spender {value} instead of" in str(error)


@refused_fields("taker", ATTACKER, ORIGIN)
def test_quote__another_taker__is_refused(server: FakeAggregator, case: Case, where: Where, value: str) -> None:
    assert "has the taker" in str(refusal(server, case, case.with_field(where, value)))


@refused_fields("chain", 10, "10")
def test_quote__another_chain__is_refused(server: FakeAggregator, case: Case, where: Where, value: object) -> None:
    assert "has the chain 10 instead of 1" in str(refusal(server, case, case.with_field(where, value)))


@refused_fields("sell_token", DAI, USDC, ATTACKER)
def test_quote__another_token_to_sell__is_refused(server: FakeAggregator, case: Case, where: Where, value: str) -> None:
    assert f"has the token to sell {value}" in str(refusal(server, case, case.with_field(where, value)))


@refused_fields("buy_token", DAI, WETH, ATTACKER)
def test_quote__another_token_to_buy__is_refused(server: FakeAggregator, case: Case, where: Where, value: str) -> None:
    assert f"has the token to buy {value}" in str(refusal(server, case, case.with_field(where, value)))


@refused_fields("sell_amount", str(SOLD + 1), str(SOLD // 2), "0", str(2**256 - 1))
def test_quote__another_amount_to_sell__is_refused(
    server: FakeAggregator, case: Case, where: Where, value: str
) -> None:
    assert "has the amount to sell" in str(refusal(server, case, case.with_field(where, value)))


@refused_fields("buy_amount", "0", str(2**256), "9" * 78)
def test_quote__amount_to_buy_that_is_none__is_refused(
    server: FakeAggregator, case: Case, where: Where, value: str
) -> None:
    error = refusal(server, case, case.with_field(where, value))
    # KyberSwap names two amounts, of which the lower counts.
    assert "which is no amount" in str(error) or case is KYBERSWAP


@refused_fields(
    "buy_amount", "-1", -1, "1.5", 1.5, "1e9", "0x10", "", " 1", "+1", "1_0", "٣", "9" * 79, None, True, [], 5
)
def test_quote__amount_in_another_form__is_malformed(
    server: FakeAggregator, case: Case, where: Where, value: object
) -> None:
    assert type(refusal(server, case, case.with_field(where, value))) is MalformedAnswer


@refused_fields("buy_amount", str(BOUGHT * 2))
def test_quote__minimum_far_below_the_promise__is_refused(
    server: FakeAggregator, case: Case, where: Where, value: str
) -> None:
    answers = case.with_field(where, value)
    if case is COW:
        return  # a price has no minimum of its own
    if case is KYBERSWAP:
        answers[1]["data"]["amountOut"] = value
    assert "30 bps allow" in str(refusal(server, case, answers))


@refused_fields("least_buy", "0", str(LEAST - 1))
def test_quote__minimum_below_the_slippage__is_refused(
    server: FakeAggregator, case: Case, where: Where, value: str
) -> None:
    error = refusal(server, case, case.with_field(where, value))
    assert f"lets {value} arrive, less than the {LEAST} that 30 bps allow" in str(error)


@refused_fields("value", "1", 1, str(10**18))
def test_quote__ether_to_send__is_refused(server: FakeAggregator, case: Case, where: Where, value: object) -> None:
    assert "has the value" in str(refusal(server, case, case.with_field(where, value)))


@refused_fields("value", -1, "-1", 0.0, None, False, "0x0", [], 2**256)
def test_quote__value_in_another_form__is_malformed(
    server: FakeAggregator, case: Case, where: Where, value: object
) -> None:
    assert type(refusal(server, case, case.with_field(where, value))) is MalformedAnswer


@refused_fields("gas", -1, "many", 1.5, True, {})
def test_quote__gas_in_another_form__is_malformed(
    server: FakeAggregator, case: Case, where: Where, value: object
) -> None:
    assert type(refusal(server, case, case.with_field(where, value))) is MalformedAnswer


_WRONG_CHECKSUM = "0xc02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
_NO_ADDRESSES = (
    WETH[2:],
    WETH + "00",
    WETH[:-1],
    _WRONG_CHECKSUM,
    "0X" + WETH[2:],
    WETH + "\n",
    "weth.eth",
    "",
    0,
    None,
)


@pytest.mark.parametrize("field", ["target", "spender", "sell_token", "buy_token", "taker"])
@pytest.mark.parametrize("value", _NO_ADDRESSES, ids=repr)
@pytest.mark.parametrize("case", CASES, ids=[case.venue for case in CASES])
def test_quote__no_address__is_malformed(server: FakeAggregator, case: Case, field: str, value: object) -> None:
    for where in case.places.get(field, ()):
        assert type(refusal(server, case, case.with_field(where, value))) is MalformedAnswer


@refused_fields("calldata", "0x123", "0xzz", "12345678", "0X12345678", "0x1234567 ", "", None, 5, ["0x12345678"])
def test_quote__calldata_that_is_no_hex__is_malformed(
    server: FakeAggregator, case: Case, where: Where, value: object
) -> None:
    assert type(refusal(server, case, case.with_field(where, value))) is MalformedAnswer


@refused_fields("calldata", "0x", "0x123456", "0x12345678" + "00" * CALLDATA_MAX)
def test_quote__calldata_of_absurd_length__is_refused(
    server: FakeAggregator, case: Case, where: Where, value: str
) -> None:
    assert f"bytes, not 4 to {CALLDATA_MAX}" in str(refusal(server, case, case.with_field(where, value)))


_FOREIGN_CALLS = {
    "transfer": call("transfer(address,uint256)", ATTACKER, SOLD),
    "approve": call("approve(address,uint256)", ATTACKER, 2**256 - 1),
    "transferFrom": call("transferFrom(address,address,uint256)", EXECUTOR, ATTACKER, SOLD),
    "multicall": call("multicall(bytes[])", [b"\x01"]),
    "nothing": bytes(4),
}


@pytest.mark.parametrize("name", _FOREIGN_CALLS)
@pytest.mark.parametrize("case", CALLED, ids=[case.venue for case in CALLED])
def test_quote__unknown_function__is_refused(server: FakeAggregator, case: Case, name: str) -> None:
    error = refusal(server, case, case.with_call(_FOREIGN_CALLS[name]))
    assert f"calls the unknown function 0x{_FOREIGN_CALLS[name][:4].hex()}" in str(error)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"receiver": ATTACKER}, f"has the receiver {ATTACKER} instead of {EXECUTOR}"),
        ({"receiver": VAULT}, f"has the receiver {VAULT}"),
        ({"receiver": OPERATOR}, "has the receiver"),
        ({"sell_token": DAI}, f"has the token to sell in its calldata {DAI}"),
        ({"buy_token": DAI}, f"has the token to buy in its calldata {DAI}"),
        ({"sell_amount": SOLD + 1}, "has the amount to sell in its calldata"),
        ({"sell_amount": 2**256 - 1}, "has the amount to sell in its calldata"),
        ({"least_buy": LEAST - 1}, "30 bps allow"),
        ({"least_buy": 0}, "30 bps allow"),
        ({"operator": WETH}, f"has the operator {WETH}, a token"),
        ({"operator": VAULT}, f"has the operator {VAULT}"),
        ({"operator": EXECUTOR}, f"has the operator {EXECUTOR}"),
        ({"operator": pins.PERMIT2}, f"has the operator {pins.PERMIT2}"),
    ],
    ids=lambda value: "-".join(f"{k}-{v}" for k, v in value.items())[:30] if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("case", CALLED, ids=[case.venue for case in CALLED])
def test_quote__calldata_with_other_terms__is_refused(
    server: FakeAggregator, case: Case, change: dict[str, Any], said: str
) -> None:
    assert case.encode is not None
    error = refusal(server, case, case.with_call(case.encode(wish(**change))))
    assert type(error) is UnsafeQuote
    assert said in str(error)


@pytest.mark.parametrize("case", CALLED, ids=[case.venue for case in CALLED])
def test_quote__calldata_that_ends_early__is_refused(server: FakeAggregator, case: Case) -> None:
    assert case.encode is not None
    for length in (4, 35, 100, 160):
        error = refusal(server, case, case.with_call(case.encode(wish())[:length]))
        assert "has arguments that are not those of" in str(error)


@pytest.mark.parametrize("case", CALLED, ids=[case.venue for case in CALLED])
def test_quote__calldata_with_wild_words__is_refused(server: FakeAggregator, case: Case) -> None:
    assert case.encode is not None
    whole = case.encode(wish())
    for word in range(4, 4 + 32 * 3, 32):
        wild = whole[:word] + b"\xff" * 32 + whole[word + 32 :]
        assert type(refusal(server, case, case.with_call(wild))) is UnsafeQuote


@pytest.mark.parametrize(
    ("case", "calldata", "said"),
    [
        (ONEINCH, oneinch_call(wish(flags=1)), "sets the flags 0x1"),
        (ONEINCH, oneinch_call(wish(flags=2)), "sets the flags 0x2"),
        (ONEINCH, oneinch_call(wish(flags=4)), "sets the flags 0x4"),
        (KYBERSWAP, kyberswap_call(wish(flags=1)), "sets the flags 0x1"),
        (KYBERSWAP, kyberswap_call(wish(flags=0x10)), "sets the flags 0x10"),
        (KYBERSWAP, kyberswap_call(wish(flags=0x100)), "sets the flags 0x100"),
        (KYBERSWAP, kyberswap_call(wish(permit=b"\x01")), "carries a permit"),
        (KYBERSWAP, kyberswap_call(wish(), fees=(ATTACKER,)), "takes a fee"),
        (KYBERSWAP, kyberswap_call(wish(), moved=SOLD + 1), "moves 2000000000000000001"),
        (OPENOCEAN, openocean_call(wish(flags=1)), "sets the flags 0x1"),
        (OPENOCEAN, openocean_call(wish(permit=b"\x01")), "carries a permit"),
        (OPENOCEAN, openocean_call(wish(), value=1), "sends ether on"),
        (VELORA, velora_call(wish(permit=b"\x01")), "carries a permit"),
        (
            ZEROX,
            call("exec(address,address,uint256,address,bytes)", ATTACKER, WETH, SOLD, OPERATOR, b"\x1f\xff\x99\x1f"),
            f"lets {ATTACKER} take what {OPERATOR} sells",
        ),
        (
            ZEROX,
            call("exec(address,address,uint256,address,bytes)", OPERATOR, WETH, SOLD, OPERATOR, b"\x01\x02\x03\x04"),
            "has Settler run the unknown function 0x01020304",
        ),
        (
            ZEROX,
            call("exec(address,address,uint256,address,bytes)", OPERATOR, WETH, SOLD, OPERATOR, b""),
            "has Settler run the unknown function",
        ),
        (ZEROX, zerox_call(wish(receiver=NOBODY)), f"has the receiver {NOBODY}"),
    ],
)
def test_quote__terms_that_are_never_wanted__are_refused(
    server: FakeAggregator, case: Case, calldata: bytes, said: str
) -> None:
    assert said in str(refusal(server, case, case.with_call(calldata)))


_DIRECT = (WETH, USDC, SOLD, LEAST, BOUGHT, bytes(32))
_OTHER_FUNCTIONS = [
    (ONEINCH, call("unoswap(uint256,uint256,uint256,uint256)", int(WETH, 16), SOLD, LEAST, 1)),
    (ONEINCH, call("unoswap2(uint256,uint256,uint256,uint256,uint256)", int(WETH, 16), SOLD, LEAST, 1, 2)),
    (ONEINCH, call("unoswap3(uint256,uint256,uint256,uint256,uint256,uint256)", int(WETH, 16), SOLD, LEAST, 1, 2, 3)),
    (
        ONEINCH,
        call("unoswapTo(uint256,uint256,uint256,uint256,uint256)", int(EXECUTOR, 16), int(WETH, 16), SOLD, LEAST, 1),
    ),
    (ONEINCH, oneinch_call(wish(receiver=NOBODY))),
    (VELORA, velora_call(wish(receiver=NOBODY))),
    (KYBERSWAP, kyberswap_call(wish(receiver=NOBODY))),
    (OPENOCEAN, openocean_call(wish(receiver=NOBODY))),
    (
        VELORA,
        call(
            "swapExactAmountInOnUniswapV3((address,address,uint256,uint256,uint256,bytes32,address,bytes),uint256,bytes)",
            (*_DIRECT, EXECUTOR, b"\x01" * 96),
            0,
            b"",
        ),
    ),
    (
        VELORA,
        call(
            "swapExactAmountInOnUniswapV2((address,address,uint256,uint256,uint256,bytes32,address,bytes),uint256,bytes)",
            (*_DIRECT, NOBODY, b"\x01" * 64),
            0,
            b"",
        ),
    ),
    (
        VELORA,
        call(
            "swapExactAmountInOnCurveV1("
            "(uint256,uint256,address,address,uint256,uint256,uint256,bytes32,address),uint256,bytes)",
            (1, 2, *_DIRECT, EXECUTOR),
            0,
            b"",
        ),
    ),
    (
        VELORA,
        call(
            "swapExactAmountInOnCurveV2("
            "(uint256,uint256,uint256,address,address,address,uint256,uint256,uint256,bytes32,address),uint256,bytes)",
            (1, 2, 3, OPERATOR, *_DIRECT, EXECUTOR),
            0,
            b"",
        ),
    ),
    (
        VELORA,
        call(
            "swapExactAmountInOnBalancerV2((uint256,uint256,uint256,bytes32,uint256),uint256,bytes,bytes)",
            (SOLD, LEAST, BOUGHT, bytes(32), int(EXECUTOR, 16) | 1 << 254),
            0,
            b"",
            b"\x01" * 32,
        ),
    ),
    (
        KYBERSWAP,
        call(
            f"swapSimpleMode(address,{KYBERSWAP_DESCRIPTION},bytes,bytes)",
            OPERATOR,
            kyberswap_description(wish()),
            b"\x01",
            b"{}",
        ),
    ),
    (OPENOCEAN, call("callUniswapTo(address,uint256,uint256,bytes32[],address)", WETH, SOLD, LEAST, [], EXECUTOR)),
    (OPENOCEAN, call("uniswapV3SwapTo(address,uint256,uint256,uint256[])", EXECUTOR, SOLD, LEAST, [1, 2])),
]


@pytest.mark.parametrize(("case", "calldata"), _OTHER_FUNCTIONS)
def test_quote__each_other_function_of_a_router__is_read(server: FakeAggregator, case: Case, calldata: bytes) -> None:
    server.answer(*map(Reply, case.with_call(calldata)))
    assert case.adapter(server.url).quote(REQUEST).calldata == calldata


@pytest.mark.parametrize(("case", "calldata"), _OTHER_FUNCTIONS)
def test_quote__each_other_function_with_another_receiver_minimum_or_amount__is_refused(
    server: FakeAggregator, case: Case, calldata: bytes
) -> None:
    changes = [
        (LEAST.to_bytes(32, "big"), (LEAST - 1).to_bytes(32, "big")),
        (SOLD.to_bytes(32, "big"), (SOLD + 1).to_bytes(32, "big")),
        (bytes.fromhex(EXECUTOR[2:]), bytes.fromhex(ATTACKER[2:])),
    ]
    for before, after in changes:
        if before in calldata:
            assert type(refusal(server, case, case.with_call(calldata.replace(before, after)))) is UnsafeQuote


@pytest.mark.parametrize(
    ("token", "pool", "said"),
    [
        (int(WETH, 16) | 1 << 160, 1, "which is no address"),
        (int(WETH, 16) | 1 << 255, 1, "which is no address"),
        (int(WETH, 16), 1 << 252, "sets the flags"),
        (int(WETH, 16), 1 << 250, "sets the flags"),
        (int(DAI, 16), 1, "has the token to sell in its calldata"),
    ],
)
def test_quote__unoswap_with_odd_words__is_refused(server: FakeAggregator, token: int, pool: int, said: str) -> None:
    calldata = call("unoswap(uint256,uint256,uint256,uint256)", token, SOLD, LEAST, pool)
    assert said in str(refusal(server, ONEINCH, ONEINCH.with_call(calldata)))


def test_quote__function_that_pays_the_caller__is_refused_for_another_receiver(server: FakeAggregator) -> None:
    calldata = call("unoswap(uint256,uint256,uint256,uint256)", int(WETH, 16), SOLD, LEAST, 1)
    error = refusal(server, ONEINCH, ONEINCH.with_call(calldata), replace(REQUEST, receiver=VAULT))
    assert f"has the receiver {EXECUTOR} instead of {VAULT}" in str(error)


@pytest.mark.parametrize("role", ["vault", "sell_token", "buy_token", "taker", "receiver", "origin"])
@pytest.mark.parametrize("case", CALLED, ids=[case.venue for case in CALLED])
def test_check__pinned_target_that_is_a_party__is_refused(server: FakeAggregator, case: Case, role: str) -> None:
    server.answer(*map(Reply, case.answers))
    quote = case.adapter(server.url).quote(REQUEST)
    with pytest.raises(UnsafeQuote, match=rf"has the target {quote.target}, a token, Permit2 or a party"):
        check(quote, replace(REQUEST, **{role: quote.target}))


def test_check__pinned_spender_that_is_a_party__is_refused(server: FakeAggregator) -> None:
    server.answer(*map(Reply, COW.answers))
    quote = COW.adapter(server.url).quote(REQUEST)
    assert quote.spender != quote.target
    with pytest.raises(UnsafeQuote, match=f"has the spender {quote.spender}, a token, Permit2 or a party"):
        check(quote, replace(REQUEST, vault=quote.spender))


@pytest.mark.parametrize("case", CASES, ids=[case.venue for case in CASES])
def test_check__quote_of_another_chain__is_refused(server: FakeAggregator, case: Case) -> None:
    server.answer(*map(Reply, case.answers))
    quote = case.adapter(server.url).quote(REQUEST)
    with pytest.raises(UnsafeQuote, match="chain 4242, where nothing is pinned"):
        check(replace(quote, chain_id=4242), replace(REQUEST, chain_id=4242))
    with pytest.raises(UnsafeQuote, match="has the chain 10 instead of 1"):
        check(replace(quote, chain_id=10), REQUEST)


def test_check__price_with_calldata__is_refused(server: FakeAggregator) -> None:
    server.answer(*map(Reply, COW.answers))
    quote = COW.adapter(server.url).quote(REQUEST)
    with pytest.raises(UnsafeQuote, match="has 4 bytes of calldata, where a price has none"):
        check(replace(quote, calldata=b"\x01\x02\x03\x04"), REQUEST)


def test_quote__0x_without_liquidity__is_no_quote_whatever_else_it_says(server: FakeAggregator) -> None:
    answers = ZEROX.with_field((0, ("liquidityAvailable",)), False)
    assert type(refusal(server, ZEROX, answers)) is NoQuote


def test_quote__cow_that_buys__is_malformed(server: FakeAggregator) -> None:
    assert type(refusal(server, COW, COW.with_field((0, ("quote", "kind")), "buy"))) is MalformedAnswer


def test_quote__velora_of_the_other_side__is_malformed(server: FakeAggregator) -> None:
    answers = VELORA.with_field((0, ("priceRoute", "side")), "BUY")
    assert type(refusal(server, VELORA, answers)) is MalformedAnswer


def test_repr__of_a_quote__leaves_its_calldata_out() -> None:
    quote = Quote("velora", 1, EXECUTOR, WETH, USDC, SOLD, BOUGHT, LEAST, AUGUSTUS, AUGUSTUS, 0, b"\xab" * 99, None)
    assert "calldata" not in repr(quote)


def test_pins__are_checksummed_and_never_permit2() -> None:
    for chains in pins.PINS.values():
        assert 1 in chains
        for pin in chains.values():
            for address in (pin.target, pin.spender):
                assert is_checksum_address(address)
                assert address != pins.PERMIT2


def test_functions__are_those_that_explorers_show() -> None:
    published = {
        pins.ZEROX: "2213bc0b",
        pins.ONEINCH: "07ed2379 83800a8e 8770ba91 19367472 e2c95c82 ea76dddf f7a70056",
        pins.VELORA: "e3ead59e e8bb3b6c 876a02f6 1a01c532 e37ed256 d85ca173",
        pins.KYBERSWAP: "e21fd0e9 8af033fb",
        pins.OPENOCEAN: "90411a32 6b58f2f0 bc80f1a8",
        pins.COW: "",
    }
    for venue, functions in published.items():
        assert selectors(venue) == {bytes.fromhex(function) for function in functions.split()}


def test_length__is_the_executors() -> None:
    declared = re.search(r"data: Bytes\[(\d+)\]", EXECUTOR_INTERFACE.read_text())
    assert declared is not None
    assert int(declared.group(1)) == CALLDATA_MAX
