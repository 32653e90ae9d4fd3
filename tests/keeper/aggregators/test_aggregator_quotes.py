"""Documented answers become quotes, and what is asked is what the venues document."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from aggregator_cases import (
    BOUGHT,
    CALLED,
    CASES,
    COW,
    DAI,
    EXECUTOR,
    KYBERSWAP,
    LEAST,
    ONEINCH,
    OPENOCEAN,
    ORIGIN,
    REQUEST,
    SOLD,
    USDC,
    VELORA,
    WETH,
    ZEROX,
    Case,
)
from aggregator_server import FakeAggregator, Reply

from keeper.aggregators import RequestRefused, check, pins
from keeper.aggregators.calldata import selectors

ids = [case.venue for case in CASES]


@pytest.fixture(scope="module")
def server() -> Iterator[FakeAggregator]:
    with FakeAggregator().running() as running:
        yield running


def ask(server: FakeAggregator, case: Case, request=REQUEST):
    server.answer(*map(Reply, case.answers))
    return case.adapter(server.url).quote(request)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_quote__documented_answer__is_read(server: FakeAggregator, case: Case) -> None:
    quote = ask(server, case)
    pin = pins.PINS[case.venue][1]
    assert (quote.venue, quote.chain_id, quote.taker) == (case.venue, 1, EXECUTOR)
    assert (quote.sell_token, quote.buy_token, quote.sell_amount) == (WETH, USDC, SOLD)
    assert (quote.buy_amount, quote.least_buy, quote.value) == (BOUGHT, LEAST, 0)
    assert (quote.target, quote.spender) == (pin.target, pin.spender)
    assert len(server.asked) == len(case.answers)


@pytest.mark.parametrize("case", CALLED, ids=[case.venue for case in CALLED])
def test_quote__venue_that_is_called__has_a_known_function_and_an_operator(server: FakeAggregator, case: Case) -> None:
    quote = ask(server, case)
    assert quote.is_executable
    assert quote.selector in selectors(case.venue)
    terms = check(quote, REQUEST)
    assert terms is not None
    assert (terms.sell_token, terms.buy_token, terms.sell_amount, terms.least_buy) == (WETH, USDC, SOLD, LEAST)
    assert terms.operator == "0x7777777777777777777777777777777777777777"


def test_quote__cow__is_a_price_alone(server: FakeAggregator) -> None:
    quote = ask(server, COW)
    assert not quote.is_executable
    assert quote.gas is None
    assert check(quote, REQUEST) is None


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_quote__headers__are_those_of_the_venue(server: FakeAggregator, case: Case) -> None:
    ask(server, case)
    for asked in server.asked:
        assert case.headers.items() <= asked.headers.items()
        assert asked.headers["accept-encoding"] == "identity"
        if not case.headers:
            assert "authorization" not in asked.headers


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_quote__netrc_of_the_user__goes_to_nobody(server: FakeAggregator, case: Case, tmp_path, monkeypatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password of-another-site\n")
    monkeypatch.setenv("NETRC", str(netrc))
    ask(server, case)
    assert server.asked[0].headers.get("authorization") == case.headers.get("authorization")


def test_quote__0x__asks_with_the_documented_fields(server: FakeAggregator) -> None:
    ask(server, ZEROX)
    assert (server.asked[0].method, server.asked[0].path) == ("GET", "/swap/allowance-holder/quote")
    assert server.asked[0].query == {
        "chainId": "1",
        "sellToken": WETH,
        "buyToken": USDC,
        "sellAmount": str(SOLD),
        "taker": EXECUTOR,
        "txOrigin": ORIGIN,
        "recipient": EXECUTOR,
        "slippageBps": "30",
        "gasPrice": "1000000000",
    }


def test_quote__1inch__asks_with_the_documented_fields(server: FakeAggregator) -> None:
    ask(server, ONEINCH)
    assert (server.asked[0].method, server.asked[0].path) == ("GET", "/swap/v6.0/1/swap")
    assert server.asked[0].query == {
        "src": WETH,
        "dst": USDC,
        "amount": str(SOLD),
        "from": EXECUTOR,
        "origin": ORIGIN,
        "receiver": EXECUTOR,
        "slippage": "0.30",
        "allowPartialFill": "false",
        "disableEstimate": "true",
        "includeTokensInfo": "true",
    }


def test_quote__velora__sends_the_price_route_back_as_it_came(server: FakeAggregator) -> None:
    ask(server, VELORA)
    prices, built = server.asked
    assert (prices.method, prices.path) == ("GET", "/prices")
    assert prices.query == {
        "srcToken": WETH,
        "srcDecimals": "18",
        "destToken": USDC,
        "destDecimals": "6",
        "amount": str(SOLD),
        "side": "SELL",
        "network": "1",
        "version": "6.2",
        "userAddress": EXECUTOR,
        "excludeRFQ": "true",
    }
    assert (built.method, built.path) == ("POST", "/transactions/1")
    assert built.query == {"ignoreChecks": "true", "ignoreGasEstimate": "true"}
    assert built.body == {
        "srcToken": WETH,
        "srcDecimals": 18,
        "destToken": USDC,
        "destDecimals": 6,
        "srcAmount": str(SOLD),
        "slippage": 30,
        "userAddress": EXECUTOR,
        "txOrigin": ORIGIN,
        "receiver": EXECUTOR,
        "priceRoute": VELORA.answers[0]["priceRoute"],
    }


def test_quote__kyberswap__sends_the_route_back_as_it_came(server: FakeAggregator) -> None:
    ask(server, KYBERSWAP)
    routes, built = server.asked
    assert (routes.method, routes.path) == ("GET", "/ethereum/api/v1/routes")
    assert routes.query == {
        "tokenIn": WETH,
        "tokenOut": USDC,
        "amountIn": str(SOLD),
        "gasPrice": "1000000000",
        "excludeRFQSources": "true",
        "origin": ORIGIN,
    }
    assert (built.method, built.path) == ("POST", "/ethereum/api/v1/route/build")
    assert built.body == {
        "routeSummary": KYBERSWAP.answers[0]["data"]["routeSummary"],
        "sender": EXECUTOR,
        "recipient": EXECUTOR,
        "origin": ORIGIN,
        "slippageTolerance": 30,
        "source": "equipoise-tests",
    }


def test_quote__openocean__asks_with_the_documented_fields(server: FakeAggregator) -> None:
    ask(server, OPENOCEAN)
    assert (server.asked[0].method, server.asked[0].path) == ("GET", "/v4/eth/swap")
    assert server.asked[0].query == {
        "inTokenAddress": WETH,
        "outTokenAddress": USDC,
        "amountDecimals": str(SOLD),
        "gasPriceDecimals": "1000000000",
        "slippage": "0.30",
        "account": EXECUTOR,
        "disableRfq": "true",
    }


def test_quote__cow__asks_with_the_documented_fields(server: FakeAggregator) -> None:
    ask(server, COW)
    assert (server.asked[0].method, server.asked[0].path) == ("POST", "/mainnet/api/v1/quote")
    assert server.asked[0].body == {
        "sellToken": WETH,
        "buyToken": USDC,
        "receiver": EXECUTOR,
        "from": EXECUTOR,
        "kind": "sell",
        "sellAmountBeforeFee": str(SOLD),
        "appData": "{}",
        "appDataHash": "0xb48d38f93eaa084033fc5970bf96e559c33c4cdc07d889ab00b4d63f9590739d",
        "priceQuality": "optimal",
        "signingScheme": "presign",
        "onchainOrder": False,
    }


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_quote__chain_without_pins__asks_nothing(server: FakeAggregator, case: Case) -> None:
    with pytest.raises(RequestRefused, match="no pinned contracts on chain 4242"):
        ask(server, case, replace(REQUEST, chain_id=4242))
    assert server.asked == []


def test_quote__openocean_without_slippage__asks_nothing(server: FakeAggregator) -> None:
    with pytest.raises(RequestRefused, match="allow 5 or more"):
        ask(server, OPENOCEAN, replace(REQUEST, slippage_bps=4))
    assert server.asked == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"sell_token": WETH.lower()}, "sell_token"),
        ({"buy_token": "0x12"}, "buy_token"),
        ({"taker": "0x0000000000000000000000000000000000000000"}, "taker"),
        ({"buy_token": "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE"}, "native coin"),
        ({"buy_token": WETH}, "both"),
        ({"sell_amount": 0}, "sell_amount 0"),
        ({"sell_amount": 2**256}, "sell_amount"),
        ({"slippage_bps": -1}, "slippage_bps"),
        ({"slippage_bps": 2001}, "slippage_bps"),
        ({"chain_id": 0}, "chain_id"),
        ({"sell_decimals": 256}, "sell_decimals"),
        ({"buy_decimals": -1}, "buy_decimals"),
        ({"gas_price": 0}, "gas_price"),
    ],
)
def test_request__out_of_range__names_the_field(change: dict[str, object], named: str) -> None:
    with pytest.raises(RequestRefused, match=named):
        replace(REQUEST, **change)


def test_request__other_tokens__are_fine() -> None:
    assert replace(REQUEST, buy_token=DAI).least_of_down(9_999) == 9_969
