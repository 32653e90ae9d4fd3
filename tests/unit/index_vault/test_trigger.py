"""IndexVault.trigger: which reasons for a rebalance hold, cooldown aside."""

import pytest

from unit import reference
from unit.world import BAND, INTERVAL, WAD, World, bad_price

DAY = 86400


def drift_to(world: World, ether_price: int) -> None:
    world.mint(world.depositor, 20_000 * WAD)
    world.set_price(2, ether_price)


def test_trigger__nothing_held__gives_no_reason(world: World) -> None:
    world.wait(world.terms.interval)
    assert world.vault.trigger() == 0


def test_trigger__on_target_for_ever__gives_no_reason(world: World) -> None:
    world.mint(world.depositor, 20_000 * WAD)
    world.wait(10 * world.terms.interval)
    assert world.vault.drift() <= world.terms.closing_tolerance
    assert world.vault.trigger() == 0


def test_trigger__interval_passed_with_drift__is_interval_to_the_second(world: World) -> None:
    drift_to(world, 3_100 * WAD)
    assert world.terms.closing_tolerance < world.vault.drift()
    due = world.rebalancer.completed_at() + world.terms.interval
    world.wait(due - 10 - world.chain.pending_timestamp)
    world.at(due - 1)
    world.chain.mine()
    assert world.vault.trigger() == 0
    world.at(due)
    world.chain.mine()
    assert world.vault.trigger() == INTERVAL


@pytest.mark.parametrize("index", [0, 1, 2])
def test_trigger__weight_leaves_its_band__is_band_at_the_first_tick(world: World, index: int) -> None:
    """The price of the asset rises tick by tick through the edge that the reference names."""
    world.mint(world.depositor, 20_000 * WAD)
    bands = [plan.band for plan in world.plans]
    basket = world.basket()

    def outside(price: int) -> bool:
        held = [*basket]
        held[index] = reference.Holding(basket[index].balance, basket[index].decimals, price, basket[index].target)
        return reference.outside_band(held, bands)

    low, high = basket[index].price, 2 * basket[index].price
    while high - low > 10**10:  # one unit of the feed
        middle = (low + high) // 2 // 10**10 * 10**10
        low, high = (low, middle) if outside(middle) else (middle, high)
    world.set_price(index, low)
    assert world.vault.trigger() == 0
    world.set_price(index, high)
    assert world.vault.trigger() == BAND


def test_trigger__weight_exactly_at_its_band__gives_no_reason(odd_world: World) -> None:
    """DAI at 52.5 %, the others in equal parts: 9,000 USD in all."""
    world = odd_world
    for token, amount in zip(world.tokens, (4_725 * WAD, 2_375_000, WAD * 7_125 // 10_000), strict=True):
        token.mint(world.vault, amount, sender=world.deployer)
    assert world.vault.weights()[0] == world.plans[0].target + world.plans[0].band
    assert world.vault.trigger() == 0
    world.tokens[0].mint(world.vault, 1, sender=world.deployer)
    assert world.vault.trigger() == BAND


def test_trigger__interval_passed_and_drift_exactly_the_tolerance__gives_no_reason(odd_world: World) -> None:
    """DAI at 50.25 %, the others in equal parts: 36,000 USD in all."""
    world = odd_world
    for token, amount in zip(world.tokens, (18_090 * WAD, 9_950_000, WAD * 2_985 // 1_000), strict=True):
        token.mint(world.vault, amount, sender=world.deployer)
    world.wait(world.terms.interval)
    assert world.vault.drift() == world.terms.closing_tolerance
    assert world.vault.trigger() == 0
    world.tokens[0].mint(world.vault, 10**6, sender=world.deployer)
    assert world.vault.drift() > world.terms.closing_tolerance
    assert world.vault.trigger() == INTERVAL


def test_trigger__weight_under_its_band__is_band(world: World) -> None:
    drift_to(world, 2_000 * WAD)
    assert world.vault.trigger() == BAND


def test_trigger__both_hold__is_both(world: World) -> None:
    drift_to(world, 6_000 * WAD)
    world.wait(world.terms.interval)
    assert world.vault.trigger() == INTERVAL | BAND


@pytest.mark.parametrize(("triggers", "interval"), [(BAND, 0), (INTERVAL, 30 * DAY), (INTERVAL | BAND, 30 * DAY)])
def test_trigger__only_what_counts__is_named(world: World, triggers: int, interval: int) -> None:
    world = world.with_vault(triggers=triggers, interval=interval)
    drift_to(world, 6_000 * WAD)
    world.wait(30 * DAY)
    assert world.vault.trigger() == triggers


def test_trigger__all_required__gives_no_reason_until_all_hold(world: World) -> None:
    world = world.with_vault(require_all=True)
    drift_to(world, 6_000 * WAD)
    assert world.vault.trigger() == 0  # the band alone
    world.wait(world.terms.interval)
    assert world.vault.trigger() == INTERVAL | BAND
    world.set_price(2, 3_100 * WAD)
    assert world.vault.trigger() == 0  # the interval alone


def test_trigger__opened_and_never_filled__interval_still_holds(world: World) -> None:
    drift_to(world, 3_100 * WAD)
    world.wait(world.terms.interval)
    world.vault.open_rebalance(sender=world.stranger)
    world.wait(world.terms.duration + 1)
    assert not world.rebalancer.is_open()
    assert world.vault.trigger() == INTERVAL


def test_trigger__completed__interval_starts_over(world: World) -> None:
    drift_to(world, 6_000 * WAD)
    world.wait(world.terms.interval)
    world.vault.open_rebalance(sender=world.stranger)
    receipt = world.pull({2: 2**256 - 1}, {0: 260_000 * 10**6, 1: 15 * 10**7})
    assert world.rebalancer.completed_at() == receipt.timestamp
    world.set_price(2, 6_200 * WAD)
    assert world.vault.drift() > world.terms.closing_tolerance
    assert world.vault.trigger() == 0
    world.wait(world.terms.interval)
    assert world.vault.trigger() == INTERVAL


def test_trigger__feed_stale__reverts(world: World) -> None:
    drift_to(world, 6_000 * WAD)
    world.chain.pending_timestamp += 2 * DAY
    world.chain.mine()
    with bad_price(world.tokens[0], "STALE"):
        world.vault.trigger()
