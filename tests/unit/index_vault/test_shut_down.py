"""IndexVault.shut_down and is_shut_down: for good. Redeem and claim go on."""

import pytest

from unit import reference
from unit.world import FAR, NO_FEES, WAD, ZERO, World, revert

FEES = (5 * 10**16, 2 * 10**16, 2 * 10**16)


def test_shut_down__by_the_owner__stops_mint_opening_and_rebalance(world: World) -> None:
    world.opened()
    assert not world.vault.is_shut_down()
    receipt = world.vault.shut_down(sender=world.owner)
    assert receipt.events.filter(world.vault.ShutDown)[0].caller == world.owner
    assert world.vault.is_shut_down()
    assert not world.vault.paused()
    with revert("vault: shut down"):
        world.vault.mint(WAD, world.depositor, [2**255] * 3, FAR, sender=world.depositor)
    with revert("vault: shut down"):
        world.vault.rebalance([], [], ZERO, b"", FAR, sender=world.keeper)
    with revert("vault: shut down"):
        world.vault.open_rebalance(sender=world.keeper)


@pytest.mark.parametrize("role", ["guardian", "strategist", "keeper", "depositor", "attacker"])
def test_shut_down__by_anybody_but_the_owner__reverts(world: World, role: str) -> None:
    with revert("ownable: caller is not the owner"):
        world.vault.shut_down(sender=getattr(world, role))


def test_shut_down__redeem__goes_on_to_the_last_share(world: World) -> None:
    world.mint(world.depositor, 100 * WAD)
    world.vault.shut_down(sender=world.owner)
    for feed in world.feeds:
        feed.set_dead(True, sender=world.deployer)
    world.vault.transfer(world.stranger, 40 * WAD, sender=world.depositor)
    for who, shares in ((world.stranger, 40 * WAD), (world.depositor, 60 * WAD)):
        receipt = world.vault.redeem(shares, who, [0] * 3, FAR, sender=who)
        assert min(receipt.return_value) > 0
    assert world.vault.totalSupply() == world.dead_shares


def test_shut_down__claim__goes_on(odd_world: World) -> None:
    world = odd_world
    world.mint(world.depositor, 100 * WAD)
    world.vault.shut_down(sender=world.owner)
    world.misbehave(1, is_blocked=True)
    world.vault.redeem(10 * WAD, world.depositor, [0] * 3, FAR, sender=world.depositor)
    world.misbehave(1)
    assert world.vault.claim(world.tokens[1], world.depositor, sender=world.depositor).return_value > 0


def test_shut_down__unpaused__stays_shut_down(world: World) -> None:
    """Whether it was paused before or not."""
    world.mint(world.depositor, WAD)
    world.vault.pause(sender=world.guardian)
    world.vault.shut_down(sender=world.owner)
    world.vault.unpause(sender=world.owner)
    assert (world.vault.is_shut_down(), world.vault.paused()) == (True, False)
    with revert("vault: shut down"):
        world.vault.mint(1, world.depositor, [2**255] * 3, FAR, sender=world.depositor)
    with revert("vault: not paused"):
        world.vault.unpause(sender=world.owner)
    with revert("vault: shut down"):
        world.vault.pause(sender=world.guardian)
    assert world.vault.is_shut_down()


def test_shut_down__twice__reverts(world: World) -> None:
    world.vault.shut_down(sender=world.owner)
    with revert("vault: shut down"):
        world.vault.shut_down(sender=world.owner)


def test_shut_down__by_a_new_owner_or_cap__cannot_be_undone(world: World) -> None:
    world.vault.shut_down(sender=world.owner)
    world.vault.set_supply_cap(2**96 - 1, sender=world.owner)
    world.vault.transfer_ownership(world.stranger, sender=world.owner)
    world.vault.accept_ownership(sender=world.stranger)
    assert world.vault.is_shut_down()


def test_shut_down__fees_due__are_made_and_stop_for_good(world: World) -> None:
    world = world.with_vault(fees=(world.recipient, *FEES))
    world.mint(world.depositor, 100 * WAD)
    start, supply = world.now(), world.vault.totalSupply()
    world.at(start + reference.YEAR)
    receipt = world.vault.shut_down(sender=world.owner)
    due, _ = reference.streamed(supply, 0, FEES[0], reference.YEAR)
    assert world.vault.balanceOf(world.recipient) == due
    event = receipt.events.filter(world.vault.FeesChanged)[0]
    assert (tuple(event.old_fees), tuple(event.new_fees)) == ((world.recipient, *FEES), NO_FEES)
    assert tuple(world.vault.fees()) == NO_FEES

    world.wait(reference.YEAR)
    assert world.vault.accrue_fees(sender=world.stranger).return_value == world.vault.supply() == supply + due
    world.vault.redeem(10 * WAD, world.depositor, [0] * 3, FAR, sender=world.depositor)
    assert world.vault.balanceOf(world.recipient) == due
    with revert("vault: shut down"):
        world.vault.set_fees((world.recipient, *FEES), sender=world.owner)


def test_shut_down__rebalance_open__ends_it(world: World) -> None:
    world.opened()
    receipt = world.vault.shut_down(sender=world.owner)
    assert not world.rebalancer.is_open()
    assert world.rebalancer.closed_at() == receipt.timestamp


def test_shut_down__before_the_first_mint__nothing_is_ever_made(world: World) -> None:
    world.vault.shut_down(sender=world.owner)
    with revert("vault: shut down"):
        world.vault.mint(WAD, world.depositor, [2**255] * 3, FAR, sender=world.depositor)
