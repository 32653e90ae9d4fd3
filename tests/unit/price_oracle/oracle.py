"""What the oracle's tests share: a fresh asset, and all three views asked at once."""

from typing import Any

from unit.world import World, bad_price, fault

DAY = 86400
MOST = 2**128 - 1


def new_token(world: World, decimals: int = 18) -> Any:
    """A token that the oracle does not know."""
    return world.deployer.deploy(world.project.Token, "NEW", decimals)


def new_feed(world: World, decimals: int, answer: int) -> Any:
    """A feed that answers `answer`, dated now."""
    return world.deployer.deploy(world.project.Feed, decimals, answer)


def refuses(oracle: Any, asset: Any, name: str) -> None:
    """All three views agree on why."""
    assert oracle.fault(asset) == fault(name)
    with bad_price(asset, name):
        oracle.price(asset)
    with bad_price(asset, name):
        oracle.prices([asset])


def believes(oracle: Any, asset: Any, price: int) -> None:
    """All three views agree on the price, WAD."""
    assert oracle.fault(asset) == 0
    assert oracle.price(asset) == price
    assert list(oracle.prices([asset])) == [price]
