"""The people and the worlds of the unit tests.

Worlds are built once per session, before the first test. What a module's or a test's fixture adds to one is undone by ape
at the end of that module or test.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from unit.world import ODD, SIX_EIGHT_EIGHTEEN, ZERO_AND_TWENTY_SEVEN, AssetPlan, Terms, World, people, plain_errors


@pytest.fixture(scope="session", autouse=True)
def terse(rpc_url: str) -> Iterator[None]:
    """Reverts are told by their reason alone."""
    with plain_errors():
        yield


@pytest.fixture(scope="package", autouse=True)
def still(rpc_url: str, chain: Any) -> Iterator[None]:
    """Time passes only where a test says so: every block takes the time of the one before, however slow the machine is."""
    chain.provider.make_request("anvil_setBlockTimestampInterval", [0])
    yield
    chain.provider.make_request("anvil_removeBlockTimestampInterval", [])


@pytest.fixture(scope="session")
def build(project: Any, chain: Any, accounts: Any) -> Any:
    """Builds a world over a plan of assets."""

    def built(plans: tuple[AssetPlan, ...], terms: Terms | None = None) -> World:
        return World(project, chain, plans, terms or Terms(), **people(accounts)).build()

    return built


@pytest.fixture(scope="session", autouse=True)
def world(build: Any) -> World:
    """USD, BTC and ETH at 50, 25 and 25 %, with 6, 8 and 18 decimals; nothing minted."""
    return build(SIX_EIGHT_EIGHTEEN)


@pytest.fixture(scope="session", autouse=True)
def odd_world(build: Any) -> World:
    """Tokens that misbehave when told to; nothing minted."""
    return build(ODD)


@pytest.fixture(scope="session", autouse=True)
def extreme_world(build: Any) -> World:
    """Tokens of 0, 27 and 6 decimals; nothing minted."""
    return build(ZERO_AND_TWENTY_SEVEN)


@pytest.fixture(params=["6, 8 and 18", "0, 27 and 6"])
def any_world(request: pytest.FixtureRequest, world: World, extreme_world: World) -> World:
    """Every world of plain tokens in turn, by its decimals."""
    return world if request.param == "6, 8 and 18" else extreme_world
