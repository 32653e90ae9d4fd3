"""IndexVault.rebalance in its callback form: what a fill does. The rules it has to satisfy are in tests/e2e."""

from collections.abc import Iterator

import pytest

from unit import reference
from unit.world import ALL, FAR, WAD, ZERO_AND_TWENTY_SEVEN, World, revert, step, undone

USD, BTC, ETH = range(3)
ETHER = 10**18


@pytest.fixture(scope="module")
def opened(world: World) -> Iterator[World]:
    """USD and BTC are in deficit, 62.5 ETH in surplus."""
    with undone(world.chain):
        yield world.opened()


def test_rebalance__in_part__pays_takes_and_reports(opened: World) -> None:
    world = opened
    held, basket = world.wallet(world.vault), world.basket()
    brought = {USD: 4_000 * 10**6, BTC: 23 * 10**5}

    receipt = world.fill({ETH: ETHER}, brought, buys=brought)

    value_out = world.value_up(ETH, ETHER)
    value_in = sum(world.value_down(index, amount) for index, amount in brought.items())
    assert tuple(receipt.return_value) == (value_out, value_in)
    assert world.wallet(world.vault) == [held[USD] + brought[USD], held[BTC] + brought[BTC], held[ETH] - ETHER]
    assert world.wallet(world.executor) == [0, 0, ETHER]
    event = receipt.events.filter(world.rebalancer.Rebalanced)[0]
    assert (event.caller, event.executor) == (world.attacker, world.executor)
    assert (event.value_out, event.value_in) == (value_out, value_in)
    assert (event.drift_before, event.drift_after) == (reference.drift(basket), reference.drift(world.basket()))
    assert world.rebalancer.is_open()
    assert world.rebalancer.loss() == 0


def test_rebalance__callback__is_told_who_what_and_the_data(opened: World) -> None:
    world = opened
    world.script(*world.brings({USD: 7_000 * 10**6}))
    data = bytes(range(256)) * 36  # 9,216 bytes, all that fits
    world.vault.rebalance(world.legs({USD: 5, ETH: ETHER}), [], world.executor, data, FAR, sender=world.keeper)
    assert world.executor.vault() == world.vault
    assert world.executor.initiator() == world.keeper
    # USD was not in surplus.
    assert [tuple(leg) for leg in world.executor.sold()] == [(world.tokens[ETH].address, ETHER)]
    assert bytes(world.executor.data()) == data


def test_rebalance__tokens_are_paid_before_the_callback(opened: World) -> None:
    world = opened
    forward = step(world.tokens[ETH].transfer, world.attacker, ETHER)
    world.fill({ETH: ETHER}, {USD: 7_000 * 10**6}, steps=[forward])
    assert world.wallet(world.attacker)[ETH] == ETHER


def test_rebalance__what_was_sold_comes_back_in_part__counts_what_left(opened: World) -> None:
    world = opened
    back = step(world.tokens[ETH].transfer, world.vault, ETHER // 2)
    receipt = world.fill({ETH: ETHER}, {USD: 3_500 * 10**6}, steps=[back])
    assert receipt.return_value[0] == world.value_up(ETH, ETHER - ETHER // 2)


def test_rebalance__to_the_targets__closes_it(opened: World) -> None:
    world = opened
    receipt = world.fill({ETH: ALL}, {USD: 251_000 * 10**6, BTC: 14 * 10**7})
    closed = receipt.events.filter(world.rebalancer.RebalanceClosed)[0]
    assert closed.drift == world.vault.drift() == reference.drift(world.basket())
    assert closed.drift <= world.terms.closing_tolerance
    assert not world.rebalancer.is_open()
    assert (world.rebalancer.opened_at(), world.rebalancer.closed_at()) == (0, receipt.timestamp)
    assert world.vault.trigger() == 0


def test_rebalance__in_many_parts__each_lowers_drift_until_it_closes(opened: World) -> None:
    world = opened
    drifts = [world.vault.drift()]
    for _ in range(3):
        world.fill({ETH: 15 * ETHER}, {USD: 60_600 * 10**6, BTC: 34 * 10**6})
        drifts.append(world.vault.drift())
    assert drifts == sorted(drifts, reverse=True)
    assert world.rebalancer.is_open()
    world.fill({ETH: ALL}, {USD: 70_500 * 10**6, BTC: 40 * 10**6})
    assert not world.rebalancer.is_open()


def test_rebalance__dust_of_what_was_brought__stays_with_the_basket(opened: World) -> None:
    world = opened
    held = world.wallet(world.vault)
    world.fill({ETH: ETHER}, {USD: 6_100 * 10**6, ETH: 3})
    assert world.wallet(world.vault)[ETH] == held[ETH] - ETHER + 3


def test_rebalance__executor_reverts__nothing_happened(opened: World) -> None:
    world = opened
    held = world.wallet(world.vault)
    world.script(step(world.tokens[USD].transfer, world.vault, 1))  # it has none
    with revert("script: step failed"):
        world.vault.rebalance(world.legs({ETH: ETHER}), [], world.executor, b"", FAR, sender=world.attacker)
    assert world.wallet(world.vault) == held


def test_rebalance__zero_and_27_decimals__values_equal_the_reference(extreme_world: World) -> None:
    world = extreme_world
    assert world.plans == ZERO_AND_TWENTY_SEVEN
    world.mint(world.depositor, 20_000 * WAD)
    world.wait(world.terms.cooldown)
    world.set_price(0, 10 * WAD)  # the one without decimals doubles
    world.vault.open_rebalance(sender=world.stranger)
    surplus = reference.surplus(world.basket(), 0)
    long, usd = world.amount_up(1, 63_500 * WAD * 2), world.amount_up(2, 251_000 * WAD)

    receipt = world.fill({0: ALL}, {1: long, 2: usd})

    assert world.wallet(world.executor)[0] == surplus
    assert tuple(receipt.return_value) == (
        world.value_up(0, surplus),
        world.value_down(1, long) + world.value_down(2, usd),
    )
    assert not world.rebalancer.is_open()
