"""A JSON-RPC client for one endpoint that knows which chain it is meant to speak to.

    ChainError
    ├── TransientError   the endpoint may answer the same question well in a moment; reads are retried
    └── RpcError         the endpoint answered with an error
    Reverted             a call ran and reverted: its return data is kept

Reads are retried a few times. What changes the chain (`send`) is never retried here: whether to send again is the
lane's decision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from eth_utils.conversions import to_hex
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from web3 import HTTPProvider
from web3.types import RPCEndpoint

from keeper.chain import abi
from keeper.chain.snapshot import Block
from keeper.errors import ChainError, TransactionError

# JSON-RPC codes for "busy" and "limit exceeded" (EIP-1474), seen on shared endpoints.
_BUSY_CODES = frozenset({-32005, -32016, 429})
_BUSY_HTTP = frozenset({408, 425, 429, 500, 502, 503, 504})
# A node behind a load balancer may not have the block that its neighbour just announced.
_BEHIND = ("header not found", "unknown block", "block not found", "blocknotfound", "missing trie node")


class TransientError(ChainError):
    """The endpoint may answer the same question well in a moment."""


class RpcError(ChainError):
    """The endpoint answered with an error."""

    def __init__(self, message: str, code: int, data: object):
        super().__init__(message)
        self.code = code
        self.data = data


class Reverted(TransactionError):
    """A call ran and reverted; `data` is what it returned."""

    def __init__(self, data: bytes, message: str = ""):
        super().__init__(message or "the call reverted")
        self.data = data


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """One call to run in a simulated block, as whoever `sender` is; no signature is needed and no gas is paid."""

    sender: str
    to: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a simulated call did: its return or revert data, and its logs when it did not revert."""

    succeeded: bool
    data: bytes
    logs: tuple[dict[str, Any], ...]


