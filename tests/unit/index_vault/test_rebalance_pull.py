"""IndexVault.rebalance in its pull form: the bought tokens are taken from the caller, no more than the bound asks."""

from collections.abc import Iterator

import pytest

from unit import reference
from unit.world import ALL, FAR, WAD, ZERO, World, revert, undone

USD, BTC, ETH = range(3)
ETHER = 10**18


@pytest.fixture(scope="module")
def opened(world: World) -> Iterator[World]:
    """USD and BTC are in deficit, 62.5 ETH in surplus."""
    with undone(world.chain):
        yield world.opened()


def test_pull__offered_more_than_due__takes_what_is_due_rounded_up(opened: World) -> None:
    world = opened
    held, at = world.wallet(world.vault), world.rebalancer.opened_at() + 1_000
    due = reference.due(world.value_up(ETH, ETHER), world.bound_at(at))
    taken = world.amount_up(USD, due)

    receipt = world.pull({ETH: ETHER}, {USD: 2 * taken}, at=at)

    assert world.wallet(world.keeper) == [taken, 0, ETHER]
    assert world.wallet(world.vault) == [held[USD] + taken, held[BTC], held[ETH] - ETHER]
    assert tuple(receipt.return_value) == (world.value_up(ETH, ETHER), world.value_down(USD, taken))
    event = receipt.events.filter(world.rebalancer.Rebalanced)[0]
    assert (event.caller, event.executor) == (world.keeper, ZERO)


@pytest.mark.parametrize("order", [(USD, BTC), (BTC, USD)])
def test_pull__several_assets__taken_in_the_callers_order(opened: World, order: tuple[int, int]) -> None:
    world = opened
    at = world.rebalancer.opened_at() + 1_000
    due = reference.due(world.value_up(ETH, ETHER), world.bound_at(at))
    first, second = order
    offered = {first: world.amount_up(first, due // 3), second: world.amount_up(second, 2 * due)}
    rest = due - world.value_down(first, offered[first])

    world.pull({ETH: ETHER}, offered, at=at)

    left = world.wallet(world.keeper)
    assert left[first] == 0
    assert offered[second] - left[second] == world.amount_up(second, rest)


def test_pull__deficit_smaller_than_due__next_asset_pays_the_rest(opened: World) -> None:
    world = opened
    at = world.rebalancer.opened_at() + 1_000
    bound = world.bound_at(at)
    room = -(-reference.deficit_value(world.basket(), BTC) * max(bound, WAD) // WAD)
    offered = {BTC: 10**9, USD: 260_000 * 10**6}
    world.pull({ETH: ALL}, offered, at=at)
    assert offered[BTC] - world.wallet(world.keeper)[BTC] == world.amount_up(BTC, room)
    assert not world.rebalancer.is_open()


def test_pull__asset_in_surplus_or_nothing_offered__takes_nothing_of_it(opened: World) -> None:
    world = opened
    with revert("rebalance: value short"):
        world.pull({ETH: ETHER}, {ETH: 100 * ETHER, USD: 0})


def test_pull__nothing_offered__reverts(opened: World) -> None:
    with revert("rebalance: value short"):
        opened.pull({ETH: ETHER}, {})


@pytest.mark.parametrize("elapsed", [1, 900, 1_800])
def test_pull__everything_at_any_bound__reaches_the_targets(opened: World, elapsed: int) -> None:
    world = opened
    nav = world.vault.nav()
    receipt = world.pull({ETH: ALL}, {USD: 300_000 * 10**6, BTC: 2 * 10**8}, at=world.rebalancer.opened_at() + elapsed)
    assert not world.rebalancer.is_open()
    assert world.vault.drift() <= world.terms.closing_tolerance
    assert world.rebalancer.loss() == reference.loss_share(*receipt.return_value, nav)


def test_pull__data_and_a_caller_without_code__are_no_matter(opened: World) -> None:
    world = opened
    world.tokens[USD].mint(world.stranger, 7_000 * 10**6, sender=world.deployer)
    world.tokens[USD].approve(world.vault, 7_000 * 10**6, sender=world.stranger)
    world.vault.rebalance(
        world.legs({ETH: ETHER}), world.legs({USD: 7_000 * 10**6}), ZERO, b"unused", FAR, sender=world.stranger
    )
    assert world.wallet(world.stranger)[ETH] == ETHER


def test_pull__caller_without_the_tokens__reverts(opened: World) -> None:
    world = opened
    world.tokens[USD].approve(world.vault, ALL, sender=world.keeper)
    with revert("token: balance too low"):
        world.pull({ETH: ETHER}, {USD: 7_000 * 10**6}, approved={})


def test_pull__an_asset_offered_twice__reverts(opened: World) -> None:
    legs = opened.legs({USD: 10_000 * 10**6}) * 2
    with revert("rebalance: duplicate asset"):
        opened.vault.rebalance(opened.legs({ETH: ETHER}), legs, ZERO, b"", FAR, sender=opened.keeper)
