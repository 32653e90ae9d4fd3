"""One box for all tests of this folder; each test leaves it as it found it."""

from collections.abc import Iterator

import pytest

from devnet.box import Box
from devnet.node import Node, up


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    with up() as running:
        yield running


@pytest.fixture
def box(node: Node) -> Iterator[Box]:
    client = Box(node.url)
    snapshot = client.snapshot()
    yield client
    client.revert(snapshot)
