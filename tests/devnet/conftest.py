"""One box for all tests of this folder; each test leaves it as it found it."""

from collections.abc import Iterator

import pytest

from devnet import market
from devnet.box import Box
from devnet.node import Node, up


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    with up() as running:
        yield running


@pytest.fixture
def box(node: Node) -> Iterator[Box]:
    client = Box(node.url)
    # The box ages while the tests of other folders run, and its feeds with it.
    market.refresh_feeds(client)
    snapshot = client.snapshot()
    yield client
    client.revert(snapshot)
