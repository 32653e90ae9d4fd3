"""PriceOracle.price, prices and fault: every reason not to believe a feed, at its edge."""

from typing import Any

import pytest

from unit.world import WAD, ZERO, World, bad_price, fault

DAY = 86400
USD, BTC, ETH = range(3)


def refuses(world: World, index: int, name: str) -> None:
    """All three views agree on why."""
    token = world.tokens[index]
    assert world.oracle.fault(token) == fault(name)
    with bad_price(token, name):
        world.oracle.price(token)
    with bad_price(token, name):
        world.oracle.prices(world.tokens)


def believes(world: World, index: int, price: int) -> None:
    """All three views agree on the price."""
    token = world.tokens[index]
    assert world.oracle.fault(token) == 0
    assert world.oracle.price(token) == price
    assert list(world.oracle.prices(world.tokens))[index] == price


def test_prices__in_the_order_asked__repeats_and_nothing_included(world: World) -> None:
    usd, btc, eth = world.tokens
    assert list(world.oracle.prices([eth, usd, btc, eth])) == [3_000 * WAD, WAD, 90_000 * WAD, 3_000 * WAD]
    assert list(world.oracle.prices([])) == []


def test_prices__several_bad__names_the_first(world: World) -> None:
    world.feeds[ETH].set_dead(True, sender=world.deployer)
    world.set_price(BTC, 0)
    with bad_price(world.tokens[BTC], "NOT_POSITIVE"):
        world.oracle.prices(world.tokens)
    with bad_price(world.tokens[ETH], "CALL_FAILED"):
        world.oracle.prices([world.tokens[ETH], world.tokens[BTC]])


def test_price__no_feed__is_refused(world: World) -> None:
    for asset in (world.stranger, world.vault):
        assert world.oracle.fault(asset) == fault("NO_FEED")
        with bad_price(asset, "NO_FEED"):
            world.oracle.price(asset)
    assert world.oracle.fault(ZERO) == fault("NO_FEED")


def test_price__feed_reverts__is_refused(world: World) -> None:
    world.feeds[BTC].set_dead(True, sender=world.deployer)
    refuses(world, BTC, "CALL_FAILED")


def test_price__feed_answers_too_little__is_refused(world: World) -> None:
    feed = world.deployer.deploy(world.project.ShortFeed)
    world.oracle.set_feed((world.tokens[BTC], feed, DAY, 1, 100 * WAD), sender=world.owner)
    refuses(world, BTC, "CALL_FAILED")


def test_price__feed_lost_its_code__is_refused(world: World) -> None:
    world.chain.provider.set_code(world.feeds[BTC].address, b"")
    refuses(world, BTC, "CALL_FAILED")


@pytest.mark.parametrize("answer", [0, -1, -(2**255)])
def test_price__answer_not_positive__is_refused(world: World, answer: int) -> None:
    world.feeds[BTC].set_answer(answer, sender=world.deployer)
    refuses(world, BTC, "NOT_POSITIVE")


def test_price__at_its_maximum_age__is_believed_and_a_second_later_refused(world: World) -> None:
    now = world.chain.pending_timestamp + 2 * DAY
    world.at(now)
    world.refresh()
    world.set_round(BTC, 90_000 * WAD, now + 10 - DAY)
    world.at(now + 10)
    world.chain.mine()
    believes(world, BTC, 90_000 * WAD)
    world.at(now + 11)
    world.chain.mine()
    refuses(world, BTC, "STALE")


@pytest.mark.parametrize("updated_at", [0, 2**64, 2**256 - 1])
def test_price__not_dated_or_far_in_the_future__is_refused(world: World, updated_at: int) -> None:
    world.set_round(BTC, 90_000 * WAD, updated_at)
    refuses(world, BTC, "IN_FUTURE")


def test_price__dated_now__is_believed_and_a_second_ahead_refused(world: World) -> None:
    now = world.chain.pending_timestamp + 10
    world.at(now)
    world.set_round(BTC, 90_000 * WAD, now)
    believes(world, BTC, 90_000 * WAD)
    world.at(now + 1)
    world.set_round(BTC, 90_000 * WAD, now + 2)
    refuses(world, BTC, "IN_FUTURE")


def test_price__at_its_bounds__is_believed_and_a_tick_beyond_refused(world: World) -> None:
    _, _, _, least, most = world.oracle.feed(world.tokens[BTC])
    assert (least, most) == (900 * WAD, 9_000_000 * WAD)
    tick = 10**10
    for price in (least, most):
        world.set_price(BTC, price)
        believes(world, BTC, price)
    world.set_price(BTC, least - tick)
    refuses(world, BTC, "BELOW_MINIMUM")
    world.set_price(BTC, most + tick)
    refuses(world, BTC, "ABOVE_MAXIMUM")


def test_price__absurd_answer__is_a_fault_and_no_overflow(world: World) -> None:
    world.feeds[BTC].set_answer(2**255 - 1, sender=world.deployer)
    refuses(world, BTC, "ABOVE_MAXIMUM")


@pytest.mark.parametrize("decimals", [0, 1, 6, 8, 17, 18])
def test_price__feed_of_any_decimals__is_scaled_to_wad(world: World, decimals: int) -> None:
    feed = world.deployer.deploy(world.project.Feed, decimals, 7 * 10**decimals)
    world.oracle.set_feed((world.tokens[BTC], feed, DAY, 7 * WAD, 7 * WAD + 1), sender=world.owner)
    believes(world, BTC, 7 * WAD)
    # Seven is the lower bound and the last whole tick under the upper one.
    feed.set_answer(7 * 10**decimals - 1, sender=world.deployer)
    refuses(world, BTC, "BELOW_MINIMUM")
    feed.set_answer(7 * 10**decimals + (2 if decimals == 18 else 1), sender=world.deployer)
    refuses(world, BTC, "ABOVE_MAXIMUM")


def test_price__decimals_changed_later__pinned_ones_count(world: World) -> None:
    feed = world.feeds[BTC]
    other = world.deployer.deploy(world.project.Feed, 18, 1)
    code = world.chain.provider.get_code(other.address)
    world.chain.provider.set_code(feed.address, code)
    assert world.oracle.price(world.tokens[BTC]) == 90_000 * WAD


def test_feed__set__is_told_back_and_absent_is_all_zero(world: World) -> None:
    token, feed = world.tokens[BTC], world.feeds[BTC]
    assert tuple(world.oracle.feed(token)) == (token, feed, DAY, 900 * WAD, 9_000_000 * WAD)
    assert tuple(world.oracle.feed(world.stranger)) == (ZERO, ZERO, 0, 0, 0)


def test_views__abi__has_no_other_way_to_a_price(world: World) -> None:
    views: set[Any] = {abi.name for abi in world.oracle.contract_type.view_methods}
    settings = {"feed", "quote", "wrapper", "cross_check", "sequencer", "owner", "pending_owner"}
    assert views == {"price", "prices", "fault"} | settings
