"""IndexVault.set_fees and fees: the owner's, within limits in code."""

from typing import Any

import pytest

from unit.world import NO_FEES, WAD, ZERO, World, revert

MILLIONTH = 10**12
MOST = (5 * 10**16, 2 * 10**16, 2 * 10**16)  # streaming, mint, redeem


def fees(world: World) -> tuple[Any, ...]:
    """Those in force."""
    return tuple(world.vault.fees())


def test_set_fees__by_the_owner__changes_them(world: World) -> None:
    assert fees(world) == NO_FEES
    wanted = (world.recipient, 123 * MILLIONTH, 45 * MILLIONTH, 6 * MILLIONTH)
    receipt = world.vault.set_fees(wanted, sender=world.owner)
    assert fees(world) == wanted
    event = receipt.events.filter(world.vault.FeesChanged)[0]
    assert (tuple(event.old_fees), tuple(event.new_fees)) == (NO_FEES, wanted)
    others = (world.stranger, *MOST)
    receipt = world.vault.set_fees(others, sender=world.owner)
    event = receipt.events.filter(world.vault.FeesChanged)[0]
    assert (tuple(event.old_fees), tuple(event.new_fees)) == (wanted, others)
    assert fees(world) == others


@pytest.mark.parametrize("place", [0, 1, 2])
def test_set_fees__a_millionth_over_the_limit__reverts(world: World, place: int) -> None:
    too_high = [limit + (MILLIONTH if index == place else 0) for index, limit in enumerate(MOST)]
    with revert("fees: too high"):
        world.vault.set_fees((world.recipient, *too_high), sender=world.owner)
    with revert("fees: too high"):
        world.deploy_vault(fees=(world.recipient, *too_high))
    alone = [limit if index == place else 0 for index, limit in enumerate(MOST)]
    world.vault.set_fees((world.recipient, *alone), sender=world.owner)
    assert fees(world)[1:] == tuple(alone)


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("off", [1, MILLIONTH - 1])
def test_set_fees__not_in_millionths__reverts(world: World, place: int, off: int) -> None:
    with revert("fees: not in millionths"):
        world.vault.set_fees(
            (world.recipient, *(off if index == place else 0 for index in range(3))), sender=world.owner
        )


@pytest.mark.parametrize("place", [0, 1, 2])
def test_set_fees__for_nobody_or_the_vault__reverts(world: World, place: int) -> None:
    charged = [MILLIONTH if index == place else 0 for index in range(3)]
    for recipient in (ZERO, world.vault):
        with revert("fees: bad recipient"):
            world.vault.set_fees((recipient, *charged), sender=world.owner)
    with revert("fees: bad recipient"):
        world.deploy_vault(fees=(ZERO, *charged))


def test_set_fees__none__needs_no_recipient_and_may_have_one(world: World) -> None:
    world.vault.set_fees((world.recipient, *MOST), sender=world.owner)
    world.vault.set_fees((world.recipient, 0, 0, 0), sender=world.owner)
    assert fees(world) == (world.recipient, 0, 0, 0)
    world.vault.set_fees(NO_FEES, sender=world.owner)
    assert fees(world) == NO_FEES


@pytest.mark.parametrize("role", ["guardian", "strategist", "recipient", "attacker"])
def test_set_fees__by_anybody_but_the_owner__reverts(world: World, role: str) -> None:
    with revert("ownable: caller is not the owner"):
        world.vault.set_fees(NO_FEES, sender=getattr(world, role))


def test_set_fees__at_creation__are_those_given(world: World) -> None:
    world = world.with_vault(fees=(world.recipient, *MOST))
    assert fees(world) == (world.recipient, *MOST)


def test_set_fees__when_paused__still_works(world: World) -> None:
    world.mint(world.depositor, WAD)
    world.vault.pause(sender=world.guardian)
    world.vault.set_fees((world.recipient, *MOST), sender=world.owner)
    assert fees(world) == (world.recipient, *MOST)
