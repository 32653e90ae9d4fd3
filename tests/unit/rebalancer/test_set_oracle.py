"""Rebalancer.set_oracle and oracle: prices from another oracle, which has to know every asset."""

from typing import Any

import pytest

from unit.world import WAD, World, bad_price, revert


def other_oracle(world: World, prices: list[int]) -> Any:
    """An oracle over the same tokens, or the first of them, with feeds of its own."""
    feeds = [world.deployer.deploy(world.project.Feed, 8, price // 10**10) for price in prices]
    rows = [(token, feed, 86400, 1, WAD * 10**6) for token, feed in zip(world.tokens, feeds, strict=False)]
    return world.deployer.deploy(world.project.PriceOracle, world.owner, rows)


def test_set_oracle__that_prices_every_asset__is_what_counts(world: World) -> None:
    world.mint(world.depositor, 20_000 * WAD)
    oracle = other_oracle(world, [WAD, 90_000 * WAD, 6_000 * WAD])
    assert world.vault.trigger() == 0
    receipt = world.rebalancer.set_oracle(oracle, sender=world.owner)
    event = receipt.events.filter(world.rebalancer.OracleChanged)[0]
    assert (event.old_oracle, event.new_oracle) == (world.oracle, oracle)
    assert world.rebalancer.oracle() == oracle
    assert world.vault.trigger() != 0
    assert world.vault.nav() == pytest.approx(2_500_000 * WAD, rel=10**-4)


def test_set_oracle__one_asset_without_a_feed__reverts(world: World) -> None:
    oracle = other_oracle(world, [WAD, 90_000 * WAD])
    with bad_price(world.tokens[2], "NO_FEED"):
        world.rebalancer.set_oracle(oracle, sender=world.owner)
    assert world.rebalancer.oracle() == world.oracle


def test_set_oracle__a_feed_is_stale__reverts(world: World) -> None:
    oracle = other_oracle(world, [WAD, 90_000 * WAD, 3_000 * WAD])
    world.wait(86401)
    with bad_price(world.tokens[0], "STALE"):
        world.rebalancer.set_oracle(oracle, sender=world.owner)


def test_set_oracle__that_answers_nonsense__reverts(world: World) -> None:
    oracle = world.deployer.deploy(world.project.HostileOracle)
    for answers, reason in (
        ([], "rebalancer: wrong price count"),
        ([WAD] * 2, "rebalancer: wrong price count"),
        ([WAD] * 4, "rebalancer: wrong price count"),
        ([WAD, 0, WAD], "rebalancer: zero price"),
        ([WAD, WAD, 0], "rebalancer: zero price"),
    ):
        oracle.set_answers(answers, sender=world.attacker)
        with revert(reason):
            world.rebalancer.set_oracle(oracle, sender=world.owner)
    oracle.set_answers([WAD] * 3, sender=world.attacker)
    world.rebalancer.set_oracle(oracle, sender=world.owner)


def test_set_oracle__without_code__reverts(world: World) -> None:
    with revert("rebalancer: oracle has no code"):
        world.rebalancer.set_oracle(world.stranger, sender=world.owner)


def test_set_oracle__rebalance_open__ends_it_and_the_cooldown_starts(world: World) -> None:
    world.opened()
    completed_at = world.rebalancer.completed_at()
    oracle = other_oracle(world, [WAD, 90_000 * WAD, 6_000 * WAD])
    world.at(world.rebalancer.opened_at() + world.terms.duration // 2)
    changed_at = world.rebalancer.set_oracle(oracle, sender=world.owner).timestamp
    assert not world.rebalancer.is_open()
    assert (world.rebalancer.closed_at(), world.rebalancer.completed_at()) == (changed_at, completed_at)
    world.at(changed_at + world.terms.cooldown - 1)
    with revert("auction: cooling down"):
        world.vault.open_rebalance(sender=world.stranger)
    world.at(changed_at + world.terms.cooldown)
    world.vault.open_rebalance(sender=world.stranger)


def test_set_oracle__nothing_open__no_cooldown(world: World) -> None:
    world.drifted()
    world.rebalancer.set_oracle(other_oracle(world, [WAD, 90_000 * WAD, 6_000 * WAD]), sender=world.owner)
    world.vault.open_rebalance(sender=world.stranger)


def test_set_oracle__old_one_dead__is_replaced(world: World) -> None:
    world.mint(world.depositor, WAD)
    for feed in world.feeds:
        feed.set_dead(True, sender=world.deployer)
    with bad_price(world.tokens[0], "CALL_FAILED"):
        world.vault.nav()
    world.rebalancer.set_oracle(other_oracle(world, [WAD, 90_000 * WAD, 3_000 * WAD]), sender=world.owner)
    assert world.vault.nav() > 0


@pytest.mark.parametrize("role", ["guardian", "strategist", "keeper", "attacker"])
def test_set_oracle__by_anybody_but_the_owner__reverts(world: World, role: str) -> None:
    with revert("rebalancer: not owner"):
        world.rebalancer.set_oracle(world.oracle, sender=getattr(world, role))
