"""Tokens that behave in their own way and work: many and few decimals, UNI's 96 bits, USDT's silence, balances that rebase.

Those that a basket cannot hold, and those that cannot stop anybody from leaving, are tried in tests/unit/index_vault: the
table in section 5 of the specification says which is which.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from unit import reference
from unit.world import ALL, FAR, WAD, AssetPlan, Terms, World, basket_of, people, undone

from devnet.addresses import TOKENS
from devnet.box import Box

SHARES = 20_000 * WAD
TWO_TWENTY_FOUR_AND_TWENTY_SEVEN = (
    AssetPlan("TWO", 2, WAD, WAD // 2),
    AssetPlan("LONG", 24, 3 * WAD, WAD // 4),
    AssetPlan("LONGEST", 27, 7_000 * WAD, WAD // 4),
)
REAL = (
    AssetPlan("USDT", 6, WAD, WAD // 2),
    AssetPlan("UNI", 18, 6 * WAD, WAD // 4),
    AssetPlan("DAI", 18, WAD, WAD // 4),
)


@pytest.fixture(scope="module")
def long_world(build: Any) -> World:
    """Tokens of 2, 24 and 27 decimals."""
    world: World = build(TWO_TWENTY_FOUR_AND_TWENTY_SEVEN)
    return world


@pytest.fixture(scope="module")
def real_world(project: Any, chain: Any, accounts: Any, rpc_url: str) -> Iterator[World]:
    """USDT, UNI and DAI as they are deployed; feeds are mocks. The depositor and the keeper have plenty."""
    with undone(chain):
        world = World(project, chain, REAL, Terms(), **people(accounts))
        world.tokens = [project.Token.at(TOKENS[plan.symbol].address, fetch_from_explorer=False) for plan in REAL]
        world.feeds = [world.deployer.deploy(project.Feed, 8, plan.price // 10**10) for plan in REAL]
        feeds = [(token, feed, 86400, 1, 10**24) for token, feed in zip(world.tokens, world.feeds, strict=True)]
        world.oracle = world.deployer.deploy(project.PriceOracle, world.owner, feeds)
        world.vault = world.deploy_vault()
        for token, plan in zip(world.tokens, REAL, strict=True):
            for who in (world.depositor, world.keeper):
                Box(rpc_url).give(token.address, who.address, 3_000_000 * 10**plan.decimals)
                token.approve(world.vault, ALL, sender=who)
        yield world


def live(world: World, moved: int, price: int) -> None:
    """Rebalance a seeded vault to its targets in the pull form once `moved` costs `price`, and redeem half, all to the unit."""
    world.wait(world.terms.cooldown)
    world.set_price(moved, price)
    world.vault.open_rebalance(sender=world.stranger)
    world.at(world.rebalancer.opened_at() + world.terms.duration * 2 // 3)
    others = [index for index in range(3) if index != moved]
    world.vault.rebalance(
        world.legs({moved: ALL}),
        world.legs(dict.fromkeys(others, ALL)),
        "0x" + "00" * 20,
        b"",
        FAR,
        sender=world.keeper,
    )
    assert world.rebalancer.drift() <= world.terms.closing_tolerance
    assert not world.rebalancer.is_open()

    held, supply, had = basket_of(world.vault), world.vault.totalSupply(), world.wallet(world.depositor)
    due = reference.payout(held, SHARES // 2, supply)
    receipt = world.vault.redeem(SHARES // 2, world.depositor, due, FAR, sender=world.depositor)
    assert list(receipt.return_value) == due
    assert world.wallet(world.depositor) == [before + paid for before, paid in zip(had, due, strict=True)]
    assert basket_of(world.vault) == [before - paid for before, paid in zip(held, due, strict=True)]


def test_tokens_of_2_24_and_27_decimals__work(long_world: World) -> None:
    world = long_world
    world.mint(world.depositor, SHARES)
    for token, plan in zip(world.tokens, world.plans, strict=True):
        token.mint(world.keeper, 10**7 * 10**plan.decimals, sender=world.deployer)
        token.approve(world.vault, ALL, sender=world.keeper)
    live(world, 2, 14_000 * WAD)


def test_tokens__uni_of_96_bits_and_usdt_without_an_answer__work(real_world: World) -> None:
    world = real_world
    amounts = list(world.vault.preview_mint(SHARES))
    world.vault.mint(SHARES, world.depositor, amounts, FAR, sender=world.depositor)
    assert basket_of(world.vault) == amounts
    live(world, 1, 12 * WAD)


def test_token__rebases_up__is_everybodys(odd_world: World) -> None:
    world = odd_world
    world.mint(world.depositor, SHARES)
    held, supply = basket_of(world.vault), world.vault.totalSupply()
    world.tokens[1].mint(world.vault, held[1] // 10, sender=world.deployer)
    held[1] += held[1] // 10

    due = reference.payout(held, WAD, supply)
    assert list(world.vault.preview_redeem(WAD)) == due
    world.vault.redeem(WAD, world.depositor, due, FAR, sender=world.depositor)
    world.mint(world.stranger, WAD)
    assert world.vault.balanceOf(world.stranger) == WAD


def test_token__rebases_down__is_everybodys(odd_world: World) -> None:
    world = odd_world
    world.mint(world.depositor, SHARES)
    held, supply = basket_of(world.vault), world.vault.totalSupply()
    world.tokens[1].burn(world.vault, held[1] // 10, sender=world.deployer)
    held[1] -= held[1] // 10

    due = reference.payout(held, WAD, supply)
    assert list(world.vault.preview_redeem(WAD)) == due
    world.vault.redeem(WAD, world.depositor, due, FAR, sender=world.depositor)
    world.mint(world.stranger, WAD)
    assert world.vault.balanceOf(world.stranger) == WAD


@pytest.mark.parametrize("part", [-10, 10])
def test_token__rebases_while_a_rebalance_is_open__fill_is_clamped_to_what_is_there(
    odd_world: World, part: int
) -> None:
    """Before a fill, not in it: in it, what appears would count as bought."""
    world = odd_world.opened()
    held = basket_of(world.vault)
    if part > 0:
        world.tokens[2].mint(world.vault, held[2] // part, sender=world.deployer)
    else:
        world.tokens[2].burn(world.vault, held[2] // -part, sender=world.deployer)
    surplus = reference.surplus(world.basket(), 2)
    world.at(world.rebalancer.opened_at() + world.terms.duration * 2 // 3)
    before = basket_of(world.vault)[2]
    world.pull({2: ALL}, {0: 2_000_000 * WAD, 1: 100 * 10**8})
    assert before - basket_of(world.vault)[2] == surplus
    assert world.rebalancer.drift() <= world.terms.closing_tolerance
