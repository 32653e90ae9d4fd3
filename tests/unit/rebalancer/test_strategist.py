"""Rebalancer.propose_strategist, accept_strategist, strategist, pending_strategist: in two steps; remove_strategist: in one."""

import pytest

from unit.world import ZERO, World, revert


def test_strategist__at_first__is_nobody(world: World) -> None:
    assert (world.rebalancer.strategist(), world.rebalancer.pending_strategist()) == (ZERO, ZERO)


def test_strategist__proposed_and_accepted__changes_hands(world: World) -> None:
    rules = world.rebalancer
    rules.propose_strategist(world.strategist, sender=world.owner)
    rules.accept_strategist(sender=world.strategist)

    receipt = rules.propose_strategist(world.stranger, sender=world.owner)
    event = receipt.events.filter(rules.StrategistProposed)[0]
    assert (event.strategist, event.proposed) == (world.strategist, world.stranger)
    assert (rules.strategist(), rules.pending_strategist()) == (world.strategist, world.stranger)
    rules.set_bands(list(rules.bands()), sender=world.strategist)  # until it is accepted

    receipt = rules.accept_strategist(sender=world.stranger)
    event = receipt.events.filter(rules.StrategistChanged)[0]
    assert (event.old_strategist, event.new_strategist) == (world.strategist, world.stranger)
    assert (rules.strategist(), rules.pending_strategist()) == (world.stranger, ZERO)
    rules.set_bands(list(rules.bands()), sender=world.stranger)
    with revert("rebalancer: not strategist"):
        rules.set_bands(list(rules.bands()), sender=world.strategist)


@pytest.mark.parametrize("role", ["guardian", "strategist", "attacker"])
def test_propose_strategist__by_anybody_but_the_owner__reverts(world: World, role: str) -> None:
    with revert("rebalancer: not owner"):
        world.rebalancer.propose_strategist(world.attacker, sender=getattr(world, role))


def test_accept_strategist__by_anybody_but_the_proposed__reverts(world: World) -> None:
    with revert("role: not proposed"):
        world.rebalancer.accept_strategist(sender=world.attacker)
    world.rebalancer.propose_strategist(world.strategist, sender=world.owner)
    for who in (world.attacker, world.owner, world.guardian):
        with revert("role: not proposed"):
            world.rebalancer.accept_strategist(sender=who)


def test_accept_strategist__twice__reverts(world: World) -> None:
    world.rebalancer.propose_strategist(world.strategist, sender=world.owner)
    world.rebalancer.accept_strategist(sender=world.strategist)
    with revert("role: not proposed"):
        world.rebalancer.accept_strategist(sender=world.strategist)


def test_accept_strategist__proposal_withdrawn__reverts(world: World) -> None:
    world.rebalancer.propose_strategist(world.strategist, sender=world.owner)
    world.rebalancer.propose_strategist(ZERO, sender=world.owner)
    with revert("role: not proposed"):
        world.rebalancer.accept_strategist(sender=world.strategist)


def test_remove_strategist__by_the_owner__takes_role_and_proposal_away(world: World) -> None:
    rules = world.rebalancer
    rules.propose_strategist(world.strategist, sender=world.owner)
    rules.accept_strategist(sender=world.strategist)
    rules.propose_strategist(world.stranger, sender=world.owner)
    receipt = rules.remove_strategist(sender=world.owner)
    event = receipt.events.filter(rules.StrategistChanged)[0]
    assert (event.old_strategist, event.new_strategist) == (world.strategist, ZERO)
    assert (rules.strategist(), rules.pending_strategist()) == (ZERO, ZERO)
    with revert("rebalancer: not strategist"):
        rules.set_bands(list(rules.bands()), sender=world.strategist)
    with revert("role: not proposed"):
        rules.accept_strategist(sender=world.stranger)


@pytest.mark.parametrize("role", ["guardian", "strategist", "attacker"])
def test_remove_strategist__by_anybody_but_the_owner__reverts(world: World, role: str) -> None:
    with revert("rebalancer: not owner"):
        world.rebalancer.remove_strategist(sender=getattr(world, role))
