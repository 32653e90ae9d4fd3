"""Where mutants are built and tested: compiled in copies of the sources, and tested by servers that fork for every run."""

import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vyper.compiler.phases import CompilerData, generate_bytecode

from scripts.proofs import fork_server
from scripts.proofs.branches import compile_source
from scripts.proofs.fork_server import Bytecode, Report, Request, Server, roots, within
from scripts.proofs.mutants import Mutant, hosts

KILLED, SURVIVED, TIMED_OUT, INVALID, SAME = "killed", "survived", "timed out", "does not compile", "same bytecode"
NOT_RUN = "its tests did not run"
LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", ".cache")
ATTEMPTS = 2  # at running tests: on a busy machine a node may not answer in time
CONTROL_SECONDS = 4 * 3600


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant, the test that killed it, and how long compiling and testing it took in seconds."""

    mutant: Mutant
    outcome: str
    killer: str
    seconds: float


class Bench:
    """A copy of the sources, to compile one mutant at a time."""

    def __init__(self, project: Path, folder: Path) -> None:
        shutil.copytree(project / "contracts", folder / "contracts")
        self.folder = folder
        self.unbroken: dict[Path, CompilerData] = {}

    def unmutated(self, files: Iterable[str]) -> dict[str, tuple[bytes, bytes]]:
        """The bytecode of the contracts that files are part of, as it is."""
        return {host.stem: _bytecode(self._unbroken(host)) for file in files for host in hosts(self.folder, file)}

    def build(self, mutant: Mutant) -> dict[str, tuple[bytes, bytes]] | None:
        """The bytecode of the contracts that a mutant changes; None if it does not compile."""
        affected = hosts(self.folder, mutant.file)
        unbroken = {host: _compared(self._unbroken(host)) for host in affected}
        path = self.folder / mutant.file
        source = path.read_text()
        try:
            path.write_text(mutant.applied(source))
            broken = {host: compile_source(self.folder, host) for host in affected}
            return {host.stem: _bytecode(data) for host, data in broken.items() if _compared(data) != unbroken[host]}
        except Exception:  # whatever stops the compiler, its own faults included, stops the mutant
            return None
        finally:
            path.write_text(source)

    def _unbroken(self, host: Path) -> CompilerData:
        if host not in self.unbroken:
            self.unbroken[host] = compile_source(self.folder, host)
        return self.unbroken[host]


_bench: Bench


def _open_bench(project: Path, folders: Any) -> None:
    global _bench  # noqa: PLW0603  (one per process of the pool)
    _bench = Bench(project, folders.get())


def _unmutated(files: Sequence[str]) -> dict[str, tuple[bytes, bytes]]:
    return _bench.unmutated(files)


def _build(mutant: Mutant) -> tuple[Bytecode | None, float]:
    start = time.monotonic()
    made = _bench.build(mutant)
    return made, time.monotonic() - start


def _bytecode(data: CompilerData) -> tuple[bytes, bytes]:
    return bytes(data.bytecode), bytes(data.bytecode_runtime)


def _compared(data: CompilerData) -> bytes:
    """Creation code, the runtime code in it, without the metadata that tells sources apart."""
    return bytes(generate_bytecode(data.assembly, compiler_metadata=None))


class Workshop:
    """A copy of the project with `jobs` compilers and as many servers. `tests` are the paths to run for each file, in order.

    To be used in a `with` block.
    """

    def __init__(
        self, root: Path, folder: Path, tests: Mapping[str, Sequence[str]], left_out: Sequence[str], jobs: int
    ) -> None:
        self._project = folder / "project"
        shutil.copytree(root, self._project, ignore=LEFT_BEHIND)
        subprocess.run(["ape", "compile"], cwd=self._project, check=True, stdout=sys.stderr)
        context = get_context("spawn")
        folders = context.Manager().Queue()
        for job in range(jobs):
            folders.put(folder / f"compiler-{job}")
        self._compilers = ProcessPoolExecutor(jobs, context, _open_bench, (self._project, folders))
        self._testers = ThreadPoolExecutor(jobs)
        self._tests = {file: tuple(paths) for file, paths in tests.items()}
        self._paths = roots(path for paths in self._tests.values() for path in paths)
        self._servers: queue.Queue[Server] = queue.Queue()
        for job in range(jobs):
            self._servers.put(Server(self._project, self._paths, left_out, folder / f"server-{job}"))
        self._unbroken: Bytecode = {}
        self._seconds: dict[str, float] = {}
        self._killers: dict[str, tuple[str, ...]] = {}
        self._vouched: dict[str, bool] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._compilers.shutdown(cancel_futures=True)
        self._testers.shutdown(cancel_futures=True)
        while not self._servers.empty():
            self._servers.get().close()

    def control(self) -> None:
        """Run all tests, the same way as on mutants, on bytecode of the contracts as they are.

        Raises:
            SystemExit: one fails.
        """
        self._unbroken = self._compilers.submit(_unmutated, tuple(self._tests)).result()
        requests = [Request((path,), CONTROL_SECONDS, self._unbroken) for path in self._paths]
        for report in self._testers.map(self._ask, requests):
            if report.outcome != fork_server.PASSED:
                raise SystemExit(f"the contracts fail their tests as they are: {report.test}\n{report.output}")
            self._seconds.update(report.seconds)

    def judge(self, mutants: Iterable[Mutant]) -> Iterator[Verdict]:
        """Build and test mutants, as they get done."""
        pending = [
            self._testers.submit(self._judge, mutant, self._compilers.submit(_build, mutant)) for mutant in mutants
        ]
        for done in as_completed(pending):
            yield done.result()

    def _judge(self, mutant: Mutant, building: "Future[tuple[Bytecode | None, float]]") -> Verdict:
        made, compiled = building.result()
        start = time.monotonic()
        outcome, killer = self._test(mutant.file, made) if made else (SAME if made is not None else INVALID, "")
        return Verdict(mutant, outcome, killer, round(compiled + time.monotonic() - start, 1))

    def _test(self, file: str, made: Bytecode) -> tuple[str, str]:
        paths = self._tests[file]
        usual = sum(taken for test, taken in self._seconds.items() if any(within(test, path) for path in paths))
        # What killed a mutant of the same file is likely to kill the next.
        report = self._ask(Request(paths, 60 + 4 * usual, made, self._killers.get(file, ())))
        if report.outcome == fork_server.PASSED:
            return SURVIVED, ""
        if report.outcome == fork_server.TIMED_OUT:
            return TIMED_OUT, ""
        if report.outcome == fork_server.BROKEN or not self._vouch(report.test):
            print(f"the tests of {file} say nothing: {report.test}\n{report.output}", file=sys.stderr, flush=True)
            return NOT_RUN, ""
        with self._lock:
            others = (name for name in self._killers.get(file, ()) if name != report.test)
            self._killers[file] = (report.test, *others)
        return KILLED, report.test

    def _vouch(self, test: str) -> bool:
        """Whether a test that killed passes on the contracts as they are, when it runs first and alone like the next time."""
        if test not in self._vouched:
            report = self._ask(Request((test,), CONTROL_SECONDS, self._unbroken))
            self._vouched[test] = report.outcome == fork_server.PASSED
        return self._vouched[test]

    def _ask(self, request: Request) -> Report:
        server = self._servers.get()
        try:
            for _ in range(ATTEMPTS):
                report = server.ask(request)
                if report.outcome != fork_server.BROKEN:
                    break
            return report
        finally:
            self._servers.put(server)
