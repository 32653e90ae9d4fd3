"""IndexVault.loss: what rebalances lost against the oracle, draining linearly. The budget itself is in tests/e2e."""

from collections.abc import Iterator

import pytest

from unit import reference
from unit.world import FAR, WAD, World, undone

USD, BTC, ETH = range(3)
ETHER = 10**18


@pytest.fixture(scope="module")
def lost(world: World) -> Iterator[tuple[World, int, int]]:
    """A fill at the lowest bound: the world, the share of NAV that it lost, and when."""
    with undone(world.chain):
        world.opened()
        end = world.rebalancer.opened_at() + world.terms.duration
        nav = world.vault.nav()
        receipt = world.pull({ETH: 10 * ETHER}, {USD: 70_000 * 10**6}, at=end)
        yield world, reference.loss_share(*receipt.return_value, nav), receipt.timestamp


def test_loss__recorded__is_its_share_of_nav(lost: tuple[World, int, int]) -> None:
    world, loss, _ = lost
    assert 0 < loss <= 600 * WAD // 2_499_000  # 1 % of 60,000 USD, of some 2.5 million
    assert world.rebalancer.loss() == loss


def drained_after(loss: int, world: World) -> int:
    """Seconds after which nothing is left: all of the budget drains in a window."""
    return -(-loss * world.terms.loss_window // world.terms.max_loss)


@pytest.mark.parametrize("part", [1, 3, 1_000, 5_000])
def test_loss__with_time__drains_linearly_rounded_up(lost: tuple[World, int, int], part: int) -> None:
    world, loss, at = lost
    assert part < drained_after(loss, world)
    world.at(at + part)
    world.chain.mine()
    left = reference.undrained(loss, part, world.terms.max_loss, world.terms.loss_window)
    assert 0 < world.rebalancer.loss() == left < loss


@pytest.mark.parametrize("past", [0, 1, 10**6])
def test_loss__all_drained__is_gone(lost: tuple[World, int, int], past: int) -> None:
    world, loss, at = lost
    world.at(at + drained_after(loss, world) - 1)
    world.chain.mine()
    assert world.rebalancer.loss() > 0
    world.at(at + drained_after(loss, world) + past)
    world.chain.mine()
    assert world.rebalancer.loss() == 0


@pytest.mark.parametrize("shares", [10_000 * WAD, -10_000 * WAD])
def test_loss__somebody_minted_or_redeemed__is_the_same_share(lost: tuple[World, int, int], shares: int) -> None:
    world, loss, at = lost
    if shares > 0:
        world.mint(world.stranger, shares)
    else:
        world.vault.redeem(-shares, world.depositor, [0] * 3, FAR, sender=world.depositor)
    elapsed = world.chain.blocks.head.timestamp - at
    left = reference.undrained(loss, elapsed, world.terms.max_loss, world.terms.loss_window)
    assert world.rebalancer.loss() == left


def test_loss__fill_with_a_gain__does_not_shrink_it(lost: tuple[World, int, int]) -> None:
    world, loss, at = lost
    world.wait(world.terms.cooldown)
    assert world.terms.cooldown < drained_after(loss, world)
    receipt = world.vault.open_rebalance(sender=world.stranger)
    world.fill({ETH: ETHER}, {USD: 6_500 * 10**6})
    elapsed = world.chain.blocks.head.timestamp - at
    assert receipt.timestamp > at
    assert world.rebalancer.loss() == reference.undrained(loss, elapsed, world.terms.max_loss, world.terms.loss_window)