class Client:
    """One endpoint.

    :param url: http or https; what stands after the host (often an API key) is never printed
    :param chain_id: the chain that the endpoint has to serve, checked by `connect`
    :param timeout_s: hard limit of one request
    :param attempts: how often a read is tried in all
    """

    def __init__(self, url: str, chain_id: int = 1, timeout_s: float = 20.0, attempts: int = 4):
        self.chain_id = chain_id
        self.name = without_secrets(url)
        self._provider = HTTPProvider(url, request_kwargs={"timeout": timeout_s}, exception_retry_configuration=None)
        self._timeout_s = timeout_s
        self._retrying = Retrying(
            stop=stop_after_attempt(attempts),
            wait=wait_random_exponential(multiplier=0.2, max=5.0),
            retry=retry_if_exception_type(TransientError),
            reraise=True,
        )

    def connect(self) -> "Client":
        """Check that the endpoint answers and serves the chain.

        :raises ChainError: it is down, or serves another chain
        """
        found = int(self.read("eth_chainId"), 16)
        if found != self.chain_id:
            raise ChainError(
                f"wrong chain id: expected {self.chain_id}, got {found} at {self.name}; set chain_id or rpc_url"
            )
        return self

    def read(self, method: str, *params: object) -> Any:
        """The result of a method that changes nothing; retried when the endpoint is busy.

        :raises ChainError: no answer within the attempts, or RpcError for an error answer
        """
        return self._retrying(partial(self._request, method, params))

    def send(self, method: str, *params: object) -> Any:
        """The result of a method that may change the chain; asked exactly once.

        :raises ChainError: as `read`
        """
        return self._request(method, params)

    def head(self) -> Block:
        """The latest block."""
        return self._block("latest")

    def block_hash(self, number: int) -> str:
        """Hash of the block with this number on the chain as the node sees it now."""
        return self._block(hex(number)).hash

    def contains(self, number: int, block_hash: str) -> bool:
        """Whether the chain, as the node sees it now, has the block with this hash at this height.

        :raises ChainError: as `read`
        """
        block = self.read("eth_getBlockByNumber", hex(number), False)
        return isinstance(block, dict) and block.get("hash") == block_hash

    def logs(self, address: str, topic: bytes, first: int, last: int) -> list[dict[str, Any]]:
        """The logs of a contract with this first topic in blocks `first` to `last`, as the node gives them.

        :raises RpcError: among others, when these are more blocks or logs than the node wants to give at once
        :raises ChainError: as `read`
        """
        wanted = {"address": address, "topics": [to_hex(topic)], "fromBlock": hex(first), "toBlock": hex(last)}
        found = self.read("eth_getLogs", wanted)
        if not isinstance(found, list):
            raise ChainError(f"{self.name} answered eth_getLogs with no list: check rpc_url")
        return found

    def call(
        self,
        to: str,
        data: bytes,
        block: Block | str = "latest",
        sender: str | None = None,
        time: int | None = None,
    ) -> bytes:
        """What a call returns at a block, given by its hash, or by a tag such as `pending`.

        :param time: unix s that the call is to see in place of the block's; a node may ignore it
        :raises Reverted: the call reverted
        :raises ChainError: as `read`
        """
        at: object = {"blockHash": block.hash} if isinstance(block, Block) else block
        transaction = {"to": to, "data": to_hex(data)} | ({"from": sender} if sender else {})
        overrides = () if time is None else ({}, {"time": hex(time)})
        return _as_bytes(self.run("eth_call", transaction, at, *overrides), self.name)

    def run(self, method: str, transaction: Mapping[str, object], *params: object) -> Any:
        """`read` of a method that executes a transaction (`eth_call`, `eth_estimateGas`).

        :raises Reverted: the execution reverted
        """
        try:
            return self.read(method, transaction, *params)
        except RpcError as error:
            data = _revert_data(error)
            if data is None:
                raise
            raise Reverted(data) from None

    def simulate(self, calls: Sequence[SimulatedCall], block: Block, time: int) -> list[Outcome]:
        """What the calls do one after the other in a block on top of `block`, at `time` in unix s.

        :raises ChainError: as `read`; or the node cannot simulate a block (`eth_simulateV1`)
        """
        request = {
            "blockStateCalls": [
                {
                    "blockOverrides": {"time": hex(max(time, block.timestamp + 1))},
                    "calls": [{"from": call.sender, "to": call.to, "data": to_hex(call.data)} for call in calls],
                }
            ]
        }
        try:
            answer = self.read("eth_simulateV1", request, {"blockHash": block.hash})
        except RpcError as error:
            raise ChainError(f"{error}; routes are tried out with it before they are sent: use another RPC") from None
        try:
            outcomes = [
                Outcome(int(each["status"], 16) == 1, _as_bytes(each["returnData"], self.name), tuple(each["logs"]))
                for each in answer[0]["calls"]
            ]
        except (TypeError, KeyError, IndexError, ValueError):
            outcomes = []
        if len(outcomes) != len(calls):
            raise ChainError(f"{self.name} answered eth_simulateV1 with something else: check rpc_url")
        return outcomes

    def code(self, address: str, block: Block | str = "latest") -> bytes:
        """The code at an address; empty for none."""
        at: object = {"blockHash": block.hash} if isinstance(block, Block) else block
        return _as_bytes(self.read("eth_getCode", address, at), self.name)

    def pending_time(self, multicall: str) -> int:
        """Unix s of the block that a transaction sent now would be in, as the node sees it.

        On a busy chain that is the head's time and a few seconds; a devnet that mines on demand may have stood still
        for hours.
        """
        return int.from_bytes(self.call(multicall, abi.Multicall.block_timestamp.encode(), "pending"), "big")

    def balance(self, address: str) -> int:
        """Wei held at the latest block."""
        return int(self.read("eth_getBalance", address, "latest"), 16)

    def nonce(self, address: str, tag: str = "latest") -> int:
        """Transactions mined (`latest`), or mined and known (`pending`)."""
        return int(self.read("eth_getTransactionCount", address, tag), 16)

    def software(self) -> str:
        """The client's name and version, as in `anvil/v1.3.0`."""
        return str(self.read("web3_clientVersion"))

    def _block(self, tag: str) -> Block:
        block = self.read("eth_getBlockByNumber", tag, False)
        try:
            return Block(
                number=int(block["number"], 16),
                hash=block["hash"],
                timestamp=int(block["timestamp"], 16),
                base_fee=int(block.get("baseFeePerGas", "0x0"), 16),
            )
        except (TypeError, KeyError, ValueError):
            raise ChainError(f"{self.name} answered eth_getBlockByNumber with no block: check rpc_url") from None

    def _request(self, method: str, params: Sequence[object]) -> Any:
        try:
            answer = self._provider.make_request(RPCEndpoint(method), list(params))
        except requests.Timeout:
            raise TransientError(
                f"{self.name} gave {method} no answer in {self._timeout_s:g} s: set rpc_url or request_timeout_s"
            ) from None
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            kind = TransientError if status in _BUSY_HTTP else ChainError
            raise kind(f"{self.name} answered {method} with HTTP status {status}: check rpc_url") from None
        except requests.RequestException:
            raise TransientError(f"no RPC endpoint answers at {self.name}: start the node or set rpc_url") from None
        except ValueError:
            raise TransientError(
                f"{self.name} answered {method} with something that is not JSON: check rpc_url"
            ) from None
        if not isinstance(answer, dict):
            raise ChainError(f"{self.name} answered {method} with something that is not JSON-RPC: check rpc_url")
        if answer.get("error") is not None:
            raise _error_of(answer["error"], method, self.name)
        if "result" not in answer:
            raise ChainError(f"{self.name} answered {method} without a result: check rpc_url")
        return answer["result"]


def _error_of(error: object, method: str, name: str) -> ChainError:
    fields = error if isinstance(error, dict) else {"message": str(error)}
    message = " ".join(str(fields.get("message", "no message")).split())[:300]
    code = int(fields.get("code", 0) or 0)
    line = f"{name} refused {method}: {message}"
    if code in _BUSY_CODES or any(sign in message.lower() for sign in _BEHIND):
        return TransientError(line)
    return RpcError(line, code, fields.get("data"))


def _revert_data(error: RpcError) -> bytes | None:
    """The return data of a revert, wherever the node's make puts it; None when the error is no revert."""
    data: object = error.data
    if isinstance(data, dict):
        data = data.get("data", data.get("result"))
    if isinstance(data, str) and "0x" in data:
        try:
            return bytes.fromhex(data[data.index("0x") + 2 :])
        except ValueError:
            return None
    if error.code == 3 or "revert" in str(error).lower():
        return b""
    return None


def _as_bytes(value: object, name: str) -> bytes:
    try:
        if isinstance(value, str) and value.startswith("0x"):
            return bytes.fromhex(value[2:])
    except ValueError:
        pass
    raise ChainError(f"{name} answered with malformed hex: check rpc_url")


def without_secrets(url: str) -> str:
    """Scheme, host and port of a URL: its user, path and query often hold an API key."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"
