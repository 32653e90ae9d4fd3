"""One case per aggregator: its documented answers to one request, and where in them each thing stands."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak
from pydantic import SecretStr

from keeper.aggregators import (
    Aggregator,
    Connection,
    Cow,
    KyberSwap,
    NoQuote,
    OneInch,
    OpenOcean,
    RequestRefused,
    SwapRequest,
    Velora,
    ZeroX,
    pins,
)
from keeper.errors import AggregatorError

KEY = "a-key-that-nobody-may-see"
WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
DAI = "0x6B175474E89094C44Da98b954EedeAC495271d0F"
EXECUTOR = "0x1111111111111111111111111111111111111111"
ORIGIN = "0x2222222222222222222222222222222222222222"
VAULT = "0x3333333333333333333333333333333333333333"
ATTACKER = "0x6666666666666666666666666666666666666666"
OPERATOR = "0x7777777777777777777777777777777777777777"
NOBODY = "0x0000000000000000000000000000000000000000"

SOLD = 2 * 10**18
BOUGHT = 6_000_000_001
LEAST = 5_982_000_000  # 30 bps less, rounded down

REQUEST = SwapRequest(
    chain_id=1,
    sell_token=WETH,
    buy_token=USDC,
    sell_amount=SOLD,
    sell_decimals=18,
    buy_decimals=6,
    taker=EXECUTOR,
    receiver=EXECUTOR,
    origin=ORIGIN,
    vault=VAULT,
    slippage_bps=30,
    gas_price=10**9,
)


@dataclass(frozen=True)
class Wish:
    """What a router's calldata is to say."""

    sell_token: str = WETH
    buy_token: str = USDC
    sell_amount: int = SOLD
    least_buy: int = LEAST
    receiver: str = EXECUTOR
    operator: str = OPERATOR
    flags: int = 0
    permit: bytes = b""


def call(signature: str, *arguments: object) -> bytes:
    """Calldata of a function; its argument types are read from its signature."""
    inner = signature[signature.index("(") + 1 : -1]
    types, depth, current = [], 0, ""
    for letter in inner:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            types.append(current)
            current = ""
        else:
            current += letter
    return keccak(text=signature)[:4] + encode([*types, current], arguments)


def zerox_call(wish: Wish) -> bytes:
    settler = call(
        "execute((address,address,uint256),bytes[],bytes32)",
        (wish.receiver, wish.buy_token, wish.least_buy),
        [b"\x01" * 36, b"\x02" * 5],
        bytes(32),
    )
    return call(
        "exec(address,address,uint256,address,bytes)",
        wish.operator,
        wish.sell_token,
        wish.sell_amount,
        wish.operator,
        settler,
    )


def oneinch_call(wish: Wish) -> bytes:
    description = (
        wish.sell_token,
        wish.buy_token,
        wish.operator,
        wish.receiver,
        wish.sell_amount,
        wish.least_buy,
        wish.flags,
    )
    signature = "swap(address,(address,address,address,address,uint256,uint256,uint256),bytes)"
    # The router's calldata ends in a tag of four bytes.
    return call(signature, wish.operator, description, b"\x03" * 45) + bytes.fromhex("8b1ccac8")


def velora_call(wish: Wish) -> bytes:
    swap = (
        wish.sell_token,
        wish.buy_token,
        wish.sell_amount,
        wish.least_buy,
        BOUGHT,
        bytes(32),
        wish.receiver,
    )
    signature = (
        "swapExactAmountIn(address,(address,address,uint256,uint256,uint256,bytes32,address),uint256,bytes,bytes)"
    )
    return call(signature, wish.operator, swap, 0, wish.permit, b"\x04" * 64)


def kyberswap_description(wish: Wish, fees: tuple[str, ...] = (), moved: int | None = None) -> tuple[object, ...]:
    return (
        wish.sell_token,
        wish.buy_token,
        [wish.operator],
        [wish.sell_amount if moved is None else moved],
        list(fees),
        [1 for _ in fees],
        wish.receiver,
        wish.sell_amount,
        wish.least_buy,
        0x200 | wish.flags,
        wish.permit,
    )


KYBERSWAP_DESCRIPTION = (
    "(address,address,address[],uint256[],address[],uint256[],address,uint256,uint256,uint256,bytes)"
)


def kyberswap_call(wish: Wish, **odd: Any) -> bytes:
    description = kyberswap_description(wish, **odd)
    signature = f"swap((address,address,bytes,{KYBERSWAP_DESCRIPTION},bytes))"
    return call(signature, (wish.operator, NOBODY, b"\x05" * 100, description, b'{"Source":"x"}'))


