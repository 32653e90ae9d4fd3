"""A local HTTP server in the place of an aggregator: answers from a list, in order, and keeps what it was asked."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Reply:
    """What to answer: a value to send as JSON, or bytes to send as they are."""

    body: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drip_s: float = 0.0  # between two bytes

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: object


class FakeAggregator:
    """The last reply is given again to whoever asks on."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.asked: list[Asked] = []
        self.sent = 0  # bytes of the last body
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                url = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.loads(self.rfile.read(length)) if length else None
                outer.asked.append(Asked(self.command, url.path, dict(parse_qsl(url.query)), headers, body))
                reply = outer.replies.pop(0) if len(outer.replies) > 1 else outer.replies[0]
                content = reply.content()
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    outer.sent = 0
                    step = 1 if reply.drip_s else 2**16
                    for first in range(0, len(content), step):
                        self.wfile.write(content[first : first + step])
                        outer.sent += step
                        time.sleep(reply.drip_s)
                except OSError:
                    pass  # the client went away, as it may

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked.clear()

    @contextmanager
    def running(self) -> Iterator["FakeAggregator"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
