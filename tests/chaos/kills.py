"""A keeper that is killed with SIGKILL at random points of its pass, and started again: a thousand times and more.

    PYTHONPATH=tests uv run python -m chaos.kills --trials 1000

Each trial begins on a chain where something is due, with an empty ledger. The process is killed at a random moment, at a
random request or at the one that sends (before or after it reached the node), at a random SQL statement (before or after it
ran), or after a step of its lane; now and then the one that is started after it is killed as well. The last one makes three
passes. Then chain and ledger must fit, what was due must be done once, nothing that was ever on disk may be gone, and the third
pass must have done nothing: the keeper is steady.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from chaos import evidence
from chaos.desk import Desk, next_block, standing
from chaos.evidence import Row
from chaos.proxy import SEND, Asked, Fault, HungUp, Reply, Rule
from chaos.stage import Stage, staged
from chaos.zygote import End, Job, Zygote
from devnet import market

MOMENT, REQUEST, SENDING, STATEMENT, STEP = "moment", "request", "sending", "statement", "step"
KINDS = (MOMENT, REQUEST, SENDING, STATEMENT, STEP)
SECOND_KILLS = 0.25  # of the trials
PASSES = 3
DECISIONS = ("record_decision", "record_decisions")  # what writes them
QUIET = (*DECISIONS, "mark_confirmed")  # what a steady keeper writes


@dataclass(frozen=True)
class Play:
    """What is due at the beginning of a trial, and what must have been done for it in the end."""

    name: str
    prepare: Callable[[Desk], None]
    openings: int
    fills: int


def _open(desk: Desk) -> None:
    """Somebody opens the rebalance, and its bound falls."""
    desk.drift_fairly()
    desk.box.send(desk.creator.address, desk.vault, "open_rebalance()")
    market.warp(desk.box, 1_500)


PLAYS = (
    Play("opens and fills at once", Desk.drift, openings=1, fills=1),
    Play("opens", Desk.drift_fairly, openings=1, fills=0),
    Play("fills", _open, openings=0, fills=1),
)


@dataclass(frozen=True)
class Clean:
    """A run that nobody kills: where it could have been killed."""

    seconds: float
    requests: int
    statements: int
    steps: int


@dataclass(frozen=True)
class Point:
    """Where a process is killed."""

    kind: str
    after_s: float | None = None
    number: int | None = None
    is_after: bool = False

    def __str__(self) -> str:
        if self.kind == MOMENT:
            return f"{self.after_s:.3f} s after its start"
        if self.kind == SENDING:
            return f"{'after' if self.is_after else 'before'} sending"
        return f"{'after' if self.is_after else 'before'} {self.kind} {self.number}"


@dataclass
class Tally:
    """What came of the trials."""

    kills: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # by play, kind of point, and phase
    kept: Counter[str] = field(default_factory=Counter)  # rows that were on disk when a process was killed
    wrong: list[str] = field(default_factory=list)
    trials: int = 0


class Theatre:
    """A chain for each play, and a zygote that makes the keepers."""

    def __init__(self, desks: Sequence[Desk], zygote: Zygote, folder: Path, dice: random.Random):
        self._desks = desks
        self._zygote = zygote
        self._folder = folder
        self._dice = dice
        self._clean: dict[int, Clean] = {}
        self.tally = Tally()

    def measure(self) -> None:
        """Run each play once without a kill."""
        for number, (play, desk) in enumerate(zip(PLAYS, self._desks, strict=True)):
            with self._stage(desk) as stage:
                notes = stage.site.ledger.with_name("clean")
                end = self._zygote.run(Job(stage.site.to_json(), str(notes), PASSES))
                requests = stage.proxies[0].asked.total()
                self._judge(play, stage, end, notes)
                ((_, statements, steps),) = [words for words in _read(notes) if words[0] == "counts"]
            self._clean[number] = Clean(end.seconds, requests, statements, steps)
        if self.tally.wrong:
            raise RuntimeError(f"a keeper that nobody kills does not do what is due: {self.tally.wrong}")

    def trial(self) -> None:
        """Kill a keeper, once or twice, and see what comes of it. A keeper that had ended before is no trial."""
        number = self.tally.trials % len(PLAYS)
        play, desk, clean = PLAYS[number], self._desks[number], self._clean[number]
        with self._stage(desk) as stage:
            notes = stage.site.ledger.with_name("notes")
            seen: set[tuple[Any, ...]] = set()
            points = []
            while not points or (len(points) == 1 and self._dice.random() < SECOND_KILLS):
                point = self._point(clean, KINDS[(self.tally.trials // len(PLAYS)) % len(KINDS)])
                if not self._kill(stage, point, notes):
                    if points:
                        break
                    continue
                points.append(point)
                self.tally.kills[play.name, point.kind, _phase(stage)] += 1
                self._see_rows(stage, notes, seen, points)
                next_block(desk.box)
            notes = stage.site.ledger.with_name("last")
            end = self._zygote.run(Job(stage.site.to_json(), str(notes), PASSES))
            told = f"{play.name}, killed {' and '.join(map(str, points))}"
            before = len(self.tally.wrong)
            self._judge(play, stage, end, notes, seen)
            self.tally.wrong[before:] = [f"{told}: {each}" for each in self.tally.wrong[before:]]
        self.tally.trials += 1

    @contextmanager
    def _stage(self, desk: Desk) -> Iterator[Stage]:
        with tempfile.TemporaryDirectory(dir=self._folder) as folder, staged(desk, Path(folder)) as stage:
            yield stage

    def _point(self, clean: Clean, kind: str) -> Point:
        dice = self._dice
        if kind == MOMENT:
            return Point(kind, after_s=dice.uniform(0, clean.seconds))
        most = {REQUEST: clean.requests, SENDING: 1, STATEMENT: clean.statements, STEP: clean.steps}[kind]
        return Point(kind, number=dice.randint(1, most), is_after=dice.random() < 0.5)

    def _kill(self, stage: Stage, point: Point, notes: Path) -> bool:
        """Start a keeper and kill it there; whether it was still alive."""
        job = Job(stage.site.to_json(), str(notes), PASSES)
        victim = Victim()
        if point.kind == MOMENT:
            job = replace(job, kill_after_s=point.after_s)
        elif point.kind == STATEMENT:
            job = replace(job, statement=point.number, is_after=point.is_after)
        elif point.kind == STEP:
            job = replace(job, step=point.number)
        else:
            methods = {SEND} if point.kind == SENDING else None
            rule = Rule(victim.killing(point.is_after), methods, skip=(point.number or 1) - 1, times=1)
            stage.proxies[0].set(rule)
        victim.name(self._zygote.start(job))
        end = self._zygote.wait()
        stage.heal()
        for proxy in stage.proxies:
            proxy.settle()
        if end.status not in (0, -signal.SIGKILL):
            self.tally.wrong.append(f"a keeper ended with status {end.status}")
        return end.status == -signal.SIGKILL

    def _see_rows(self, stage: Stage, notes: Path, seen: set[tuple[Any, ...]], points: list[Point]) -> None:
        """What was on disk when the process was killed; and whether all that it was told to be there is."""
        if not stage.site.ledger.exists():
            return
        present = _identities(stage)
        for word, method, identity in (words for words in _read(notes) if words[0] == "wrote"):
            table = "decision" if method in DECISIONS else "transaction"
            if (table, identity) not in {each[:2] for each in present}:
                self.tally.wrong.append(f"{word} {table} {identity}, which is gone after a kill {points[-1]}")
        if lost := seen - present:
            self.tally.wrong.append(f"gone after a kill {points[-1]}: {lost}")
        seen |= present
        self.tally.kept["rows"] += len(present)

    def _judge(self, play: Play, stage: Stage, end: End, notes: Path, seen: set[tuple[Any, ...]] | None = None) -> None:
        wrong = stage.faults()
        if end.status:
            wrong.append(f"the last keeper ended with status {end.status}")
        passes = [words for words in _read(notes) if words[0] == "pass"]
        if passes and passes[-1][2]:
            wrong.append(f"the last pass said {passes[-1][2]}")
        deeds = stage.deeds
        openings, fills = sum(deed.openings for deed in deeds), sum(len(deed.fills) for deed in deeds)
        if (openings, fills) != (play.openings, play.fills):
            wrong.append(f"{openings} openings and {fills} fills instead of {play.openings} and {play.fills}")
        if wrote := [words for words in _of_last_pass(_read(notes)) if words[1] not in QUIET]:
            wrong.append(f"not steady: the last pass did {wrote}")
        if pool := stage.desk.box.rpc("txpool_status"):
            waiting = sum(int(count, 16) for count in pool.values())
            if waiting:
                wrong.append(f"{waiting} transactions are left in the pool")
        if lost := (seen or set()) - _identities(stage):
            wrong.append(f"rows are gone: {lost}")
        self.tally.wrong += wrong


class Victim:
    """The process that a request is to kill. The first of several endpoints that is asked does it."""

    def __init__(self) -> None:
        self._pid = 0
        self._known = threading.Event()

    def name(self, pid: int) -> None:
        self._pid = pid
        self._known.set()

    def killing(self, is_after: bool) -> Fault:
        """Kill it, before or after the node has been asked."""

        def fault(asked: Asked) -> Reply:
            if is_after:
                asked.forward()
            self._known.wait()
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            raise HungUp

        return fault


def _identities(stage: Stage) -> set[tuple[Any, ...]]:
    """What of a ledger never changes: which decisions there are, and transactions with their decision, nonce and hash."""
    transactions = {("transaction", row.id, row.decision_id, row.nonce, row.hash) for row in stage.rows}
    return transactions | {("decision", each) for each in evidence.decisions(stage.site.ledger)}


def _phase(stage: Stage) -> str:
    """How far a process had come."""
    if not stage.site.ledger.exists():
        return "1 before there is a ledger"
    rows = stage.rows
    if not rows:
        decided = evidence.decisions(stage.site.ledger)
        return "3 decided, nothing intended" if decided else "2 before the decision is written"
    return _phase_of(rows[-1], has_handed=any(proxy.handed for proxy in stage.proxies))


def _phase_of(row: Row, *, has_handed: bool) -> str:
    if row.state in evidence.IN_A_BLOCK:
        return "7 booked"
    if row.state == "sent":
        return "6 sent, not booked"
    if row.state == "intent":
        return "5 handed over, not noted" if has_handed else "4 intended, not handed over"
    return f"8 {row.state}"


def _read(notes: Path) -> list[list[Any]]:
    """What a process noted. A line that it was killed in is left out."""
    found = []
    for line in notes.read_text().splitlines() if notes.exists() else ():
        with suppress(ValueError):
            found.append(json.loads(line))
    return found


def _of_last_pass(notes: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """The writes of a process's last pass."""
    ends = [number for number, words in enumerate(notes) if words[0] == "pass"]
    first = ends[-2] if len(ends) > 1 else 0
    return [words for words in notes[first : ends[-1] if ends else 0] if words[0] == "wrote"]