def openocean_call(wish: Wish, value: int = 0) -> bytes:
    description = (
        wish.sell_token,
        wish.buy_token,
        wish.operator,
        wish.receiver,
        wish.sell_amount,
        wish.least_buy,
        BOUGHT,
        0x02 | wish.flags,
        NOBODY,
        wish.permit,
    )
    signature = (
        "swap(address,(address,address,address,address,uint256,uint256,uint256,uint256,address,bytes),"
        "(uint256,uint256,uint256,bytes)[])"
    )
    return call(signature, wish.operator, description, [(1, 0, value, b"\x06" * 40), (2, 0, 0, b"")])


Where = tuple[int, tuple[str, ...]]  # which answer, and the way to a field in it


@dataclass(frozen=True)
class Case:
    """An aggregator that is asked for REQUEST."""

    venue: str
    make: Callable[[Connection], Aggregator]
    answers: tuple[dict[str, Any], ...]
    places: dict[str, tuple[Where, ...]]
    no_route: tuple[int, dict[str, Any]]  # documented: an HTTP status and what comes with it
    refusal: tuple[int, dict[str, Any]]
    headers: dict[str, str] = field(default_factory=dict)
    no_route_kind: type[AggregatorError] = NoQuote
    encode: Callable[..., bytes] | None = None

    def adapter(self, url: str, attempts: int = 1, timeout_s: float = 5.0, patience_s: float = 20.0) -> Aggregator:
        return self.make(Connection(url, timeout_s, attempts, patience_s))

    def with_field(self, where: Where, value: object) -> tuple[dict[str, Any], ...]:
        """The documented answers with one field replaced."""
        answers = deepcopy(self.answers)
        number, path = where
        spot: Any = answers[number]
        for name in path[:-1]:
            spot = spot[name]
        spot[path[-1]] = value
        return answers

    def with_call(self, calldata: bytes) -> tuple[dict[str, Any], ...]:
        """The documented answers with other calldata."""
        return self.with_field(self.places["calldata"][0], "0x" + calldata.hex())


def _lower(address: str) -> str:
    return address.lower()


_ALLOWANCE_HOLDER = pins.PINS[pins.ZEROX][1].target
_ONEINCH_ROUTER = pins.PINS[pins.ONEINCH][1].target
_AUGUSTUS = pins.PINS[pins.VELORA][1].target
_KYBERSWAP_ROUTER = pins.PINS[pins.KYBERSWAP][1].target
_OPENOCEAN_ROUTER = pins.PINS[pins.OPENOCEAN][1].target

ZEROX = Case(
    pins.ZEROX,
    lambda connection: ZeroX(SecretStr(KEY), connection),
    (
        {
            "liquidityAvailable": True,
            "allowanceTarget": _lower(_ALLOWANCE_HOLDER),
            "blockNumber": "23850000",
            "buyAmount": str(BOUGHT),
            "buyToken": _lower(USDC),
            "fees": {"integratorFee": None, "zeroExFee": None, "gasFee": None},
            "issues": {
                "allowance": {"actual": "0", "spender": _lower(_ALLOWANCE_HOLDER)},
                "balance": {"token": _lower(WETH), "actual": "0", "expected": str(SOLD)},
                "simulationIncomplete": False,
                "invalidSourcesPassed": [],
            },
            "minBuyAmount": str(LEAST),
            "route": {"fills": [{"from": WETH, "to": USDC, "source": "Uniswap_V3", "proportionBps": "10000"}]},
            "sellAmount": str(SOLD),
            "sellToken": _lower(WETH),
            "totalNetworkFee": "300000000000000",
            "transaction": {
                "to": _lower(_ALLOWANCE_HOLDER),
                "data": "0x" + zerox_call(Wish()).hex(),
                "gas": "300000",
                "gasPrice": "1000000000",
                "value": "0",
            },
            "zid": "0x111111111111111111111111",
        },
    ),
    {
        "target": ((0, ("transaction", "to")),),
        "spender": ((0, ("allowanceTarget",)),),
        "sell_token": ((0, ("sellToken",)),),
        "buy_token": ((0, ("buyToken",)),),
        "sell_amount": ((0, ("sellAmount",)),),
        "buy_amount": ((0, ("buyAmount",)),),
        "least_buy": ((0, ("minBuyAmount",)),),
        "value": ((0, ("transaction", "value")),),
        "gas": ((0, ("transaction", "gas")),),
        "calldata": ((0, ("transaction", "data")),),
    },
    (200, {"liquidityAvailable": False, "zid": "0x11"}),
    (400, {"name": "TOKEN_NOT_SUPPORTED", "message": "The token is not supported", "data": {}}),
    {"0x-api-key": KEY, "0x-version": "v2"},
    encode=zerox_call,
)

