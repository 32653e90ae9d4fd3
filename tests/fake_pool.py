"""Several endpoints of one fake chain, each with troubles and lies of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from eth_utils.crypto import keccak
from fake_chain import FakeChain, NodeError, serve

from keeper.chain.rpc import Client
from keeper.errors import ChainError

DEPTH = 300  # blocks before the head that an endpoint knows


@dataclass
class FakeEndpoint:
    """One node: it sees the chain `lag` blocks late, on a fork of its own from block `fork` on, and answers what `lie` makes
    of the truth. `trouble` befalls every request, `troubles` the next ones.
    """

    truth: FakeChain
    chain_id: int | None = None
    lag: int = 0
    fork: int | None = None
    salt: str = ""
    lie: Callable[[str, list[Any], Any], Any] = lambda method, params, result: result
    trouble: tuple[str, Any] | None = None
    troubles: list[tuple[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, list[Any]]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    refusal: str = ""  # what it says to raw transactions
    url: str = ""

    @property
    def number(self) -> int:
        return self.truth.number - self.lag

    def block_hash(self, number: int) -> str:
        if self.fork is not None and number >= self.fork:
            return "0x" + keccak(text=f"fork {number} {self.salt}").hex()
        return self.truth.block_hash(number)

    def answer(self, method: str, params: list[Any]) -> Any:
        return self.lie(method, params, self._answer(method, params))

    def _answer(self, method: str, params: list[Any]) -> Any:
        for param in params:
            if isinstance(param, dict) and "blockHash" in param:
                known = {self.block_hash(number) for number in range(max(0, self.number - DEPTH), self.number + 1)}
                if param["blockHash"] not in known:
                    raise NodeError("header not found")
        match method:
            case "eth_chainId" if self.chain_id is not None:
                return hex(self.chain_id)
            case "eth_getBlockByNumber":
                number = self.number if params[0] == "latest" else int(params[0], 16)
                if number > self.number:
                    return None
                return self.truth.answer(method, [hex(number), False]) | {
                    "hash": self.block_hash(number),
                    "parentHash": self.block_hash(number - 1),
                    "timestamp": hex(self.truth.timestamp - 12 * (self.truth.number - number)),
                }
            case "eth_sendRawTransaction":
                self.sent.append(params[0])
                if self.refusal:
                    raise NodeError(self.refusal)
        return self.truth.answer(method, params)


@dataclass
class Proxy:
    """A node of its own before a real one: it answers what `lie` makes of the truth."""

    upstream: Client
    lie: Callable[[str, list[Any], Any], Any] = lambda method, params, result: result
    trouble: tuple[str, Any] | None = None
    troubles: list[tuple[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, list[Any]]] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, params: list[Any]) -> Any:
        try:
            result = self.upstream.send(method, *params)
        except ChainError as error:
            raise NodeError(str(error)) from None
        return self.lie(method, params, result)


@contextmanager
def serving(*endpoints: Any) -> Iterator[None]:
    """Let all of them answer while the block runs."""
    servers = [serve(endpoint) for endpoint in endpoints]
    try:
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


@dataclass
class FakePool:
    """The endpoints; `events` is where a pool's lines go."""

    truth: FakeChain
    endpoints: list[FakeEndpoint]
    events: list[Any] = field(default_factory=list)

    def __getitem__(self, place: int) -> FakeEndpoint:
        return self.endpoints[place]

    @property
    def urls(self) -> list[str]:
        return [endpoint.url for endpoint in self.endpoints]

    @property
    def troubles(self) -> list[tuple[int, str]]:
        """What was told, as place of the endpoint and kind."""
        return [(int(event.endpoint.split("endpoint ")[1][:-1]) - 1, str(event.trouble)) for event in self.events]

    def asked(self, place: int, method: str) -> int:
        return sum(name == method for name, _ in self[place].requests)


@pytest.fixture
def three(fake: FakeChain) -> Iterator[FakePool]:
    """Three endpoints of the fake chain."""
    endpoints = [FakeEndpoint(fake, salt=str(place)) for place in range(3)]
    with serving(*endpoints):
        yield FakePool(fake, endpoints)
