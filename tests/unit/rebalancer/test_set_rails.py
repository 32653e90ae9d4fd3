"""Rebalancer.set_rails and rails: how far and how fast the owner lets the strategist move the bands."""

import pytest

from unit.world import WAD, World, revert

RAILS = (WAD // 100, WAD // 10, WAD // 50)


def test_set_rails__by_the_owner__changes_them_and_no_band(world: World) -> None:
    bands = list(world.rebalancer.bands())
    receipt = world.rebalancer.set_rails(RAILS, sender=world.owner)
    rails, set_at = world.rebalancer.rails()
    assert (tuple(rails), set_at) == (RAILS, receipt.timestamp)
    assert list(world.rebalancer.bands()) == bands
    event = receipt.events.filter(world.rebalancer.RailsChanged)[0]
    assert (tuple(event.old_rails), tuple(event.new_rails)) == ((0, 0, 0), RAILS)

    others = (WAD // 20, WAD // 2, 0)
    receipt = world.rebalancer.set_rails(others, sender=world.owner)
    event = receipt.events.filter(world.rebalancer.RailsChanged)[0]
    assert (tuple(event.old_rails), tuple(event.new_rails)) == (RAILS, others)


def test_set_rails__time_that_passed_before__gives_no_reach(world: World) -> None:
    world.rebalancer.propose_strategist(world.strategist, sender=world.owner)
    world.rebalancer.accept_strategist(sender=world.strategist)
    world.wait(365 * 86400)
    receipt = world.rebalancer.set_rails(RAILS, sender=world.owner)
    bands = list(world.rebalancer.bands())
    world.at(receipt.timestamp + 1)
    with revert("bands: too fast"):
        world.rebalancer.set_bands([bands[0] + WAD // 1000, *bands[1:]], sender=world.strategist)


def test_set_rails__at_their_limits__are_allowed(world: World) -> None:
    tolerance = world.terms.closing_tolerance
    for rails in ((tolerance, tolerance, 0), (tolerance, WAD - 1, WAD), (WAD - 1, WAD - 1, WAD)):
        world.rebalancer.set_rails(rails, sender=world.owner)
        assert tuple(world.rebalancer.rails()[0]) == rails


@pytest.mark.parametrize(
    "rails", [(WAD // 10 + 1, WAD // 10, 0), (WAD // 10, WAD, 0), (WAD // 10, WAD // 5, WAD + 1), (0, 2**256 - 1, 0)]
)
def test_set_rails__just_past_a_limit__reverts(world: World, rails: tuple[int, int, int]) -> None:
    with revert("bands: bad rails"):
        world.rebalancer.set_rails(rails, sender=world.owner)


def test_set_rails__narrower_than_the_closing_tolerance__reverts(world: World) -> None:
    with revert("bands: under tolerance"):
        world.rebalancer.set_rails((world.terms.closing_tolerance - 1, WAD // 10, 0), sender=world.owner)


@pytest.mark.parametrize("role", ["guardian", "strategist", "keeper", "attacker"])
def test_set_rails__by_anybody_but_the_owner__reverts(world: World, role: str) -> None:
    with revert("rebalancer: not owner"):
        world.rebalancer.set_rails(RAILS, sender=getattr(world, role))
