"""The mint fee: made on top of the shares that are bought, and paid for by who mints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit import reference
from unit.world import FAR, WAD, World, basket_of, undone

HIGHEST = 2 * 10**16  # WAD
MILLIONTH = 10**12


def charging(world: World, fee: int) -> World:
    """Another vault, with a mint fee and seeded."""
    world = world.with_vault(fees=(world.recipient, 0, fee, 0))
    world.mint(world.depositor, 1_000 * WAD)
    return world


def test_first_mint__pays_no_fee(world: World) -> None:
    world = world.with_vault(fees=(world.recipient, 0, HIGHEST, HIGHEST))
    cost = world.mint(world.depositor, 1_000 * WAD)
    assert world.vault.balanceOf(world.recipient) == 0
    assert world.vault.totalSupply() == 1_000 * WAD + world.dead_shares
    units = [units for _, units, _, _ in world.asset_terms()]
    assert cost == reference.seed_cost(units, 1_000 * WAD, world.dead_shares)


@pytest.mark.parametrize("shares", [1, 2, 48, 49, 50, 51, 10**6 - 1, WAD, 123 * WAD + 4567])
@pytest.mark.parametrize("fee", [MILLIONTH, 3_333 * MILLIONTH, HIGHEST])
def test_mint__with_a_fee__makes_it_on_top_and_the_payer_pays_for_both(world: World, fee: int, shares: int) -> None:
    world = charging(world, fee)
    expected = reference.mint_fee(shares, fee)
    held, supply = basket_of(world.vault), world.vault.totalSupply()
    cost = list(world.vault.preview_mint(shares))
    assert cost == reference.cost(held, shares + expected, supply)
    world.fund(world.stranger, cost)
    receipt = world.vault.mint(shares, world.keeper, cost, FAR, sender=world.stranger)
    assert list(receipt.return_value) == cost
    assert world.vault.balanceOf(world.keeper) == shares
    assert world.vault.balanceOf(world.recipient) == expected >= 1
    assert world.vault.totalSupply() == supply + shares + expected
    event = receipt.events.filter(world.vault.Mint)[0]
    assert (event.caller, event.receiver, event.shares, event.fee) == (world.stranger, world.keeper, shares, expected)


@given(shares=st.integers(1, 2**96), fee=st.integers(1, HIGHEST // MILLIONTH).map(lambda units: units * MILLIONTH))
def test_mint_fee__of_all_that_is_made__is_the_fee_rounded_up_by_less_than_a_unit(shares: int, fee: int) -> None:
    """The reference itself: the fee is that share of what is made, and one base unit less would be under it."""
    made = reference.mint_fee(shares, fee)
    assert made * WAD >= fee * (shares + made)
    assert (made - 1) * WAD < fee * (shares + made - 1)


def test_mint__with_a_fee__holders_lose_nothing(world: World) -> None:
    world = charging(world, HIGHEST)
    before = list(world.vault.preview_redeem(1_000 * WAD))
    world.mint(world.stranger, 777 * WAD + 1)
    after = list(world.vault.preview_redeem(1_000 * WAD))
    assert all(new >= old for old, new in zip(before, after, strict=True))


def test_mint__in_and_out_at_the_highest_fees__costs_both(world: World) -> None:
    world = world.with_vault(fees=(world.recipient, 0, HIGHEST, HIGHEST))
    world.mint(world.depositor, 1_000 * WAD)
    with undone(world.chain):
        cost = world.mint(world.stranger, 100 * WAD)
        world.vault.redeem(100 * WAD, world.stranger, [0] * 3, FAR, sender=world.stranger)
        for paid, got in zip(cost, world.wallet(world.stranger), strict=True):
            assert got <= paid * 98 * 98 // 10_000
            assert got >= paid * 98 * 98 // 10_000 - 2
