"""A fill opens a rebalance that is due by itself, in one transaction; none that is not due."""

import pytest

from unit.world import ALL, BAND, WAD, World, bad_price, log_names, revert, undone

ETHER = 10**18
EVENTS = ("RebalanceOpened", "Rebalanced", "RebalanceClosed")


def test_rebalance__closed_and_due__opens_and_fills_at_the_first_bound(world: World) -> None:
    world.drifted()
    nav, drift = world.vault.nav(), world.vault.drift()
    receipt = world.fill({2: ETHER}, {0: 6_030 * 10**6})  # 6000 and the premium of half a percent
    assert log_names(receipt, *EVENTS) == ["RebalanceOpened", "Rebalanced"]
    event = receipt.events.filter(world.rebalancer.RebalanceOpened)[0]
    assert (event.caller, event.reason, event.nav, event.drift) == (world.attacker, BAND, nav, drift)
    assert world.rebalancer.opened_at() == receipt.timestamp
    assert list(receipt.return_value) == [6_000 * WAD, 6_030 * WAD]


def test_rebalance__closed_and_due__asks_the_first_bound_to_the_unit(world: World) -> None:
    world.drifted()
    with revert("rebalance: value short"):
        world.fill({2: ETHER}, {0: 6_030 * 10**6 - 1})
    assert not world.rebalancer.is_open()  # what opened it is undone with it


def test_rebalance__pull_form_and_all_of_it__opens_fills_and_closes(world: World) -> None:
    world.drifted()
    receipt = world.pull({2: ALL}, {0: 260_000 * 10**6, 1: 15 * 10**7})
    assert log_names(receipt, *EVENTS) == list(EVENTS)
    event = receipt.events.filter(world.rebalancer.RebalanceOpened)[0]
    assert event.caller == world.keeper
    assert (world.rebalancer.closed_at(), world.rebalancer.opened_at()) == (receipt.timestamp, 0)


def test_rebalance__already_open__does_not_open_again(world: World) -> None:
    world.opened()
    opened_at = world.rebalancer.opened_at()
    receipt = world.fill({2: ETHER}, {0: 6_030 * 10**6})
    assert log_names(receipt, *EVENTS) == ["Rebalanced"]
    assert world.rebalancer.opened_at() == opened_at


def test_rebalance__closed_and_cooling_down__reverts_to_the_second(world: World) -> None:
    world.opened()
    again = world.rebalancer.opened_at() + world.terms.duration + world.terms.cooldown
    with revert("auction: cooling down"):
        world.fill({2: ETHER}, {0: 6_030 * 10**6}, at=again - 1)
    receipt = world.fill({2: ETHER}, {0: 6_030 * 10**6}, at=again)
    assert log_names(receipt, *EVENTS) == ["RebalanceOpened", "Rebalanced"]


def test_rebalance__last_second_of_an_opening__fills_and_a_second_later_has_to_open(world: World) -> None:
    world.opened()
    end = world.rebalancer.opened_at() + world.terms.duration
    with undone(world.chain), revert("auction: cooling down"):
        world.fill({2: ETHER}, {0: 6_030 * 10**6}, at=end + 1)
    receipt = world.fill({2: ETHER}, {0: 6_030 * 10**6}, at=end)
    assert log_names(receipt, *EVENTS) == ["Rebalanced"]


def test_rebalance__no_reason_holds__reverts(world: World) -> None:
    world.mint(world.depositor, 20_000 * WAD)
    world.wait(world.terms.cooldown)
    world.set_price(2, 3_100 * WAD)  # inside of the band
    assert world.vault.drift() > world.terms.closing_tolerance
    with revert("auction: no trigger holds"):
        world.fill({2: ETHER}, {0: 6_030 * 10**6})


def test_rebalance__nothing_minted__reverts(world: World) -> None:
    world.wait(world.terms.cooldown)
    with revert("auction: no trigger holds"):
        world.vault.rebalance([], [], world.executor, b"", 2**40, sender=world.attacker)


def test_rebalance__due_and_a_feed_is_dead__reverts(world: World) -> None:
    world.drifted()
    world.feeds[1].set_dead(True, sender=world.deployer)
    with bad_price(world.tokens[1], "CALL_FAILED"):
        world.fill({2: ETHER}, {0: 6_030 * 10**6})


@pytest.mark.parametrize("stop", ["pause", "shut_down"])
def test_rebalance__due_and_stopped__reverts(world: World, stop: str) -> None:
    world.drifted()
    getattr(world.vault, stop)(sender=world.owner)
    with revert({"pause": "vault: paused", "shut_down": "vault: shut down"}[stop]):
        world.fill({2: ETHER}, {0: 6_030 * 10**6})
