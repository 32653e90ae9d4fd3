"""The roles that an owner gives in two steps and takes away in one: guardian of an IndexVault, strategist of a Rebalancer.

propose_X, accept_X, remove_X, X and pending_X, where X is the role's name.
"""

from typing import Any

import pytest

from unit.world import ZERO, World, revert


class Role:
    """A role under the names that its contract gives it, and what its holder alone may do."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.holder = getattr(world, name)
        of_vault = name == "guardian"
        self.contract = world.vault if of_vault else world.rebalancer
        self.not_owner = "ownable: caller is not the owner" if of_vault else "rebalancer: not owner"
        self.not_holder = "vault: not guardian" if of_vault else "rebalancer: not strategist"

    def propose(self, proposed: Any, sender: Any) -> Any:
        return getattr(self.contract, f"propose_{self.name}")(proposed, sender=sender)

    def accept(self, sender: Any) -> Any:
        return getattr(self.contract, f"accept_{self.name}")(sender=sender)

    def remove(self, sender: Any) -> Any:
        return getattr(self.contract, f"remove_{self.name}")(sender=sender)

    def told(self) -> tuple[Any, Any]:
        """Holder and proposed, as the contract tells them."""
        return getattr(self.contract, self.name)(), getattr(self.contract, f"pending_{self.name}")()

    def use(self, sender: Any) -> None:
        if self.name == "guardian":
            self.contract.pause(sender=sender)
            self.contract.unpause(sender=self.world.owner)
        else:
            self.contract.set_bands(list(self.contract.bands()), sender=sender)

    def event(self, receipt: Any, ending: str, *fields: str) -> tuple[Any, ...]:
        """Fields of the receipt's only event; X stands for the role's name in theirs."""
        (event,) = receipt.events
        assert event.event_name == self.name.capitalize() + ending
        return tuple(getattr(event, field.replace("X", self.name)) for field in fields)


@pytest.fixture(params=["guardian", "strategist"])
def role(request: pytest.FixtureRequest, world: World) -> Role:
    """Held by who bears its name."""
    role = Role(world, request.param)
    if role.name == "strategist":
        role.propose(role.holder, sender=world.owner)
        role.accept(sender=role.holder)
    return role


def test_strategist__at_first__is_nobody(world: World) -> None:
    assert Role(world, "strategist").told() == (ZERO, ZERO)


def test_role__proposed_and_accepted__changes_hands(world: World, role: Role) -> None:
    receipt = role.propose(world.stranger, sender=world.owner)
    assert role.event(receipt, "Proposed", "X", "proposed") == (role.holder, world.stranger)
    assert role.told() == (role.holder, world.stranger)
    role.use(sender=role.holder)  # until it is accepted
    with revert(role.not_holder):
        role.use(sender=world.stranger)

    receipt = role.accept(sender=world.stranger)
    assert role.event(receipt, "Changed", "old_X", "new_X") == (role.holder, world.stranger)
    assert role.told() == (world.stranger, ZERO)
    role.use(sender=world.stranger)
    with revert(role.not_holder):
        role.use(sender=role.holder)


@pytest.mark.parametrize("who", ["guardian", "strategist", "attacker"])
def test_propose__by_anybody_but_the_owner__reverts(world: World, role: Role, who: str) -> None:
    with revert(role.not_owner):
        role.propose(world.attacker, sender=getattr(world, who))


def test_accept__by_anybody_but_the_proposed__reverts(world: World, role: Role) -> None:
    with revert("role: not proposed"):
        role.accept(sender=world.attacker)
    role.propose(world.stranger, sender=world.owner)
    for who in (world.attacker, world.owner, world.guardian, world.strategist):
        with revert("role: not proposed"):
            role.accept(sender=who)


def test_accept__twice__reverts(world: World, role: Role) -> None:
    role.propose(world.stranger, sender=world.owner)
    role.accept(sender=world.stranger)
    with revert("role: not proposed"):
        role.accept(sender=world.stranger)


def test_accept__proposal_withdrawn__reverts(world: World, role: Role) -> None:
    role.propose(world.stranger, sender=world.owner)
    role.propose(ZERO, sender=world.owner)
    with revert("role: not proposed"):
        role.accept(sender=world.stranger)


def test_remove__by_the_owner__takes_role_and_proposal_away(world: World, role: Role) -> None:
    role.propose(world.stranger, sender=world.owner)
    receipt = role.remove(sender=world.owner)
    assert role.event(receipt, "Changed", "old_X", "new_X") == (role.holder, ZERO)
    assert role.told() == (ZERO, ZERO)
    with revert(role.not_holder):
        role.use(sender=role.holder)
    with revert("role: not proposed"):
        role.accept(sender=world.stranger)


@pytest.mark.parametrize("who", ["guardian", "strategist", "attacker"])
def test_remove__by_anybody_but_the_owner__reverts(world: World, role: Role, who: str) -> None:
    with revert(role.not_owner):
        role.remove(sender=getattr(world, who))
