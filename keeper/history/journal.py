"""What a download has got so far: a line for each page, on disk before the next page is asked for.

A line that a kill or a full disk cut short is dropped when the journal is opened again; its page is asked for once more.
"""

import json
import os
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from keeper.errors import HistoryError
from keeper.history.sources import Page


class Journal:
    """The pages of one request, for one process at a time.

    :param file: made when it is not there
    :param request: what is downloaded; a journal of another request is refused
    :raises HistoryError: it is another request's, another process's, or unreadable
    """

    def __init__(self, file: Path, request: Mapping[str, Any]):
        self._file = file
        self.pages: dict[str, list[Page]] = {asset: [] for asset in request["assets"]}
        self._lock = FileLock(f"{file}.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise HistoryError(f"{file} is in use: another download writes it; wait for that one") from None
        try:
            self._stream = self._opened(dict(request))
        except OSError as error:
            self._lock.release()
            raise HistoryError(f"{file} cannot be written ({error.strerror}): check its folder") from None
        except BaseException:
            self._lock.release()
            raise

    def add(self, asset: str, page: Page) -> None:
        """Put a page on disk. Raises HistoryError."""
        row = {"asset": asset, "upto": page.upto, "prices": list(page.prices.items())}
        try:
            _append(self._stream, row)
        except OSError as error:
            raise HistoryError(f"{self._file} cannot be written ({error.strerror}): what came before is kept") from None
        self.pages[asset].append(page)

    def upto(self, asset: str, start: int) -> int:
        """Unix s up to which an asset's prices are here; `start` when there are none."""
        return self.pages[asset][-1].upto if self.pages[asset] else start

    def prices(self, asset: str) -> dict[int, float]:
        """All of an asset's prices by unix s."""
        return {moment: price for page in self.pages[asset] for moment, price in page.prices.items()}

    def close(self, *, done: bool) -> None:
        """Let go; `done` removes what is on disk."""
        self._stream.close()
        if done:
            self._file.unlink(missing_ok=True)
        # While it is held: who opens it after is told apart from who opened it before.
        Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()

    def _opened(self, request: dict[str, Any]) -> FileIO:
        content = self._file.read_bytes() if self._file.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        first, *rows = whole.splitlines() or [b"null"]
        try:
            if json.loads(first) not in (request, None):
                raise HistoryError(f"{self._file} is of another download: finish that one, or remove the file")
            for row in map(json.loads, rows):
                self.pages[row["asset"]].append(Page({int(t): float(p) for t, p in row["prices"]}, int(row["upto"])))
        except (KeyError, TypeError, json.JSONDecodeError):
            raise HistoryError(f"{self._file} is no journal of a download: remove it") from None
        stream = self._file.open("ab", buffering=0)
        stream.truncate(len(whole))
        if not whole:
            _append(stream, request)
        return stream


def _append(stream: FileIO, row: Mapping[str, Any]) -> None:
    """Add a line, all of it or nothing."""
    end = stream.seek(0, os.SEEK_END)
    rest = memoryview(json.dumps(row).encode() + b"\n")
    try:
        while rest:
            rest = rest[stream.write(rest) :]
        os.fsync(stream.fileno())
    except OSError:
        stream.truncate(end)
        raise
