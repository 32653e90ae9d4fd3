"""The page, where one is installed: files of one folder, and its start for every path of its own."""

from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from keeper.api.guard import API

_FOREVER = "public, max-age=31536000, immutable"  # of files whose names have the hash of what is in them


def mount(app: FastAPI, folder: Path | None) -> None:
    """Serve the page at /, beside what is there already."""
    if folder is not None:
        app.mount("/", _Page(directory=folder, html=True))


class _Page(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file; the start for a path that the page draws itself; nothing under the API."""
        if scope["path"].startswith(API):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != HTTPStatus.NOT_FOUND or "." in path.rsplit("/", 1)[-1]:
                raise
            response = await super().get_response("index.html", scope)
        response.headers["Cache-Control"] = _FOREVER if path.startswith("assets/") else "no-cache"
        return response
