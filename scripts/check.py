"""Everything that has to hold before a change lands: format, lint, types, warnings and sizes of the contracts, then the tests.

`uv run python scripts/check.py` runs all of it, `--no-tests` all but the tests. It stops at the first step that fails.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts"
DEPLOYABLE = sorted(CONTRACTS.glob("*.vy"))
SIZE_LIMIT = 24_576  # bytes of runtime code, EIP-170
SPARE = 2_000  # bytes that stay free for whoever comes next
LINE_LENGTH = "120"

# natrix: argument names carry no underscore here (NTX11), and its view rule does not see calls to tokens (NTX4).
NATRIX = ["--disable", "NTX11", "NTX4", "--rule-config", "MemoryExpansion.max_frame_size=80000"]


def run(name: str, *command: str) -> None:
    """Run one step; exits with its status when it fails."""
    start = time.monotonic()
    print(f"== {name}", flush=True)
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if status:
        print(f"== {name}: failed: {' '.join(command)}", file=sys.stderr)
        raise SystemExit(status)
    print(f"   {time.monotonic() - start:.1f} s", flush=True)


def formattable() -> list[str]:
    """Vyper files that mamushi can read: its grammar has no `flag`."""
    return [str(path) for path in sorted(CONTRACTS.rglob("*.vy*")) if "\nflag " not in path.read_text()]


def check_sizes() -> None:
    """Compile what is deployed with warnings as errors and print its size: the runtime code and the immutables behind it."""
    for path in DEPLOYABLE:
        command = ["vyper", "-p", ".", "-W", "error", "-f", "bytecode_runtime,layout", str(path.relative_to(ROOT))]
        compiled = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        if compiled.returncode:
            print(compiled.stderr, file=sys.stderr)
            raise SystemExit(f"{path.name}: does not compile without warnings")
        runtime, layout = compiled.stdout.strip().splitlines()
        size = len(runtime.removeprefix("0x")) // 2 + immutables(json.loads(layout).get("code_layout", {}))
        print(f"   {path.stem:15s} {size:6,d} bytes, {SIZE_LIMIT - size:6,d} left")
        if size > SIZE_LIMIT - SPARE:
            raise SystemExit(f"{path.name}: over {SIZE_LIMIT - SPARE} bytes, which leaves {SPARE} to spare")


def immutables(layout: dict[str, Any]) -> int:
    """Bytes of immutables in a code layout, modules included."""
    if "length" in layout and "offset" in layout:
        return int(layout["length"])
    return sum(immutables(inner) for inner in layout.values())


def main() -> None:
    """Run the steps in the order of their speed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-tests", action="store_true", help="leave the tests out")
    arguments = parser.parse_args()

    run("Python format", "ruff", "format", "--check", ".")
    run("Python lint", "ruff", "check", ".")
    run("Python types", "mypy")
    run("Vyper format", "mamushi", "--check", "--line-length", LINE_LENGTH, *formattable())
    run("Vyper lint", "natrix", "lint", *map(str, DEPLOYABLE), *NATRIX)
    print("== Vyper warnings and sizes", flush=True)
    check_sizes()
    if not arguments.no_tests:
        # Two halves at once, each on a chain of its own; a file stays together, because its fixtures do.
        run("Tests", "ape", "test", "-n", "2", "--dist", "loadfile")


if __name__ == "__main__":
    main()
