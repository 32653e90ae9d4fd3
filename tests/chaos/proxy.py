"""A JSON-RPC endpoint before a node that does what a test tells it to: it passes requests on, or fails, lies and forgets.

    with serving(node.url, 1) as (proxy,):
        proxy.set(Rule(faults.delay(3), methods={"eth_call"}, times=1))

Several proxies before one node stand for several endpoints. Each writes down what it was asked and what was handed to it to be
sent. What a rule does stands in `faults`.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

SEND = "eth_sendRawTransaction"
_UPSTREAM_S = 60


class HungUp(Exception):
    """The connection is closed without an answer."""


@dataclass(frozen=True)
class Reply:
    """One HTTP answer. `drip` is s between two bytes of the body."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    drip: float = 0.0


@dataclass
class Asked:
    """One request. `forward` asks the node, with other parameters where a fault has changed them."""

    id: Any
    method: str
    params: list[Any]
    _node: Callable[[str, list[Any]], dict[str, Any]]

    def forward(self) -> dict[str, Any]:
        """The node's answer under this request's id, `result` or `error`."""
        return self._node(self.method, self.params) | {"jsonrpc": "2.0", "id": self.id}

    def ask_node(self, method: str, *params: Any) -> Any:
        """The node's result of another request."""
        return self._node(method, list(params))["result"]

    def result(self, value: Any) -> Reply:
        return reply({"jsonrpc": "2.0", "id": self.id, "result": value})

    def error(self, message: str, code: int = -32000) -> Reply:
        return reply({"jsonrpc": "2.0", "id": self.id, "error": {"code": code, "message": message}})


Fault = Callable[[Asked], Reply]


def reply(answer: Any) -> Reply:
    return Reply(json.dumps(answer).encode())


def through(asked: Asked) -> Reply:
    """No fault."""
    return reply(asked.forward())


@dataclass
class Rule:
    """Which requests a fault befalls: those of `methods` (None: all), after the first `skip`, at most `times` of them."""

    fault: Fault
    methods: Collection[str] | None = None
    skip: int = 0
    times: int | None = None
    hits: int = 0  # requests that it befell

    def takes(self, asked: Asked) -> bool:
        """Whether this request is one, which is counted."""
        if self.methods is not None and asked.method not in self.methods:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        self.hits += 1
        return True


@dataclass
class Proxy:
    """An endpoint at `url`.

    :param node: URL of the node behind it
    """

    node: str
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)  # requests by method
    handed: list[str] = field(default_factory=list)  # raw transactions that were handed over, in order
    on_send: Callable[[str], None] = lambda _: None  # called with each of these before anything is done with it
    _busy: int = 0  # requests that are being answered
    _rules: list[Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _local: threading.local = field(default_factory=threading.local)

    def set(self, *rules: Rule) -> None:
        """Have these rules and no others; of several that take a request, the first acts."""
        with self._lock:
            self._rules = list(rules)

    def heal(self) -> None:
        """Have no rules."""
        self.set()

    @property
    def hits(self) -> int:
        """Requests that the present rules befell."""
        return sum(rule.hits for rule in self._rules)

    def settle(self) -> None:
        """Wait until nothing is being answered: who was killed may have left a request behind."""
        while self._busy:
            time.sleep(0.002)

    def ask_node(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The node's own result.

        :raises RuntimeError: it answers with an error
        """
        answer = self._ask_node(method, list(params))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def answer(self, body: bytes) -> Reply:
        """What is answered to a request's body."""
        with self._lock:
            self._busy += 1
        try:
            asked = json.loads(body)
            return _together(map(self._answer, asked)) if isinstance(asked, list) else self._answer(asked)
        finally:
            with self._lock:
                self._busy -= 1

    def _answer(self, request: dict[str, Any]) -> Reply:
        method, params = request["method"], request.get("params", [])
        with self._lock:
            asked = Asked(request["id"], method, params, self._ask_node)
            self.asked[method] += 1
            if method == SEND:
                self.handed.append(params[0])
            fault = next((rule.fault for rule in self._rules if rule.takes(asked)), through)
        if method == SEND:
            self.on_send(params[0])
        return fault(asked)

    def _ask_node(self, method: str, params: list[Any]) -> dict[str, Any]:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        for is_last in (False, True):
            connection: HTTPConnection | None = getattr(self._local, "connection", None)
            if connection is None:
                connection = HTTPConnection(urlsplit(self.node).netloc, timeout=_UPSTREAM_S)
                self._local.connection = connection
            try:
                connection.request("POST", "/", body, {"Content-Type": "application/json"})
                answer: dict[str, Any] = json.loads(connection.getresponse().read())
            except (HTTPException, OSError):  # an idle connection that the node has closed
                self._local.connection = None
                if is_last:
                    raise
            else:
                return answer
        raise AssertionError


def _together(replies: Iterable[Reply]) -> Reply:
    """The answer to a batch: of its answers' bodies, unless one is no answer."""
    found = list(replies)
    for each in found:
        if each.status != HTTPStatus.OK or each.drip:
            return each
    return Reply(b"[" + b",".join(each.body for each in found) + b"]")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has given up, or been killed, is part of most tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            found = self.server.proxy.answer(body)
        except HungUp:
            self.close_connection = True
            return
        headers = {"Content-Type": "application/json", "Content-Length": str(len(found.body))} | dict(found.headers)
        lines = [f"HTTP/1.1 {found.status} -", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        head = "\r\n".join(lines).encode()
        with suppress(OSError):
            if not found.drip:
                self.wfile.write(head + found.body)
                return
            self.wfile.write(head)
            for byte in found.body:
                self.wfile.write(bytes([byte]))
                time.sleep(found.drip)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(node: str, count: int) -> Iterator[list[Proxy]]:
    """Proxies before a node while the block runs."""
    servers = []
    for _ in range(count):
        server = _Server(("127.0.0.1", 0), _Handler)
        server.proxy = Proxy(node, f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
    try:
        yield [server.proxy for server in servers]
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
