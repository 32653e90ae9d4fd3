"""A devnet for this folder, with a vault on it that is due."""

from collections.abc import Iterator

import pytest

from chaos.desk import Desk, standing
from chaos.stage import Stage, staged


@pytest.fixture(scope="session")
def due(tmp_path_factory) -> Iterator[Desk]:
    """A desk whose vault is out of its band, and whose pools let it be filled at once."""
    with standing(tmp_path_factory.mktemp("chaos")) as desk:
        desk.drift()
        yield desk


@pytest.fixture
def stage(due, tmp_path) -> Iterator[Stage]:
    """A keeper's place before it; what happens to the chain is undone."""
    with staged(due, tmp_path) as found:
        yield found
