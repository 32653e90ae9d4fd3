"""IndexVault.price_bound: from 1 + premium down to 1 - discount, linearly, rounded up."""

import pytest

from unit import reference
from unit.world import WAD, World


@pytest.mark.parametrize(
    ("duration", "premium", "discount"),
    [(1800, WAD // 200, WAD // 100), (7 * 86400, WAD // 10, WAD // 20), (60, 0, 0), (1801, 1, 0), (3607, 0, 7)],
)
def test_price_bound__over_the_duration__falls_linearly(
    world: World, duration: int, premium: int, discount: int
) -> None:
    world = world.with_vault(duration=duration, start_premium=premium, max_discount=discount)
    assert world.vault.price_bound() == WAD + premium
    world.opened()
    opened_at = world.rebalancer.opened_at()

    seen = [world.vault.price_bound()]
    assert seen == [WAD + premium]
    for elapsed in (1, duration // 3, duration // 2, duration - 1, duration):
        world.at(opened_at + elapsed)
        world.chain.mine()
        seen.append(world.vault.price_bound())
        assert seen[-1] == reference.bound(elapsed, duration, premium, discount)
    assert seen[-1] == WAD - discount
    assert seen == sorted(seen, reverse=True)


def test_price_bound__time_over__is_what_an_opening_would_start_at(world: World) -> None:
    world.opened()
    world.at(world.rebalancer.opened_at() + world.terms.duration + 1)
    world.chain.mine()
    assert not world.rebalancer.is_open()
    assert world.vault.price_bound() == WAD + world.terms.start_premium


def test_price_bound__feeds_dead__still_answers(world: World) -> None:
    world.opened()
    for feed in world.feeds:
        feed.set_dead(True, sender=world.deployer)
    assert world.vault.price_bound() == world.bound_at(world.chain.blocks.head.timestamp)
