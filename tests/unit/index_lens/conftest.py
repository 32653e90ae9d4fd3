"""The lens; it has no state, so one is enough."""

from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def lens(project: Any, accounts: Any) -> Any:
    return accounts[0].deploy(project.IndexLens)
