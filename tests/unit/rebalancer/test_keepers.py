"""Rebalancer.set_keepers, set_head_start, is_keeper, head_start: listed accounts may fill first, then anybody."""

from typing import Any

import pytest

from unit.world import ALL, FAR, WAD, ZERO, World, log_names, revert, undone

HEAD_START = 300  # s
FILL = ({2: 10**18}, {0: 7_000 * 10**6})  # sells and pays more than any bound asks


@pytest.fixture
def listed(world: World) -> World:
    """The keeper is on the list and has a head start; ETH is in surplus, nothing is open."""
    world.drifted()
    world.rebalancer.set_keepers([world.keeper], True, sender=world.owner)
    world.rebalancer.set_head_start(HEAD_START, sender=world.owner)
    return world


def fill(world: World, who: Any, at: int | None = None) -> Any:
    """`who` fills in the pull form."""
    sells, buys = FILL
    for index, amount in buys.items():
        world.tokens[index].mint(who, amount, sender=world.deployer)
        world.tokens[index].approve(world.vault, amount, sender=who)
    if at is not None:
        world.at(at)
    return world.vault.rebalance(world.legs(sells), world.legs(buys), ZERO, b"", FAR, sender=who)


def test_head_start__last_second__keeper_fills_and_stranger_does_not(listed: World) -> None:
    world = listed
    end = world.vault.open_rebalance(sender=world.keeper).timestamp + HEAD_START
    with undone(world.chain), revert("keepers: head start"):
        fill(world, world.stranger, at=end - 1)
    assert fill(world, world.keeper, at=end - 1).timestamp == end - 1


def test_head_start__over__anybody_fills(listed: World) -> None:
    world = listed
    end = world.vault.open_rebalance(sender=world.keeper).timestamp + HEAD_START
    assert fill(world, world.stranger, at=end).timestamp == end


def test_head_start__first_second__keeper_opens_and_fills_at_once(listed: World) -> None:
    receipt = fill(listed, listed.keeper)
    names = ("RebalanceOpened", "Rebalanced")
    assert log_names(receipt, *names) == list(names)
    assert listed.rebalancer.opened_at() == receipt.timestamp


def test_head_start__stranger_fills_what_is_due__opens_nothing(listed: World) -> None:
    with revert("keepers: head start"):
        fill(listed, listed.stranger)
    assert not listed.rebalancer.is_open()


def test_head_start__opening_by_a_stranger__starts_the_keepers_time(listed: World) -> None:
    world = listed
    opened_at = world.vault.open_rebalance(sender=world.stranger).timestamp
    with revert("keepers: head start"):
        fill(world, world.stranger)
    fill(world, world.keeper, at=opened_at + 30)


def test_head_start__callback_form__who_calls_the_vault_counts_and_not_the_executor(listed: World) -> None:
    world = listed
    world.rebalancer.set_keepers([world.executor], True, sender=world.owner)
    with revert("keepers: head start"):
        world.fill(*FILL)  # by the attacker, through a listed executor


def test_head_start__keeper_is_a_contract__fills_in_its_own_name(listed: World) -> None:
    world = listed
    world.rebalancer.set_keepers([world.executor], True, sender=world.owner)
    sells, buys = FILL
    world.tokens[0].mint(world.executor, buys[0], sender=world.deployer)
    world.executor.call(world.tokens[0], world.tokens[0].approve.encode_input(world.vault, ALL), sender=world.stranger)
    call = world.vault.rebalance.encode_input(world.legs(sells), world.legs(buys), ZERO, b"", FAR)
    receipt = world.executor.call(world.vault, call, sender=world.stranger)
    event = receipt.events.filter(world.rebalancer.Rebalanced)[0]
    assert event.caller == world.executor


def test_head_start__keeper__is_held_to_the_same_bound(listed: World) -> None:
    world = listed
    world.vault.open_rebalance(sender=world.keeper)
    with revert("rebalance: value short"):
        world.pull({2: 10**18}, {0: 6_000 * 10**6})


