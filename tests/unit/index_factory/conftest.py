"""The factory, over the blueprints of vault and rebalancer."""

from typing import Any

import pytest
from eth_utils.crypto import keccak

from unit.world import World, deploy_blueprint


def create2(factory: Any, salt: bytes, initcode: bytes) -> str:
    """EIP-1014."""
    return "0x" + keccak(b"\xff" + bytes.fromhex(factory.address[2:]) + salt + keccak(initcode))[12:].hex()


@pytest.fixture(scope="session", autouse=True)
def factory(project: Any, world: World) -> Any:
    vault = deploy_blueprint(world.deployer, project.IndexVault)
    return world.deployer.deploy(project.IndexFactory, vault, world.blueprint)
