"""The HTTP endpoint: /metrics for Prometheus, /healthz and /readyz for whatever keeps the process running.

It asks for no password, tells no secret and changes nothing. It is for this machine, or for a network of one's own.
"""

import socket
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from keeper.errors import ConfigurationError
from keeper.operations.health import Check, Health

_REQUEST_S = 10  # for all of a request's bytes to come, between two of them
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _ServerV6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = _REQUEST_S

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a scrape every few seconds is no news."""


class Server:
    """Serves from a thread of its own until it is closed.

    :raises ConfigurationError: the address cannot be listened on
    """

    def __init__(self, address: str, registry: CollectorRegistry, health: Health):
        host, port = split(address)
        kind = _ServerV6 if ":" in host else _Server
        try:
            self._server = make_server(host, port, application(registry, health), kind, _Handler)
        except OSError as error:
            raise ConfigurationError(
                f"nothing can listen on {address} ({error.strerror}): set operations.http_address"
            ) from None
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def application(registry: CollectorRegistry, health: Health) -> Application:
    """The three pages as a WSGI application."""
    metrics: Application = make_wsgi_app(registry)

    def answer(request: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        match request["REQUEST_METHOD"], request["PATH_INFO"]:
            case "GET", "/metrics":
                return metrics(request, start)
            case "GET" | "HEAD", "/healthz":
                return _page(start, [health.alive()])
            case "GET" | "HEAD", "/readyz":
                return _page(start, health.ready())
        start("404 Not Found", [("Content-Type", "text/plain")])
        return [b"GET /metrics, /healthz or /readyz\n"]

    return answer


def split(address: str) -> tuple[str, int]:
    """Host and port of a checked `host:port`."""
    parts = urlsplit(f"//{address}")
    assert parts.hostname is not None and parts.port is not None
    return parts.hostname, parts.port


def _page(start: Callable[..., Any], checks: Iterable[Check]) -> list[bytes]:
    checks = list(checks)
    status = "200 OK" if all(check.is_ok for check in checks) else "503 Service Unavailable"
    start(status, [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")])
    return [f"{'ok' if check.is_ok else 'FAIL'} {check.name}: {check.text}\n".encode() for check in checks]
