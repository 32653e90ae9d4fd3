"""IndexVault.unpause: only the owner resumes."""

import pytest

from unit.world import WAD, World, revert


def test_unpause__by_owner__resumes(world: World) -> None:
    world.vault.pause(sender=world.guardian)
    receipt = world.vault.unpause(sender=world.owner)
    assert receipt.events.filter(world.vault.Unpaused)[0].caller == world.owner
    assert not world.vault.paused()
    world.mint(world.depositor, WAD)
    assert world.vault.balanceOf(world.depositor) == WAD


def test_unpause__after_the_first_mint__first_mint_never_comes_again(world: World) -> None:
    world.mint(world.depositor, WAD)
    supply = world.vault.totalSupply()
    world.vault.pause(sender=world.guardian)
    world.vault.unpause(sender=world.owner)
    world.mint(world.depositor, WAD)
    assert world.vault.totalSupply() == supply + WAD


@pytest.mark.parametrize("role", ["guardian", "attacker"])
def test_unpause__by_anybody_else__reverts(world: World, role: str) -> None:
    world.vault.pause(sender=world.guardian)
    with revert("ownable: caller is not the owner"):
        world.vault.unpause(sender=getattr(world, role))


def test_unpause__when_not_paused__reverts(world: World) -> None:
    with revert("vault: not paused"):
        world.vault.unpause(sender=world.owner)
