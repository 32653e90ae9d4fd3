"""A JSON-RPC client that knows which chain it is meant to speak to: here over one endpoint, in `quorum` over several.

Reads are retried a few times. What changes the chain (`send`) is never retried here: whether to send again is the
lane's decision.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from eth_utils.conversions import to_bytes, to_hex
from eth_utils.crypto import keccak
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from keeper.chain import abi
from keeper.chain.errors import BlockMissing, NoQuorum, Reorged, Reverted, RpcError, TransientError
from keeper.chain.snapshot import Block
from keeper.chain.transport import Listener, Transport
from keeper.chain.wire import as_bytes, as_quantity, is_known, revert_data, without_secrets
from keeper.errors import ChainError

__all__ = [
    "BlockMissing",
    "Client",
    "NoQuorum",
    "Outcome",
    "Reorged",
    "Reverted",
    "RpcError",
    "SimulatedCall",
    "TransientError",
    "without_secrets",
]

# A longer rest is not waited for: whoever asks has better things to do.
_PATIENCE_S = 10.0
_BACKOFF = wait_random_exponential(multiplier=0.2, max=5.0)


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """One call to run in a simulated block, as whoever `sender` is; no signature is needed and no gas is paid.

    :param gas: its limit; None for all that is left in the block
    :param value: wei that go with it
    """

    sender: str
    to: str
    data: bytes
    gas: int | None = None
    value: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a simulated call did: its return or revert data, its logs when it did not revert, and the gas it used."""

    succeeded: bool
    data: bytes
    logs: tuple[dict[str, Any], ...]
    gas: int


