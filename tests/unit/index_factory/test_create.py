"""IndexFactory.create: a vault and its first mint in one transaction, at an address that nobody else can take."""

from collections.abc import Sequence
from typing import Any

import ape
import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from unit import reference
from unit.index_factory.conftest import create2
from unit.world import FAR, NO_FEES, WAD, ZERO, World, basket_of, deploy_blueprint, revert, step

SALT = b"\x07" * 32
SHARES = 20_000 * WAD


def plan(world: World, **overrides: Any) -> tuple[Any, ...]:
    """IIndexFactory.Plan of the world's own vault."""
    fields = {
        "name": "Made Index", "symbol": "MADE", "owner": world.owner, "guardian": world.guardian,
        "oracle": world.oracle, "assets": world.asset_terms(), "terms": world.terms.as_tuple(), "fees": NO_FEES,
    }  # fmt: skip
    return tuple((fields | overrides).values())


def cost(world: World) -> list[int]:
    return reference.seed_cost([units for _, units, _, _ in world.asset_terms()], SHARES, world.dead_shares)


def create(world: World, factory: Any, made: Sequence[Any] | None = None, *, salt: bytes = SALT, **limits: Any) -> Any:
    """The depositor, funded, creates a vault; the receipt."""
    amounts = cost(world)
    world.fund(world.depositor, amounts, factory)
    return factory.create(
        made or plan(world), salt, SHARES, limits.get("max_amounts", amounts), limits.get("deadline", FAR),
        sender=world.depositor,
    )  # fmt: skip


def made_by(world: World, factory: Any) -> Any:
    return world.project.IndexVault.at(factory.vault_at(factory.vault_count() - 1), fetch_from_explorer=False)


def test_create__paid_for__is_a_seeded_vault_whose_shares_are_the_callers(any_world: World, factory: Any) -> None:
    world = any_world
    amounts = cost(world)
    receipt = create(world, factory)
    vault = made_by(world, factory)

    assert receipt.return_value == vault
    assert vault.balanceOf(world.depositor) == SHARES
    assert vault.totalSupply() == SHARES + world.dead_shares
    assert basket_of(vault) == amounts
    assert (vault.name(), vault.symbol()) == ("Made Index", "MADE")
    assert (vault.owner(), vault.guardian()) == (world.owner, world.guardian)
    assert list(vault.assets()) == list(world.vault.assets())
    rebalancer = world.project.Rebalancer.at(vault.rebalancer())
    assert (rebalancer.vault(), rebalancer.oracle()) == (vault, world.oracle)
    for view in ("targets", "bands", "terms"):
        assert getattr(rebalancer, view)() == getattr(world.rebalancer, view)()
    with revert("ownable: caller is not the owner"):
        vault.remove_guardian(sender=world.depositor)


def test_create__done__factory_holds_nothing_and_may_take_nothing(world: World, factory: Any) -> None:
    for token in world.tokens:
        token.mint(factory, 11, sender=world.deployer)  # a stranger's, from before
    create(world, factory)
    vault = made_by(world, factory)
    assert world.wallet(factory) == [11] * 3
    assert world.wallet(world.depositor) == [0] * 3
    for token in world.tokens:
        assert token.allowance(factory, vault) == token.allowance(world.depositor, factory) == 0
    assert vault.balanceOf(factory) == 0


def test_create__done__event_tells_all(world: World, factory: Any) -> None:
    event = create(world, factory).events.filter(factory.VaultCreated)[0]
    assert (event.vault, event.creator, bytes(event.salt)) == (made_by(world, factory), world.depositor, SALT)
    assert (event.shares, list(event.amounts)) == (SHARES, cost(world))
    name, symbol, owner, guardian, oracle, assets, terms, fees = event.plan
    assert (name, symbol) == ("Made Index", "MADE")
    assert (owner, guardian, oracle) == (world.owner, world.guardian, world.oracle)
    assert [tuple(asset) for asset in assets] == world.asset_terms()
    assert tuple(terms) == world.terms.as_tuple()
    assert tuple(fees) == NO_FEES


def test_create__address__is_eip_1014_of_the_vaults_own_code(world: World, factory: Any) -> None:
    create(world, factory)
    creation_code = bytes(world.project.IndexVault.contract_type.get_deployment_bytecode())
    ecosystem = world.chain.provider.network.ecosystem
    arguments = ecosystem.encode_calldata(
        world.project.IndexVault.contract_type.constructor, *plan(world), world.blueprint
    )
    salt = keccak(encode(["address", "bytes32"], [world.depositor.address, SALT]))
    assert made_by(world, factory).address.lower() == create2(factory, salt, creation_code + bytes(arguments))


def test_create__same_salt__once_for_a_caller_and_again_for_another(world: World, factory: Any) -> None:
    create(world, factory)
    with ape.reverts():
        create(world, factory)
    create(world, factory, salt=b"\x08" * 32)
    world.fund(world.attacker, cost(world), factory)
    factory.create(plan(world), SALT, SHARES, cost(world), FAR, sender=world.attacker)
    assert len({factory.vault_at(index) for index in range(3)}) == factory.vault_count() == 3


