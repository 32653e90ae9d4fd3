"""Break the contracts in small ways and see whether their tests notice.

    uv run python scripts/mutate.py [--json] [--only FILE]... [--jobs N] [--limit N --seed S]

Each mutant is one fault in one file (scripts/proofs/mutants.py says of which kinds). What does not compile, or compiles to the
same bytecode, is left out. The others are put, as bytecode, into a copy of the project, where the tests run that
tests/proofs/mutation.toml names for the file, until the first fails. It kills, if it does so alone, and alone passes on the
unbroken contracts. The score is killed by killed and survived; survivors that the same file accepts, with the reason why no
test can tell them from the original, count in the first score and not in the second. Exits with 1 when the second is under
90 %, when the unbroken contracts fail their tests, when tests could not run, or when an accepted survivor is no mutant any
more or was killed.
"""

import argparse
import json
import os
import random
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.proofs.mutants import Mutant, mutants
from scripts.proofs.workshop import (
    INVALID,
    KILLED,
    NOT_RUN,
    SAME,
    SURVIVED,
    TIMED_OUT,
    Verdict,
    Workshop,
)

ROOT = Path(__file__).resolve().parent.parent
PLAN = ROOT / "tests" / "proofs" / "mutation.toml"
THRESHOLD = 0.9


@dataclass(frozen=True, slots=True)
class Score:
    """Killed, survived without and with a reason."""

    killed: int
    survived: int
    accepted: int

    @property
    def of_all(self) -> float:
        """Share killed of all mutants that compile to other bytecode; 1 of none."""
        total = self.killed + self.survived + self.accepted
        return self.killed / total if total else 1.0

    @property
    def of_killable(self) -> float:
        """As `of_all`, accepted survivors left out."""
        total = self.killed + self.survived
        return self.killed / total if total else 1.0


def score(verdicts: Iterable[Verdict], accepted: Mapping[tuple[str, str, str], str]) -> Score:
    """Count verdicts. A test that never ends has noticed."""
    killed = survived = known = 0
    for verdict in verdicts:
        killed += verdict.outcome in (KILLED, TIMED_OUT)
        survived += verdict.outcome == SURVIVED and verdict.mutant.key not in accepted
        known += verdict.outcome == SURVIVED and verdict.mutant.key in accepted
    return Score(killed, survived, known)


def select(plan: Mapping[str, Any], only: list[str], limit: int | None, seed: int) -> list[Mutant]:
    """The mutants of the files of the plan, or of those named; `limit` of them, drawn with `seed`.

    Raises:
        SystemExit: a file named is not in the plan.
    """
    unknown = set(only) - set(plan["tests"])
    if unknown:
        raise SystemExit(f"{', '.join(sorted(unknown))}: name tests for it in {PLAN.relative_to(ROOT)}")
    found = [mutant for file in only or plan["tests"] for mutant in mutants(ROOT, file)]
    if limit is not None and limit < len(found):
        drawn = random.Random(seed).sample(found, limit)
        found = sorted(drawn, key=lambda mutant: (mutant.file, mutant.start))
    return found


def accepted_of(plan: Mapping[str, Any], files: Iterable[str]) -> dict[tuple[str, str, str], str]:
    """The reason for each accepted survivor in `files`, by the mutant's key.

    Raises:
        SystemExit: there is no such mutant, or no reason.
    """
    files = set(files)
    known = {mutant.key for file in files for mutant in mutants(ROOT, file)}
    found: dict[tuple[str, str, str], str] = {}
    for entry in plan.get("survivor", []):
        key = entry["file"], entry["before"], entry["after"]
        if entry["file"] in files and (key not in known or not entry["reason"]):
            raise SystemExit(f"{PLAN.name}: no such mutant, or no reason: {key}: correct or delete the entry")
        found[key] = entry["reason"]
    return found


def render(verdicts: list[Verdict], accepted: Mapping[tuple[str, str, str], str], console: Console) -> None:
    """A row per file, then the survivors with what was changed."""
    table = Table(title="Mutants")
    for name in ("file", "killed", "survived", "accepted", "left out", "score", "without accepted"):
        table.add_column(name, justify="left" if name == "file" else "right")
    files = sorted({verdict.mutant.file for verdict in verdicts})
    for file in [*files, None]:
        rows = [verdict for verdict in verdicts if file in (verdict.mutant.file, None)]
        counts = score(rows, accepted)
        left_out = sum(verdict.outcome in (INVALID, SAME) for verdict in rows)
        numbers = (counts.killed, counts.survived, counts.accepted, left_out)
        if file is None:
            table.add_section()
        table.add_row(file or "all", *map(str, numbers), f"{counts.of_all:.1%}", f"{counts.of_killable:.1%}")
    console.print(table)
    for verdict in verdicts:
        mutant = verdict.mutant
        if verdict.outcome == SURVIVED and mutant.key not in accepted:
            print(f"{mutant.file}:{mutant.line}: survived: {mutant.operator}")
            print(f"  - {mutant.before}\n  + {mutant.after}")


def main() -> None:
    """Draw, build, test, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", action="append", default=[], metavar="FILE", help="mutate this file of the plan")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants at a time")
    parser.add_argument("--limit", type=int, help="draw so many mutants")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    arguments = parser.parse_args()

    plan = tomllib.loads(PLAN.read_text())
    chosen = select(plan, arguments.only, arguments.limit, arguments.seed)
    files = {mutant.file for mutant in chosen}
    accepted = accepted_of(plan, files)
    tests = {file: paths for file, paths in plan["tests"].items() if file in files}

    verdicts: list[Verdict] = []
    with (
        TemporaryDirectory() as folder,
        Workshop(ROOT, Path(folder), tests, plan["unsteady"], arguments.jobs) as workshop,
    ):
        workshop.control()
        for verdict in workshop.judge(chosen):
            verdicts.append(verdict)
            print(
                f"{len(verdicts)}/{len(chosen)} {verdict.outcome} in {verdict.seconds} s: "
                f"{verdict.mutant.file}:{verdict.mutant.line} {verdict.mutant.operator} {verdict.killer}",
                file=sys.stderr,
                flush=True,
            )
    verdicts.sort(key=lambda verdict: (verdict.mutant.file, verdict.mutant.start))

    counts = score(verdicts, accepted)
    if arguments.json:
        rows = [
            asdict(verdict.mutant) | {"outcome": verdict.outcome, "killer": verdict.killer, "seconds": verdict.seconds}
            for verdict in verdicts
        ]
        result = {"score": counts.of_all, "score_without_accepted": counts.of_killable, "mutants": rows}
        json.dump(result, sys.stdout, indent=2)
        print()
    else:
        render(verdicts, accepted, Console(width=140))
    wrong = [v.mutant for v in verdicts if v.mutant.key in accepted and v.outcome in (KILLED, TIMED_OUT)]
    for mutant in wrong:
        print(f"killed, though {PLAN.name} accepts it: {mutant.file}:{mutant.line}: {mutant.after}", file=sys.stderr)
    not_run = [verdict for verdict in verdicts if verdict.outcome == NOT_RUN]
    if not_run:
        print(f"the tests of {len(not_run)} mutants did not run: see above", file=sys.stderr)
    raise SystemExit(1 if wrong or not_run or counts.of_killable < THRESHOLD else 0)


if __name__ == "__main__":
    main()
