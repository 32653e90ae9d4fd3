"""Errors as problem documents (RFC 9457): a stable type, what is wrong with which input, and the mend.

What an answer says is written for strangers: no traceback, and nothing of an RPC endpoint, which the log has.
"""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from keeper.errors import (
    ChainError,
    ConfigurationError,
    EquipoiseError,
    LedgerError,
    NoRoute,
    OracleError,
    TransactionError,
)
from keeper.operations.redaction import Redactor, neutral

MEDIA_TYPE = "application/problem+json"
_PREFIX = "urn:equipoise:problem:"
_SHOWN = 80  # characters of an input that an answer repeats

_log = logging.getLogger(__name__)


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(examples=["urn:equipoise:problem:vault-not-served"], description="Stable; what programs look at.")
    title: str = Field(description="The same for every problem of this type.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="One line: the input that is wrong, and the mend.")


# Every type: its status and title. Stable names, listed in docs/reference/api.md.
TYPES: dict[str, tuple[HTTPStatus, str]] = {
    "bad-request": (HTTPStatus.UNPROCESSABLE_ENTITY, "An input is not what it has to be"),
    "not-found": (HTTPStatus.NOT_FOUND, "There is nothing at this path"),
    "vault-not-served": (HTTPStatus.NOT_FOUND, "This server does not serve the vault"),
    "token-not-offered": (HTTPStatus.NOT_FOUND, "This server offers no zaps with the token"),
    "method-not-allowed": (HTTPStatus.METHOD_NOT_ALLOWED, "The path has no such method"),
    "refused-by-vault": (HTTPStatus.CONFLICT, "The vault refuses this now"),
    "permit-refused": (HTTPStatus.CONFLICT, "The permit does not let the zap take what is given"),
    "amount-not-tradable": (HTTPStatus.CONFLICT, "The pools cannot trade this amount now"),
    "too-large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too long"),
    "rate-limited": (HTTPStatus.TOO_MANY_REQUESTS, "Too many requests"),
    "internal": (HTTPStatus.INTERNAL_SERVER_ERROR, "The server made a mistake"),
    "chain-unavailable": (HTTPStatus.SERVICE_UNAVAILABLE, "The chain gives no answer"),
    "oracle-unavailable": (HTTPStatus.SERVICE_UNAVAILABLE, "The vault has no price now"),
    "no-route": (HTTPStatus.SERVICE_UNAVAILABLE, "Nothing can be traded now"),
    "not-ready": (HTTPStatus.SERVICE_UNAVAILABLE, "The answer is still being made"),
    "not-available": (HTTPStatus.SERVICE_UNAVAILABLE, "The server is not set up for this"),
}
_RETRY_S = {"chain-unavailable": 5, "oracle-unavailable": 30, "not-ready": 5, "no-route": 12}


class ApiError(Exception):
    """A problem to answer with.

    :param kind: one of `TYPES`
    :param detail: names the input and the mend
    :param retry_s: when to come back, where that helps
    """

    def __init__(self, kind: str, detail: str, retry_s: int | None = None):
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.retry_s = _RETRY_S.get(kind) if retry_s is None else retry_s

    def response(self, headers: dict[str, str] | None = None) -> JSONResponse:
        """The answer."""
        status, title = TYPES[self.kind]
        document = Problem(type=_PREFIX + self.kind, title=title, status=status, detail=self.detail)
        retry = {} if self.retry_s is None else {"Retry-After": str(self.retry_s)}
        return JSONResponse(
            document.model_dump(),
            status_code=status,
            headers={"Cache-Control": "no-store"} | retry | (headers or {}),
            media_type=MEDIA_TYPE,
        )


class NotModified(Exception):
    """The client has the answer already."""

    def __init__(self, headers: dict[str, str]):
        super().__init__()
        self.headers = headers


def documented(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's responses for problems of these types, by status."""
    found: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        status, title = TYPES[kind]
        before = found.get(int(status))
        description = title if before is None else f"{before['description']}; {title[0].lower()}{title[1:]}"
        schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
        found[int(status)] = {"description": description, "content": {MEDIA_TYPE: schema}}
    return found


def of(error: EquipoiseError, redactor: Redactor) -> ApiError:
    """The problem that an error of the services is. What is said of an endpoint or a file stays in the log."""
    line = redactor.text(" ".join(str(error).split()))
    match error:
        case OracleError():
            return ApiError("oracle-unavailable", line)
        case NoRoute():
            return ApiError("no-route", line)
        case TransactionError():
            return ApiError("refused-by-vault", line)
        case ChainError():
            _log.warning("chain: %s", line)
            return ApiError("chain-unavailable", "the chain's endpoint gives no answer that can be used: try again")
        case ConfigurationError() | LedgerError():
            _log.warning("settings: %s", line)
            return ApiError(
                "not-available", "the server's settings do not allow this: its operator finds why in its log"
            )
        case _:
            _log.error("unexpected: %s", line)
            return ApiError("internal", "the server could not do this: its operator finds why in its log")


def shown(value: object) -> str:
    """An input, as far as an answer repeats it."""
    return repr(neutral(str(value), _SHOWN))


def install(app: FastAPI, redactor: Redactor) -> None:
    """Answer every error of the routes with a problem."""

    async def known(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ApiError)
        return error.response()

    async def ours(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, EquipoiseError)
        return of(error, redactor).response()

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return ApiError("bad-request", _first_fault(error)).response()

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        path = shown(request.url.path)
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = dict(error.headers or {})
            names = allowed.get("Allow", allowed.get("allow", "another method"))
            detail = f"{shown(request.method)} is not a method of {path}: use {names}"
            return ApiError("method-not-allowed", detail).response(allowed)
        if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return ApiError(
                "too-large", f"the body of the request to {path} is too long: send a shorter one"
            ).response()
        if error.status_code == HTTPStatus.NOT_FOUND:
            return ApiError("not-found", f"there is nothing at {path}: see /api/openapi.json").response()
        return ApiError("bad-request", f"the request to {path} cannot be read: see /api/openapi.json").response()

    async def not_modified(_: Request, error: Exception) -> Response:
        assert isinstance(error, NotModified)
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=error.headers)

    app.add_exception_handler(ApiError, known)
    app.add_exception_handler(EquipoiseError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(NotModified, not_modified)


def _first_fault(error: RequestValidationError) -> str:
    """`query shares: '-1' is …: give …`, of the first input that is wrong."""
    fault = error.errors()[0]
    place = " ".join(neutral(str(part), _SHOWN) for part in fault["loc"])
    reason = str(fault["msg"]).removeprefix("Value error, ")
    reason = neutral(reason[:1].lower() + reason[1:], 200)
    if fault["type"] == "missing":
        return f"{place}: missing: give it, see /api/openapi.json"
    if fault["type"] in {"extra_forbidden", "json_invalid"}:
        return f"{place}: {reason}: see /api/openapi.json"
    return f"{place}: {shown(fault['input'])} is refused, {reason}: see /api/openapi.json"