class Client:
    """One endpoint.

    :param url: http or https; what stands after the host (often an API key) is never printed
    :param chain_id: the chain that the endpoint has to serve, checked by `connect`
    :param timeout_s: hard limit of one request
    :param attempts: how often a read is tried in all
    :param clock: s of a clock that only goes forward
    """

    def __init__(
        self,
        url: str,
        chain_id: int = 1,
        timeout_s: float = 20.0,
        attempts: int = 4,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self.chain_id = chain_id
        self._transport = Transport(url, timeout_s, clock)
        self.name = self._transport.name
        self._retrying = retrying(attempts, sleep)

    @property
    def counts(self) -> dict[str, Counter[str]]:
        """Requests that were made, by endpoint and method."""
        return {self._transport.name: self._transport.counts}

    def listen(self, listener: Listener) -> None:
        """Let `listener` hear of every request from now on, from whatever thread makes it."""
        self._transport.listener = partial(listener, self.name)

    def connect(self) -> "Client":
        """Check that the endpoint answers and serves the chain.

        :raises ChainError: it is down, or serves another chain
        """
        self.check_chain()
        return self

    def check_chain(self) -> None:
        """The check of `connect`, for right before something is signed.

        :raises ChainError: as `connect`
        """
        found = as_quantity(self.read("eth_chainId"), self.name)
        if found != self.chain_id:
            raise ChainError(
                f"wrong chain id: expected {self.chain_id}, got {found} at {self.name}; set chain_id or rpc_url"
            )

    def read(self, method: str, *params: object) -> Any:
        """The result of a method that changes nothing; retried when the endpoint is busy.

        :raises ChainError: no answer within the attempts, or RpcError for an error answer
        """
        return self._retrying(partial(self._transport.ask, method, params))

    def read_all(self, method: str, many: Sequence[Sequence[object]]) -> list[Any]:
        """The results of one method at one block's hash for many parameters, in one request (a JSON-RPC batch).

        :raises ChainError: as `read`, for the first that has no result
        """
        return self._retrying(partial(self._transport.ask_all, method, many))

    def send(self, method: str, *params: object) -> Any:
        """The result of a method that may change the chain; asked exactly once.

        :raises RpcError: it was refused
        :raises ChainError: it may have been done or not
        """
        try:
            return self._transport.ask(method, params)
        except RpcError as error:
            if method == SEND_RAW and is_known(error):
                return hash_of(params)
            raise

    def head(self) -> Block:
        """The latest block."""
        return self._block("latest")

    def block(self, number: int) -> Block | None:
        """The block with this number on the chain as it is now; None where the chain is shorter."""
        found = self.read("eth_getBlockByNumber", hex(number), False)
        return None if found is None else block_of(found, self.name)

    def block_hash(self, number: int) -> str:
        """Hash of the block with this number on the chain as the node sees it now."""
        return self._block(hex(number)).hash

    def contains(self, number: int, block_hash: str) -> bool:
        """Whether the block with this number has this hash on the chain as it is now.

        :raises ChainError: as `read`
        """
        found = self.block(number)
        return found is not None and found.hash == block_hash

    def is_canonical(self, block: Block) -> bool:
        """Whether a block is still part of the chain. Raises as `read`."""
        return self.contains(block.number, block.hash)

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
        :raises Reorged: the block is no longer part of the chain, and its state is gone
        :raises ChainError: as `read`
        """
        at: object = {"blockHash": block.hash} if isinstance(block, Block) else block
        transaction = {"to": to, "data": to_hex(data)} | ({"from": sender} if sender else {})
        overrides = () if time is None else ({}, {"time": hex(time)})
        with self._while_there(block):
            return as_bytes(self.run("eth_call", transaction, at, *overrides), self.name)

    def call_all(self, to: str, many: Sequence[bytes], block: Block, time: int | None = None) -> list[bytes]:
        """What several calls of one contract return at a block, in one request. Raises as `call`."""
        if len(many) == 1:
            return [self.call(to, many[0], block, time=time)]
        overrides = () if time is None else ({}, {"time": hex(time)})
        asked = [({"to": to, "data": to_hex(data)}, {"blockHash": block.hash}, *overrides) for data in many]
        with self._while_there(block), _reverts():
            try:
                return [as_bytes(each, self.name) for each in self.read_all("eth_call", asked)]
            except RpcError as error:
                if revert_data(error) is not None:
                    raise
        return [
            self.call(to, data, block, time=time) for data in many
        ]  # a node that takes no batch, or no such long one

    def run(self, method: str, transaction: Mapping[str, object], *params: object) -> Any:
        """`read` of a method that executes a transaction (`eth_call`, `eth_estimateGas`).

        :raises Reverted: the execution reverted
        """
        with _reverts():
            return self.read(method, transaction, *params)

    def simulate(
        self, calls: Sequence[SimulatedCall], block: Block, time: int, codes: Mapping[str, bytes] | None = None
    ) -> list[Outcome]:
        """What the calls do one after the other in a block on top of `block`, at `time` in unix s.

        :param codes: runtime code by address that stands there during the block in place of what is there
        :raises ChainError: as `read`; or the node cannot simulate a block (`eth_simulateV1`)
        """
        request = {
            "blockStateCalls": [
                {
                    "blockOverrides": {"time": hex(max(time, block.timestamp + 1))},
                    "stateOverrides": {address: {"code": to_hex(code)} for address, code in (codes or {}).items()},
                    "calls": [
                        {"from": call.sender, "to": call.to, "data": to_hex(call.data)}
                        | ({} if call.gas is None else {"gas": hex(call.gas)})
                        | ({"value": hex(call.value)} if call.value else {})
                        for call in calls
                    ],
                }
            ]
        }
        try:
            with self._while_there(block):
                answer = self.read("eth_simulateV1", request, {"blockHash": block.hash})
        except RpcError as error:
            raise ChainError(f"{error}; routes are tried out with it before they are sent: use another RPC") from None
        try:
            outcomes = [
                Outcome(
                    int(each["status"], 16) == 1,
                    as_bytes(each["returnData"], self.name),
                    tuple(each["logs"]),
                    int(each["gasUsed"], 16),
                )
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
        with self._while_there(block):
            return as_bytes(self.read("eth_getCode", address, at), self.name)

    def pending_time(self, multicall: str) -> int:
        """Unix s of the block that a transaction sent now would be in, as the node sees it.

        On a busy chain that is the head's time and a few seconds; a devnet that mines on demand may have stood still
        for hours.
        """
        return int.from_bytes(self.call(multicall, abi.Multicall.block_timestamp.encode(), "pending"), "big")

    def balance(self, address: str) -> int:
        """Wei held at the latest block."""
        return as_quantity(self.read("eth_getBalance", address, "latest"), self.name)

    def nonce(self, address: str, tag: str = "latest") -> int:
        """Transactions mined (`latest`), or mined and known (`pending`)."""
        return as_quantity(self.read("eth_getTransactionCount", address, tag), self.name)

    def software(self) -> str:
        """The client's name and version, as in `anvil/v1.3.0`."""
        return str(self.read("web3_clientVersion"))

    @contextmanager
    def _while_there(self, block: Block | str) -> Iterator[None]:
        """A block that is missing because the chain went another way is said to be so."""
        try:
            yield
        except BlockMissing:
            if isinstance(block, Block) and not self.is_canonical(block):
                raise Reorged(
                    f"block {block.number} ({block.hash}) is no longer part of the chain: start over from the head"
                ) from None
            raise

    def _block(self, tag: str) -> Block:
        return block_of(self.read("eth_getBlockByNumber", tag, False), self.name)


@contextmanager
def _reverts() -> Iterator[None]:
    """An error answer that is a revert is raised as one."""
    try:
        yield
    except RpcError as error:
        data = revert_data(error)
        if data is None:
            raise
        raise Reverted(data) from None


SEND_RAW = "eth_sendRawTransaction"


def hash_of(params: Sequence[object]) -> str:
    """The hash of the signed transaction that `eth_sendRawTransaction` is given."""
    (raw,) = params
    return to_hex(keccak(to_bytes(hexstr=str(raw))))


def block_of(value: object, name: str) -> Block:
    """The head of a block, as nodes give it.

    :raises ChainError: it is none
    """
    try:
        fields: Any = value
        return Block(
            number=as_quantity(fields["number"], name),
            hash=str(fields["hash"]),
            timestamp=as_quantity(fields["timestamp"], name),
            base_fee=as_quantity(fields.get("baseFeePerGas", "0x0"), name),
            parent_hash=str(fields.get("parentHash", "")),
        )
    except (TypeError, KeyError, AttributeError, ChainError):
        raise ChainError(f"{name} answered eth_getBlockByNumber with no block: check rpc_url") from None


def retrying(attempts: int, sleep: Callable[[float], None]) -> Retrying:
    """Asks again when the answer may be better in a moment, after as long as the endpoint wants to be left alone."""
    return Retrying(
        sleep=sleep,
        stop=stop_after_attempt(attempts),
        wait=_wait,
        retry=retry_if_exception(_may_pass),
        reraise=True,
    )


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked_s = error.wait_s if isinstance(error, TransientError) else 0.0
    return max(asked_s, _BACKOFF(state))


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, NoQuorum):
        return error.may_pass
    return isinstance(error, TransientError) and error.wait_s <= _PATIENCE_S
