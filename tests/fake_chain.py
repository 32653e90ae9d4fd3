"""A JSON-RPC endpoint on this machine that answers what a test tells it to: no chain, no contracts.

`Multicall3` is played by dispatching each inner call to the same table of views, so that the code under test is the real one.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from keeper.chain import abi
from keeper.chain.abi import Fault, Function, Trigger
from keeper.chain.snapshot import Block, Fees, Schedule, Terms, VaultSnapshot
from keeper.markets import UniswapV2Pool
from keeper.markets.tick_math import sqrt_ratio_at_tick

WAD = 10**18
MULTICALL = "0xcA11bde05977b3631167028862bE2a173976CA11"
V2_FACTORY = "0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f"
V3_FACTORY = "0x1F98431c8aD98523631AE4a59f267346ea31F984"
WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
NOBODY = "0x" + "0" * 40


class Revert(Exception):
    """What a view raises to revert with this data."""

    def __init__(self, data: bytes):
        super().__init__(data.hex())
        self.data = data


class NodeError(Exception):
    """What an endpoint raises to answer with an error."""


def error_string(reason: str) -> bytes:
    """Revert data of `raise "reason"`."""
    return keccak(text="Error(string)")[:4] + encode(["string"], [reason])


def bad_price(asset: str, fault: int) -> bytes:
    """Revert data of the oracle's typed error."""
    return abi.Oracle.bad_price.selector + encode(["address", "uint256"], [asset, fault])


def address(name: str) -> str:
    """An address that stands for a name."""
    return to_checksum_address(keccak(text=name)[12:])