def test_keepers__without_a_head_start__the_list_means_nothing(listed: World) -> None:
    world = listed
    world.rebalancer.set_head_start(0, sender=world.owner)
    fill(world, world.stranger)


def test_head_start__empty_list__only_delays(listed: World) -> None:
    world = listed
    world.rebalancer.set_keepers([world.keeper], False, sender=world.owner)
    opened_at = world.vault.open_rebalance(sender=world.stranger).timestamp
    with revert("keepers: head start"):
        fill(world, world.keeper)
    fill(world, world.keeper, at=opened_at + HEAD_START)


def test_set_keepers__several__are_listed_and_taken_off(world: World) -> None:
    rules, accounts = world.rebalancer, [world.keeper, world.stranger]
    assert not any(rules.is_keeper(account) for account in accounts)
    receipt = rules.set_keepers(accounts, True, sender=world.owner)
    events = receipt.events.filter(rules.KeeperChanged)
    assert [(event.keeper, event.old_allowed, event.new_allowed) for event in events] == [
        (account.address, False, True) for account in accounts
    ]
    assert all(rules.is_keeper(account) for account in accounts)
    assert not rules.is_keeper(world.attacker)

    receipt = rules.set_keepers([world.stranger, world.attacker], False, sender=world.owner)
    events = receipt.events.filter(rules.KeeperChanged)
    assert [(event.old_allowed, event.new_allowed) for event in events] == [(True, False), (False, False)]
    assert [rules.is_keeper(who) for who in (world.keeper, world.stranger, world.attacker)] == [True, False, False]


def test_set_keepers__nobody__changes_nothing(world: World) -> None:
    rules = world.rebalancer
    rules.set_keepers([world.keeper], True, sender=world.owner)
    for allowed in (True, False):
        assert not rules.set_keepers([], allowed, sender=world.owner).events.filter(rules.KeeperChanged)
    assert rules.is_keeper(world.keeper)


def test_set_head_start__half_of_the_duration__is_the_longest(world: World) -> None:
    longest = world.terms.duration // 2
    receipt = world.rebalancer.set_head_start(longest, sender=world.owner)
    event = receipt.events.filter(world.rebalancer.HeadStartChanged)[0]
    assert (event.old_head_start, event.new_head_start) == (0, longest)
    assert world.rebalancer.head_start() == longest
    with revert("keepers: head start too long"):
        world.rebalancer.set_head_start(longest + 1, sender=world.owner)
    receipt = world.rebalancer.set_head_start(0, sender=world.owner)
    event = receipt.events.filter(world.rebalancer.HeadStartChanged)[0]
    assert (event.old_head_start, event.new_head_start) == (longest, 0)


def test_set_head_start__odd_duration__is_less_than_half(world: World) -> None:
    world = world.with_vault(duration=61)
    with revert("keepers: head start too long"):
        world.rebalancer.set_head_start(31, sender=world.owner)
    world.rebalancer.set_head_start(30, sender=world.owner)


@pytest.mark.parametrize("role", ["guardian", "strategist", "keeper", "attacker"])
def test_keepers__changed_by_anybody_but_the_owner__reverts(world: World, role: str) -> None:
    who = getattr(world, role)
    with revert("rebalancer: not owner"):
        world.rebalancer.set_keepers([who], True, sender=who)
    with revert("rebalancer: not owner"):
        world.rebalancer.set_head_start(0, sender=who)


def test_head_start__bound_at_its_end__is_what_the_terms_say(listed: World) -> None:
    """A head start moves the start of nobody's auction: the bound falls as ever."""
    world = listed
    opened_at = world.vault.open_rebalance(sender=world.stranger).timestamp
    world.pass_to(opened_at + HEAD_START)
    assert world.vault.price_bound() == world.bound_at(opened_at + HEAD_START) < WAD + world.terms.start_premium
