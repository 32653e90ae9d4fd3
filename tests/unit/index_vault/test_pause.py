"""IndexVault.pause and paused: guardian and owner stop mint, opening and rebalance, nothing else."""

import pytest

from unit.world import FAR, WAD, ZERO, World, revert


@pytest.mark.parametrize("role", ["guardian", "owner"])
def test_pause__by_guardian_or_owner__stops_what_needs_trust(world: World, role: str) -> None:
    world.opened()
    receipt = world.vault.pause(sender=getattr(world, role))
    assert receipt.events.filter(world.vault.Paused)[0].caller == getattr(world, role)
    assert world.vault.paused()
    with revert("vault: paused"):
        world.vault.mint(WAD, world.depositor, [2**255] * 3, FAR, sender=world.depositor)
    with revert("vault: paused"):
        world.vault.rebalance([], [], ZERO, b"", FAR, sender=world.keeper)
    with revert("vault: paused"):
        world.vault.open_rebalance(sender=world.keeper)


@pytest.mark.parametrize("role", ["depositor", "keeper", "attacker", "deployer"])
def test_pause__by_anybody_else__reverts(world: World, role: str) -> None:
    with revert("vault: not guardian"):
        world.vault.pause(sender=getattr(world, role))


def test_pause__when_paused__reverts(world: World) -> None:
    world.vault.pause(sender=world.guardian)
    with revert("vault: paused"):
        world.vault.pause(sender=world.guardian)


def test_pause__no_guardian__owner_still_can(world: World) -> None:
    vault = world.deploy_vault(guardian=ZERO)
    with revert("vault: not guardian"):
        vault.pause(sender=world.guardian)
    vault.pause(sender=world.owner)
    assert vault.paused()


def test_pause__shares__still_move(world: World) -> None:
    world.mint(world.depositor, WAD)
    world.vault.pause(sender=world.guardian)
    world.vault.transfer(world.stranger, WAD, sender=world.depositor)
    assert world.vault.balanceOf(world.stranger) == WAD


def test_pause__rebalance_open__ends_it_and_the_cooldown_starts(world: World) -> None:
    world.opened()
    completed_at = world.rebalancer.completed_at()
    world.at(world.rebalancer.opened_at() + world.terms.duration // 2)
    paused_at = world.vault.pause(sender=world.guardian).timestamp
    assert not world.rebalancer.is_open()
    assert (world.rebalancer.closed_at(), world.rebalancer.completed_at()) == (paused_at, completed_at)
    assert world.vault.price_bound() == WAD + world.terms.start_premium

    world.vault.unpause(sender=world.owner)
    with revert("auction: cooling down"):
        world.fill({2: 10**18}, {0: 7_000 * 10**6})
    world.at(paused_at + world.terms.cooldown - 1)
    with revert("auction: cooling down"):
        world.vault.open_rebalance(sender=world.stranger)
    world.at(paused_at + world.terms.cooldown)
    world.vault.open_rebalance(sender=world.stranger)


def test_pause__nothing_open__leaves_the_times(world: World) -> None:
    world.opened()
    end = world.rebalancer.opened_at() + world.terms.duration
    world.at(end + 10)
    world.vault.pause(sender=world.guardian)
    assert (world.rebalancer.opened_at(), world.rebalancer.closed_at()) == (0, end)
