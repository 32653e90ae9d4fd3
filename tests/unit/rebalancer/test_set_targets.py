"""Rebalancer.set_targets, targets and schedule: linearly from the targets of now to other ones; and the trigger TARGETS."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unit import reference
from unit.world import ALL, BAND, INTERVAL, TARGETS, WAD, World, revert, undone

DAY = 86400
OLD = [WAD // 2, WAD // 4, WAD // 4]  # as the world is made
NEW = [WAD * 6 // 10, WAD // 3, WAD - WAD * 6 // 10 - WAD // 3]
MAX_TIME = 365 * DAY
MOST = 20  # assets
SHORTEST = 60  # s, of an auction and so of a change


def shares(count: int) -> st.SearchStrategy[list[int]]:
    """Targets that sum to 1e18, some of them zero."""
    cuts = st.lists(
        st.sampled_from([0, 1, WAD // 3, WAD - 1, WAD]) | st.integers(0, WAD), min_size=count - 1, max_size=count - 1
    )
    return cuts.map(lambda found: [b - a for a, b in zip([0, *sorted(found)], [*sorted(found), WAD], strict=True)])


def set_targets(world: World, targets: Sequence[int], start: int = 0, end: int = 0) -> Any:
    return world.rebalancer.set_targets(targets, start, end, sender=world.owner)


def towards(world: World, targets: Sequence[int]) -> list[reference.Holding]:
    """The basket as it is, with these targets."""
    return [replace(held, target=target) for held, target in zip(world.basket(), targets, strict=True)]


def trade_to_target(world: World, targets: Sequence[int] | None = None, at: int | None = None) -> Any:
    """Pay for all that is in surplus with whatever is in deficit, by the targets of now or those told; the receipt."""
    everything = {index: 10**7 * 10**plan.decimals for index, plan in enumerate(world.plans)}
    basket = towards(world, targets or world.vault.targets())
    sells = {index: ALL for index in everything if reference.surplus(basket, index)}
    return world.pull(sells, {index: amount for index, amount in everything.items() if index not in sells}, at=at)


@pytest.fixture(scope="module")
def wide(world: World) -> Iterator[World]:
    """A basket of as many assets as fit, which fill five slots of targets."""
    with undone(world.chain):
        tokens = [world.deployer.deploy(world.project.Token, f"T{index}", 18) for index in range(MOST)]
        oracle = world.deployer.deploy(
            world.project.PriceOracle, world.owner, [(token, world.feeds[0], DAY, 1, WAD * 100) for token in tokens]
        )
        assets = [(token, WAD, WAD // MOST, WAD // 100) for token in tokens]
        yield replace(world, vault=world.deploy_vault(assets=assets, oracle=oracle, duration=SHORTEST))


# ---------------------------------------------------------------- the way


def test_set_targets__zero_for_both_times__is_a_step_now(world: World) -> None:
    receipt = set_targets(world, NEW)
    assert list(world.vault.targets()) == list(world.rebalancer.targets()) == NEW
    targets, start, end = world.rebalancer.schedule()
    assert (list(targets), start, end) == (NEW, receipt.timestamp, receipt.timestamp)
    event = receipt.events.filter(world.rebalancer.TargetsChanged)[0]
    assert (list(event.old_targets), list(event.new_targets)) == (OLD, NEW)
    assert (event.start, event.end) == (receipt.timestamp, receipt.timestamp)


def test_set_targets__gradual__is_linear_between_start_and_end(world: World) -> None:
    start = world.now() + 1000
    end = start + 7 * DAY
    receipt = set_targets(world, NEW, start, end)
    event = receipt.events.filter(world.rebalancer.TargetsChanged)[0]
    assert (list(event.old_targets), list(event.new_targets), event.start, event.end) == (OLD, NEW, start, end)
    targets, begins, ends = world.rebalancer.schedule()
    assert (list(targets), begins, ends) == (NEW, start, end)
    for moment, expected in (
        (start, OLD),
        (start + 1, reference.targets_at(OLD, NEW, start, end, start + 1)),
        ((start + end) // 2, [(old + new) // 2 for old, new in zip(OLD, NEW, strict=True)]),
        (end - 1, reference.targets_at(OLD, NEW, start, end, end - 1)),
        (end, NEW),
        (end + DAY, NEW),
    ):
        world.pass_to(moment)
        assert list(world.vault.targets()) == pytest.approx(expected, rel=0, abs=1)
        assert list(world.vault.targets()) == reference.targets_at(OLD, NEW, start, end, moment)
    assert reference.targets_at(OLD, NEW, start, end, start + 1) != OLD
    assert reference.targets_at(OLD, NEW, start, end, end - 1) != NEW


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    old=shares(MOST),
    new=shares(MOST),
    duration=st.integers(SHORTEST, 200) | st.integers(SHORTEST, MAX_TIME - 10),
    parts=st.lists(st.floats(0, 1), min_size=3, max_size=3),
)
def test_targets__at_every_second_tried__sum_to_one_and_equal_the_reference(
    wide: World, old: list[int], new: list[int], duration: int, parts: list[float]
) -> None:
    with undone(wide.chain):
        set_targets(wide, old)
        start = wide.now() + 5
        end = start + duration
        set_targets(wide, new, start, end)
        moments = {start, start + 1, end - 1, end, *(start + int(part * duration) for part in parts)}
        for moment in sorted(moments):
            wide.pass_to(moment)
            found = list(wide.vault.targets())
            assert sum(found) == WAD
            assert found == reference.targets_at(old, new, start, end, moment)
            for index, target in enumerate(found):
                low, high = sorted((old[index], new[index]))
                assert target == 0 if high == 0 else max(0, low - 1) <= target <= high + 1


def test_set_targets__in_the_middle_of_a_change__starts_from_the_targets_of_now(world: World) -> None:
    start = world.now() + 10
    end = start + 10 * DAY
    set_targets(world, NEW, start, end)
    halfway = start + 5 * DAY + 1
    third = [0, 0, WAD]
    world.at(halfway)
    receipt = set_targets(world, third, halfway, halfway + DAY)
    assert receipt.timestamp == halfway
    between = reference.targets_at(OLD, NEW, start, end, halfway)
    assert between not in (OLD, NEW)
    event = receipt.events.filter(world.rebalancer.TargetsChanged)[0]
    assert (list(event.old_targets), list(event.new_targets)) == (between, third)
    assert list(world.vault.targets()) == between
    for moment in (halfway + DAY // 3, halfway + DAY):
        world.pass_to(moment)
        assert list(world.vault.targets()) == reference.targets_at(between, third, halfway, halfway + DAY, moment)


def test_set_targets__before_a_change_has_begun__replaces_it(world: World) -> None:
    start = world.now() + DAY
    set_targets(world, NEW, start, start + DAY)
    receipt = set_targets(world, [0, 0, WAD], start, start + 2 * DAY)
    assert list(receipt.events.filter(world.rebalancer.TargetsChanged)[0].old_targets) == OLD
    world.pass_to(start + DAY)
    assert list(world.vault.targets()) == [WAD // 4, WAD // 8, WAD - WAD // 4 - WAD // 8]


def test_set_targets__targets_of_now__stops_a_change(world: World) -> None:
    start = world.now() + 10
    set_targets(world, NEW, start, start + DAY)
    world.pass_to(start + DAY // 2)
    now = list(world.vault.targets())
    set_targets(world, now)
    world.pass_to(start + 2 * DAY)
    assert list(world.vault.targets()) == now


# -------------------------------------------------------------- schedules


@pytest.mark.parametrize("start_before", [0, 1, DAY, None])
def test_set_targets__start_now_or_past__counts_as_now(world: World, start_before: int | None) -> None:
    now = world.now() + 100
    start = 0 if start_before is None else now - start_before
    world.at(now)
    receipt = set_targets(world, NEW, start, now + DAY)
    assert receipt.timestamp == now
    assert receipt.events.filter(world.rebalancer.TargetsChanged)[0].start == now
    assert tuple(world.rebalancer.schedule())[1:] == (now, now + DAY)
    assert list(world.vault.targets()) == OLD
    world.pass_to(now + DAY // 2)
    assert list(world.vault.targets()) == reference.targets_at(OLD, NEW, now, now + DAY, now + DAY // 2)


@pytest.mark.parametrize("starts_in", [1, DAY])
def test_set_targets__begins_later__takes_as_long_as_an_auction_to_the_second(world: World, starts_in: int) -> None:
    """Nobody opens a rebalance before, lets its bound fall, and gets all of the discount on a jump."""
    now = world.now() + 100
    start = now + starts_in
    for end in (start, start + 1, start + world.terms.duration - 1):
        world.at(now)
        with revert("targets: change too sudden"):
            set_targets(world, NEW, start, end)
    world.at(now)
    set_targets(world, NEW, start, start + world.terms.duration)
    assert tuple(world.rebalancer.schedule())[1:] == (start, start + world.terms.duration)


def test_set_targets__end_in_the_past__reverts_to_the_second(world: World) -> None:
    now = world.now() + 100
    for start in (0, now - 1, now):
        world.at(now)
        with revert("targets: bad schedule"):
            set_targets(world, NEW, start, now - 1)
    world.at(now)
    assert set_targets(world, NEW, now - 1, now).timestamp == now
    assert list(world.vault.targets()) == NEW


def test_set_targets__end_before_start__reverts(world: World) -> None:
    start = world.now() + DAY
    for end in (0, start - 1):
        with revert("targets: bad schedule"):
            set_targets(world, NEW, start, end)


def test_set_targets__end_a_year_from_now__is_the_longest(world: World) -> None:
    now = world.now() + 100
    for start in (0, now, now + MAX_TIME + 1):
        world.at(now)
        with revert("targets: bad schedule"):
            set_targets(world, NEW, start, now + MAX_TIME + 1)
    world.at(now)
    set_targets(world, NEW, 0, now + MAX_TIME)
    assert tuple(world.rebalancer.schedule())[1:] == (now, now + MAX_TIME)


@pytest.mark.parametrize("huge", [2**64, 2**255, 2**256 - 1])
def test_set_targets__times_that_no_slot_holds__revert(world: World, huge: int) -> None:
    for start, end in ((huge, huge), (0, huge), (huge, 0)):
        with revert("targets: bad schedule"):
            set_targets(world, NEW, start, end)


@pytest.mark.parametrize("error", [-1, 1, -WAD])
def test_set_targets__sum_off_by_a_unit__reverts(world: World, error: int) -> None:
    with revert("targets: do not sum to 1"):
        set_targets(world, [WAD + error, 0, 0])


@pytest.mark.parametrize("targets", [[], [WAD], [WAD // 2] * 2, [WAD // 4] * 4])
def test_set_targets__wrong_number__reverts(world: World, targets: list[int]) -> None:
    with revert("targets: wrong number"):
        set_targets(world, targets)


@pytest.mark.parametrize("role", ["guardian", "strategist", "keeper", "depositor", "attacker"])
def test_set_targets__by_anybody_but_the_owner__reverts(world: World, role: str) -> None:
    with revert("rebalancer: not owner"):
        world.rebalancer.set_targets(NEW, 0, 0, sender=getattr(world, role))


def test_set_targets__vault_changed_hands__obeys_the_new_owner(world: World) -> None:
    world.vault.transfer_ownership(world.stranger, sender=world.owner)
    world.vault.accept_ownership(sender=world.stranger)
    with revert("rebalancer: not owner"):
        set_targets(world, NEW)
    world.rebalancer.set_targets(NEW, 0, 0, sender=world.stranger)


def test_set_targets__when_paused__still_works(world: World) -> None:
    world.vault.pause(sender=world.guardian)
    set_targets(world, NEW)
    assert list(world.vault.targets()) == NEW


# ------------------------------------------------------------- the trigger


def seeded(world: World, **terms: Any) -> World:
    """Another vault, seeded on target, its cooldown over."""
    world = world.with_vault(**terms)
    world.mint(world.depositor, 20_000 * WAD)
    world.wait(world.terms.cooldown)
    return world


def test_trigger__targets_change_now__is_targets_and_opens(world: World) -> None:
    world = seeded(world, triggers=TARGETS, interval=0)
    assert world.vault.trigger() == 0
    set_targets(world, NEW)
    assert world.vault.trigger() == TARGETS
    receipt = world.vault.open_rebalance(sender=world.stranger)
    assert receipt.return_value == TARGETS
    assert receipt.events.filter(world.rebalancer.RebalanceOpened)[0].reason == TARGETS


def test_trigger__targets_do_not_count__gives_no_reason(world: World) -> None:
    world = seeded(world)
    close = [target + change for target, change in zip(OLD, (WAD // 100, -WAD // 100, 0), strict=True)]
    set_targets(world, close)
    assert world.vault.drift() > world.terms.closing_tolerance
    assert world.vault.trigger() == 0  # inside of the bands, and before the interval


def test_trigger__change_in_the_future__holds_from_its_start_to_the_second(world: World) -> None:
    world = seeded(world, triggers=TARGETS, interval=0)
    world.set_price(2, 6_000 * WAD)  # drift, for which no reason counts yet
    start = world.now() + 1000
    set_targets(world, NEW, start, start + DAY)
    world.pass_to(start - 1)
    assert world.vault.trigger() == 0
    world.pass_to(start)
    assert world.vault.trigger() == TARGETS


def test_trigger__drift_within_the_tolerance__gives_no_reason(world: World) -> None:
    world = seeded(world, triggers=TARGETS, interval=0)
    tolerance = world.terms.closing_tolerance

    def shifted(step: int) -> list[int]:
        return [OLD[0] + step, OLD[1] - step, OLD[2]]

    low, high = 0, 2 * tolerance
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reference.drift(towards(world, shifted(middle))) > tolerance else (middle, high)
    set_targets(world, shifted(low))
    assert world.vault.drift() == tolerance
    assert world.vault.trigger() == 0
    set_targets(world, shifted(high))
    assert world.vault.drift() > tolerance
    assert world.vault.trigger() == TARGETS


def test_trigger__all_required__targets_are_enough_alone(world: World) -> None:
    world = seeded(world, triggers=INTERVAL | BAND | TARGETS, require_all=True)
    world.set_price(2, 6_000 * WAD)
    assert world.vault.trigger() == 0  # the band alone
    world.set_price(2, 3_000 * WAD)
    set_targets(world, NEW)
    assert world.vault.trigger() == TARGETS  # and the band, which does not count without the interval
    world.wait(world.terms.interval)
    assert world.vault.trigger() == INTERVAL | BAND | TARGETS


def test_trigger__all_required_and_only_targets_count__holds(world: World) -> None:
    world = seeded(world, triggers=TARGETS, interval=0, require_all=True)
    assert world.vault.trigger() == 0
    set_targets(world, NEW)
    assert world.vault.trigger() == TARGETS


def test_trigger__rebalanced_in_the_middle_of_a_change__holds_again_until_one_completes_at_its_end(
    world: World,
) -> None:
    world = seeded(world, triggers=TARGETS, interval=0)
    start = world.now() + 10
    end = start + 10 * DAY
    set_targets(world, NEW, start, end)
    world.wait(5 * DAY)
    assert world.vault.trigger() == TARGETS
    receipt = trade_to_target(world)
    assert len(receipt.events.filter(world.rebalancer.RebalanceClosed)) == 1
    assert world.vault.trigger() == 0  # on target for now
    # Between two steps the cooldown holds.
    world.wait(world.terms.cooldown)
    world.wait(4 * DAY)
    assert world.vault.trigger() == TARGETS
    receipt = trade_to_target(world)
    assert receipt.timestamp < end
    world.pass_to(end)
    world.refresh()
    assert world.vault.trigger() == TARGETS
    receipt = trade_to_target(world)
    assert receipt.timestamp >= end
    assert len(receipt.events.filter(world.rebalancer.RebalanceClosed)) == 1
    # Prices drift from here on, the change is over.
    world.set_price(2, 6_000 * WAD)
    assert world.vault.drift() > world.terms.closing_tolerance
    assert world.vault.trigger() == 0


def test_trigger__completed_in_the_last_second_before_the_end__still_holds(world: World) -> None:
    """And in the second of the end it does not."""
    world = seeded(world, triggers=TARGETS, interval=0)
    end = world.now() + 1000
    set_targets(world, NEW, 0, end)
    for moment, expected in ((end - 1, TARGETS), (end, 0)):
        with undone(world.chain):
            receipt = trade_to_target(world, NEW, at=moment)
            assert receipt.timestamp == moment
            assert len(receipt.events.filter(world.rebalancer.RebalanceClosed)) == 1
            world.set_price(2, 6_000 * WAD)
            assert world.vault.trigger() == expected


def test_trigger__filled_in_part_after_the_end__still_holds(world: World) -> None:
    world = seeded(world, triggers=TARGETS, interval=0)
    set_targets(world, NEW)
    receipt = world.pull({2: 10**18}, {0: 4_000 * 10**6})
    assert len(receipt.events.filter(world.rebalancer.RebalanceClosed)) == 0
    assert world.vault.trigger() == TARGETS


def test_trigger__completed_though_no_targets_changed__is_not_targets(world: World) -> None:
    world = seeded(world, triggers=BAND | TARGETS, interval=0)
    world.set_price(2, 6_000 * WAD)
    receipt = trade_to_target(world)
    assert len(receipt.events.filter(world.rebalancer.RebalanceClosed)) == 1
    world.set_price(2, 12_000 * WAD)
    assert world.vault.trigger() == BAND


def test_open_rebalance__between_two_steps_of_a_change__cools_down(world: World) -> None:
    world = seeded(world, triggers=TARGETS, interval=0)
    set_targets(world, NEW, 0, world.now() + DAY)
    world.wait(DAY // 3)
    closed_at = trade_to_target(world).timestamp
    world.set_price(2, 6_000 * WAD)
    assert world.vault.trigger() == TARGETS
    world.at(closed_at + world.terms.cooldown - 1)
    with revert("auction: cooling down"):
        world.vault.open_rebalance(sender=world.stranger)
    world.at(closed_at + world.terms.cooldown)
    world.vault.open_rebalance(sender=world.stranger)


def test_set_targets__again_after_one_was_reached__triggers_again(world: World) -> None:
    world = seeded(world, triggers=TARGETS, interval=0)
    set_targets(world, NEW)
    trade_to_target(world)
    assert world.vault.trigger() == 0
    set_targets(world, OLD)
    assert world.vault.trigger() == TARGETS


# ------------------------------------------------------- a rebalance is open


@pytest.mark.parametrize("takes", [None, 0, 1, DAY])
def test_set_targets__begins_now_and_a_rebalance_is_open__ends_it(world: World, takes: int | None) -> None:
    world.opened()
    completed_at = world.rebalancer.completed_at()
    now = world.rebalancer.opened_at() + world.terms.duration // 2
    world.at(now)
    set_targets(world, NEW, 0, 0 if takes is None else now + takes)
    assert not world.rebalancer.is_open()
    assert (world.rebalancer.closed_at(), world.rebalancer.completed_at()) == (now, completed_at)
    world.at(now + world.terms.cooldown - 1)
    with revert("auction: cooling down"):
        world.vault.open_rebalance(sender=world.stranger)
    world.at(now + world.terms.cooldown)
    world.vault.open_rebalance(sender=world.stranger)


def test_set_targets__begins_later_and_a_rebalance_is_open__goes_on(world: World) -> None:
    world.opened()
    start = world.now() + 100
    set_targets(world, [0, 0, WAD], start, start + world.terms.duration)
    assert world.rebalancer.is_open()
    sold = world.fill({2: 10**18}, {0: 7_000 * 10**6}).return_value
    assert sold[0] > 0
    # And fills go towards the targets of their moment.
    world.pass_to(start + world.terms.duration - 200)
    world.refresh()
    assert world.rebalancer.is_open()
    with revert("rebalance: nothing in surplus"):
        world.fill({2: 10**18}, {0: 7_000 * 10**6})