@dataclass
class FakeChain:
    """The state behind the endpoint; tests write to it directly."""

    chain_id: int = 1
    number: int = 100
    timestamp: int = 1_800_000_000
    pending_timestamp: int | None = None
    base_fee: int = 10**9
    tips: Sequence[int] = (10**8,) * 10
    software: str = "anvil/v1.7.1"
    balance: int = 10**18
    nonce: int = 0
    pending_nonce: int | None = None
    nonces: dict[str, int] = field(default_factory=dict)  # of accounts that differ from the rest
    views: dict[tuple[str, bytes], Callable[..., Any]] = field(default_factory=dict)
    functions: dict[bytes, Function] = field(default_factory=dict)
    troubles: list[tuple[str, Any]] = field(default_factory=list)  # what befalls the next requests, in order
    trouble: tuple[str, Any] | None = None  # what befalls all others
    requests: list[tuple[str, list[Any]]] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    on_send: Callable[[str, bytes], None] | None = None
    answered_block: int | None = None  # what Multicall3 says the block is, when it lies
    call_time: int | None = None  # the time that the call which runs was told to see
    genesis: int = 0  # tells this chain from others
    logs: list[dict[str, Any]] = field(default_factory=list)
    # What a pool pays in a simulated swap for so much of a token; may raise Revert.
    swaps: dict[str, Callable[[str, int], int]] = field(default_factory=dict)
    url: str = ""

    def view(self, target: str, function: Function, answer: Any) -> None:
        """Let `target` answer `function`: a value, or a callable of the decoded arguments that may raise Revert."""
        selector = keccak(text=function.signature)[:4]
        self.functions[selector] = function
        self.views[target.lower(), selector] = answer if callable(answer) else lambda *_: answer

    def run(self, target: str, data: bytes) -> bytes:
        """What a call returns; an address without that function reverts, one without any answers nothing."""
        selector = data[:4]
        if target.lower() == MULTICALL.lower():
            return self._multicall(data)
        if (target.lower(), selector) not in self.views:
            if not self.has_code(target):
                return b""
            raise Revert(b"")
        function = self.functions[selector]
        value = self.views[target.lower(), selector](*decode(function.inputs, data[4:]))
        if isinstance(value, bytes):
            return value
        return encode(function.outputs, value if len(function.outputs) > 1 else (value,))

    def has_code(self, target: str) -> bool:
        """Whether anything answers there."""
        return target.lower() == MULTICALL.lower() or any(where == target.lower() for where, _ in self.views)

    def block_hash(self, number: int | None = None) -> str:
        """Hash of a block, the head's by default."""
        number = self.number if number is None else number
        return "0x" + keccak(text=f"block {number} of {self.genesis}").hex()

    def answer(self, method: str, params: list[Any]) -> Any:
        """The result of a method; raises KeyError for one that is not played."""
        match method:
            case "eth_chainId":
                return hex(self.chain_id)
            case "web3_clientVersion":
                return self.software
            case "eth_getBlockByNumber":
                number = self.number if params[0] == "latest" else int(params[0], 16)
                return {
                    "number": hex(number),
                    "hash": self.block_hash(number),
                    "parentHash": self.block_hash(number - 1),
                    "timestamp": hex(self.timestamp),
                    "baseFeePerGas": hex(self.base_fee),
                }
            case "eth_getCode":
                return "0x01" if self.has_code(params[0]) else "0x"
            case "eth_call":
                time, self.call_time = self.call_time, int(params[3]["time"], 16) if len(params) > 3 else None
                try:
                    return "0x" + self.run(params[0]["to"], bytes.fromhex(params[0]["data"][2:])).hex()
                finally:
                    self.call_time = time
            case "eth_getLogs":
                first, last = (int(params[0][key], 16) for key in ("fromBlock", "toBlock"))
                return [log for log in self.logs if first <= int(log["blockNumber"], 16) <= last]
            case "eth_simulateV1":
                held: dict[tuple[str, str], int] = {}
                return [{"calls": [self._simulated(call, held) for call in params[0]["blockStateCalls"][0]["calls"]]}]
            case "eth_estimateGas":
                self.run(params[0]["to"], bytes.fromhex(params[0]["data"][2:]))
                return hex(200_000)
            case "eth_feeHistory":
                fees = [hex(self.base_fee)] * (len(self.tips) + 1)
                return {"baseFeePerGas": fees, "reward": [[hex(tip)] for tip in self.tips]}
            case "eth_getBalance":
                return hex(self.balance)
            case "eth_getTransactionCount":
                mined = self.nonces.get(params[0], self.nonce)
                pending = mined if self.pending_nonce is None else self.pending_nonce
                return hex(pending if params[1] == "pending" else mined)
            case "eth_getTransactionReceipt":
                return self.receipts.get(params[0])
            case "eth_getTransactionByHash":
                return {"hash": params[0]} if params[0] in self.known else None
            case "eth_sendRawTransaction":
                raw = bytes.fromhex(params[0][2:])
                found = "0x" + keccak(raw).hex()
                self.sent.append(raw)
                if self.on_send is not None:
                    self.on_send(found, raw)
                return found
        raise KeyError(method)

    def _simulated(self, call: dict[str, str], held: dict[tuple[str, str], int]) -> dict[str, Any]:
        """A transfer to, a balance of, or one leg of an executor that starts with nothing."""
        target, data = call["to"].lower(), bytes.fromhex(call["data"][2:])
        returned, logs = b"", []
        if data[:4] == abi.Token.transfer.encode(NOBODY, 0)[:4]:
            receiver, amount = decode(["address", "uint256"], data[4:])
            held[receiver, target] = held.get((receiver, target), 0) + amount
        elif data[:4] == abi.Token.balance_of.encode(NOBODY)[:4]:
            (owner,) = decode(["address"], data[4:])
            returned = encode(["uint256"], [held.get((owner, target), 0)])
        elif self.has_code(target):
            _, _, inner = decode(abi.Executor.on_rebalance.inputs, data[4:])
            ((operation,), _) = decode([abi.OPERATIONS, "address[]"], inner)
            _, pool, token_in, token_out, _, share = operation
            amount = held.get((target, token_in), 0) * share // WAD
            try:
                paid = self.swaps[pool](token_in, amount)
            except Revert as revert:
                return {"status": "0x0", "returnData": "0x" + revert.data.hex(), "logs": [], "gasUsed": "0x0"}
            held[target, token_in] -= amount
            held[target, token_out] = held.get((target, token_out), 0) + paid
            topics = [
                abi.Executor.swap.topic,
                *(bytes.fromhex(each[2:].zfill(64)) for each in (pool, token_in, token_out)),
            ]
            logs = [
                {
                    "address": target,
                    "topics": ["0x" + topic.hex() for topic in topics],
                    "data": "0x" + encode(["uint256", "uint256"], [amount, paid]).hex(),
                }
            ]
        return {"status": "0x1", "returnData": "0x" + returned.hex(), "logs": logs, "gasUsed": "0x0"}

    def _multicall(self, data: bytes) -> bytes:
        if data[:4] == abi.Multicall.block_timestamp.encode():
            if self.call_time is not None:
                return encode(["uint256"], [self.call_time])
            pending = self.timestamp if self.pending_timestamp is None else self.pending_timestamp
            return encode(["uint256"], [pending])
        if data[:4] == abi.Multicall.block_number.encode():
            return encode(["uint256"], [self.number if self.answered_block is None else self.answered_block])
        if data[:4] == abi.Multicall.eth_balance.selector:
            return encode(["uint256"], [self.balance])
        (calls,) = decode(abi.Multicall.aggregate3.inputs, data[4:])
        results: list[tuple[bool, bytes]] = []
        for target, _, inner in calls:
            try:
                results.append((True, self.run(target, inner)))
            except Revert as revert:
                results.append((False, revert.data))
        return encode(abi.Multicall.aggregate3.outputs, [results])


