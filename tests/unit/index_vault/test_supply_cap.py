"""IndexVault.set_supply_cap and supply_cap: up to where minting goes."""

import pytest

from unit.world import FAR, WAD, World, revert

NO_CAP = 2**96 - 1


def test_supply_cap__at_first__is_the_largest_supply(world: World) -> None:
    assert world.vault.supply_cap() == NO_CAP


def test_set_supply_cap__by_the_owner__changes_it(world: World) -> None:
    for old, new in ((NO_CAP, 5 * WAD), (5 * WAD, 0), (0, NO_CAP)):
        receipt = world.vault.set_supply_cap(new, sender=world.owner)
        event = receipt.events.filter(world.vault.SupplyCapChanged)[0]
        assert (event.old_cap, event.new_cap) == (old, new)
        assert world.vault.supply_cap() == new


@pytest.mark.parametrize("cap", [2**96, 2**128, 2**256 - 1])
def test_set_supply_cap__over_the_largest_supply__reverts(world: World, cap: int) -> None:
    with revert("vault: cap too large"):
        world.vault.set_supply_cap(cap, sender=world.owner)


@pytest.mark.parametrize("role", ["guardian", "strategist", "attacker"])
def test_set_supply_cap__by_anybody_but_the_owner__reverts(world: World, role: str) -> None:
    with revert("ownable: caller is not the owner"):
        world.vault.set_supply_cap(WAD, sender=getattr(world, role))


def test_mint__up_to_the_cap__works_and_a_base_unit_more_reverts(world: World) -> None:
    world.vault.set_supply_cap(1_000 * WAD, sender=world.owner)
    world.fund(world.depositor, [10**30] * 3)
    shares = 1_000 * WAD - world.dead_shares  # the dead ones count
    with revert("vault: over supply cap"):
        world.vault.mint(shares + 1, world.depositor, [10**30] * 3, FAR, sender=world.depositor)
    world.vault.mint(shares - 1, world.depositor, [10**30] * 3, FAR, sender=world.depositor)
    with revert("vault: over supply cap"):
        world.vault.mint(2, world.depositor, [10**30] * 3, FAR, sender=world.depositor)
    world.vault.mint(1, world.depositor, [10**30] * 3, FAR, sender=world.depositor)
    assert world.vault.totalSupply() == 1_000 * WAD


def test_mint__nothing_capped__largest_supply_is_the_limit(world: World) -> None:
    assets = [(token, 10**6, plan.target, plan.band) for token, plan in zip(world.tokens, world.plans, strict=True)]
    world = world.with_vault(assets=assets)
    world.fund(world.depositor, [2**200] * 3)
    shares = NO_CAP - world.dead_shares
    with revert("vault: over supply cap"):
        world.vault.mint(shares + 1, world.depositor, [2**200] * 3, FAR, sender=world.depositor)
    world.vault.mint(shares, world.depositor, [2**200] * 3, FAR, sender=world.depositor)
    assert world.vault.totalSupply() == NO_CAP


def test_set_supply_cap__under_the_supply__stops_minting_and_nothing_else(world: World) -> None:
    world.mint(world.depositor, 100 * WAD)
    world.vault.set_supply_cap(WAD, sender=world.owner)
    world.fund(world.depositor, [10**30] * 3)
    with revert("vault: over supply cap"):
        world.vault.mint(1, world.depositor, [10**30] * 3, FAR, sender=world.depositor)
    world.vault.redeem(50 * WAD, world.depositor, [0] * 3, FAR, sender=world.depositor)
    assert world.vault.totalSupply() == 50 * WAD + world.dead_shares


def test_fees__over_the_cap__go_on(world: World) -> None:
    world = world.with_vault(fees=(world.recipient, 5 * 10**16, 0, 10**16))
    world.mint(world.depositor, 100 * WAD)
    world.vault.set_supply_cap(100 * WAD, sender=world.owner)
    world.wait(86400)
    world.vault.accrue_fees(sender=world.stranger)
    assert world.vault.totalSupply() > world.vault.supply_cap()
    world.vault.redeem(WAD, world.depositor, [0] * 3, FAR, sender=world.depositor)


def test_set_supply_cap__paused_or_shut_down__leaves_that_as_it_is(world: World) -> None:
    world.mint(world.depositor, WAD)
    world.vault.pause(sender=world.guardian)
    world.vault.set_supply_cap(WAD, sender=world.owner)
    assert world.vault.paused()
    world.vault.unpause(sender=world.owner)
    assert world.vault.supply_cap() == WAD
    world.vault.shut_down(sender=world.owner)
    world.vault.set_supply_cap(2 * WAD, sender=world.owner)
    assert world.vault.is_shut_down()
    assert not world.vault.paused()
