"""In the middle of a rebalance nothing is set and nothing is read: the vault's lock and the rebalancer's own."""

from typing import Any

import pytest
from eth_abi.abi import decode

from unit.world import FAR, WAD, ZERO, World, revert, step

ETHER = 10**18
# Of the ERC-20 and of modules, which no rebalance changes; constants.
ANSWERING = {
    "totalSupply", "balanceOf", "allowance", "name", "symbol", "decimals", "nonces", "DOMAIN_SEPARATOR", "eip712Domain",
    "owner", "pending_owner", "paused", "is_shut_down", "supply_cap", "claims", "DEAD_SHARES", "MAX_ASSETS", "in_flight",
}  # fmt: skip
VIEW_ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "balanceOf": (ZERO,), "allowance": (ZERO, ZERO), "nonces": (ZERO,), "claims": (ZERO, ZERO),
    "preview_mint": (WAD,), "preview_redeem": (WAD,),
}  # fmt: skip


@pytest.fixture
def owned(world: World) -> World:
    """The executor owns the vault and is its strategist, somebody it proposed may follow; ETH is in surplus."""
    world = world.with_vault(owner=world.executor).drifted()
    rules = world.rebalancer
    act(world, step(rules.propose_strategist, world.executor))
    act(world, step(rules.accept_strategist))
    act(world, step(rules.propose_strategist, world.executor))
    return world


def act(world: World, call: tuple[str, bytes, bool]) -> None:
    """One call in the executor's name."""
    world.executor.call(call[0], call[1], sender=world.deployer)


