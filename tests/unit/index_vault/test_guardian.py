"""IndexVault.propose_guardian, accept_guardian, guardian, pending_guardian: in two steps; remove_guardian: in one."""

import pytest

from unit.world import ZERO, World, revert


def test_guardian__proposed_and_accepted__changes_hands(world: World) -> None:
    receipt = world.vault.propose_guardian(world.stranger, sender=world.owner)
    event = receipt.events.filter(world.vault.GuardianProposed)[0]
    assert (event.guardian, event.proposed) == (world.guardian, world.stranger)
    assert world.vault.pending_guardian() == world.stranger
    assert world.vault.guardian() == world.guardian  # until it is accepted

    receipt = world.vault.accept_guardian(sender=world.stranger)

    event = receipt.events.filter(world.vault.GuardianChanged)[0]
    assert (event.old_guardian, event.new_guardian) == (world.guardian, world.stranger)
    assert world.vault.guardian() == world.stranger
    assert world.vault.pending_guardian() == ZERO
    world.vault.pause(sender=world.stranger)
    world.vault.unpause(sender=world.owner)
    with revert("vault: not guardian"):
        world.vault.pause(sender=world.guardian)


@pytest.mark.parametrize("role", ["guardian", "attacker"])
def test_propose_guardian__by_anybody_but_the_owner__reverts(world: World, role: str) -> None:
    with revert("ownable: caller is not the owner"):
        world.vault.propose_guardian(world.attacker, sender=getattr(world, role))


def test_accept_guardian__by_anybody_but_the_proposed__reverts(world: World) -> None:
    with revert("role: not proposed"):
        world.vault.accept_guardian(sender=world.attacker)
    world.vault.propose_guardian(world.stranger, sender=world.owner)
    for who in (world.attacker, world.owner, world.guardian):
        with revert("role: not proposed"):
            world.vault.accept_guardian(sender=who)


def test_accept_guardian__twice__reverts(world: World) -> None:
    world.vault.propose_guardian(world.stranger, sender=world.owner)
    world.vault.accept_guardian(sender=world.stranger)
    with revert("role: not proposed"):
        world.vault.accept_guardian(sender=world.stranger)


def test_accept_guardian__proposal_withdrawn__reverts(world: World) -> None:
    world.vault.propose_guardian(world.stranger, sender=world.owner)
    world.vault.propose_guardian(ZERO, sender=world.owner)
    with revert("role: not proposed"):
        world.vault.accept_guardian(sender=world.stranger)


def test_remove_guardian__by_the_owner__takes_role_and_proposal_away(world: World) -> None:
    world.vault.propose_guardian(world.stranger, sender=world.owner)
    receipt = world.vault.remove_guardian(sender=world.owner)
    event = receipt.events.filter(world.vault.GuardianChanged)[0]
    assert (event.old_guardian, event.new_guardian) == (world.guardian, ZERO)
    assert (world.vault.guardian(), world.vault.pending_guardian()) == (ZERO, ZERO)
    with revert("vault: not guardian"):
        world.vault.pause(sender=world.guardian)
    with revert("role: not proposed"):
        world.vault.accept_guardian(sender=world.stranger)


@pytest.mark.parametrize("role", ["guardian", "attacker"])
def test_remove_guardian__by_anybody_but_the_owner__reverts(world: World, role: str) -> None:
    with revert("ownable: caller is not the owner"):
        world.vault.remove_guardian(sender=getattr(world, role))
