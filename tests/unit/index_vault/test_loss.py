"""IndexVault.loss: what rebalances lost against the oracle, draining linearly. The budget itself is in tests/e2e."""

from collections.abc import Iterator

import pytest

from unit import reference
from unit.world import WAD, World, undone

USD, BTC, ETH = range(3)
ETHER = 10**18


@pytest.fixture(scope="module")
def lost(world: World) -> Iterator[tuple[World, int, int]]:
    """A fill at the lowest bound: the world, what it lost, and when."""
    with undone(world.chain):
        world.opened()
        end = world.vault.opened_at() + world.terms.duration
        receipt = world.pull({ETH: 10 * ETHER}, {USD: 70_000 * 10**6}, at=end)
        value_out, value_in = receipt.return_value
        yield world, value_out - value_in, receipt.timestamp


def test_loss__recorded__is_the_difference_of_the_values(lost: tuple[World, int, int]) -> None:
    world, loss, _ = lost
    assert 0 < loss <= 600 * WAD  # 1 % of 60,000 USD
    assert world.vault.loss() == loss


@pytest.mark.parametrize("part", [1, 100_000, 302_400, 604_799])
def test_loss__with_time__drains_linearly_rounded_up(lost: tuple[World, int, int], part: int) -> None:
    world, loss, at = lost
    world.at(at + part)
    world.chain.mine()
    assert world.vault.loss() == reference.undrained(loss, part, world.terms.loss_window)


@pytest.mark.parametrize("past", [0, 1, 10**6])
def test_loss__window_over__is_gone(lost: tuple[World, int, int], past: int) -> None:
    world, _, at = lost
    world.at(at + world.terms.loss_window + past)
    world.chain.mine()
    assert world.vault.loss() == 0


def test_loss__fill_with_a_gain__does_not_shrink_it(lost: tuple[World, int, int]) -> None:
    world, loss, at = lost
    world.wait(world.terms.cooldown)
    receipt = world.vault.open_rebalance(sender=world.stranger)
    world.fill({ETH: ETHER}, {USD: 6_500 * 10**6})
    elapsed = world.chain.blocks.head.timestamp - at
    assert receipt.timestamp > at
    assert world.vault.loss() == reference.undrained(loss, elapsed, world.terms.loss_window)
