"""What is deployed fits into a contract, with the bytecode that is deployed."""

from pathlib import Path
from typing import Any

import pytest

LIMIT = 24_576  # bytes of runtime code, EIP-170
INITCODE_LIMIT = 49_152  # bytes of creation code, EIP-3860
DEPLOYABLES = sorted(path.stem for path in (Path(__file__).parents[2] / "contracts").glob("*.vy"))


def test_deployables__are_the_ones_known(project: Any) -> None:
    assert {"IndexVault", "PriceOracle", "RouteExecutor"} <= set(DEPLOYABLES)


@pytest.mark.parametrize("name", DEPLOYABLES)
def test_deployable__compiled__fits(project: Any, name: str) -> None:
    contract = getattr(project, name).contract_type
    assert 0 < len(contract.get_runtime_bytecode()) < LIMIT
    assert 0 < len(contract.get_deployment_bytecode()) < INITCODE_LIMIT
