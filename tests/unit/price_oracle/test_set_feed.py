"""PriceOracle.set_feed, its constructor and its owner."""

from typing import Any

import pytest

from unit.world import WAD, ZERO, World, revert

WEEK = 7 * 86400
MAX = 2**128 - 1
BTC = 1


def terms(world: World, **overrides: Any) -> tuple[Any, ...]:
    """IPriceOracle.Feed of BTC with fields changed."""
    honest = {
        "asset": world.tokens[BTC], "feed": world.feeds[BTC], "max_age": 3600, "min_price": WAD, "max_price": 2 * WAD
    }  # fmt: skip
    return tuple((honest | overrides).values())


def told(feed: Any) -> tuple[Any, ...]:
    """IPriceOracle.Feed with plain addresses in lower case, as events carry them."""
    asset, proxy, *rest = feed
    return *(getattr(account, "address", account).lower() for account in (asset, proxy)), *rest


REFUSED = [
    ({"asset": ZERO}, "oracle: no asset"),
    ({"feed": ZERO}, "oracle: feed has no code"),
    ({"feed": "0x" + "11" * 20}, "oracle: feed has no code"),
    ({"max_age": 0}, "oracle: bad maximum age"),
    ({"max_age": WEEK + 1}, "oracle: bad maximum age"),
    ({"max_age": 2**88}, "oracle: bad maximum age"),
    ({"min_price": 0}, "oracle: bad bounds"),
    ({"min_price": 2 * WAD}, "oracle: bad bounds"),
    ({"min_price": 2 * WAD + 1}, "oracle: bad bounds"),
    ({"max_price": MAX + 1}, "oracle: bad bounds"),
]


@pytest.mark.parametrize(("overrides", "reason"), REFUSED, ids=str)
def test_set_feed__out_of_range__reverts(world: World, overrides: dict[str, Any], reason: str) -> None:
    before = tuple(world.oracle.feed(world.tokens[BTC]))
    with revert(reason):
        world.oracle.set_feed(terms(world, **overrides), sender=world.owner)
    assert tuple(world.oracle.feed(world.tokens[BTC])) == before


def test_set_feed__more_than_18_decimals__reverts(world: World) -> None:
    feed = world.deployer.deploy(world.project.Feed, 19, 1)
    with revert("oracle: too many decimals"):
        world.oracle.set_feed(terms(world, feed=feed), sender=world.owner)


@pytest.mark.parametrize(
    "overrides",
    [
        {"max_age": 1, "min_price": 1, "max_price": 2},
        {"max_age": WEEK, "min_price": MAX - 1, "max_price": MAX},
    ],
    ids=["least", "most"],
)
def test_set_feed__at_the_edge__stored_whole_and_logged_with_the_old_one(
    world: World, overrides: dict[str, Any]
) -> None:
    old, new = tuple(world.oracle.feed(world.tokens[BTC])), terms(world, **overrides)
    receipt = world.oracle.set_feed(new, sender=world.owner)
    assert tuple(world.oracle.feed(world.tokens[BTC])) == new
    event = receipt.events.filter(world.oracle.FeedChanged)[0]
    assert event.asset == world.tokens[BTC]
    assert (told(event.old_feed), told(event.new_feed)) == (told(old), told(new))


def test_set_feed__new_asset__old_one_in_the_log_is_all_zero(world: World) -> None:
    token = world.deployer.deploy(world.project.Token, "NEW", 18)
    receipt = world.oracle.set_feed(terms(world, asset=token), sender=world.owner)
    event = receipt.events.filter(world.oracle.FeedChanged)[0]
    assert told(event.old_feed) == (ZERO, ZERO, 0, 0, 0)


def test_set_feed__one_asset__leaves_the_others(world: World) -> None:
    others = [tuple(world.oracle.feed(world.tokens[index])) for index in (0, 2)]
    world.oracle.set_feed(terms(world, max_age=WEEK, max_price=MAX), sender=world.owner)
    assert [tuple(world.oracle.feed(world.tokens[index])) for index in (0, 2)] == others


@pytest.mark.parametrize("role", ["deployer", "guardian", "attacker"])
def test_set_feed__by_anybody_but_the_owner__reverts(world: World, role: str) -> None:
    with revert("ownable: caller is not the owner"):
        world.oracle.set_feed(terms(world), sender=getattr(world, role))


def test_ownership__handed_over__in_two_steps(world: World) -> None:
    oracle = world.oracle
    with revert("ownable: caller is not the owner"):
        oracle.transfer_ownership(world.attacker, sender=world.attacker)
    oracle.transfer_ownership(world.stranger, sender=world.owner)
    assert (oracle.owner(), oracle.pending_owner()) == (world.owner, world.stranger)
    with revert("ownable_2step: caller is not the new owner"):
        oracle.accept_ownership(sender=world.attacker)
    oracle.accept_ownership(sender=world.stranger)
    assert oracle.owner() == world.stranger
    with revert("ownable: caller is not the owner"):
        oracle.set_feed(terms(world), sender=world.owner)


def test_constructor__no_owner__reverts(world: World) -> None:
    with revert("oracle: no owner"):
        world.deployer.deploy(world.project.PriceOracle, ZERO, [])


def test_constructor__a_feed_out_of_range__reverts(world: World) -> None:
    with revert("oracle: bad bounds"):
        world.deployer.deploy(world.project.PriceOracle, world.owner, [terms(world), terms(world, min_price=0)])


def test_constructor__deployer__keeps_no_power(world: World) -> None:
    oracle = world.deployer.deploy(world.project.PriceOracle, world.owner, [])
    assert oracle.owner() == world.owner
    with revert("ownable: caller is not the owner"):
        oracle.set_feed(terms(world), sender=world.deployer)
