"""IndexVault's views, against the reference in exact rationals."""

from typing import Any

import pytest

from unit import reference
from unit.world import ODD, WAD, ZERO, Terms, World, bad_price, basket_of, revert

SHARES = 20_000 * WAD + 7
PRICES = {
    "6, 8 and 18": (
        (WAD, 90_000 * WAD, 3_000 * WAD),
        (99_990_000 * 10**10, 61_234_567_891_23 * 10**10, 3_100_00000001 * 10**10),
    ),
    "0, 27 and 6": ((5 * WAD, 2 * WAD, WAD), (7_12345678 * 10**10, 33333333 * 10**10, 1_00000001 * 10**10)),
}


@pytest.fixture(params=list(PRICES))
def priced(request: pytest.FixtureRequest, world: World, extreme_world: World) -> tuple[World, tuple[Any, ...]]:
    """Each world of plain tokens, and the prices to look at it at."""
    # Nothing is minted here: ape does not undo what a parametrised fixture does.
    return world if request.param == "6, 8 and 18" else extreme_world, PRICES[request.param]


def test_views__terms_of_the_basket__are_what_was_given(any_world: World) -> None:
    world = any_world
    assert list(world.vault.assets()) == [token.address for token in world.tokens]
    assert list(world.vault.targets()) == [plan.target for plan in world.plans]
    assert sum(world.vault.targets()) == WAD
    assert list(world.rebalancer.bands()) == [plan.band for plan in world.plans]
    assert tuple(world.rebalancer.terms()) == world.terms.as_tuple()
    assert world.rebalancer.oracle() == world.oracle
    assert (world.vault.owner(), world.vault.guardian()) == (world.owner, world.guardian)


@pytest.mark.parametrize("moment", [0, 1])
def test_views__of_value__equal_the_reference(priced: tuple[World, tuple[Any, ...]], moment: int) -> None:
    world, prices = priced
    world.mint(world.depositor, SHARES)
    for index, price in enumerate(prices[moment]):
        world.set_price(index, price)
    basket, supply = world.basket(), world.vault.totalSupply()
    assert basket_of(world.vault) == [held.balance for held in basket]
    assert world.vault.nav() == reference.nav(basket)
    assert world.vault.nav_per_share() == reference.nav(basket) * WAD // supply
    assert list(world.vault.weights()) == reference.weights(basket)
    assert WAD - len(basket) <= sum(world.vault.weights()) <= WAD
    assert world.vault.drift() == reference.drift(basket)


def test_views__everything_in_one_asset__drift_is_all_that_has_to_trade(odd_world: World) -> None:
    world = odd_world
    world.tokens[1].mint(world.vault, 10**8, sender=world.deployer)
    assert world.vault.drift() == WAD - ODD[1].target
    assert list(world.vault.weights()) == [0, WAD, 0]


def test_views__nothing_held__are_zero(world: World) -> None:
    vault = world.vault
    assert (vault.nav(), vault.nav_per_share(), vault.drift(), world.rebalancer.loss()) == (0, 0, 0, 0)
    assert basket_of(vault) == list(vault.weights()) == [0, 0, 0]
    assert vault.trigger() == 0


def test_nav_per_share__donated_before_the_first_mint__is_zero_without_a_share(world: World) -> None:
    world.tokens[0].mint(world.vault, 10**6, sender=world.deployer)
    assert world.vault.nav() == WAD
    assert world.vault.nav_per_share() == 0


def test_nav_per_share__first_mint__is_the_initial_units_worth(world: World) -> None:
    world.mint(world.depositor, SHARES)
    # 100 USD a share, less what rounding the initial units down to whole satoshis took.
    assert 99_99 * WAD // 100 <= world.vault.nav_per_share() <= 100 * WAD


@pytest.mark.parametrize("view", ["nav", "nav_per_share", "drift", "weights", "trigger"])
def test_views__of_value_with_a_dead_feed__revert_with_asset_and_reason(world: World, view: str) -> None:
    world.mint(world.depositor, SHARES)
    world.feeds[1].set_dead(True, sender=world.deployer)
    with bad_price(world.tokens[1], "CALL_FAILED"):
        getattr(world.vault, view)()


@pytest.mark.parametrize("view", ["nav", "drift", "weights", "trigger"])
def test_views__oracle_answers_nonsense__revert(world: World, view: str) -> None:
    oracle = world.deployer.deploy(world.project.HostileOracle)
    vault = world.deploy_vault(oracle=oracle)
    with revert("rebalancer: wrong price count"):
        getattr(vault, view)()
    oracle.set_answers([WAD, WAD, 0], sender=world.attacker)
    with revert("rebalancer: zero price"):
        getattr(vault, view)()


def test_views__twenty_assets__all_answer(world: World) -> None:
    tokens = [world.deployer.deploy(world.project.Token, f"T{index}", 18) for index in range(20)]
    assets = [(token, WAD, WAD // 20, WAD // 100) for token in tokens]
    feeds = [(token, world.feeds[0], 86400, 1, WAD * 100) for token in tokens]
    oracle = world.deployer.deploy(world.project.PriceOracle, world.owner, feeds)
    vault = world.deploy_vault(assets=assets, oracle=oracle)
    assert vault.MAX_ASSETS() == 20
    for token in tokens:
        token.mint(vault, WAD, sender=world.deployer)
    assert vault.nav() == 20 * WAD
    assert vault.drift() == 0
    assert list(vault.weights()) == [WAD // 20] * 20


def test_views__after_a_first_mint_by_nobody__terms_default_to_no_pause(world: World) -> None:
    assert Terms() == world.terms
    assert not world.vault.paused()
    assert world.vault.pending_guardian() == ZERO
    assert world.vault.pending_owner() == ZERO
