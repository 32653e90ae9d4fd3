"""A pytest plugin that lets the tests run on contracts compiled at another level of the optimiser.

CONTRACTS_LEVEL=none ape test tests/unit/index_vault -p scripts.proofs.at_level

The code size limit of the node is lifted. Tests of sizes, and of what is built from bytecode of a certain size (the factory),
say nothing here.
"""

import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from scripts.proofs.branches import compile_source

LEVELS = ("gas", "codesize", "none")


def pytest_configure(config: pytest.Config) -> None:
    """Before ape starts its node.

    Raises:
        pytest.UsageError: CONTRACTS_LEVEL names no level.
    """
    from ape_foundry.provider import FoundryProvider

    if os.environ.get("CONTRACTS_LEVEL") not in LEVELS:
        raise pytest.UsageError(f"set CONTRACTS_LEVEL to one of {', '.join(LEVELS)}")
    command = FoundryProvider.build_command

    def unlimited(self: Any) -> list[str]:
        return [*command(self), "--disable-code-size-limit"]

    patch.object(FoundryProvider, "build_command", unlimited).start()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Before the first fixture, after ape's cache is known to be fresh."""
    import ape

    root = Path(ape.project.path)
    # ape compiles what is missing when it lists the contracts.
    for container in list(ape.project.contracts.values()):
        contract = container.contract_type
        data = compile_source(root, root / contract.source_id, os.environ["CONTRACTS_LEVEL"])
        stored = ape.project.manifest.contract_types[contract.name]
        stored.deployment_bytecode.bytecode = "0x" + data.bytecode.hex()
        stored.runtime_bytecode.bytecode = "0x" + data.bytecode_runtime.hex()
