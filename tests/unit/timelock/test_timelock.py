"""Timelock as the owner of a vault: what it does is announced and done no sooner than the delay."""

from typing import Any

import pytest

from unit.world import WAD, ZERO, World, revert

DELAY = 2 * 86400  # s
NONE = b"\0" * 32  # no predecessor, no salt
NEW = [WAD * 6 // 10, WAD // 5, WAD // 5]
MISSING = "access_control: account is missing role"
NOT_READY = "timelock_controller: operation is not ready"


def deploy(world: World, executors: list[Any]) -> Any:
    """A timelock whose proposer is the owner."""
    return world.deployer.deploy(world.project.Timelock, DELAY, [world.owner], executors)


@pytest.fixture
def timelock(world: World) -> Any:
    """Everybody may execute."""
    return deploy(world, [ZERO])


@pytest.fixture
def owned(world: World, timelock: Any) -> World:
    """The timelock owns another vault."""
    return world.with_vault(owner=timelock)


def operation(method: Any, *args: Any) -> tuple[Any, ...]:
    """Target, value, payload, predecessor and salt of a call."""
    return method.contract.address, 0, method.encode_input(*args), NONE, NONE


def schedule(world: World, timelock: Any, call: tuple[Any, ...], delay: int = DELAY) -> int:
    """Announce a call; when it is due, unix s."""
    receipt = timelock.schedule(*call, delay, sender=world.owner)
    assert timelock.get_timestamp(timelock.hash_operation(*call)) == receipt.timestamp + delay
    return int(receipt.timestamp) + delay


def test_execute__set_targets_when_the_delay_is_over__moves_the_targets(owned: World, timelock: Any) -> None:
    world = owned
    call = operation(world.rebalancer.set_targets, NEW, 0, 0)
    due = schedule(world, timelock, call)
    world.at(due - 1)
    with revert(NOT_READY):
        timelock.execute(*call, sender=world.stranger)
    world.at(due)
    receipt = timelock.execute(*call, sender=world.stranger)
    assert receipt.timestamp == due
    assert list(world.vault.targets()) == NEW
    assert len(receipt.events.filter(world.rebalancer.TargetsChanged)) == 1
    with revert(NOT_READY):
        timelock.execute(*call, sender=world.stranger)


def test_execute__largest_payload_of_the_rebalancer__fits(owned: World, timelock: Any) -> None:
    """Twenty targets, twenty keepers: calldata of under 1,024 bytes."""
    world = owned
    keepers = [f"0x{index:040x}" for index in range(1, 21)]
    call = operation(world.rebalancer.set_keepers, keepers, True)
    world.at(schedule(world, timelock, call))
    timelock.execute(*call, sender=world.stranger)
    assert all(world.rebalancer.is_keeper(keeper) for keeper in keepers)
    longest = operation(world.rebalancer.set_targets, [WAD // 20] * 20, 1, 2)
    schedule(world, timelock, longest)


def test_execute__call_reverts__passes_the_reason_on_and_may_be_tried_again(owned: World, timelock: Any) -> None:
    world = owned
    call = operation(world.vault.unpause)
    world.at(schedule(world, timelock, call))
    with revert("vault: not paused"):
        timelock.execute(*call, sender=world.stranger)
    world.vault.pause(sender=world.guardian)
    timelock.execute(*call, sender=world.stranger)
    assert not world.vault.paused()


def test_execute__never_announced__reverts(owned: World, timelock: Any) -> None:
    call = operation(owned.rebalancer.set_targets, NEW, 0, 0)
    for who in (owned.owner, owned.stranger):
        with revert(NOT_READY):
            timelock.execute(*call, sender=who)


def test_execute__another_call_than_announced__reverts(owned: World, timelock: Any) -> None:
    owned.at(schedule(owned, timelock, operation(owned.rebalancer.set_targets, NEW, 0, 0)))
    with revert(NOT_READY):
        timelock.execute(*operation(owned.rebalancer.set_targets, [WAD, 0, 0], 0, 0), sender=owned.stranger)


def test_cancel__by_the_proposer__is_never_done(owned: World, timelock: Any) -> None:
    world = owned
    call = operation(world.rebalancer.set_targets, NEW, 0, 0)
    due = schedule(world, timelock, call)
    identity = timelock.hash_operation(*call)
    for who in (world.stranger, world.guardian, world.attacker):
        with revert(MISSING):
            timelock.cancel(identity, sender=who)
    timelock.cancel(identity, sender=world.owner)
    world.at(due)
    with revert(NOT_READY):
        timelock.execute(*call, sender=world.stranger)
    with revert("timelock_controller: operation cannot be cancelled"):
        timelock.cancel(identity, sender=world.owner)


def test_schedule__sooner_than_the_delay__reverts(owned: World, timelock: Any) -> None:
    call = operation(owned.rebalancer.set_targets, NEW, 0, 0)
    with revert("timelock_controller: insufficient delay"):
        timelock.schedule(*call, DELAY - 1, sender=owned.owner)


@pytest.mark.parametrize("role", ["deployer", "guardian", "stranger", "attacker"])
def test_schedule__by_anybody_but_a_proposer__reverts(owned: World, timelock: Any, role: str) -> None:
    """Who deployed the timelock included."""
    call = operation(owned.rebalancer.set_targets, NEW, 0, 0)
    with revert(MISSING):
        timelock.schedule(*call, DELAY, sender=getattr(owned, role))


def test_execute__executor_named__nobody_else_can(world: World) -> None:
    timelock = deploy(world, [world.keeper])
    world = world.with_vault(owner=timelock)
    call = operation(world.rebalancer.set_targets, NEW, 0, 0)
    world.at(schedule(world, timelock, call))
    for who in (world.stranger, world.owner):
        with revert(MISSING):
            timelock.execute(*call, sender=who)
    timelock.execute(*call, sender=world.keeper)
    assert list(world.vault.targets()) == NEW


def test_owner__is_the_timelock__its_proposer_can_nothing_directly(owned: World, timelock: Any) -> None:
    world = owned
    assert world.vault.owner() == timelock
    with revert("rebalancer: not owner"):
        world.rebalancer.set_targets(NEW, 0, 0, sender=world.owner)
    for name in ("unpause", "shut_down", "remove_guardian"):
        with revert("ownable: caller is not the owner"):
            getattr(world.vault, name)(sender=world.owner)
    with revert("vault: not guardian"):
        world.vault.pause(sender=world.owner)
    world.vault.pause(sender=world.guardian)  # at once, as ever


def test_accept_ownership__through_the_timelock__hands_vault_and_oracle_over(world: World, timelock: Any) -> None:
    world.vault.transfer_ownership(timelock, sender=world.owner)
    world.oracle.transfer_ownership(timelock, sender=world.owner)
    with revert("ownable_2step: caller is not the new owner"):
        world.vault.accept_ownership(sender=world.owner)
    calls = [operation(contract.accept_ownership) for contract in (world.vault, world.oracle)]
    due = max(schedule(world, timelock, call) for call in calls)
    assert world.vault.owner() == world.owner  # until then
    world.at(due)
    for call in calls:
        timelock.execute(*call, sender=world.stranger)
    assert world.vault.owner() == world.oracle.owner() == timelock
    with revert("rebalancer: not owner"):
        world.rebalancer.set_targets(NEW, 0, 0, sender=world.owner)


def test_update_delay__only_by_announcement(owned: World, timelock: Any) -> None:
    world = owned
    with revert("timelock_controller: caller must be timelock"):
        timelock.update_delay(0, sender=world.owner)
    call = operation(timelock.update_delay, 60)
    world.at(schedule(world, timelock, call))
    timelock.execute(*call, sender=world.stranger)
    assert timelock.get_minimum_delay() == 60


@pytest.mark.parametrize("role", ["deployer", "owner", "attacker"])
def test_grant_role__only_by_announcement(owned: World, timelock: Any, role: str) -> None:
    who = getattr(owned, role)
    with revert(MISSING):
        timelock.grantRole(timelock.PROPOSER_ROLE(), owned.attacker, sender=who)
    assert not timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), who)
    call = operation(timelock.grantRole, timelock.PROPOSER_ROLE(), owned.stranger)
    owned.at(schedule(owned, timelock, call))
    timelock.execute(*call, sender=owned.stranger)
    assert timelock.hasRole(timelock.PROPOSER_ROLE(), owned.stranger)


def test_execute_batch__several_calls__together_or_not_at_all(owned: World, timelock: Any) -> None:
    world = owned
    good = operation(world.rebalancer.set_head_start, 60)
    bad = operation(world.vault.unpause)
    batch = [[good[0], bad[0]], [0, 0], [good[2], bad[2]], NONE, NONE]
    receipt = timelock.schedule_batch(*batch, DELAY, sender=world.owner)
    world.at(receipt.timestamp + DELAY)
    with revert("vault: not paused"):
        timelock.execute_batch(*batch, sender=world.stranger)
    assert world.rebalancer.head_start() == 0
    world.vault.pause(sender=world.guardian)
    timelock.execute_batch(*batch, sender=world.stranger)
    assert (world.rebalancer.head_start(), world.vault.paused()) == (60, False)
