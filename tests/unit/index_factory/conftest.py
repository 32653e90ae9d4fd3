"""The factory, over the vault's creation code kept in two contracts."""

from typing import Any

import pytest
from eth_utils.crypto import keccak

MAX_CODE = 24_576 - 3  # bytes that one contract keeps after the preamble
TAIL = 6_144  # bytes, blueprint.MAX_TAIL
PREAMBLE = bytes.fromhex("fe7100")


def keep(chain: Any, deployer: Any, code: bytes) -> str:
    """Deploy a contract whose code is `code`; its address."""
    # PUSH2 size, RETURNDATASIZE, DUP2, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURN: the deployer of ERC-5202.
    initcode = b"\x61" + len(code).to_bytes(2, "big") + bytes.fromhex("3d81600a3d39f3") + code
    transaction = chain.provider.network.ecosystem.create_transaction(data=initcode)
    receipt = deployer.call(transaction)
    assert bytes(chain.provider.get_code(receipt.contract_address)) == code
    return str(receipt.contract_address)


def halves(creation_code: bytes) -> tuple[bytes, bytes, int]:
    """Head and filled-up tail with their preambles, and the size of the tail."""
    head, tail = creation_code[:MAX_CODE], creation_code[MAX_CODE:]
    return PREAMBLE + head, PREAMBLE + tail.ljust(TAIL, b"\0"), len(tail)


def create2(factory: Any, salt: bytes, initcode: bytes) -> str:
    """EIP-1014."""
    return "0x" + keccak(b"\xff" + bytes.fromhex(factory.address[2:]) + salt + keccak(initcode))[12:].hex()


@pytest.fixture(scope="session")
def creation_code(project: Any) -> bytes:
    return bytes(project.IndexVault.contract_type.get_deployment_bytecode())


@pytest.fixture(scope="session", autouse=True)
def factory(project: Any, chain: Any, accounts: Any, creation_code: bytes) -> Any:
    deployer = accounts[0]
    head, tail, size = halves(creation_code)
    return deployer.deploy(project.IndexFactory, keep(chain, deployer, head), keep(chain, deployer, tail), size)
