"""PriceOracle.set_sequencer: no price while the chain's sequencer is down, or has just come back."""

from typing import Any

import pytest

from unit.price_oracle.oracle import DAY, believes, new_feed, new_token, refuses
from unit.world import WAD, ZERO, World, bad_price, revert

GRACE = 3600
LISTED = 50  # PriceOracle.MAX_LISTED


@pytest.fixture
def uptime(world: World) -> Any:
    """A sequencer that has been up for a day, watched by the oracle."""
    feed = world.deployer.deploy(world.project.UptimeFeed)
    feed.set_status(0, world.chain.pending_timestamp - DAY, sender=world.deployer)
    world.oracle.set_sequencer(feed, GRACE, sender=world.owner)
    return feed


def test_price__sequencer_up__is_believed(world: World, uptime: Any) -> None:
    assert list(world.oracle.prices(world.tokens)) == [WAD, 90_000 * WAD, 3_000 * WAD]
    for token, price in zip(world.tokens, (WAD, 90_000 * WAD, 3_000 * WAD), strict=True):
        believes(world.oracle, token, price)


@pytest.mark.parametrize("answer", [1, 2, -1])
def test_price__sequencer_down__is_refused(world: World, uptime: Any, answer: int) -> None:
    uptime.set_status(answer, 1, sender=world.deployer)
    for token in world.tokens:
        refuses(world.oracle, token, "SEQUENCER_DOWN")
    with bad_price(world.tokens[2], "SEQUENCER_DOWN"):
        world.oracle.prices(world.tokens[::-1])


@pytest.mark.parametrize("started_at", [0, 2**64, 2**256 - 1])
def test_price__sequencer_start_not_dated_or_in_the_future__is_refused(
    world: World, uptime: Any, started_at: int
) -> None:
    uptime.set_status(0, started_at, sender=world.deployer)
    refuses(world.oracle, world.tokens[0], "SEQUENCER_DOWN")


def test_price__sequencer_feed_dead_or_without_code__is_refused(world: World, uptime: Any) -> None:
    uptime.set_dead(True, sender=world.deployer)
    refuses(world.oracle, world.tokens[0], "SEQUENCER_DOWN")
    world.chain.provider.set_code(uptime.address, b"")
    refuses(world.oracle, world.tokens[0], "SEQUENCER_DOWN")


def test_price__grace_period__is_over_a_second_after_it(world: World, uptime: Any) -> None:
    now = world.chain.pending_timestamp + 10
    world.at(now)
    uptime.set_status(0, now, sender=world.deployer)
    refuses(world.oracle, world.tokens[0], "SEQUENCER_DOWN")
    world.at(now + GRACE)
    world.chain.mine()
    refuses(world.oracle, world.tokens[0], "SEQUENCER_DOWN")
    world.at(now + GRACE + 1)
    world.chain.mine()
    believes(world.oracle, world.tokens[0], WAD)


def test_price__feed_set_after_the_sequencer__asks_it_too(world: World, uptime: Any) -> None:
    token, feed = new_token(world), new_feed(world, 8, 10**8)
    world.oracle.set_feed((token, feed, DAY, 1, 2 * WAD), sender=world.owner)
    believes(world.oracle, token, WAD)
    uptime.set_status(1, 1, sender=world.deployer)
    refuses(world.oracle, token, "SEQUENCER_DOWN")


def test_redeem__sequencer_down__still_pays(world: World, uptime: Any) -> None:
    world.mint(world.depositor, 10 * WAD)
    uptime.set_status(1, 1, sender=world.deployer)
    world.vault.redeem(WAD, world.depositor, [1, 1, 1], 2**40, sender=world.depositor)
    assert all(world.wallet(world.depositor))


def test_set_sequencer__to_none__asks_nobody_and_logs_old_and_new(world: World, uptime: Any) -> None:
    uptime.set_status(1, 1, sender=world.deployer)
    assert tuple(world.oracle.sequencer()) == (uptime, GRACE)
    receipt = world.oracle.set_sequencer(ZERO, 0, sender=world.owner)
    event = receipt.events.filter(world.oracle.SequencerChanged)[0]
    assert (event.old_feed, event.old_grace, event.new_feed, event.new_grace) == (uptime, GRACE, ZERO, 0)
    for token, price in zip(world.tokens, (WAD, 90_000 * WAD, 3_000 * WAD), strict=True):
        believes(world.oracle, token, price)
    assert tuple(world.oracle.sequencer()) == (ZERO, 0)


def test_set_sequencer__nothing_listed_yet__holds_for_what_is_listed_later(world: World) -> None:
    oracle = world.deployer.deploy(world.project.PriceOracle, world.owner, [])
    uptime = world.deployer.deploy(world.project.UptimeFeed)
    uptime.set_status(1, 1, sender=world.deployer)
    oracle.set_sequencer(uptime, GRACE, sender=world.owner)
    token, feed = new_token(world), new_feed(world, 8, 10**8)
    oracle.set_feed((token, feed, DAY, 1, 2 * WAD), sender=world.owner)
    refuses(oracle, token, "SEQUENCER_DOWN")


def test_set_sequencer__out_of_range__reverts(world: World, uptime: Any) -> None:
    with revert("oracle: feed has no code"):
        world.oracle.set_sequencer(world.stranger, GRACE, sender=world.owner)
    for grace in (0, DAY + 1):
        with revert("oracle: bad grace period"):
            world.oracle.set_sequencer(uptime, grace, sender=world.owner)
    with revert("ownable: caller is not the owner"):
        world.oracle.set_sequencer(ZERO, 0, sender=world.attacker)
    assert tuple(world.oracle.sequencer()) == (uptime, GRACE)


def test_set_feed__one_asset_too_many__reverts(world: World) -> None:
    feed = new_feed(world, 8, 10**8)
    rows = [(f"0x{number:040x}", feed, DAY, 1, 2 * WAD) for number in range(1, LISTED + 2)]
    oracle = world.deployer.deploy(world.project.PriceOracle, world.owner, rows[:20])
    for row in rows[20:LISTED]:
        oracle.set_feed(row, sender=world.owner)
    with revert("oracle: too many assets"):
        oracle.set_feed(rows[LISTED], sender=world.owner)
    # One that is listed can be replaced, and all of them can be put under a sequencer.
    oracle.set_feed(rows[0], sender=world.owner)
    uptime = world.deployer.deploy(world.project.UptimeFeed)
    oracle.set_sequencer(uptime, GRACE, sender=world.owner)
    for row in (rows[0], rows[LISTED - 1]):
        assert oracle.fault(row[0]) == 1 << 7