def setters(world: World) -> dict[str, tuple[str, bytes, bool]]:
    """Every setter, with arguments that pass outside of a rebalance."""
    rules = world.rebalancer
    bands, targets = list(rules.bands()), list(rules.targets())
    return {
        "set_bands": step(rules.set_bands, bands, may_fail=True),
        "accept_strategist": step(rules.accept_strategist, may_fail=True),
        "set_targets": step(rules.set_targets, targets, 0, 0, may_fail=True),
        "set_rails": step(rules.set_rails, (WAD // 100, WAD // 10, 0), may_fail=True),
        "propose_strategist": step(rules.propose_strategist, world.stranger, may_fail=True),
        "remove_strategist": step(rules.remove_strategist, may_fail=True),
        "set_keepers": step(rules.set_keepers, [world.stranger], True, may_fail=True),
        "set_head_start": step(rules.set_head_start, 60, may_fail=True),
        "set_oracle": step(rules.set_oracle, world.oracle, may_fail=True),
    }


def text(response: bytes) -> str:
    """Of Error(string)."""
    assert response[:4] == bytes.fromhex("08c379a0")
    return str(decode(["string"], response[4:])[0])


def test_setters__from_the_callback_by_owner_and_strategist__are_refused(owned: World) -> None:
    steps = setters(owned)
    owned.script(*owned.brings({0: 6_100 * 10**6}), *steps.values())
    owned.vault.rebalance(owned.legs({2: ETHER}), [], owned.executor, b"", FAR, sender=owned.attacker)
    for place, name in enumerate(steps, start=1):
        outcome = owned.executor.outcomes(place)
        assert not outcome.succeeded, name
        assert text(bytes(outcome.response)) == "rebalancer: in flight", name


def test_setters__same_calls_outside_of_a_rebalance__pass(owned: World) -> None:
    """The table above can fail."""
    steps = setters(owned)
    owned.script(*steps.values())
    owned.executor.run(sender=owned.attacker)
    assert all(owned.executor.outcomes(place).succeeded for place in range(len(steps)))


def test_setters__cover_what_the_rebalancer_has(world: World) -> None:
    vault_only = {"open_rebalance", "begin", "settle", "end_rebalance", "add_asset", "remove_asset"}
    changing = {abi.name for abi in world.rebalancer.contract_type.mutable_methods}
    assert setters(world).keys() == changing - vault_only


@pytest.mark.parametrize("payment", [6_100 * 10**6, 1])
def test_setters__later_in_the_transaction_of_a_fill__pass_again(owned: World, payment: int) -> None:
    """Whether the fill went through or reverted."""
    world = owned
    filler = world.deployer.deploy(world.project.ScriptedExecutor)
    world.tokens[0].mint(filler, payment, sender=world.deployer)
    world.script(step(world.tokens[0].transfer, world.vault, payment), executor=filler)
    rebalance = step(world.vault.rebalance, world.legs({2: ETHER}), [], filler, b"", FAR, may_fail=True)
    in_flight = step(world.vault.in_flight)
    set_head_start = step(world.rebalancer.set_head_start, 60)
    world.script(in_flight, rebalance, in_flight, set_head_start)
    world.executor.run(sender=world.attacker)
    outcomes = [world.executor.outcomes(place) for place in range(4)]
    assert outcomes[1].succeeded == (payment > 1)
    assert [int.from_bytes(outcomes[place].response) for place in (0, 2)] == [0, 0]
    assert world.rebalancer.head_start() == 60


@pytest.mark.parametrize("form", ["callback", "pull"])
def test_in_flight__inside_of_a_rebalance__is_true_and_all_else_reverts(odd_world: World, form: str) -> None:
    world = odd_world.drifted()
    views = {abi.name: abi for abi in world.vault.contract_type.view_methods}
    steps = [step(getattr(world.vault, name), *VIEW_ARGUMENTS.get(name, ()), may_fail=True) for name in views]
    if form == "callback":
        world.script(*world.brings({0: 6_100 * WAD}), *steps)
        world.vault.rebalance(world.legs({2: ETHER}), [], world.executor, b"", FAR, sender=world.attacker)
        first = 1
    else:
        world.script(*steps)
        world.misbehave(2, hook=world.executor)
        world.pull({2: ETHER}, {0: 6_100 * WAD})
        first = 0
    outcomes = {name: world.executor.outcomes(first + place) for place, name in enumerate(views)}
    assert {name for name, outcome in outcomes.items() if outcome.succeeded} == ANSWERING
    assert all(outcome.response == b"" for outcome in outcomes.values() if not outcome.succeeded)
    assert int.from_bytes(outcomes["in_flight"].response) == 1
    assert not world.vault.in_flight()


def test_in_flight__inside_of_mint_and_redeem__is_false(odd_world: World) -> None:
    """Only a rebalance moves value at prices."""
    world = odd_world
    world.mint(world.depositor, 100 * WAD)
    world.script(step(world.vault.in_flight))
    world.misbehave(1, hook=world.executor)
    world.mint(world.depositor, WAD)
    assert int.from_bytes(world.executor.outcomes(0).response) == 0
    world.script(step(world.vault.in_flight))
    world.vault.redeem(WAD, world.depositor, [0] * 3, FAR, sender=world.depositor)
    assert int.from_bytes(world.executor.outcomes(0).response) == 0


@pytest.mark.parametrize(
    "view", ["targets", "bands", "schedule", "nav", "nav_per_share", "weights", "drift", "trigger"]
)
def test_rebalancer__read_from_the_callback__reverts_where_the_basket_counts(owned: World, view: str) -> None:
    world = owned
    world.script(*world.brings({0: 6_100 * 10**6}), step(getattr(world.rebalancer, view), may_fail=True))
    world.vault.rebalance(world.legs({2: ETHER}), [], world.executor, b"", FAR, sender=world.attacker)
    assert not world.executor.outcomes(1).succeeded


def test_setters__in_flight_and_a_step_must_not_fail__undo_the_fill(owned: World) -> None:
    world = owned
    world.script(*world.brings({0: 6_100 * 10**6}), step(world.rebalancer.set_head_start, 60))
    with revert("script: step failed"):
        world.vault.rebalance(world.legs({2: ETHER}), [], world.executor, b"", FAR, sender=world.attacker)
