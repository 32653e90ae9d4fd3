"""Which lines and branches of the keeper its tests take.

    uv run python scripts/keeper_coverage.py [--json] [PATHS]      (those of the keeper by default)

Machine code cannot be seen from here, so the tests of what numba compiles run once more without it.

Prints lines and branches taken, by package. Exits with 1 when less than 95 % of the lines or 90 % of the branches are taken,
when a line of what signs or sends is not, or when a test fails.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
TESTS = ("tests/keeper", "tests/chaos", "tests/devnet/test_toolchain.py")
# Of what is compiled, where they need no chain.
COMPILED = (
    "tests/keeper/policy/test_rule_decisions.py",
    "tests/keeper/policy/test_rule_widths.py",
    "tests/keeper/backtest/test_backtest_settlement.py",
    "tests/keeper/backtest/test_backtest_engine.py",
    "tests/keeper/routing/test_routing_dual.py",
)
LEAST_LINES, LEAST_BRANCHES = 95.0, 90.0  # percent
# What signs or sends: every line of it is taken.
WHOLE = ("keeper/execution/lane/", "keeper/execution/signer/", "keeper/execution/relays.py")


@dataclass(frozen=True, slots=True)
class Row:
    """One package, or all of them."""

    package: str
    lines: int
    lines_taken: int
    branches: int
    branches_taken: int

    @property
    def line_percent(self) -> float:
        """Of the lines; 100 where there are none."""
        return 100 * self.lines_taken / self.lines if self.lines else 100.0

    @property
    def branch_percent(self) -> float:
        """Of the branches; 100 where there are none."""
        return 100 * self.branches_taken / self.branches if self.branches else 100.0


def measure(tests: list[str]) -> tuple[int, dict[str, Any]]:
    """Run tests under coverage; the run's status, and coverage's own report by file."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        plain = ["pytest", *COMPILED, "--noconftest", "-p", "no:ape_test", "-p", "fake_chain", "-m", "not machine_code"]
        words = [
            "ape",
            "test",
            *tests,
            "-n",
            "2",
            "--dist",
            "loadfile",
            "--cov-append",
            "--cov-report",
            f"json:{report}",
        ]
        interpreted = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": "tests:tests/keeper/routing"}
        statuses = [
            subprocess.run([*each, "--cov"], cwd=ROOT, check=False, stdout=sys.stderr, env=environment).returncode
            for each, environment in ((plain, interpreted), (words, None))
        ]
        return max(statuses), json.loads(report.read_text())["files"] if report.exists() else {}


def rows(files: Mapping[str, Any]) -> list[Row]:
    """Every package in the order of its name, and all of them together."""
    packages = sorted({package_of(name) for name in files})
    return [
        *(_sum(package, [file for name, file in files.items() if package_of(name) == package]) for package in packages),
        _sum("all", list(files.values())),
    ]


def package_of(name: str) -> str:
    """The package that a file is in, two levels deep; a file of the top counts by itself."""
    parts = Path(name).parts
    return "/".join(parts[:2])


def uncovered(files: Mapping[str, Any]) -> Iterator[str]:
    """`file:line` of what signs or sends and is not taken."""
    for name, file in sorted(files.items()):
        if name.startswith(WHOLE):
            yield from (f"{name}:{line}" for line in file["missing_lines"])


def faults(total: Row, missing: list[str]) -> list[str]:
    """Why the keeper is covered too little, a line each."""
    found = []
    if total.line_percent < LEAST_LINES:
        found.append(f"{total.line_percent:.1f} % of the lines, less than {LEAST_LINES:g} %")
    if total.branch_percent < LEAST_BRANCHES:
        found.append(f"{total.branch_percent:.1f} % of the branches, less than {LEAST_BRANCHES:g} %")
    return found + [f"{line} signs or sends, and no test takes it" for line in missing]


def _sum(package: str, files: list[Any]) -> Row:
    of = [file["summary"] for file in files]
    return Row(
        package,
        sum(each["num_statements"] for each in of),
        sum(each["covered_lines"] for each in of),
        sum(each["num_branches"] for each in of),
        sum(each["covered_branches"] for each in of),
    )


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("tests", nargs="*", default=[path for path in TESTS if (ROOT / path).exists()])
    arguments = parser.parse_args()

    status, files = measure(arguments.tests)
    if not files:
        raise SystemExit("nothing was measured: look at the tests' output above")
    found = rows(files)
    wrong = faults(found[-1], list(uncovered(files)))
    if arguments.json:
        print(json.dumps({"rows": [asdict(row) for row in found], "faults": wrong}, indent=2))
    else:
        table = Table("package", "lines", "taken", "branches", "taken")
        for row in found:
            table.add_row(
                row.package,
                f"{row.lines:,d}",
                f"{row.line_percent:.1f} %",
                f"{row.branches:,d}",
                f"{row.branch_percent:.1f} %",
            )
        Console().print(table)
        for line in wrong:
            print(line, file=sys.stderr)
    raise SystemExit(1 if status or wrong else 0)


if __name__ == "__main__":
    main()
