"""Runs the application until SIGTERM or SIGINT; what has begun is answered before it ends."""

import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from keeper.api.app import make
from keeper.errors import ConfigurationError
from keeper.settings import Settings

_ENDING_S = 10  # for what has begun
_IDLE_S = 30  # that a connection without a request stays open
_HEAD_MAX_BYTES = 16_384  # of a request's line and headers
_AT_ONCE = 200  # connections and requests; more are refused


def run(
    chains: Mapping[str, Settings], host: str, port: int, tell: Callable[[str], None], page: Path | None = None
) -> None:
    """Serve the chains by name.

    :param port: 0 for one that is free
    :param tell: gets the URL once it is listened on
    :param page: the folder of the page; none is served where None
    :raises ConfigurationError: no vault to serve, or the address cannot be listened on
    """
    serve(make(chains, page), host, port, tell, next(iter(chains.values())).serve.proxies)


def serve(app: FastAPI, host: str, port: int, tell: Callable[[str], None], proxies: Sequence[str] = ()) -> None:
    """Serve an application. Parameters and errors as `run`.

    :param proxies: whose word on the client's address is believed
    """
    listener = _listener(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # who looked at which account is nobody's business
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_graceful_shutdown=_ENDING_S,
        timeout_keep_alive=_IDLE_S,
        limit_concurrency=_AT_ONCE,
        h11_max_incomplete_event_size=_HEAD_MAX_BYTES,
        http="h11",
        ws="none",
        lifespan="on",
    )
    shown = f"[{host}]" if ":" in host else host
    with listener:
        tell(f"http://{shown}:{listener.getsockname()[1]}")
        uvicorn.Server(config).run([listener])


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigurationError(
            f"nothing can listen on {host} port {port} ({error.strerror}): choose others with --host and --port"
        ) from None
