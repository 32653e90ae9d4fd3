"""The chain that the tests run on: ape's mainnet fork over the devnet, or over a real RPC.

Ape connects to `ethereum:mainnet-fork:foundry` when the tests are collected and forks from WEB3_PROVIDER_URI. Before that, this
file puts anvil on the PATH, starts the devnet and names it there. With EQUIPOISE_RPC_URL set, ape forks from that instead.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from lean_ape import lean

from devnet import node
from devnet.box import Box
from keeper import toolchain
from scripts.proofs.build import forget_stale

REAL_RPC = os.environ.get("EQUIPOISE_RPC_URL")

_root = Path(__file__).parent.parent
_started = ExitStack()
_LONG = ("browser", "chaos", "benchmarks", "keeper/execution", "keeper/services", "keeper/api", "keeper/report")


def pytest_configure(config: pytest.Config) -> None:
    """Start what ape forks from. Runs before collection, at whose end ape connects.

    With `-n`, every worker has a devnet and a chain of its own; the process that starts them compiles the contracts before.
    """
    is_worker = hasattr(config, "workerinput")
    if not is_worker:
        forget_stale(_root)
    if config.getoption("numprocesses", None) and not is_worker:
        subprocess.run(["ape", "compile"], cwd=_root, check=True, stdout=subprocess.DEVNULL)
        return
    _started.enter_context(lean(records_steps=config.pluginmanager.has_plugin("scripts.proofs.tracer")))
    os.environ["PATH"] = os.pathsep.join((str(toolchain.tool_path()), os.environ["PATH"]))
    os.environ["WEB3_PROVIDER_URI"] = REAL_RPC or _started.enter_context(node.up()).url


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the devnet that this session started."""
    _started.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folders with long files first, so that no half of the suite is left with one when the other has ended."""
    tests = _root / "tests"
    items.sort(key=lambda item: item.path.relative_to(tests).parent.as_posix() not in _LONG)


@pytest.fixture(scope="session")
def rpc_url(networks) -> str:
    """URL of the chain that ape runs the tests on: the fork, not what it forks from."""
    return str(networks.provider.http_uri)


@pytest.fixture
def box(rpc_url: str, chain) -> Iterator[Box]:
    """The devnet's helper on the tests' own fork; what it does is undone after the test."""
    with chain.isolate():
        yield Box(rpc_url)
