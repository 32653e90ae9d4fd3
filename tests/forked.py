"""Processes of their own for tests that kill or race them, forked from one that has imported what they need.

A new interpreter takes seconds of importing before it does anything; a fork of `multiprocessing`'s server takes milliseconds.
"""

import os
import sys
from collections.abc import Callable
from functools import cache
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Any
from unittest.mock import patch

_IMPORTED = ["ledger_places", "lane_bench"]


@cache
def _context() -> ForkServerContext:
    """With its server, which Python 3.11 tells nothing of this process's path: what it cannot import it leaves out."""
    found = get_context("forkserver")
    found.set_forkserver_preload(_IMPORTED)
    with patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
        forkserver.ensure_running()
    return found


class Forked:
    """A running process, with the names of `subprocess.Popen`; `stdout` is the text that it prints."""

    def __init__(self, target: Callable[..., Any], *arguments: Any):
        """:param target: a function of a module that a new process can import, called with the arguments"""
        ours, theirs = _context().Pipe(duplex=False)
        self._process = _context().Process(target=_run, args=(theirs, target, arguments), daemon=True)
        self._process.start()
        theirs.close()
        self.stdout = os.fdopen(os.dup(ours.fileno()), encoding="utf-8")
        ours.close()

    @property
    def returncode(self) -> int | None:
        """The exit status, or minus the signal that killed it; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """The exit status once it has ended, within so many seconds."""
        self._process.join(timeout)
        if self.returncode is None:
            self.kill()
            raise TimeoutError(f"a process did not end within {timeout:g} s")
        return self.returncode

    def communicate(self, timeout: float) -> tuple[str]:
        """All that it prints, once it has ended."""
        self.wait(timeout)
        with self.stdout:
            return (self.stdout.read(),)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()


def _run(out: Connection, target: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    os.dup2(out.fileno(), 1)
    target(*arguments)