@contextmanager
def theatre(folder: Path, seed: int) -> Iterator[Theatre]:
    """A theatre that ends with the block."""
    with ExitStack() as stack:
        desks = []
        for number, play in enumerate(PLAYS):
            place = folder / str(number)
            place.mkdir()
            desk = stack.enter_context(standing(place))
            play.prepare(desk)
            desks.append(desk)
        zygote = Zygote(desks[0].site.to_json(), folder / "zygote.log")
        stack.callback(zygote.close)
        yield Theatre(desks, zygote, folder, random.Random(seed))


def main() -> int:
    """Run trials and print what came of them; 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1_000, help="keepers to kill (1000)")
    parser.add_argument("--seed", type=int, default=5, help="of the points (5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    start = time.monotonic()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="equipoise-kills-") as folder:
        with theatre(Path(folder), arguments.seed) as stage, console.status("killing") as status:
            stage.measure()
            for number in range(arguments.trials):
                stage.trial()
                status.update(f"{number + 1:,} of {arguments.trials:,} trials, {len(stage.tally.wrong)} findings")
        tally = stage.tally
    seconds = time.monotonic() - start
    if arguments.json:
        kills = [{"play": key[0], "point": key[1], "phase": key[2], "kills": n} for key, n in tally.kills.items()]
        json.dump({"trials": tally.trials, "seconds": round(seconds), "kills": kills, "wrong": tally.wrong}, sys.stdout)
        print()
    else:
        Console().print(_table(tally, seconds))
        for line in tally.wrong:
            Console().print(line, style="red")
    return 1 if tally.wrong else 0


def _table(tally: Tally, seconds: float) -> Table:
    table = Table(
        title=f"{sum(tally.kills.values()):,} kills in {tally.trials:,} trials, {seconds / 60:.0f} min; "
        f"{len(tally.wrong)} findings, {tally.kept['rows']:,} rows seen at a kill, each there at the end"
    )
    for name in ("phase", *KINDS, "all"):
        table.add_column(name, justify="left" if name == "phase" else "right")
    for phase in sorted({key[2] for key in tally.kills}):
        counts = [sum(n for key, n in tally.kills.items() if key[1:] == (kind, phase)) for kind in KINDS]
        table.add_row(phase[2:], *(f"{count:,}" for count in (*counts, sum(counts))))
    return table


if __name__ == "__main__":
    sys.exit(main())
