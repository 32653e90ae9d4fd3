"""The chain that the tests run on: ape's mainnet fork over the devnet, or over a real RPC.

Ape connects to `ethereum:mainnet-fork:foundry` when the tests are collected and forks from WEB3_PROVIDER_URI. Before that, this
file puts anvil on the PATH, starts the devnet and names it there. With EQUIPOISE_RPC_URL set, ape forks from that instead.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from devnet import anvil, node
from devnet.box import Box
from keeper import toolchain
from scripts.proofs.build import forget_stale

REAL_RPC = os.environ.get("EQUIPOISE_RPC_URL")

_root = Path(__file__).parent.parent
_started = ExitStack()


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
    _lighten_node(config)
    os.environ["PATH"] = os.pathsep.join((str(toolchain.tool_path()), os.environ["PATH"]))
    os.environ["WEB3_PROVIDER_URI"] = REAL_RPC or _started.enter_context(node.up()).url


def _lighten_node(config: pytest.Config) -> None:
    """Have ape's own node record no steps, unless a plugin wants them, and keep no old blocks: half of the tests' time.

    Nor does ape validate its settings anew for every request, which takes longer than the request.
    """
    from ape_foundry.provider import FoundryProvider

    command = FoundryProvider.build_command
    unwanted = () if config.pluginmanager.has_plugin("scripts.proofs.tracer") else ("--steps-tracing",)

    def lighter(self: Any) -> list[str]:
        return [word for word in command(self) if word not in unwanted] + [*anvil.SHORT_MEMORY]

    _started.enter_context(patch.object(FoundryProvider, "build_command", lighter))
    validate, known = FoundryProvider.settings.fget, {}

    def settings(self: Any) -> Any:
        key = id(self), repr(self.provider_settings)
        if key not in known:
            known[key] = self, validate(self)  # kept, so that no other gets its id
        return known[key][1]

    _started.enter_context(patch.object(FoundryProvider, "settings", property(settings)))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the devnet that this session started."""
    _started.close()


@pytest.fixture(scope="session")
def rpc_url(networks) -> str:
    """URL of the chain that ape runs the tests on: the fork, not what it forks from."""
    return str(networks.provider.http_uri)


@pytest.fixture
def box(rpc_url: str, chain) -> Iterator[Box]:
    """The devnet's helper on the tests' own fork; what it does is undone after the test."""
    with chain.isolate():
        yield Box(rpc_url)
