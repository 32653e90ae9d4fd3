"""IndexVault.open_rebalance: anybody, when a reason holds and the cooldown is over."""

import pytest

from unit import reference
from unit.world import BAND, WAD, World, bad_price, revert


@pytest.mark.parametrize("role", ["stranger", "attacker", "keeper"])
def test_open_rebalance__reason_holds__anybody_opens(world: World, role: str) -> None:
    who = getattr(world, role)
    world.drifted()
    assert not world.rebalancer.is_open()
    completed_at = world.rebalancer.completed_at()

    receipt = world.vault.open_rebalance(sender=who)

    assert receipt.return_value == BAND
    event = receipt.events.filter(world.rebalancer.RebalanceOpened)[0]
    basket = world.basket()
    assert (event.caller, event.reason) == (who, BAND)
    assert (event.nav, event.drift) == (reference.nav(basket), reference.drift(basket))
    assert world.rebalancer.is_open()
    assert world.rebalancer.opened_at() == receipt.timestamp
    assert world.rebalancer.completed_at() == completed_at


def test_open_rebalance__no_reason__reverts(world: World) -> None:
    with revert("auction: no trigger holds"):
        world.vault.open_rebalance(sender=world.stranger)
    world.mint(world.depositor, 20_000 * WAD)
    world.wait(world.terms.interval)
    with revert("auction: no trigger holds"):
        world.vault.open_rebalance(sender=world.stranger)


def test_open_rebalance__already_open__reverts(world: World) -> None:
    world.opened()
    with revert("auction: already open"):
        world.vault.open_rebalance(sender=world.attacker)


def test_open_rebalance__last_second_of_an_opening__is_still_open(world: World) -> None:
    world.opened()
    end = world.rebalancer.opened_at() + world.terms.duration
    world.at(end)
    with revert("auction: already open"):
        world.vault.open_rebalance(sender=world.attacker)
    assert world.rebalancer.opened_at() == end - world.terms.duration


def test_open_rebalance__new_vault__cools_down_first(world: World) -> None:
    world = world.with_vault()
    created_at = world.rebalancer.closed_at()
    world.mint(world.depositor, 20_000 * WAD)
    world.set_price(2, 6_000 * WAD)
    world.at(created_at + world.terms.cooldown - 1)
    with revert("auction: cooling down"):
        world.vault.open_rebalance(sender=world.stranger)
    world.at(created_at + world.terms.cooldown)
    world.vault.open_rebalance(sender=world.stranger)
    assert world.rebalancer.is_open()


def test_open_rebalance__time_of_the_last_one_over__cools_down_from_its_end(world: World) -> None:
    world.opened()
    end = world.rebalancer.opened_at() + world.terms.duration
    world.at(end + world.terms.cooldown - 1)
    with revert("auction: cooling down"):
        world.vault.open_rebalance(sender=world.stranger)
    assert world.rebalancer.closed_at() == end
    assert world.rebalancer.opened_at() == 0
    world.at(end + world.terms.cooldown)
    receipt = world.vault.open_rebalance(sender=world.stranger)
    assert world.rebalancer.opened_at() == receipt.timestamp


def test_open_rebalance__last_one_completed__cools_down_from_then(world: World) -> None:
    world.opened()
    receipt = world.pull({2: 2**256 - 1}, {0: 260_000 * 10**6, 1: 15 * 10**7})
    assert world.rebalancer.closed_at() == world.rebalancer.completed_at() == receipt.timestamp
    world.set_price(2, 12_000 * WAD)
    world.at(receipt.timestamp + world.terms.cooldown - 1)
    with revert("auction: cooling down"):
        world.vault.open_rebalance(sender=world.stranger)
    world.at(receipt.timestamp + world.terms.cooldown)
    world.vault.open_rebalance(sender=world.stranger)


def test_open_rebalance__when_paused__reverts(world: World) -> None:
    world.drifted()
    world.vault.pause(sender=world.guardian)
    with revert("vault: paused"):
        world.vault.open_rebalance(sender=world.stranger)


def test_open_rebalance__feed_dead__reverts(world: World) -> None:
    world.drifted()
    world.feeds[0].set_dead(True, sender=world.deployer)
    with bad_price(world.tokens[0], "CALL_FAILED"):
        world.vault.open_rebalance(sender=world.stranger)
