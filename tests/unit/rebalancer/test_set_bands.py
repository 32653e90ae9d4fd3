"""Rebalancer.set_bands and bands: the strategist moves them inside the rails and no faster than the speed."""

from collections.abc import Sequence
from typing import Any

import pytest

from unit import reference
from unit.world import BAND, WAD, World, revert

DAY = 86400
UNIT = 10**12  # of a band, WAD
BANDS = [WAD // 40] * 3  # as the world is made
NARROWEST, WIDEST, SPEED = WAD // 100, WAD // 5, WAD // 100


@pytest.fixture
def railed(world: World) -> World:
    """There is a strategist, who may move bands by 1 % a day between 1 and 20 %."""
    world.rebalancer.propose_strategist(world.strategist, sender=world.owner)
    world.rebalancer.accept_strategist(sender=world.strategist)
    set_rails(world, NARROWEST, WIDEST, SPEED)
    return world


def set_rails(world: World, narrowest: int, widest: int, speed: int) -> None:
    world.rebalancer.set_rails((narrowest, widest, speed), sender=world.owner)


def set_bands(world: World, bands: Sequence[int], at: int | None = None) -> Any:
    if at is not None:
        world.at(at)
    return world.rebalancer.set_bands(bands, sender=world.strategist)


def set_at(world: World) -> int:
    """When the clock of the speed started."""
    return int(world.rebalancer.rails()[1])


def test_set_bands__inside_rails_and_reach__moves_them(railed: World) -> None:
    world = railed
    wanted = [BANDS[0] + WAD // 100, BANDS[1] - WAD // 100, BANDS[2]]
    receipt = set_bands(world, wanted, at=set_at(world) + DAY)
    assert list(world.rebalancer.bands()) == wanted
    event = receipt.events.filter(world.rebalancer.BandsChanged)[0]
    assert (list(event.old_bands), list(event.new_bands)) == (BANDS, wanted)
    assert set_at(world) == receipt.timestamp


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("elapsed", [1, 77_777, DAY, 10 * DAY + 1])
def test_set_bands__by_the_reach__is_the_furthest_to_the_unit(railed: World, sign: int, elapsed: int) -> None:
    world = railed
    speed = WAD // 700  # a day; no multiple of anything
    set_rails(world, NARROWEST // 10 * 3, WIDEST, speed)
    reach = reference.reach(speed, elapsed) // UNIT * UNIT
    now = set_at(world) + elapsed
    for index in range(3):
        too_far = [band + sign * (reach + UNIT if place == index else 0) for place, band in enumerate(BANDS)]
        world.at(now)
        with revert("bands: too fast"):
            set_bands(world, too_far)
    wanted = [band + sign * reach for band in BANDS]
    assert set_bands(world, wanted, at=now).timestamp == now
    assert list(world.rebalancer.bands()) == wanted


def test_set_bands__speed_that_reaches_a_unit_at_one_second__not_before(railed: World) -> None:
    world = railed
    # A unit takes 86400 / 3 s, and a wei of speed less takes a second more.
    for speed, elapsed in ((3 * UNIT, DAY // 3), (3 * UNIT - 1, DAY // 3 + 1)):
        set_rails(world, NARROWEST, WIDEST, speed)
        now = set_at(world) + elapsed
        world.at(now - 1)
        with revert("bands: too fast"):
            set_bands(world, [BANDS[0] + UNIT, BANDS[1], BANDS[2]])
        set_bands(world, [BANDS[0] + UNIT, BANDS[1], BANDS[2]], at=now)
        set_bands(world, BANDS, at=now + DAY)


def test_set_bands__at_the_rails__is_allowed_and_a_unit_further_is_not(railed: World) -> None:
    world = railed
    world.wait(365 * DAY)
    for bands in ([NARROWEST - UNIT, *BANDS[1:]], [*BANDS[:2], WIDEST + UNIT]):
        with revert("bands: outside rails"):
            set_bands(world, bands)
    set_bands(world, [NARROWEST, BANDS[1], WIDEST])
    assert list(world.rebalancer.bands()) == [NARROWEST, BANDS[1], WIDEST]


def test_set_bands__unchanged_outside_of_new_rails__may_stay_or_come_in(railed: World) -> None:
    world = railed
    set_rails(world, WAD // 10, WIDEST, SPEED)
    assert list(world.rebalancer.bands()) == BANDS  # the rails move nothing
    set_bands(world, BANDS)
    # Nearer to the rails is not inside.
    now = set_at(world) + 8 * DAY
    world.at(now)
    with revert("bands: outside rails"):
        set_bands(world, [WAD // 10 - UNIT, *BANDS[1:]])
    set_bands(world, [WAD // 10, *BANDS[1:]], at=now)
    world.wait(365 * DAY)
    with revert("bands: outside rails"):
        set_bands(world, BANDS)  # and not out again


def test_set_bands__each_time__starts_the_clock_again(railed: World) -> None:
    world = railed
    start = set_at(world)
    set_bands(world, BANDS, at=start + 10 * DAY)  # unchanged bands as well
    wanted = [BANDS[0] + SPEED, *BANDS[1:]]
    world.at(start + 11 * DAY - 1)
    with revert("bands: too fast"):
        set_bands(world, wanted)
    set_bands(world, wanted, at=start + 11 * DAY)
    world.at(start + 11 * DAY + 1)
    with revert("bands: too fast"):
        set_bands(world, [wanted[0] + UNIT * 100, *BANDS[1:]])


def test_set_bands__rails_never_set__nothing_moves(world: World) -> None:
    world.rebalancer.propose_strategist(world.strategist, sender=world.owner)
    world.rebalancer.accept_strategist(sender=world.strategist)
    rails, _ = world.rebalancer.rails()
    assert tuple(rails) == (0, 0, 0)
    world.wait(365 * DAY)
    with revert("bands: too fast"):
        set_bands(world, [BANDS[0] + UNIT, *BANDS[1:]])
    set_bands(world, BANDS)
    assert list(world.rebalancer.bands()) == BANDS


@pytest.mark.parametrize("off", [1, UNIT - 1, UNIT // 2])
def test_set_bands__no_multiple_of_a_millionth__reverts(railed: World, off: int) -> None:
    railed.wait(DAY)
    with revert("bands: bad band"):
        set_bands(railed, [BANDS[0], BANDS[1] + off, BANDS[2]])


@pytest.mark.parametrize("count", [0, 2, 4, 20])
def test_set_bands__wrong_number__reverts(railed: World, count: int) -> None:
    with revert("bands: wrong number"):
        set_bands(railed, [BANDS[0]] * count)


@pytest.mark.parametrize("role", ["owner", "guardian", "keeper", "depositor", "attacker"])
def test_set_bands__by_anybody_but_the_strategist__reverts(railed: World, role: str) -> None:
    with revert("rebalancer: not strategist"):
        railed.rebalancer.set_bands(BANDS, sender=getattr(railed, role))


def test_set_bands__no_strategist__nobody_can(world: World) -> None:
    for who in (world.owner, world.strategist, world.attacker):
        with revert("rebalancer: not strategist"):
            world.rebalancer.set_bands(BANDS, sender=who)


def test_set_bands__narrower__rebalance_becomes_due(railed: World) -> None:
    world = railed
    world.mint(world.depositor, 20_000 * WAD)
    world.wait(2 * DAY)
    world.set_price(2, 3_300 * WAD)  # about 1.8 % over its target
    assert world.vault.trigger() == 0
    set_bands(world, [BANDS[0], BANDS[1], NARROWEST])
    assert world.vault.trigger() == BAND