ONEINCH = Case(
    pins.ONEINCH,
    lambda connection: OneInch(SecretStr(KEY), connection),
    (
        {
            "srcToken": {"address": _lower(WETH), "symbol": "WETH", "decimals": 18},
            "dstToken": {"address": _lower(USDC), "symbol": "USDC", "decimals": 6},
            "dstAmount": str(BOUGHT),
            "tx": {
                "from": EXECUTOR,
                "to": _lower(_ONEINCH_ROUTER),
                "data": "0x" + oneinch_call(Wish()).hex(),
                "value": "0",
                "gas": 0,
                "gasPrice": "1000000000",
            },
        },
    ),
    {
        "target": ((0, ("tx", "to")),),
        "taker": ((0, ("tx", "from")),),
        "sell_token": ((0, ("srcToken", "address")),),
        "buy_token": ((0, ("dstToken", "address")),),
        "buy_amount": ((0, ("dstAmount",)),),
        "value": ((0, ("tx", "value")),),
        "gas": ((0, ("tx", "gas")),),
        "calldata": ((0, ("tx", "data")),),
    },
    (400, {"error": "Bad Request", "description": "insufficient liquidity", "statusCode": 400, "requestId": "x"}),
    (400, {"error": "Bad Request", "description": "origin is wrong", "statusCode": 400, "meta": []}),
    {"authorization": f"Bearer {KEY}"},
    encode=oneinch_call,
)

VELORA = Case(
    pins.VELORA,
    Velora,
    (
        {
            "priceRoute": {
                "blockNumber": 23850000,
                "network": 1,
                "srcToken": _lower(WETH),
                "srcDecimals": 18,
                "srcAmount": str(SOLD),
                "destToken": _lower(USDC),
                "destDecimals": 6,
                "destAmount": str(BOUGHT),
                "bestRoute": [{"percent": 100, "swaps": []}],
                "gasCostUSD": "0.711817",
                "gasCost": "179400",
                "side": "SELL",
                "version": "6.2",
                "contractAddress": _AUGUSTUS,
                "tokenTransferProxy": _AUGUSTUS,
                "contractMethod": "swapExactAmountIn",
                "partnerFee": 0,
                "srcUSD": "6000.1",
                "maxImpactReached": False,
                "hmac": "4d2c",
            }
        },
        {
            "from": EXECUTOR,
            "to": _AUGUSTUS,
            "value": "0",
            "data": "0x" + velora_call(Wish()).hex(),
            "gasPrice": "1000000000",
            "chainId": 1,
        },
    ),
    {
        "target": ((1, ("to",)),),
        "spender": ((0, ("priceRoute", "tokenTransferProxy")),),
        "chain": ((0, ("priceRoute", "network")), (1, ("chainId",))),
        "taker": ((1, ("from",)),),
        "sell_token": ((0, ("priceRoute", "srcToken")),),
        "buy_token": ((0, ("priceRoute", "destToken")),),
        "sell_amount": ((0, ("priceRoute", "srcAmount")),),
        "buy_amount": ((0, ("priceRoute", "destAmount")),),
        "value": ((1, ("value",)),),
        "gas": ((0, ("priceRoute", "gasCost")),),
        "calldata": ((1, ("data",)),),
    },
    (400, {"error": "ESTIMATED_LOSS_GREATER_THAN_MAX_IMPACT", "value": "99%", "priceRoute": {}}),
    (400, {"error": "Invalid tokens"}),
    encode=velora_call,
)

