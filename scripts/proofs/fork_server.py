"""Runs of the contract tests on bytecode that is put in their place, without starting anything for a run.

A server is a process that has imported ape, collected the tests and started their nodes. For every run it notes the state of
its chain and forks: the child puts the bytecode into ape's project and runs the tests, and the chain goes back to what it was.
No fixture is made before the fork, so what a test stands on is built from the bytecode of its own run.
"""

import gc
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from hypothesis import Phase, settings

PASSED, FAILED, TIMED_OUT, BROKEN = "passed", "failed", "timed out", "broken"
Bytecode = Mapping[str, bytes]  # creation code by contract

EXITS = {0: PASSED, 1: FAILED, 2: BROKEN}  # of a run's process
QUIET = ("-q", "-s", "--tb=short", "--no-header", "-p", "no:cacheprovider")
RPC_SECONDS = 60
TEST_SECONDS = 600  # many times what the slowest test takes on a busy machine


@dataclass(frozen=True, slots=True)
class Request:
    """Run the tests within `paths` up to the first that fails, on `bytecode`; no more than `count` of them.

    Paths are files, folders or tests as pytest names them. Tests run in the order of `first` and then of `paths`, and none for
    more than `seconds`.
    """

    paths: tuple[str, ...]
    bytecode: Bytecode = field(default_factory=dict)
    first: tuple[str, ...] = ()
    count: int | None = None
    seconds: float = TEST_SECONDS


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended: PASSED, FAILED, TIMED_OUT, or BROKEN, which says nothing of the bytecode. `tests` are those that ran."""

    outcome: str
    tests: tuple[str, ...] = ()
    output: str = ""

    @property
    def last(self) -> str:
        """The test at which it ended."""
        return self.tests[-1] if self.tests else ""


def within(test: str, path: str) -> bool:
    """Whether pytest means a test, by its full name, with a path: a folder, a file, a function or a test."""
    return test == path or test.startswith((f"{path}/", f"{path}::", f"{path}["))


def roots(paths: Iterable[str]) -> list[str]:
    """Paths less those that lie within another: of a folder and a file in it pytest collects the file alone."""
    paths = list(dict.fromkeys(paths))
    return [path for path in paths if not any(path != other and within(path, other) for other in paths)]


class Server:
    """A server as its user sees it. It starts when it is first asked, and again after a run that may have left traces."""

    def __init__(self, folder: Path, paths: Sequence[str], left_out: Sequence[str], scratch: Path) -> None:
        self._arguments = (folder, tuple(paths), tuple(left_out), scratch)
        self._process: Any = None
        self._pipe: Any = None

    def ask(self, request: Request) -> Report:
        """Have tests run."""
        if self._process is None:
            context = get_context("spawn")
            self._pipe, other = context.Pipe()
            self._process = context.Process(target=_serve, args=(other, *self._arguments))
            self._process.start()
            other.close()
        try:
            self._pipe.send(request)
            report: Report = self._pipe.recv()
        except (EOFError, OSError):
            report = Report(BROKEN, output="the server ended")
        if report.outcome in (TIMED_OUT, BROKEN):
            self.close()
        return report

    def close(self) -> None:
        """End the process, and its nodes with it: there is nothing that they would have to write."""
        if self._process is None:
            return
        self._pipe.close()
        with suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                process.kill()
        self._process.kill()
        self._process.join()
        self._process = None


def _serve(pipe: Connection, folder: Path, paths: Sequence[str], left_out: Sequence[str], scratch: Path) -> None:
    """What the process does: pytest, with a plugin in the place of its loop over the tests."""
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    scratch.mkdir(parents=True, exist_ok=True)
    with (scratch / "server.log").open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    # The same examples for every run, and the first that fails is enough: to look for a simpler one takes minutes.
    settings.register_profile("run", derandomize=True, database=None, phases=(Phase.explicit, Phase.generate))
    settings.load_profile("run")
    deselected = (f"--deselect={test}" for test in left_out)
    pytest.main([*QUIET, *deselected, *roots(paths)], plugins=[ForkServer(pipe, scratch)])


class ForkServer:
    """The plugin: waits for requests instead of running what was collected."""

    def __init__(self, pipe: Connection, scratch: Path) -> None:
        self._pipe = pipe
        self._log, self._result = scratch / "run.log", scratch / "result.json"
        self._has_failed = False
        self._is_broken = False

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Answer requests until nobody asks."""
        gc.freeze()  # a collection in a child would copy all that it shares with this process
        with suppress(EOFError):
            while True:
                report = self._answer(session, self._pipe.recv())
                self._pipe.send(report)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """A test that could not reach its node says nothing."""
        error = call.excinfo.value if call.excinfo else None
        while error is not None:
            self._is_broken |= isinstance(error, (requests.RequestException, ConnectionError))
            error = error.__cause__ or error.__context__

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Set-up and tear-down count as well."""
        if report.failed:
            self._has_failed = True
            print(f"\n{report.nodeid}\n{report.longreprtext}")

    def _answer(self, session: pytest.Session, request: Request) -> Report:
        names = (*request.first, *request.paths)
        places = {
            item: next((i for i, name in enumerate(names) if within(item.nodeid, name)), -1) for item in session.items
        }
        chosen = sorted((item for item in session.items if places[item] >= 0), key=lambda item: places[item])
        if not chosen:
            return Report(BROKEN, output=f"no test within {', '.join(request.paths)} was collected")
        before, snapshot = _rpc("eth_getBlockByNumber", "latest", False), _rpc("evm_snapshot")
        self._result.write_text("")
        child = os.fork()
        if child == 0:
            self._run(chosen[: request.count], request)
        status = _wait(child)
        tests = tuple(self._result.read_text().splitlines())
        if status == -signal.SIGALRM:
            return Report(TIMED_OUT, tests, f"took more than {request.seconds:g} s")
        output = self._log.read_text(errors="replace")[-4000:]
        if _rpc("evm_revert", snapshot) is not True or _rpc("eth_getBlockByNumber", "latest", False) != before:
            return Report(BROKEN, tests, "the chain did not go back")
        return Report(
            EXITS.get(status, BROKEN), tests, output or f"the run ended with status {status} and wrote nothing"
        )

    def _run(self, items: Sequence[pytest.Item], request: Request) -> None:
        """The child's life. A test that takes too long ends it by its alarm."""
        outcome = BROKEN
        try:
            os.setsid()
            with self._log.open("wb") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            _forget_connections()
            _put(request.bytecode)
            with self._result.open("a") as result:
                for item, following in pairwise((*items, None)):
                    print(item.nodeid, file=result, flush=True)
                    signal.setitimer(signal.ITIMER_REAL, request.seconds)
                    item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
                    if self._has_failed:
                        break
            outcome = BROKEN if self._is_broken else FAILED if self._has_failed else PASSED
            # After a failure fixtures still stand, and what they set of the node's clock is in no snapshot.
            items[0].session._setupstate.teardown_exact(None)
        except BaseException:  # nobody further out would say what it was: the process ends here
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(next(status for status, meaning in EXITS.items() if meaning == outcome))


def _put(bytecode: Bytecode) -> None:
    """The tests take bytecode from ape's project alone.

    Raises:
        LookupError: a contract is not in it.
    """
    import ape

    types: Any = ape.project.manifest.contract_types
    for name, code in bytecode.items():
        if name not in types:
            raise LookupError(f"{name}: ape has not built it: run `ape compile`")
        types[name].deployment_bytecode.bytecode = "0x" + code.hex()


def _forget_connections() -> None:
    """Processes that share a connection would read each other's answers."""
    import ape

    provider: Any = ape.chain.provider
    provider.web3.provider._request_session_manager.session_cache.clear()


def _rpc(method: str, *params: Any) -> Any:
    """Ask ape's node over a connection of one's own."""
    import ape

    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    provider: Any = ape.chain.provider
    return requests.post(provider.http_uri, json=body, timeout=RPC_SECONDS).json()["result"]


def _wait(child: int) -> int:
    """The status of a child process at its end; what it started is ended then, and when the wait is interrupted."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
