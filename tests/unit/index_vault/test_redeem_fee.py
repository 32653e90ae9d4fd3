"""The redeem fee: a part of the shares that goes to the recipient instead of being burnt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit import reference
from unit.world import FAR, WAD, World, basket_of, revert

HIGHEST = 2 * 10**16  # WAD
MILLIONTH = 10**12
SHARES = 1_000 * WAD


def charging(world: World, fee: int) -> World:
    """Another vault, with a redeem fee and seeded."""
    world = world.with_vault(fees=(world.recipient, 0, 0, fee))
    world.mint(world.depositor, SHARES)
    return world


@pytest.mark.parametrize("shares", [1, 2, 49, 50, 51, 10**6 - 1, 10**6, 10**6 + 1, WAD, SHARES])
@pytest.mark.parametrize("fee", [MILLIONTH, 3_333 * MILLIONTH, HIGHEST])
def test_redeem__with_a_fee__recipient_gets_it_and_the_rest_is_burnt(world: World, fee: int, shares: int) -> None:
    world = charging(world, fee)
    expected = reference.redeem_fee(shares, fee)
    held, supply = basket_of(world.vault), world.vault.totalSupply()
    payout = reference.payout(held, shares - expected, supply)
    assert list(world.vault.preview_redeem(shares)) == payout
    receipt = world.vault.redeem(shares, world.keeper, payout, FAR, sender=world.depositor)
    assert list(receipt.return_value) == payout == world.wallet(world.keeper)
    assert world.vault.balanceOf(world.depositor) == SHARES - shares
    assert world.vault.balanceOf(world.recipient) == expected >= 1
    assert world.vault.totalSupply() == supply - shares + expected
    everybody = (world.depositor, world.recipient, "0x000000000000000000000000000000000000dEaD")
    assert sum(world.vault.balanceOf(who) for who in everybody) == world.vault.totalSupply()
    event = receipt.events.filter(world.vault.Redeem)[0]
    assert (event.owner, event.receiver, event.shares, event.fee) == (world.depositor, world.keeper, shares, expected)


def test_redeem__one_base_unit_with_a_fee__is_all_fee(world: World) -> None:
    world = charging(world, MILLIONTH)
    supply = world.vault.totalSupply()
    receipt = world.vault.redeem(1, world.depositor, [0] * 3, FAR, sender=world.depositor)
    assert list(receipt.return_value) == [0, 0, 0]
    assert world.vault.balanceOf(world.recipient) == 1
    assert world.vault.totalSupply() == supply


@given(shares=st.integers(1, 2**96), fee=st.integers(1, HIGHEST // MILLIONTH).map(lambda units: units * MILLIONTH))
def test_redeem_fee__of_what_is_given__is_the_fee_rounded_up_by_less_than_a_unit(shares: int, fee: int) -> None:
    """The reference itself."""
    part = reference.redeem_fee(shares, fee)
    assert part <= shares
    assert part * WAD >= fee * shares > (part - 1) * WAD


def test_redeem__by_the_recipient__gives_the_fee_to_itself(world: World) -> None:
    world = charging(world, HIGHEST)
    world.vault.transfer(world.recipient, 100 * WAD, sender=world.depositor)
    world.vault.redeem(100 * WAD, world.recipient, [0] * 3, FAR, sender=world.recipient)
    assert world.vault.balanceOf(world.recipient) == 2 * WAD


def test_redeem__more_than_is_held__reverts_whatever_the_fee(world: World) -> None:
    world = charging(world, HIGHEST)
    with revert("erc20: burn amount exceeds balance"):
        world.vault.redeem(SHARES + 1, world.depositor, [0] * 3, FAR, sender=world.depositor)


def test_redeem__all_but_the_dead_shares_with_a_fee__leaves_the_fee(world: World) -> None:
    world = charging(world, HIGHEST)
    world.vault.redeem(SHARES, world.depositor, [0] * 3, FAR, sender=world.depositor)
    assert world.vault.totalSupply() == world.dead_shares + SHARES // 50
    world.vault.redeem(SHARES // 50, world.recipient, [0] * 3, FAR, sender=world.recipient)
    assert min(world.wallet(world.recipient)) > 0


def test_redeem__a_token_refuses__the_fee_is_no_part_of_the_claim(odd_world: World) -> None:
    world = charging(odd_world, HIGHEST)
    payout = reference.payout(basket_of(world.vault), 98 * WAD, world.vault.totalSupply())
    world.misbehave(1, is_blocked=True)
    world.vault.redeem(100 * WAD, world.depositor, [0] * 3, FAR, sender=world.depositor)
    assert world.vault.claims(world.depositor, world.tokens[1]) == payout[1]
    assert world.vault.claims(world.recipient, world.tokens[1]) == 0


def test_preview_redeem__more_than_the_supply__reverts(world: World) -> None:
    world = charging(world, HIGHEST)
    supply = world.vault.totalSupply()
    with revert("vault: more than supply"):
        world.vault.preview_redeem(supply + 1)
    assert min(world.vault.preview_redeem(supply)) > 0
