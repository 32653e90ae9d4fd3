"""Which branches of the contracts the contract tests take.

    uv run python scripts/coverage.py [--json] [PATHS of tests]      (tests/unit and tests/e2e, unless told otherwise)

Prints, for each contract and module, branches taken by branches there are (a decision has two), then every branch that is not
taken. docs/how-to/prove-the-contracts.md says what counts as a branch. Branches that nothing can take are listed with the
reason in tests/proofs/unreachable.toml and do not count. Exits with 1 when a branch is not taken, when a test fails, when a
call could not be traced, or when the list of the unreachable is wrong.
"""

import argparse
import json
import os
import pickle
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.proofs.branches import Branch, Code, analyse

ROOT = Path(__file__).resolve().parent.parent
UNREACHABLE = ROOT / "tests" / "proofs" / "unreachable.toml"
TESTS = ("tests/unit", "tests/e2e")

Side = tuple[Branch, bool]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Sides of every branch under watch, those taken, and those of which it is known why nothing takes them."""

    sides: frozenset[Side]
    taken: frozenset[Side]
    unreachable: Mapping[Side, str]

    @property
    def missed(self) -> list[Side]:
        """Neither taken nor known to be unreachable, in the order of the source."""
        return sorted(self.sides - self.taken - set(self.unreachable))

    def by_file(self) -> dict[str, tuple[int, int]]:
        """(taken, all that can be) for each file, contracts before modules."""
        counts: dict[str, tuple[int, int]] = {}
        for side in self.sides - set(self.unreachable):
            taken, total = counts.get(side[0].file, (0, 0))
            counts[side[0].file] = taken + (side in self.taken), total + 1
        return dict(sorted(counts.items(), key=lambda item: (item[0].count("/"), item[0])))


def sides_of(codes: Iterable[Code]) -> frozenset[Side]:
    """Both outcomes of every branch. A module counts once, however many contracts use it."""
    return frozenset((branch, outcome) for code in codes for branch in code.branches() for outcome in (True, False))


def known_unreachable(sides: Iterable[Side], entries: Iterable[Mapping[str, Any]]) -> dict[Side, str]:
    """The reason for each side that an entry names by its file, kind, text and outcome, in the functions that it names if any.

    Raises:
        SystemExit: an entry names no side, or gives no reason.
    """
    found: dict[Side, str] = {}
    for entry in entries:
        key = tuple(entry[name] for name in ("file", "kind", "text", "outcome"))
        named = [side for side in sides if (side[0].file, side[0].kind, side[0].text, side[1]) == key]
        functions = set(entry.get("functions", [side[0].function for side in named]))
        named = [side for side in named if side[0].function in functions]
        if not named or not entry["reason"] or functions != {side[0].function for side in named}:
            raise SystemExit(f"{UNREACHABLE.name}: no such branch, or no reason: {key}: correct or delete the entry")
        found |= dict.fromkeys(named, entry["reason"])
    return found


def trace(paths: list[str], codes: list[Code]) -> tuple[frozenset[Side], list[str], int]:
    """Run tests under the tracer; branches taken, what could not be traced, and the status of the tests."""
    with TemporaryDirectory() as folder:
        files = {"BRANCHES_CODES": Path(folder) / "codes", "BRANCHES_TAKEN": Path(folder) / "taken"}
        files["BRANCHES_CODES"].write_bytes(pickle.dumps(codes))
        command = ["ape", "test", *paths, "-q", "-p", "scripts.proofs.tracer"]
        environment = os.environ | {name: str(path) for name, path in files.items()}
        status = subprocess.run(command, cwd=ROOT, env=environment, check=False, stdout=sys.stderr).returncode
        if not files["BRANCHES_TAKEN"].exists():
            raise SystemExit(f"the tests did not run: {' '.join(command)}")
        result = json.loads(files["BRANCHES_TAKEN"].read_text())
    return frozenset((Branch(*row[:-1]), row[-1]) for row in result["taken"]), result["untraced"], status


def render(coverage: Coverage, console: Console) -> None:
    """The table of files, then one line for each branch not taken."""
    table = Table(title="Branches taken")
    for name in ("file", "taken", "of", ""):
        table.add_column(name, justify="left" if name == "file" else "right")
    counts = coverage.by_file()
    for file, (taken, total) in counts.items():
        table.add_row(file, str(taken), str(total), f"{taken / total:.1%}")
    taken, total = (sum(count[i] for count in counts.values()) for i in (0, 1))
    table.add_section()
    table.add_row("all", str(taken), str(total), f"{taken / total:.1%}" if total else "")
    console.print(table)
    console.print(f"{len(coverage.unreachable)} more are known to be unreachable; not taken: {len(coverage.missed)}")
    for branch, outcome in coverage.missed:
        print(told(branch, outcome))


def told(branch: Branch, outcome: bool) -> str:
    """One line about a side that was not taken."""
    never = "never entered" if outcome else "never skipped"
    if branch.kind != "for":
        never = f"never {str(outcome).lower()}"
    return f"{branch.file}:{branch.line}:{branch.column + 1}: {branch.kind}, {never}: {branch.text}"


def main() -> None:
    """Compile, run the tests, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("paths", nargs="*", default=TESTS, help="tests to run")
    arguments = parser.parse_args()

    contracts = sorted((ROOT / "contracts").glob("*.vy"))
    with ProcessPoolExecutor() as pool:
        codes = [code for pair in pool.map(analyse, [ROOT] * len(contracts), contracts) for code in pair]
    taken, untraced, status = trace(list(arguments.paths), codes)
    sides = sides_of(codes)
    entries = tomllib.loads(UNREACHABLE.read_text())["branch"] if UNREACHABLE.exists() else []
    coverage = Coverage(sides, taken & sides, known_unreachable(sides, entries))

    if arguments.json:
        missed = [asdict(branch) | {"outcome": outcome} for branch, outcome in coverage.missed]
        files = {file: {"taken": count[0], "of": count[1]} for file, count in coverage.by_file().items()}
        json.dump({"files": files, "missed": missed, "untraced": untraced, "status": status}, sys.stdout, indent=2)
        print()
    else:
        render(coverage, Console(width=140))
    for line in untraced:
        print(f"not traced: {line}", file=sys.stderr)
    for branch, outcome in sorted(coverage.taken & set(coverage.unreachable)):
        print(f"taken, though {UNREACHABLE.name} calls it unreachable: {told(branch, outcome)}", file=sys.stderr)
    wrong = coverage.taken & set(coverage.unreachable)
    raise SystemExit(1 if status or untraced or wrong or coverage.missed else 0)


if __name__ == "__main__":
    main()
