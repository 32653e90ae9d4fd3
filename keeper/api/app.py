"""The application: the routes under /api/v1, behind the guard."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from keeper.api import pages, problems
from keeper.api.chains import Site
from keeper.api.conditional import VERSION
from keeper.api.guard import Guard
from keeper.api.routes import accounts, in_kind, past, server, vaults, zaps
from keeper.operations.redaction import Redactor, secrets_of
from keeper.settings import Settings

PREFIX = "/api/v1"
_ABOUT = (
    "Reads of the vaults of one server, quotes, and unsigned transactions. It signs and sends nothing. Amounts are strings of "
    "base units; USD, prices, weights and ratios are strings of WAD (1e18 is 1); times are unix seconds. Errors are problem "
    "documents (RFC 9457)."
)


def make(chains: Mapping[str, Settings], web: Path | None = None) -> FastAPI:
    """The application for the chains of the settings by name, of which nothing has been asked yet.

    :param web: the folder of the page; none is served where None
    :raises ConfigurationError: no vault to serve
    """
    site = Site(chains)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        site.close()

    app = FastAPI(
        title="Equipoise",
        version=VERSION,
        description=_ABOUT,
        openapi_url="/api/openapi.json",
        docs_url=None,  # its scripts come from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.site = site
    redactor = Redactor(_secrets(chains))
    problems.install(app, redactor)
    for each in (server, vaults, in_kind, zaps, past, accounts):
        app.include_router(each.router, prefix=PREFIX)
    pages.mount(app, web)
    _describe_problems(app)
    app.add_middleware(Guard, settings=site.serve, redactor=redactor)
    if site.serve.cors_origins:  # outermost: a page has to see a refusal too
        app.add_middleware(
            CORSMiddleware,
            allow_origins=site.serve.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type", "If-None-Match"],
            expose_headers=["ETag", "Retry-After"],
        )
    return app


def _secrets(chains: Mapping[str, Settings]) -> list[str]:
    """Endpoints' URLs among them, whatever the settings' type says."""
    found: list[str] = []
    for settings in chains.values():
        found += [*secrets_of(settings), settings.rpc_url]
    return found


def _describe_problems(app: FastAPI) -> None:
    """Name the shape of problems in the OpenAPI document, in place of the framework's own."""
    make_schema = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = make_schema()
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = problems.Problem.model_json_schema()
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
        found: dict[str, Any] = app.openapi_schema or {}
        return found

    app.openapi = described  # type: ignore[method-assign]
