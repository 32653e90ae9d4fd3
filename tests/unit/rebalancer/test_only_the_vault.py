"""What the vault alone may ask of its rebalancer is refused to everybody else, whatever they say."""

from typing import Any

import ape
import pytest

from unit.world import WAD, ZERO, World, revert

NONE = [0] * 20
# Plausible arguments of each: those of a fill that would pass.
CALLS: dict[str, tuple[Any, ...]] = {
    "open_rebalance": (ZERO, 0, NONE, NONE),
    "begin": (ZERO, 0, NONE, NONE, [], [], False),
    "settle": (ZERO, ZERO, b"", NONE),
    "end_rebalance": (),
    "add_asset": (ZERO, 3),
    "remove_asset": (0, 3, NONE, NONE),
}
SETTERS = {
    "set_targets", "set_rails", "set_bands", "set_keepers", "set_head_start", "set_oracle",
    "propose_strategist", "accept_strategist", "remove_strategist",
}  # fmt: skip


def test_functions__that_change_something__are_the_vaults_or_setters(world: World) -> None:
    changing = {abi.name for abi in world.rebalancer.contract_type.mutable_methods}
    assert changing == CALLS.keys() | SETTERS


@pytest.mark.parametrize("role", ["owner", "guardian", "strategist", "keeper", "depositor", "attacker"])
@pytest.mark.parametrize("name", CALLS)
def test_vault_only__called_by_anybody_else__reverts(world: World, name: str, role: str) -> None:
    with revert("rebalancer: not the vault"):
        getattr(world.rebalancer, name)(*CALLS[name], sender=getattr(world, role))


@pytest.mark.parametrize("name", CALLS)
def test_vault_only__called_by_another_vault__reverts(world: World, name: str) -> None:
    other = world.with_vault()
    imposter = ape.accounts.test_accounts.impersonate_account(other.vault.address)
    other.chain.set_balance(imposter.address, WAD)
    with revert("rebalancer: not the vault"):
        getattr(world.rebalancer, name)(*CALLS[name], sender=imposter)


def test_vault__of_each__is_the_other_half(world: World) -> None:
    assert world.rebalancer.vault() == world.vault
    other = world.with_vault()
    assert other.rebalancer.vault() == other.vault
    assert other.rebalancer.address != world.rebalancer.address


def test_rebalancer__created_by_anybody__obeys_its_creator_alone(world: World) -> None:
    """A copy that no vault created is a pair with nobody: the vault asks the one it made."""
    copy = world.attacker.deploy(world.project.Rebalancer, world.oracle, world.asset_terms(), world.terms.as_tuple())
    assert copy.vault() == world.attacker
    assert world.vault.rebalancer() != copy


def test_rebalancer__created_over_no_assets__reverts(world: World) -> None:
    """Whoever creates it; a vault refuses fewer than two before."""
    with revert("targets: do not sum to 1"):
        world.attacker.deploy(world.project.Rebalancer, world.oracle, [], world.terms.as_tuple())
