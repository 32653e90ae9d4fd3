"""Solidity compilers out of npm, driven through their standard JSON input.

The compiler is one JavaScript file; it is called directly, so that none of the npm package's own dependencies is installed.
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from devnet.packages import SOLC, read
from keeper.errors import ToolchainError
from keeper.toolchain import ensure_node

# Two generations of entry points: `compileStandard(input, 0)` up to 0.4, `solidity_compile(input, 0, 0)` since 0.5.
_SCRIPT = """
const solc = require(process.argv[1]);
const input = require('fs').readFileSync(0, 'utf8');
const modern = typeof solc._solidity_compile === 'function';
const compile = modern
  ? solc.cwrap('solidity_compile', 'string', ['string', 'number', 'number'])
  : solc.cwrap('compileStandard', 'string', ['string', 'number']);
process.stdout.write(modern ? compile(input, 0, 0) : compile(input, 0));
"""


@dataclass(frozen=True, slots=True)
class Job:
    """What to compile, with which release and settings, and which contracts to keep."""

    solc: str
    sources: Mapping[str, str]
    contracts: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


def compile_solidity(job: Job) -> dict[str, str]:
    """Creation code by contract name, hexadecimal without prefix.

    Raises:
        ToolchainError: the compiler cannot be fetched, or the sources do not compile; the message is the compiler's own.
    """
    request = {
        "language": "Solidity",
        "sources": {path: {"content": text} for path, text in job.sources.items()},
        "settings": {**job.settings, "outputSelection": {"*": {"*": ["evm.bytecode.object"]}}},
    }
    with TemporaryDirectory() as folder:
        soljson = Path(folder) / "soljson.js"
        soljson.write_bytes(read(SOLC[job.solc], ["soljson.js"])["soljson.js"])
        done = subprocess.run(
            [str(ensure_node()), "--max-old-space-size=4096", "-e", _SCRIPT, str(soljson)],
            check=False,
            input=json.dumps(request),
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise ToolchainError(f"solc {job.solc} ended with code {done.returncode}: {done.stderr.strip()[-200:]}")
    answer = json.loads(done.stdout)
    errors = [e["formattedMessage"].strip() for e in answer.get("errors", ()) if e["severity"] == "error"]
    if errors:
        raise ToolchainError(f"solc {job.solc}: {errors[0]}")
    units = [(name, unit) for file in answer["contracts"].values() for name, unit in file.items()]
    return {name: unit["evm"]["bytecode"]["object"] for name, unit in units if name in job.contracts}
