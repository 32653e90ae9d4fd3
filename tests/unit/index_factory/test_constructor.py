"""IndexFactory's constructor: head and tail of the creation code are what they should be."""

from typing import Any

import pytest

from unit.index_factory.conftest import MAX_CODE, PREAMBLE, TAIL, halves, keep
from unit.world import World, revert


def test_constructor__head_and_tail__are_told_and_cannot_be_called(
    world: World, factory: Any, creation_code: bytes
) -> None:
    head, tail, size = factory.creation_code()
    codes = [bytes(world.chain.provider.get_code(address)) for address in (head, tail)]
    assert codes[0][3:] + codes[1][3 : 3 + size] == creation_code
    assert [code[:3] for code in codes] == [PREAMBLE] * 2
    assert len(creation_code) <= MAX_CODE + TAIL


@pytest.mark.parametrize(
    ("index", "code"), [(0, b"\x00" * 4), (0, PREAMBLE), (1, PREAMBLE + b"\0" * (TAIL - 1)), (1, b"\0" * (TAIL + 3))]
)
def test_constructor__no_blueprint__reverts(world: World, creation_code: bytes, index: int, code: bytes) -> None:
    *parts, size = halves(creation_code)
    parts[index] = code
    kept = [keep(world.chain, world.deployer, part) for part in parts]
    with revert(("blueprint: bad head", "blueprint: bad tail")[index]):
        world.deployer.deploy(world.project.IndexFactory, *kept, size)


def test_constructor__more_tail_than_fits__reverts(world: World, factory: Any) -> None:
    head, tail, _ = factory.creation_code()
    with revert("blueprint: bad size"):
        world.deployer.deploy(world.project.IndexFactory, head, tail, TAIL + 1)
    world.deployer.deploy(world.project.IndexFactory, head, tail, TAIL)
