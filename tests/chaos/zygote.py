"""Makes keeper processes in milliseconds: it has imported and compiled everything, and forks one for each job.

Started by `Zygote` as a program of its own, it has a single thread, so that what it forks is whole. A job is a line of JSON on
its standard input, its end a line on its standard output.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# Threads of BLAS would not outlive the fork, and those who wait for them would wait for ever.
_ALONE = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
_THREADS_END_S = 30


@dataclass(frozen=True)
class Job:
    """Passes of a keeper that has just been started, with a block after each.

    :param site: as JSON
    :param notes: file to which the process writes what it has done, a line at a time
    :param kill_after_s: of the first pass, when it is killed with SIGKILL
    :param statement: the SQL statement, counted from 1 over reads, writes and commits, at which it kills itself with SIGKILL
    :param is_after: after the statement instead of before it
    :param step: the lane's step, counted from 1, after which it kills itself with SIGKILL
    """

    site: str
    notes: str
    passes: int
    kill_after_s: float | None = None
    statement: int | None = None
    is_after: bool = False
    step: int | None = None


@dataclass(frozen=True)
class End:
    """How a process ended: `status` is its exit status, or minus the signal that killed it."""

    status: int
    seconds: float  # from its first pass on


class Zygote:
    """The program, as its user sees it.

    :param site: as JSON; one dry pass over it compiles what has to be compiled
    """

    def __init__(self, site: str, log: Path):
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chaos.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=ROOT,
            env=os.environ | _ALONE | {"PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(ROOT)])},
            text=True,
        )
        self._tell(site)
        self._hear()

    def start(self, job: Job) -> int:
        """Start a process; its id."""
        self._tell(json.dumps(asdict(job)))
        return int(self._hear()["pid"])

    def wait(self) -> End:
        """The end of the process that was started last."""
        return End(**self._hear())

    def run(self, job: Job) -> End:
        """Start a process and wait for its end."""
        self.start(job)
        return self.wait()

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(30)
        self._log.close()

    def _tell(self, line: str) -> None:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the zygote ended: see {self._log.name}")
        return json.loads(line)


def main() -> None:
    _warm_up(sys.stdin.readline())
    _say({"ready": True})
    for line in sys.stdin:
        _fork(Job(**json.loads(line)))


def _warm_up(site: str) -> None:
    """Load and compile what a keeper's first pass needs, without doing anything."""
    from chaos.desk import Keeper, Site
    from keeper.chain.rpc import Client
    from keeper.services.plan import plan

    found = Site.from_json(site)
    with tempfile.TemporaryDirectory() as folder, Keeper(replace(found, ledger=Path(folder) / "ledger.sqlite")):
        plan(Client(found.node, 1), found.settings(), found.vaults[0], found.signer.address)
    deadline = time.monotonic() + _THREADS_END_S
    while threading.active_count() > 1:
        if time.monotonic() > deadline:
            raise RuntimeError(f"threads that do not end would be lost in a fork: {threading.enumerate()}")
        time.sleep(0.01)


def _fork(job: Job) -> None:
    begun, begin = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(begun)
            _child(job, begin)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(begin)
    _say({"pid": pid})
    os.read(begun, 1)  # or its end
    os.close(begun)
    start = time.monotonic()
    if job.kill_after_s is not None:
        time.sleep(job.kill_after_s)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    _say({"status": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - start})


def _child(job: Job, begin: int) -> None:
    from chaos.desk import Keeper, Site, next_block
    from devnet.box import Box

    os.close(0)
    notes = os.open(job.notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(*words: object) -> None:
        os.write(notes, (json.dumps(words) + "\n").encode())

    site = Site.from_json(job.site)
    _note_writes(note)
    statements = _count_statements(job)
    steps: list[str] = []

    def at(step: str) -> None:
        steps.append(step)
        if len(steps) == job.step:
            os.kill(os.getpid(), signal.SIGKILL)

    os.write(begin, b"!")
    keeper = Keeper(site, at)
    for number in range(job.passes):
        note("pass", number, keeper.tick())
        next_block(Box(site.node))
    keeper.close()
    note("counts", statements(), len(steps))


def _note_writes(note: Any) -> None:
    """Note what the ledger has said to be on disk."""
    from keeper.ledger import Ledger

    for name in [name for name in dir(Ledger) if name.startswith(("record_", "mark_"))]:
        setattr(Ledger, name, _noted(getattr(Ledger, name), name, note))


def _noted(method: Any, name: str, note: Any) -> Any:
    def noted(self: Any, *arguments: Any, **options: Any) -> Any:
        found = method(self, *arguments, **options)
        rows = found if name.startswith("record_") else arguments[0]
        for row in rows if isinstance(rows, list) else [rows]:
            note("wrote", name, row)
        return found

    return noted


def _count_statements(job: Job) -> Callable[[], int]:
    """Count statements, and at the chosen one be killed; how many there were."""
    from sqlalchemy import Engine, event

    count = 0

    def reached(is_after: bool) -> None:
        nonlocal count
        count += not is_after
        if count == job.statement and is_after == job.is_after:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(*_: object) -> None:
        reached(is_after=False)

    def after(*_: object) -> None:
        reached(is_after=True)

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    event.listen(Engine, "commit", before)
    return lambda: count


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
