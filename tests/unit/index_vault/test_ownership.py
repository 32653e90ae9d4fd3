"""IndexVault's owner: handed over in two steps, and able to do no more than its header says."""

import pytest

from unit.world import ZERO, World, revert


def test_transfer_ownership__accepted__changes_hands(world: World) -> None:
    world.vault.transfer_ownership(world.stranger, sender=world.owner)
    assert world.vault.owner() == world.owner  # until it is accepted
    assert world.vault.pending_owner() == world.stranger

    world.vault.accept_ownership(sender=world.stranger)

    assert world.vault.owner() == world.stranger
    assert world.vault.pending_owner() == ZERO
    with revert("ownable: caller is not the owner"):
        world.vault.propose_guardian(world.owner, sender=world.owner)
    world.vault.propose_guardian(world.keeper, sender=world.stranger)


@pytest.mark.parametrize("role", ["deployer", "guardian", "attacker"])
def test_transfer_ownership__by_anybody_else__reverts(world: World, role: str) -> None:
    with revert("ownable: caller is not the owner"):
        world.vault.transfer_ownership(world.attacker, sender=getattr(world, role))


@pytest.mark.parametrize("role", ["owner", "attacker"])
def test_accept_ownership__by_anybody_but_the_proposed__reverts(world: World, role: str) -> None:
    world.vault.transfer_ownership(world.stranger, sender=world.owner)
    with revert("ownable_2step: caller is not the new owner"):
        world.vault.accept_ownership(sender=getattr(world, role))


def test_ownership__abi__has_no_way_around_two_steps_or_around_the_basket(world: World) -> None:
    names = {abi.name for abi in world.vault.contract_type.mutable_methods}
    assert names == {
        "mint", "redeem", "claim", "accrue_fees", "open_rebalance", "rebalance",
        "add_asset", "remove_asset", "set_supply_cap", "set_fees", "pause", "unpause", "shut_down",
        "propose_guardian", "remove_guardian", "accept_guardian", "transfer_ownership", "accept_ownership",
        "transfer", "transferFrom", "approve", "permit",
    }  # fmt: skip
