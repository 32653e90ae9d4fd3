"""What stands before every route: limits of size and rate, headers, and no traceback in an answer."""

import ipaddress
import logging
import math
import time
from http import HTTPStatus

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keeper.api.problems import ApiError
from keeper.operations.redaction import Redactor
from keeper.settings import ServeSettings

API = "/api/"
_DEAR = (
    *("/decision", "/rebalances", "/nav", "/positions"),
    *("/transactions/mint", "/transactions/redeem", "/transactions/zap-mint", "/transactions/zap-redeem"),
    *("/quotes/zap-mint", "/quotes/zap-redeem"),
)
_DEAR_COST = 5
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"
# Pictures of wallets are data (EIP-6963); nothing else comes from anywhere but here.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_log = logging.getLogger(__name__)


class Guard:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, settings: ServeSettings, redactor: Redactor):
        self._app = app
        self._most = settings.body_max_bytes
        self._redactor = redactor
        self._rate = RateLimitItemPerMinute(settings.requests_per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_started = False

        async def headed(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                message["headers"] = [*message["headers"], *_headers(scope["path"])]
            await send(message)

        refusal = self._refusal(scope)
        try:
            if refusal is None:
                await self._app(scope, self._counted(receive), headed)
                return
        except Exception as error:
            # The answer says nothing; the log has the error without what it may have of an endpoint's URL.
            _log.error("%s %s: %s", scope["method"], scope["path"], self._redactor.value(error))
            refusal = ApiError("internal", "the server could not answer: its operator finds why in its log")
        if not is_started:
            await refusal.response()(scope, receive, headed)

    def _refusal(self, scope: Scope) -> ApiError | None:
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._most:
            return ApiError("too-large", f"the body has more than {self._most} bytes: send a shorter one")
        if not scope["path"].startswith(API):
            return None
        who = client_of(scope)
        cost = min(_DEAR_COST, self._rate.amount) if scope["path"].endswith(_DEAR) else 1
        if self._limiter.hit(self._rate, who, cost=cost):
            return None
        reset = self._limiter.get_window_stats(self._rate, who).reset_time
        wait = max(1, math.ceil(reset - time.time()))
        return ApiError(
            "rate-limited", f"more than {self._rate.amount} requests in a minute: come back in {wait} s", wait
        )

    def _counted(self, receive: Receive) -> Receive:
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)  # as a body's reader lets it pass
            return message

        return counted


def client_of(scope: Scope) -> str:
    """Who asks, as far as it is counted: an address, of IPv6 the network that one subscriber has."""
    host = (scope.get("client") or ("unknown", 0))[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return str(host)
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _headers(path: str) -> list[tuple[bytes, bytes]]:
    policy = _API_POLICY if path.startswith(API) else PAGE_POLICY
    every = _HEADERS | {"Content-Security-Policy": policy}
    return [(name.lower().encode(), value.encode()) for name, value in every.items()]
