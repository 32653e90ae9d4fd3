"""Where mutants are built and tested: compiled in copies of the sources, and tested by servers that fork for every run."""

import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vyper.compiler.phases import CompilerData, generate_bytecode

from scripts.proofs import fork_server
from scripts.proofs.branches import compile_source
from scripts.proofs.build import forget_stale
from scripts.proofs.fork_server import Bytecode, Report, Request, Server, roots
from scripts.proofs.mutants import Mutant, hosts

KILLED, SURVIVED, TIMED_OUT, INVALID, SAME = "killed", "survived", "timed out", "does not compile", "same bytecode"
NOT_RUN = "its tests did not run"
LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", ".cache")
ATTEMPTS = 2  # at running tests: on a busy machine a node may not answer in time


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

    def unmutated(self, files: Iterable[str]) -> dict[str, bytes]:
        """The bytecode of the contracts that files are part of, as it is."""
        return {host.stem: bytes(self._unbroken(host).bytecode) for file in files for host in hosts(self.folder, file)}

    def build(self, mutant: Mutant) -> dict[str, bytes] | None:
        """The bytecode of the contracts that a mutant changes; None if it does not compile."""
        affected = hosts(self.folder, mutant.file)
        unbroken = {host: _compared(self._unbroken(host)) for host in affected}
        path = self.folder / mutant.file
        source = path.read_text()
        try:
            path.write_text(mutant.applied(source))
            broken = {host: compile_source(self.folder, host) for host in affected}
            return {
                host.stem: bytes(data.bytecode) for host, data in broken.items() if _compared(data) != unbroken[host]
            }
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


def _unmutated(files: Sequence[str]) -> dict[str, bytes]:
    return _bench.unmutated(files)


def _build(mutant: Mutant) -> tuple[Bytecode | None, float]:
    start = time.monotonic()
    made = _bench.build(mutant)
    return made, time.monotonic() - start


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
        forget_stale(self._project)  # once, and not by every server, which would then lack what its runs are on
        subprocess.run(["ape", "compile"], cwd=self._project, check=True, stdout=sys.stderr)
        context = get_context("spawn")
        folders = context.Manager().Queue()
        for job in range(jobs):
            folders.put(folder / f"compiler-{job}")
        self._compilers = ProcessPoolExecutor(jobs, context, _open_bench, (self._project, folders))
        self._testers = ThreadPoolExecutor(jobs)
        self._ahead = 3 * jobs  # mutants that are compiled, wait or are tested
        self._tests = {file: tuple(paths) for file, paths in tests.items()}
        collected = roots(path for paths in self._tests.values() for path in paths)
        self._servers: queue.Queue[Server] = queue.Queue()
        for job in range(jobs):
            self._servers.put(Server(self._project, collected, left_out, folder / f"server-{job}"))
        self._unbroken: Bytecode = {}
        self._killers: dict[str, tuple[str, ...]] = {}
        self._vouched: dict[str, bool] = {}
        self._lock = threading.Lock()
        self._is_closing = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closing = True  # or an interrupted run would start again
        self._compilers.shutdown(cancel_futures=True)
        self._testers.shutdown(cancel_futures=True)
        while not self._servers.empty():
            self._servers.get().close()

    def control(self) -> None:
        """Run the first test of each file, the same way as on mutants, on bytecode of the contracts as they are.

        Raises:
            SystemExit: one fails, or does not run to its end.
        """
        self._unbroken = self._compilers.submit(_unmutated, tuple(self._tests)).result()
        firsts = dict.fromkeys(paths[0] for paths in self._tests.values())
        for report in self._testers.map(self._ask, (Request((path,), self._unbroken, count=1) for path in firsts)):
            if report.outcome != fork_server.PASSED:
                what = f"the contracts fail their tests as they are: {report.last}"
                if report.outcome != fork_server.FAILED:
                    what = f"no test ran to its end on the contracts as they are ({report.outcome}): {report.last}"
                raise SystemExit(f"{what}\n{report.output}")

    def judge(self, mutants: Iterable[Mutant]) -> Iterator[Verdict]:
        """Build and test mutants, as they get done."""
        pending: set[Future[Verdict]] = set()
        for mutant in mutants:
            pending.add(self._testers.submit(self._judge, mutant, self._compilers.submit(_build, mutant)))
            if len(pending) >= self._ahead:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (verdict.result() for verdict in done)
        yield from (verdict.result() for verdict in as_completed(pending))

    def _judge(self, mutant: Mutant, building: "Future[tuple[Bytecode | None, float]]") -> Verdict:
        made, compiled = building.result()
        start = time.monotonic()
        outcome, killer = self._test(mutant.file, made) if made else (SAME if made is not None else INVALID, "")
        return Verdict(mutant, outcome, killer, round(compiled + time.monotonic() - start, 1))

    def _test(self, file: str, made: Bytecode) -> tuple[str, str]:
        # What killed a mutant of the same file is likely to kill the next.
        report = self._ask(Request(self._tests[file], made, self._killers.get(file, ())))
        if report.outcome == fork_server.PASSED:
            return SURVIVED, ""
        if report.outcome == fork_server.BROKEN or not self._is_sure(report, made):
            what = f"the tests of {file} say nothing ({report.outcome}): {report.last}"
            print(f"{what}\n{report.output}", file=sys.stderr, flush=True)
            return NOT_RUN, ""
        with self._lock:
            others = (name for name in self._killers.get(file, ()) if name != report.last)
            self._killers[file] = (report.last, *others)
        return KILLED if report.outcome == fork_server.FAILED else TIMED_OUT, report.last

    def _is_sure(self, report: Report, made: Bytecode) -> bool:
        """Whether the test that a run ended with fails alone as well, and alone passes on the contracts as they are."""
        alone = (report.last,)
        if report.tests != alone and self._ask(Request(alone, made)).outcome != report.outcome:
            return False
        if report.last not in self._vouched:
            self._vouched[report.last] = self._ask(Request(alone, self._unbroken)).outcome == fork_server.PASSED
        return self._vouched[report.last]

    def _ask(self, request: Request) -> Report:
        server = self._servers.get()
        try:
            report = Report(fork_server.BROKEN, output="interrupted")
            for _ in range(ATTEMPTS):
                if report.outcome != fork_server.BROKEN or self._is_closing:
                    break
                report = server.ask(request)
            return report
        finally:
            self._servers.put(server)
