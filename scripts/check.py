"""Everything that has to hold before a change lands: format, lint, types, warnings and sizes of the contracts, the page's
own checks, then the tests.

`uv run python scripts/check.py` runs all of it, `--no-tests` all but the tests. Two checks run at once, and each says when it
ends and how long it took. The first that fails is the last: its output and status are those of this command.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts"
DEPLOYABLE = sorted(CONTRACTS.glob("*.vy"))
SIZE_LIMIT = 24_576  # bytes of runtime code, EIP-170
SPARE = 2_000  # bytes that stay free for whoever comes next
LINE_LENGTH = "120"
AT_ONCE = 2

# Without `--safe false` mamushi proves of each file that formatting keeps its meaning, which takes twice as long as the rest
# and says nothing of a file that it leaves as it is.
MAMUSHI = ["mamushi", "--check", "--safe", "false", "--line-length", LINE_LENGTH]
# natrix: argument names carry no underscore here (NTX11), and its view rule does not see calls to tokens (NTX4).
NATRIX = ["--disable", "NTX11", "NTX4", "--rule-config", "MemoryExpansion.max_frame_size=80000"]

Check = Callable[[], tuple[int, str]]  # status and output


def command(*words: str) -> Check:
    """A command whose status tells whether it went well."""

    def check() -> tuple[int, str]:
        done = subprocess.run(words, cwd=ROOT, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout if not done.returncode else f"{done.stdout}{' '.join(words)}"

    return check


def size(path: Path) -> Check:
    """Compile what is deployed with warnings as errors; its size is the runtime code and the immutables behind it."""

    def check() -> tuple[int, str]:
        words = ["vyper", "-p", ".", "-W", "error", "-f", "bytecode_runtime,layout", str(path.relative_to(ROOT))]
        compiled = subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True)
        if compiled.returncode:
            return compiled.returncode, f"{compiled.stderr}{path.name}: does not compile without warnings"
        runtime, layout = compiled.stdout.strip().splitlines()
        bytes_ = len(runtime.removeprefix("0x")) // 2 + immutables(json.loads(layout).get("code_layout", {}))
        if bytes_ > SIZE_LIMIT - SPARE:
            return 1, f"{path.name}: {bytes_:,d} bytes, over the {SIZE_LIMIT - SPARE:,d} that leave {SPARE:,d} to spare"
        return 0, f"{bytes_:,d} bytes, {SIZE_LIMIT - bytes_:,d} left"

    return check


def immutables(layout: dict[str, Any]) -> int:
    """Bytes of immutables in a code layout, modules included."""
    if "length" in layout and "offset" in layout:
        return int(layout["length"])
    return sum(immutables(inner) for inner in layout.values())


def formattable() -> list[str]:
    """Vyper files that mamushi can read: its grammar has no `flag`."""
    return [str(path) for path in sorted(CONTRACTS.rglob("*.vy*")) if "\nflag " not in path.read_text()]


def checks() -> dict[str, Check]:
    """All but the tests by name. The fast ones come first, and last the one that takes every core by itself."""
    return {
        "Python format": command("ruff", "format", "--check", "."),
        "Python lint": command("ruff", "check", "."),
        "Vyper lint": command("natrix", "lint", *map(str, DEPLOYABLE), *NATRIX),
        "Python types": command("mypy"),
        "Page": command("python", "scripts/check_page.py"),
        **{f"Warnings and size of {path.stem}": size(path) for path in DEPLOYABLE},
        "Vyper format": command(*MAMUSHI, *formattable()),
    }


def timed(check: Check) -> tuple[int, str, float]:
    """Status, output, and how long it took in s."""
    start = time.monotonic()
    status, output = check()
    return status, output, time.monotonic() - start


def run(named: dict[str, Check]) -> None:
    """Run checks, some at once; exits with the status of the first that fails, once those that run beside it have ended."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        names = {pool.submit(timed, check): name for name, check in named.items()}
        for done in as_completed(names):
            status, output, seconds = done.result()
            if status:
                pool.shutdown(wait=False, cancel_futures=True)
                print(f"{output}\n{names[done]}: failed, exit status {status}", file=sys.stderr, flush=True)
                raise SystemExit(status)
            *_, last = output.strip().split("\n")
            print(f"{seconds:6.1f} s  {names[done]}: {last}", flush=True)


def main() -> None:
    """Run the checks, then the tests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-tests", action="store_true", help="leave the tests out")
    arguments = parser.parse_args()

    run(checks())
    if not arguments.no_tests:
        # Two halves at once, each on a chain of its own. A file stays together, because its fixtures do; tests/conftest.py says
        # which come first.
        words = ["ape", "test", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
        raise SystemExit(subprocess.run(words, cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