def test_vaults__made_here__are_known_in_their_order(world: World, factory: Any) -> None:
    assert factory.vault_count() == 0
    with revert("factory: no such vault"):
        factory.vault_at(0)
    first = create(world, factory).return_value
    second = create(world, factory, salt=b"\x08" * 32).return_value
    assert [factory.vault_at(0), factory.vault_at(1), factory.vault_count()] == [first, second, 2]
    assert factory.is_vault(first) and factory.is_vault(second)
    assert not factory.is_vault(world.vault) and not factory.is_vault(factory)
    with revert("factory: no such vault"):
        factory.vault_at(2)


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [({"owner": ZERO}, "vault: no owner"), ({"assets": []}, "basket: fewer than two assets")],
)
def test_create__plan_that_the_vault_refuses__reverts_with_its_reason(
    world: World, factory: Any, overrides: dict[str, Any], reason: str
) -> None:
    with revert(reason):
        create(world, factory, plan(world, **overrides))


def test_create__vaults_of_other_code_that_take_no_assets__is_made_and_moves_nothing(
    world: World, factory: Any
) -> None:
    """IndexVault itself takes two assets at least; the factory asks for none."""
    blueprint = deploy_blueprint(world.deployer, world.project.FalseVault)
    factory = world.deployer.deploy(world.project.IndexFactory, blueprint, world.blueprint)
    receipt = factory.create(plan(world, assets=[]), SALT, SHARES, [], FAR, sender=world.depositor)
    event = receipt.events.filter(factory.VaultCreated)[0]
    assert (event.vault, event.shares, list(event.amounts)) == (factory.vault_at(0), SHARES, [])
    assert factory.is_vault(event.vault)
    assert [log.event_name for log in receipt.events] == ["VaultCreated"]


def test_create__cannot_be_seeded__makes_no_vault(world: World, factory: Any) -> None:
    amounts = cost(world)
    with revert("vault: amount over maximum"):
        create(world, factory, max_amounts=[amounts[0] - 1, *amounts[1:]])
    with revert("vault: wrong number of amounts"):
        create(world, factory, max_amounts=amounts[1:])
    with revert("vault: expired"):
        create(world, factory, deadline=world.chain.pending_timestamp - 10)
    with revert("vault: zero shares"):
        factory.create(plan(world), SALT, 0, [0] * 3, FAR, sender=world.depositor)
    world.tokens[1].approve(factory, amounts[1] - 1, sender=world.depositor)
    with revert("token: allowance too low"):
        factory.create(plan(world), SALT, SHARES, amounts, FAR, sender=world.depositor)
    assert factory.vault_count() == 0


def test_create__allowance_of_another__is_not_touched(world: World, factory: Any) -> None:
    """Who allowed the factory to take tokens pays for his own vault alone."""
    world.fund(world.depositor, cost(world), factory)
    with revert("token: allowance too low"):
        factory.create(plan(world), SALT, SHARES, cost(world), FAR, sender=world.attacker)


@pytest.mark.parametrize("switches", [{"answer": 2}, {"answer": 4}, {"refuses_zero": True}])
def test_create__token_is_odd_but_honest__is_made(odd_world: World, factory: Any, switches: dict[str, Any]) -> None:
    odd_world.misbehave(1, **switches)
    create(odd_world, factory)
    assert basket_of(made_by(odd_world, factory)) == cost(odd_world)


@pytest.mark.parametrize("switches", [{"fee_bps": 100}, {"does_nothing": True}, {"kept_back": 1}])
def test_create__token_delivers_less__reverts(odd_world: World, factory: Any, switches: dict[str, Any]) -> None:
    """Even where a stranger's tokens would pay for what is missing."""
    odd_world.tokens[1].mint(factory, 10**30, sender=odd_world.deployer)
    odd_world.misbehave(1, **switches)
    with revert("basket: too little arrived"):
        create(odd_world, factory)


@pytest.mark.parametrize(
    ("extra", "keeps", "reason"), [(1, False, "factory: balance changed"), (0, True, "factory: allowance left")]
)
def test_create__token_counts_loosely__reverts(
    world: World, factory: Any, extra: int, keeps: bool, reason: str
) -> None:
    loose = world.deployer.deploy(world.project.LooseToken, extra, keeps)
    assets = world.asset_terms()
    amounts = cost(world)
    world.fund(world.depositor, amounts, factory)
    loose.mint(world.depositor, amounts[1], sender=world.deployer)
    loose.approve(factory, amounts[1], sender=world.depositor)
    assets[1] = (loose, *assets[1][1:])
    with revert(reason):
        factory.create(plan(world, assets=assets), SALT, SHARES, amounts, FAR, sender=world.depositor)


def test_create__entered_again_from_a_token__is_locked(odd_world: World, factory: Any) -> None:
    world = odd_world
    inner = (plan(world), b"\x09" * 32, SHARES, [2**255] * 3, FAR)
    world.script(step(factory.create, *inner, may_fail=True))
    world.misbehave(1, hook=world.executor)
    create(world, factory)
    outcome = world.executor.outcomes(0)
    assert (outcome.succeeded, bytes(outcome.response)) == (False, b"")
    assert factory.vault_count() == 1
