"""Format, lint, types and unit tests of the page, with the pinned tools: `uv run python scripts/check_page.py`."""

import subprocess
import sys
import tempfile
from pathlib import Path

from keeper.page import workbench
from keeper.toolchain import ensure_node, npm_environment

NAMES = ("package.json", "biome.json", "index.html", "tsconfig.json", "vite.config.ts", "public", "src", "tests")
COMMANDS = {
    "format and lint": ("@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."),
    "types": ("typescript/bin/tsc", "--noEmit"),
    "unit tests": ("vitest/vitest.mjs", "run", "--reporter=dot"),
}


def main() -> None:
    """Run them; exits with the status of the first that fails."""
    with tempfile.TemporaryDirectory() as folder:
        desk = workbench(Path(folder), NAMES, with_tools=True)
        for name, (script, *arguments) in COMMANDS.items():
            command = [str(ensure_node()), f"node_modules/{script}", *arguments]
            done = subprocess.run(command, cwd=desk, check=False, env=npm_environment(), text=True, capture_output=True)
            if done.returncode:
                print(f"{done.stdout}{done.stderr}\npage: {name} failed", file=sys.stderr)
                raise SystemExit(done.returncode)
        print("page: format, lint, types and unit tests")


if __name__ == "__main__":
    main()
