"""IndexFactory's constructor: both creation codes are kept as ERC-5202 has it."""

from typing import Any

import pytest

from unit.world import ZERO, World, deploy_code, revert

PREAMBLE = bytes.fromhex("fe7100")


def keep(world: World, code: bytes) -> str:
    """A contract whose code is `code`."""
    return deploy_code(world.deployer, b"\x61" + len(code).to_bytes(2, "big") + bytes.fromhex("3d81600a3d39f3") + code)


def test_constructor__blueprints__are_told_and_cannot_be_called(world: World, factory: Any) -> None:
    for address, contract in zip(
        factory.blueprints(), (world.project.IndexVault, world.project.Rebalancer), strict=True
    ):
        code = bytes(world.chain.provider.get_code(address))
        assert code == PREAMBLE + bytes(contract.contract_type.get_deployment_bytecode())


@pytest.mark.parametrize("code", [b"\x00" * 4, PREAMBLE, b""], ids=["another preamble", "nothing after it", "no code"])
@pytest.mark.parametrize("place", [0, 1])
def test_constructor__no_blueprint__reverts(world: World, factory: Any, place: int, code: bytes) -> None:
    blueprints = list(factory.blueprints())
    blueprints[place] = keep(world, code) if code else ZERO
    with revert("factory: no blueprint"):
        world.deployer.deploy(world.project.IndexFactory, *blueprints)
