"""Where mutants are built and tested: a copy of the project for each process, with ape started once and forked for every run.

The tests take bytecode from ape's project alone, so a mutant is put there, in memory; the sources in the copy stay as they were
and ape has nothing to compile. Most of a run's time would else be spent on importing ape and reading its cache.
"""

import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from vyper.compiler.phases import CompilerData, generate_bytecode

from scripts.proofs.branches import compile_source
from scripts.proofs.mutants import Mutant, hosts

KILLED, SURVIVED, TIMED_OUT, INVALID, SAME = "killed", "survived", "timed out", "does not compile", "same bytecode"
NOT_RUN = "its tests did not run"
LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", ".cache")
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?:\[| - |$)", re.MULTILINE)
QUIET = ("-x", "-q", "--tb=no", "--no-header", "-rfE", "-p", "no:cacheprovider")
ATTEMPTS = 2  # at running tests: on a busy machine a node may not start in time
GRACE = 30  # s that a run gets to stop its nodes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant, the test that killed it, and how long it took in seconds."""

    mutant: Mutant
    outcome: str
    killer: str
    seconds: float


@dataclass(frozen=True, slots=True)
class InOrder:
    """A pytest plugin that runs tests in the order of the names, tests, files or folders, that they begin with."""

    names: tuple[str, ...]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Stable among what begins with the same name, and what begins with none at last."""
        items.sort(key=self._place)

    def _place(self, item: pytest.Item) -> int:
        return next((i for i, name in enumerate(self.names) if item.nodeid.startswith(name)), len(self.names))


def roots(paths: Sequence[str]) -> list[str]:
    """Paths less those that lie within another: of a folder and a file in it pytest collects the file alone."""
    return [path for path in paths if not any(path.startswith(f"{other}/") for other in paths)]


class Workshop:
    """One copy of the project, one mutant at a time. `tests` and `seconds` are what to run for a file and for how long."""

    def __init__(self, folder: Path, tests: Mapping[str, list[str]], seconds: Mapping[str, float]) -> None:
        os.chdir(folder)
        sys.path.insert(0, str(folder))
        import ape

        self.types: Any = ape.project.manifest.contract_types
        self.folder, self.tests, self.seconds = folder, tests, seconds
        self.unbroken: dict[Path, bytes] = {}
        self.killers: dict[str, tuple[str, ...]] = {}

    def judge(self, mutant: Mutant) -> Verdict:
        """Build the mutant and run its file's tests on it."""
        start = time.monotonic()
        outcome, killer = self._judge(mutant)
        return Verdict(mutant, outcome, killer, round(time.monotonic() - start, 1))

    def _judge(self, mutant: Mutant) -> tuple[str, str]:
        affected = hosts(self.folder, mutant.file)
        for host in affected:
            if host not in self.unbroken:
                self.unbroken[host] = _compared(compile_source(self.folder, host))
        path = self.folder / mutant.file
        source = path.read_text()
        try:
            path.write_text(mutant.applied(source))
            broken = {host: compile_source(self.folder, host) for host in affected}
            made = {
                host.stem: (bytes(data.bytecode), bytes(data.bytecode_runtime))
                for host, data in broken.items()
                if _compared(data) != self.unbroken[host]
            }
        except Exception:  # whatever stops the compiler, its own faults included, stops the mutant
            return INVALID, ""
        finally:
            path.write_text(source)
        return self._test(mutant.file, made) if made else (SAME, "")

    def _test(self, file: str, made: Mapping[str, tuple[bytes, bytes]]) -> tuple[str, str]:
        # What killed a mutant of the same file is likely to kill the next.
        killers = self.killers.get(file, ())
        for _ in range(ATTEMPTS):
            status, output = self.run(self.tests[file], self.seconds[file], made, killers)
            if status is None:
                return TIMED_OUT, ""
            if status == pytest.ExitCode.OK:
                return SURVIVED, ""
            found = FAILED.search(output)
            if status == pytest.ExitCode.TESTS_FAILED and found:
                break
            print(f"the tests of {file} ended with status {status}:\n{output[-4000:]}", file=sys.stderr, flush=True)
        else:
            return NOT_RUN, ""
        self.killers[file] = (found[1], *(name for name in killers if name != found[1]))
        return KILLED, found[1]

    def run(
        self, paths: Sequence[str], seconds: float, made: Mapping[str, tuple[bytes, bytes]], first: tuple[str, ...] = ()
    ) -> tuple[int | None, str]:
        """Run tests up to the first that fails, with other bytecode for some contracts.

        Returns pytest's status, None if out of time, and the output.
        """
        log = self.folder / "run.log"
        child = os.fork()
        if child == 0:
            os.setsid()
            with log.open("wb") as out:
                os.dup2(out.fileno(), 1)
                os.dup2(out.fileno(), 2)
            status = int(pytest.ExitCode.INTERNAL_ERROR)
            try:
                for name, (creation, runtime) in made.items():
                    self.types[name].deployment_bytecode.bytecode = "0x" + creation.hex()
                    self.types[name].runtime_bytecode.bytecode = "0x" + runtime.hex()
                status = int(pytest.main([*QUIET, *roots(paths)], plugins=[InOrder((*first, *paths))]))
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        return _wait(child, seconds), log.read_text(errors="replace")


def _compared(data: CompilerData) -> bytes:
    """Creation code, the runtime code in it, without the metadata that tells sources apart."""
    return bytes(generate_bytecode(data.assembly, compiler_metadata=None))


def _wait(child: int, seconds: float) -> int | None:
    """The status of a child process; None if it had to be ended, which ends what it started too."""
    for signalled, patience in ((None, seconds), (signal.SIGINT, GRACE), (signal.SIGKILL, GRACE)):
        if signalled is not None:
            os.killpg(child, signalled)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return None if signalled else os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
    raise RuntimeError(f"process {child} does not end")