def serve(chain: FakeChain) -> ThreadingHTTPServer:
    """Start answering for `chain`; `chain.url` is set. The caller shuts it down."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            each = request if isinstance(request, list) else [request]
            chain.requests.append((each[0]["method"], each[0]["params"]))
            replies = [_reply(chain, one) for one in each]
            # A batch may be answered in any order.
            status, body = 200, json.dumps(replies[::-1] if isinstance(request, list) else replies[0]).encode()
            trouble = chain.troubles.pop(0) if chain.troubles else chain.trouble
            if trouble is not None:
                kind, detail = trouble
                if kind == "dead":
                    return
                if kind == "http":
                    status = detail
                elif kind == "text":
                    body = detail.encode()
                elif kind == "silence":
                    time.sleep(detail)
                elif kind == "error":
                    body = json.dumps({"jsonrpc": "2.0", "id": each[0]["id"], "error": detail}).encode()
            # A client that has given up is part of some tests.
            with suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    chain.url = f"http://127.0.0.1:{server.server_port}"
    return server


def _reply(chain: FakeChain, request: dict[str, Any]) -> dict[str, Any]:
    reply: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
    try:
        reply["result"] = chain.answer(request["method"], request["params"])
    except Revert as revert:
        reply["error"] = {"code": 3, "message": "execution reverted", "data": "0x" + revert.data.hex()}
    except NodeError as error:
        reply["error"] = {"code": -32000, "message": str(error)}
    except KeyError as method:
        reply["error"] = {"code": -32601, "message": f"the method {method} does not exist"}
    return reply


def bare_snapshot(vault: str, terms: Terms | None = None, **changes: Any) -> VaultSnapshot:
    """A snapshot of a vault without assets, for code that only passes it on or looks at its times."""
    nothing = Terms(Trigger.BAND, False, 0, 0, 1, 0, 0, 0, 0, 1)
    snapshot = VaultSnapshot(
        address=vault,
        block=Block(7, "0x7", 1, 0),
        name="",
        symbol="",
        rebalancer="",
        oracle="",
        supply=0,
        supply_cap=0,
        fees=Fees(NOBODY, 0, 0, 0),
        paused=False,
        is_shut_down=False,
        assets=(),
        schedule=Schedule((), 0, 0),
        terms=terms or nothing,
        is_open=False,
        opened_at=0,
        closed_at=0,
        completed_at=0,
        bound=0,
        loss=0,
        head_start=0,
        is_keeper=False,
        valuation=None,
        faults=(),
        native_price=None,
    )
    return replace(snapshot, **changes)


@dataclass
class FakeVault:
    """A vault of WETH (18 decimals) and USDC (6), 50:50, that a test can push off balance; and its oracle and pool."""

    chain: FakeChain
    address: str = field(default_factory=lambda: address("vault"))
    rebalancer: str = field(default_factory=lambda: address("rebalancer"))
    oracle: str = field(default_factory=lambda: address("oracle"))
    executor: str = field(default_factory=lambda: address("executor"))
    pair: str = field(default_factory=lambda: address("pair"))
    weth: int = 600 * 10**18
    usdc: int = 1_000_000 * 10**6
    weth_price: int = 2_000 * WAD
    fault: int = 0
    paused: bool = False
    claims: dict[str, int] = field(default_factory=dict)  # of everybody, by asset in lower case
    is_shut_down: bool = False
    head_start: int = 0
    keepers: tuple[str, ...] = ()
    schedule: tuple[list[int], int, int] = ([WAD // 2, WAD // 2], 0, 0)
    fees: tuple[str, int, int, int] = (NOBODY, 0, 0, 0)
    is_open: bool = False
    opened_at: int = 0
    closed_at: int = 1_799_000_000
    completed_at: int = 1_799_000_000
    trigger: int = 2
    with_pool: bool = True
    terms: tuple[Any, ...] = (
        2,  # BAND
        False,
        0,
        3600,
        1800,
        5 * 10**15,  # start premium 0.5 %
        10**16,  # maximum discount 1 %
        5 * 10**15,
        10**16,
        7 * 86400,
    )

    @property
    def values(self) -> tuple[int, int]:
        """WAD USD of the two assets."""
        return self.weth * self.weth_price // 10**18, self.usdc * WAD // 10**6

    @property
    def nav(self) -> int:
        """WAD USD."""
        return sum(self.values)

    @property
    def bound(self) -> int:
        """WAD, by the contract's formula at the head."""
        premium, discount, duration = self.terms[5], self.terms[6], self.terms[4]
        if not self.is_open:
            return WAD + premium
        return WAD + premium - (premium + discount) * (self.chain.timestamp - self.opened_at) // duration

    def _valued(self, value: Callable[[], Any]) -> Callable[..., Any]:
        def answer(*_: Any) -> Any:
            if self.fault:
                raise Revert(bad_price(WETH, self.fault))
            return value()

        return answer

    def _price(self, asset: str) -> int:
        prices = {WETH.lower(): self.weth_price, USDC.lower(): WAD}
        if self.fault or asset not in prices:
            raise Revert(bad_price(asset, self.fault or int(Fault.NO_FEED)))
        return prices[asset]

    def add_v3_pool(self) -> str:
        """A shallower pool of 0.05 % at the oracle's price, which pays whatever is asked of it."""
        pool = address("v3")
        self.chain.view(V3_FACTORY, abi.UniswapV3.get_pool, lambda a, b, fee: pool if fee == 500 else NOBODY)
        self.chain.view(pool, abi.UniswapV3.slot0, (sqrt_ratio_at_tick(200_312), 200_312, 0, 0, 0, 0, True))
        self.chain.view(pool, abi.UniswapV3.liquidity, 5 * 10**17)
        self.chain.view(pool, abi.UniswapV3.tick_spacing, 10)
        self.chain.view(pool, abi.UniswapV3.tick_bitmap, 0)
        self.chain.view(pool, abi.UniswapV2.token0, USDC)
        self.chain.view(pool, abi.UniswapV2.token1, WETH)
        self.chain.swaps[pool.lower()] = lambda token, amount: 10**30
        return pool

    def swap(self, token_in: str, amount: int) -> int:
        """What the pair pays."""
        reserve0, reserve1, _ = abi.UniswapV2.get_reserves.decode(
            self.chain.run(self.pair, abi.UniswapV2.get_reserves.encode())
        )
        token_out = WETH if token_in == USDC.lower() else USDC
        pool = UniswapV2Pool(self.pair, USDC, WETH, reserve0, reserve1)
        return pool.amount_out(to_checksum_address(token_in), token_out, amount)

    def install(self) -> "FakeVault":
        """Let the chain answer for the vault, its rebalancer, the oracle, the tokens, the factories and the pool."""
        chain, v, r = self.chain, abi.Vault, abi.Rebalancer
        for function, answer in (
            (v.name, "Two"),
            (v.symbol, "TWO"),
            (v.rebalancer, self.rebalancer),
            (v.supply, 1000 * WAD),
            (v.supply_cap, 2**96 - 1),
            (v.fees, lambda *_: encode([abi.FEES], [self.fees])),
            (v.paused, lambda *_: self.paused),
            (v.is_shut_down, lambda *_: self.is_shut_down),
            (v.assets, [WETH, USDC]),
            (v.holdings, lambda *_: (2, [0] * 20, [self.weth, self.usdc] + [0] * 18)),
            (v.open_rebalance, lambda *_: self.trigger),
            (v.claims, lambda _, asset: self.claims.get(asset, 0)),
        ):
            chain.view(self.address, function, answer)
        for function, answer in (
            (r.oracle, self.oracle),
            (r.targets, [WAD // 2, WAD // 2]),
            (r.schedule, lambda *_: self.schedule),
            (r.bands, [WAD // 50, WAD // 50]),
            (r.terms, lambda *_: encode([abi.TERMS], [self.terms])),
            (r.is_open, lambda *_: self.is_open),
            (r.opened_at, lambda *_: self.opened_at),
            (r.closed_at, lambda *_: self.closed_at),
            (r.completed_at, lambda *_: self.completed_at),
            (r.price_bound, lambda *_: self.bound),
            (r.loss, 0),
            (r.head_start, lambda *_: self.head_start),
            (r.is_keeper, lambda who: who in map(str.lower, self.keepers)),
            (r.weights, self._valued(lambda: [value * WAD // self.nav for value in self.values])),
            (r.nav, self._valued(lambda: self.nav)),
            (r.drift, self._valued(lambda: abs(self.values[0] - self.nav // 2) * WAD // self.nav)),
            (r.trigger, self._valued(lambda: self.trigger)),
        ):
            chain.view(self.rebalancer, function, answer)
        o = abi.Oracle
        chain.view(self.oracle, o.prices, self._valued(lambda: [self.weth_price, WAD]))
        chain.view(self.oracle, o.price, self._price)
        chain.view(self.oracle, o.fault, lambda asset: self.fault if asset == WETH.lower() else 0)
        for token, symbol, decimals in ((WETH, "WETH", 18), (USDC, "USDC", 6)):
            chain.view(token, abi.Token.symbol, symbol)
            chain.view(token, abi.Token.decimals, decimals)
            chain.view(token, abi.Token.balance_of, lambda _, big=10**13 if token == USDC else 10**22: big)
        chain.view(V2_FACTORY, abi.UniswapV2.get_pair, lambda *_: self.pair if self.with_pool else NOBODY)
        chain.view(V3_FACTORY, abi.UniswapV3.get_pool, NOBODY)
        # USDC sorts before WETH. 40 million USD a side, at the oracle's price.
        reserves = (40_000_000 * 10**6, 20_000 * 10**18, 0)
        chain.view(self.pair, abi.UniswapV2.get_reserves, lambda *_: reserves)
        chain.view(self.pair, abi.UniswapV2.token0, USDC)
        chain.view(self.pair, abi.UniswapV2.token1, WETH)
        chain.swaps[self.pair.lower()] = self.swap
        chain.view(self.executor, abi.Executor.owner, address("keeper"))
        chain.view(self.executor, abi.Executor.rebalance, (100_000 * WAD, 99_600 * WAD))
        return self


def mine(chain: FakeChain, logs: Sequence[dict[str, Any]] = (), status: int = 1) -> Callable[[str, bytes], None]:
    """An `on_send` that mines at once."""

    def on_send(found: str, raw: bytes) -> None:
        chain.number += 1
        chain.nonce += 1
        chain.receipts[found] = {
            "transactionHash": found,
            "from": sender_of(raw),
            "to": target_of(raw),
            "blockNumber": hex(chain.number),
            "blockHash": chain.block_hash(),
            "status": hex(status),
            "gasUsed": hex(180_000),
            "effectiveGasPrice": hex(chain.base_fee),
            "logs": list(logs),
        }

    return on_send


def target_of(raw: bytes) -> str:
    """Where a signed transaction goes."""
    from eth_account.typed_transactions import TypedTransaction
    from hexbytes import HexBytes

    return to_checksum_address(TypedTransaction.from_bytes(HexBytes(raw)).as_dict()["to"])


def sender_of(raw: bytes) -> str:
    """Who signed a transaction."""
    return str(Account.recover_transaction(raw))


@pytest.fixture
def fake() -> Iterator[FakeChain]:
    """A fake endpoint that answers; a conftest that imports this fixture offers it."""
    chain = FakeChain()
    server = serve(chain)
    yield chain
    server.shutdown()
    server.server_close()
