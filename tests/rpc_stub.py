"""A JSON-RPC server on this machine that answers what a test tells it to, down to the bytes, and keeps what it was asked."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Reply:
    """One HTTP response: `pause` s before it, and with `drip` one byte each so many s."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0
    drip: float = 0.0
    header_drip: float = 0.0  # as `drip`, of the headers; they never end


@dataclass
class Request:
    """What came in."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Stub:
    """The server behind `url`; tests set `answer`."""

    url: str = ""
    answer: Callable[[Request], Reply] = lambda _: result(None)
    requests: list[Request] = field(default_factory=list)


def result(value: Any) -> Reply:
    """A JSON-RPC result."""
    return Reply(json.dumps({"jsonrpc": "2.0", "id": 1, "result": value}).encode())


def error(message: str, code: int = -32000, status: int = 200) -> Reply:
    """A JSON-RPC error."""
    body = {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}
    return Reply(json.dumps(body).encode(), status)


# What no JSON-RPC server should answer, by name; a test that takes them all sees that each ends in a typed error. Those that
# take their time take 5 s at least.
MALICIOUS = {
    "nothing": Reply(b""),
    "garbage": Reply(b"\x00\xff\xfe garbage"),
    "html": Reply(b"<html>502 Bad Gateway</html>", 502),
    "list": Reply(b"[]"),
    "number": Reply(b"1"),
    "empty object": Reply(b"{}"),
    "null result": Reply(b'{"result": null}'),
    "deep nesting": Reply(b"[" * 200_000),
    "huge number": Reply(b'{"result": ' + b"9" * 10_000 + b"}"),
    "huge body": Reply(b'{"result": "' + b"0" * 2**20 + b'"}'),
    "huge body that is announced short": Reply(b'{"result": "0x"}', headers={"Content-Length": "5"}),
    "body that breaks off": Reply(b'{"result": "0x', headers={"Content-Length": "5000"}),
    "compressed": Reply(b"\x1f\x8b\x08\x00", headers={"Content-Encoding": "gzip"}),
    "redirect": Reply(b"{}", 307, {"Location": "http://127.0.0.1:1/elsewhere"}),
    "redirect with a huge body": Reply(b"0" * 2**21, 307, {"Location": "http://127.0.0.1:1/elsewhere"}),
    "redirect with a result": Reply(b'{"result": "0x"}', 302, {"Location": "http://127.0.0.1:1/elsewhere"}),
    "error": Reply(b'{"error": {"code": -32000, "message": "no"}}'),
    "error that is a text": Reply(b'{"error": "no"}'),
    "error with status 500": Reply(b'{"error": {"code": -32000, "message": "no"}}', 500),
    "hangs": Reply(b"{}", pause=5),
    "drips headers": Reply(b"{}", header_drip=0.25),
    "drips": Reply(b'{"result": "0x0000000000000000000000"}', drip=0.2),
}


@contextmanager
def serving() -> Iterator[Stub]:
    """A stub that answers while the block runs."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = Request(self.path, dict(self.headers), body)
            stub.requests.append(request)
            reply = stub.answer(request)
            time.sleep(reply.pause)
            # A client that has given up is part of some tests.
            with suppress(BrokenPipeError, ConnectionResetError):
                if reply.header_drip:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
                    for _ in range(20):
                        self.wfile.write(b"x")
                        time.sleep(reply.header_drip)
                self.send_response(reply.status)
                for name, value in ({"Content-Length": str(len(reply.body))} | dict(reply.headers)).items():
                    self.send_header(name, value)
                self.end_headers()
                for piece in [bytes([each]) for each in reply.body] if reply.drip else [reply.body]:
                    self.wfile.write(piece)
                    time.sleep(reply.drip)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    stub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A stub; a test file that imports this fixture offers it."""
    with serving() as found:
        yield found