KYBERSWAP = Case(
    pins.KYBERSWAP,
    lambda connection: KyberSwap("equipoise-tests", connection),
    (
        {
            "code": 0,
            "message": "successfully",
            "data": {
                "routeSummary": {
                    "tokenIn": _lower(WETH),
                    "amountIn": str(SOLD),
                    "amountInUsd": "6000.5",
                    "tokenOut": _lower(USDC),
                    "amountOut": str(BOUGHT),
                    "amountOutUsd": "5999.5",
                    "gas": "290000",
                    "gasPrice": "1000000000",
                    "route": [[{"pool": OPERATOR, "exchange": "uniswapv3", "poolExtra": {"fee": 500}, "extra": None}]],
                    "routeID": "abc",
                    "checksum": "123",
                    "timestamp": 1763740000,
                },
                "routerAddress": _KYBERSWAP_ROUTER,
            },
            "requestId": "x",
        },
        {
            "code": 0,
            "message": "successfully",
            "data": {
                "amountIn": str(SOLD),
                "amountOut": str(BOUGHT + 5),
                "gas": "290000",
                "gasUsd": "0.5",
                "data": "0x" + kyberswap_call(Wish()).hex(),
                "routerAddress": _KYBERSWAP_ROUTER,
                "transactionValue": "0",
            },
            "requestId": "x",
        },
    ),
    {
        "target": ((1, ("data", "routerAddress")),),
        "spender": ((0, ("data", "routerAddress")),),
        "sell_token": ((0, ("data", "routeSummary", "tokenIn")),),
        "buy_token": ((0, ("data", "routeSummary", "tokenOut")),),
        "sell_amount": ((1, ("data", "amountIn")),),
        "buy_amount": ((0, ("data", "routeSummary", "amountOut")),),
        "value": ((1, ("data", "transactionValue")),),
        "gas": ((1, ("data", "gas")),),
        "calldata": ((1, ("data", "data")),),
    },
    (400, {"code": 4008, "message": "route not found", "details": None, "requestId": "x"}),
    (400, {"code": 4011, "message": "token not found", "requestId": "x"}),
    {"x-client-id": "equipoise-tests"},
    encode=kyberswap_call,
)

OPENOCEAN = Case(
    pins.OPENOCEAN,
    OpenOcean,
    (
        {
            "code": 200,
            "data": {
                "inToken": {"symbol": "WETH", "address": WETH, "decimals": 18},
                "outToken": {"symbol": "USDC", "address": USDC, "decimals": 6},
                "inAmount": str(SOLD),
                "outAmount": str(BOUGHT),
                "minOutAmount": str(LEAST),
                "estimatedGas": "353007",
                "from": EXECUTOR,
                "to": _OPENOCEAN_ROUTER,
                "value": "0",
                "gasPrice": "1000000000",
                "data": "0x" + openocean_call(Wish()).hex(),
                "price_impact": "-0.01%",
                "rfqDeadline": 0,
            },
        },
    ),
    {
        "target": ((0, ("data", "to")),),
        "sell_token": ((0, ("data", "inToken", "address")),),
        "buy_token": ((0, ("data", "outToken", "address")),),
        "sell_amount": ((0, ("data", "inAmount")),),
        "buy_amount": ((0, ("data", "outAmount")),),
        "least_buy": ((0, ("data", "minOutAmount")),),
        "value": ((0, ("data", "value")),),
        "gas": ((0, ("data", "estimatedGas")),),
        "calldata": ((0, ("data", "data")),),
    },
    (200, {"code": 400, "error": "insufficient liquidity"}),
    (200, {"code": 500, "error": "token is not supported"}),
    no_route_kind=RequestRefused,  # its codes are not documented
    encode=openocean_call,
)

COW = Case(
    pins.COW,
    Cow,
    (
        {
            "quote": {
                "sellToken": _lower(WETH),
                "buyToken": _lower(USDC),
                "receiver": EXECUTOR,
                "sellAmount": str(SOLD - 10**15),
                "buyAmount": str(BOUGHT),
                "validTo": 1763740000,
                "appData": "{}",
                "feeAmount": str(10**15),
                "gasAmount": "120000",
                "gasPrice": "1000000000",
                "sellTokenPrice": "1.0",
                "kind": "sell",
                "partiallyFillable": False,
                "signingScheme": "presign",
            },
            "from": EXECUTOR,
            "expiration": "2025-11-21T17:00:00Z",
            "id": 1,
            "verified": True,
        },
    ),
    {
        "taker": ((0, ("from",)),),
        "sell_token": ((0, ("quote", "sellToken")),),
        "buy_token": ((0, ("quote", "buyToken")),),
        "sell_amount": ((0, ("quote", "sellAmount")), (0, ("quote", "feeAmount"))),
        "buy_amount": ((0, ("quote", "buyAmount")),),
    },
    (404, {"errorType": "NoLiquidity", "description": "no route found"}),
    (400, {"errorType": "UnsupportedToken", "description": "Token is unsupported", "data": {}}),
)

CASES = (ZEROX, ONEINCH, VELORA, KYBERSWAP, OPENOCEAN, COW)
CALLED = tuple(case for case in CASES if case.encode)


def wish(**changes: Any) -> Wish:
    return replace(Wish(), **changes)
