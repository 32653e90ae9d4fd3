"""IndexVault.mint: shares in kind, rounded against the minter."""

import random
from typing import Any

import pytest

from unit import reference
from unit.world import FAR, WAD, ZERO, World, revert

SHARES = 20_000 * WAD + 7


MIN_SEED = 10**4  # base units of every asset at the first mint


def units(world: World) -> list[int]:
    return [units for _, units, _, _ in world.asset_terms()]


def least_first_shares(world: World) -> int:
    """The fewest shares whose cost, the dead ones' included, rounds up to MIN_SEED of every asset."""
    return (MIN_SEED - 1) * WAD // min(units(world)) + 1 - world.dead_shares


@pytest.mark.parametrize("excess", [0, 1, WAD // 3, SHARES])
def test_mint__first__costs_initial_units_of_the_dead_shares_too(any_world: World, excess: int) -> None:
    world = any_world
    shares = least_first_shares(world) + excess
    expected = reference.seed_cost(units(world), shares, world.dead_shares)
    assert list(world.vault.preview_mint(shares)) == expected
    world.fund(world.depositor, expected)

    receipt = world.vault.mint(shares, world.depositor, expected, FAR, sender=world.depositor)

    assert list(receipt.return_value) == expected
    assert world.wallet(world.vault) == expected
    assert world.wallet(world.depositor) == [0] * len(expected)
    assert world.vault.balanceOf(world.depositor) == shares
    assert world.vault.totalSupply() == shares + world.dead_shares


def test_mint__first_and_too_small_to_round_fairly__reverts(any_world: World) -> None:
    world = any_world
    shares = least_first_shares(world) - 1
    with revert("basket: first mint too small"):
        world.vault.preview_mint(shares)
    with revert("basket: first mint too small"):
        world.vault.mint(shares, world.attacker, [2**255] * 3, FAR, sender=world.attacker)


@pytest.mark.parametrize("shares", [1, 3, WAD // 3, SHARES])
def test_mint__later__costs_its_part_rounded_up(any_world: World, shares: int) -> None:
    world = any_world
    world.mint(world.depositor, SHARES)
    balances, supply = world.wallet(world.vault), world.vault.totalSupply()
    expected = reference.cost(balances, shares, supply)
    assert list(world.vault.preview_mint(shares)) == expected
    world.fund(world.attacker, expected)

    receipt = world.vault.mint(shares, world.attacker, expected, FAR, sender=world.attacker)

    assert list(receipt.return_value) == expected
    assert world.wallet(world.vault) == [held + cost for held, cost in zip(balances, expected, strict=True)]
    assert world.vault.balanceOf(world.attacker) == shares
    assert world.vault.totalSupply() == supply + shares


def test_mint__one_wei_of_a_share__costs_a_unit_of_everything(world: World) -> None:
    world.mint(world.depositor, SHARES)
    assert list(world.vault.preview_mint(1)) == [1, 1, 1]


def test_mint__to_another__shares_go_to_the_receiver(world: World) -> None:
    amounts = list(world.vault.preview_mint(WAD))
    world.fund(world.depositor, amounts)
    receipt = world.vault.mint(WAD, world.stranger, amounts, FAR, sender=world.depositor)
    assert world.vault.balanceOf(world.stranger) == WAD
    assert world.vault.balanceOf(world.depositor) == 0
    event = receipt.events.filter(world.vault.Mint)[0]
    assert (event.caller, event.receiver, event.shares) == (world.depositor, world.stranger, WAD)


def test_mint__first__gives_dead_shares_to_nobody_once(world: World) -> None:
    dead = "0x000000000000000000000000000000000000dEaD"
    world.mint(world.depositor, WAD)
    assert world.vault.balanceOf(dead) == world.dead_shares
    world.mint(world.stranger, WAD)
    assert world.vault.balanceOf(dead) == world.dead_shares


def test_mint__everybody_left__first_mint_never_comes_again(world: World) -> None:
    world.mint(world.depositor, SHARES)
    world.vault.redeem(SHARES, world.depositor, [0] * 3, FAR, sender=world.depositor)
    assert world.vault.totalSupply() == world.dead_shares
    balances = world.wallet(world.vault)

    cost = world.mint(world.stranger, WAD)

    assert cost == reference.cost(balances, WAD, world.dead_shares)
    assert world.vault.totalSupply() == world.dead_shares + WAD


def test_mint__basket_drained_by_its_issuer__still_not_the_first_mint(odd_world: World) -> None:
    world = odd_world
    world.mint(world.depositor, SHARES)
    supply = world.vault.totalSupply()
    for token in world.tokens:
        token.burn(world.vault, token.balanceOf(world.vault), sender=world.attacker)
    assert list(world.vault.preview_mint(WAD)) == [0, 0, 0]
    world.vault.mint(WAD, world.attacker, [0, 0, 0], FAR, sender=world.attacker)
    assert world.vault.totalSupply() == supply + WAD


@pytest.mark.parametrize("is_first", [True, False])
def test_mint__limit_exactly_the_cost__passes_and_a_unit_less_reverts(world: World, is_first: bool) -> None:
    if not is_first:
        world.mint(world.stranger, SHARES)
    amounts = list(world.vault.preview_mint(WAD))
    world.fund(world.depositor, amounts)
    for index in range(3):
        limits = [amount - (place == index) for place, amount in enumerate(amounts)]
        with revert("vault: amount over maximum"):
            world.vault.mint(WAD, world.depositor, limits, FAR, sender=world.depositor)
    world.vault.mint(WAD, world.depositor, amounts, FAR, sender=world.depositor)


@pytest.mark.parametrize("count", [0, 2, 4])
def test_mint__wrong_number_of_limits__reverts(world: World, count: int) -> None:
    with revert("vault: wrong number of amounts"):
        world.vault.mint(WAD, world.depositor, [2**255] * count, FAR, sender=world.depositor)


def test_mint__no_shares__reverts(world: World) -> None:
    with revert("vault: zero shares"):
        world.vault.mint(0, world.depositor, [0] * 3, FAR, sender=world.depositor)
    world.mint(world.depositor, SHARES)
    with revert("vault: zero shares"):
        world.vault.mint(0, world.depositor, [0] * 3, FAR, sender=world.depositor)


def test_mint__at_the_deadline__passes_and_a_second_later_reverts(world: World) -> None:
    amounts = list(world.vault.preview_mint(WAD))
    world.fund(world.depositor, [2 * amount for amount in amounts])
    deadline = world.chain.pending_timestamp + 100
    world.at(deadline)
    world.vault.mint(WAD, world.depositor, amounts, deadline, sender=world.depositor)
    world.at(deadline + 1)
    with revert("vault: expired"):
        world.vault.mint(WAD, world.depositor, amounts, deadline, sender=world.depositor)


def test_mint__to_the_vault_or_nobody__reverts(world: World) -> None:
    amounts = list(world.vault.preview_mint(WAD))
    world.fund(world.depositor, amounts)
    for receiver in (world.vault, ZERO):
        with revert("vault: bad receiver"):
            world.vault.mint(WAD, receiver, amounts, FAR, sender=world.depositor)


def test_mint__without_allowance_or_balance__reverts(world: World) -> None:
    amounts = list(world.vault.preview_mint(WAD))
    with revert("token: allowance too low"):
        world.vault.mint(WAD, world.depositor, amounts, FAR, sender=world.depositor)
    for token in world.tokens:
        token.approve(world.vault, 2**256 - 1, sender=world.depositor)
    with revert("token: balance too low"):
        world.vault.mint(WAD, world.depositor, amounts, FAR, sender=world.depositor)


def test_mint__when_paused__reverts(world: World) -> None:
    world.vault.pause(sender=world.guardian)
    with revert("vault: paused"):
        world.vault.mint(WAD, world.depositor, [2**255] * 3, FAR, sender=world.depositor)


def test_mint__feeds_dead__needs_no_price(world: World) -> None:
    for feed in world.feeds:
        feed.set_dead(True, sender=world.deployer)
    world.mint(world.depositor, SHARES)
    world.mint(world.stranger, WAD)
    assert world.vault.balanceOf(world.stranger) == WAD


# --- donations


def test_mint__vault_inflated_before_the_first_mint__attacker_gains_nothing(world: World) -> None:
    for token in world.tokens:
        token.mint(world.vault, 10**24, sender=world.attacker)
    assert list(world.vault.preview_mint(WAD)) == reference.seed_cost(units(world), WAD, world.dead_shares)


@pytest.mark.parametrize("donation", [1, 10**9, 10**21])
def test_mint__share_inflated_by_a_donation__attacker_pays_for_it(any_world: World, donation: int) -> None:
    world = any_world
    first = least_first_shares(world)
    spent = world.mint(world.attacker, first)
    # All but one wei of a share leaves again: the fewest shares that the attacker can bring the supply to.
    redeemed = world.vault.redeem(first - 1, world.attacker, [0] * 3, FAR, sender=world.attacker).return_value
    spent = [paid - got for paid, got in zip(spent, redeemed, strict=True)]
    for token in world.tokens:
        token.mint(world.attacker, donation, sender=world.deployer)
        token.transfer(world.vault, donation, sender=world.attacker)

    held_before = world.wallet(world.vault)
    paid = world.mint(world.depositor, WAD)
    back = world.vault.redeem(1, world.attacker, [0] * 3, FAR, sender=world.attacker).return_value
    owned = list(world.vault.preview_redeem(WAD))

    for index in range(3):
        assert back[index] <= spent[index] + donation
        # The attacker's one wei of a share against the dead ones and the depositor's: nearly all of the donation is gone.
        assert back[index] <= (held_before[index] + paid[index]) // world.dead_shares + 1
        assert paid[index] - owned[index] <= 1


def test_mint_and_redeem__in_any_order__never_take_from_who_stays(any_world: World) -> None:
    world = any_world
    chance = random.Random(2026)
    world.mint(world.depositor, least_first_shares(world))
    held, supply = world.wallet(world.vault), world.vault.totalSupply()
    for _ in range(12):
        shares = chance.choice([1, 2, 1_000, 10**9, WAD // 7, 3 * WAD])
        if world.vault.balanceOf(world.attacker) >= shares and chance.random() < 0.5:
            world.vault.redeem(shares, world.attacker, [0] * 3, FAR, sender=world.attacker)
        else:
            world.mint(world.attacker, shares)
        now, now_supply = world.wallet(world.vault), world.vault.totalSupply()
        for before, after in zip(held, now, strict=True):
            assert after * supply >= before * now_supply
        held, supply = now, now_supply


# --- odd tokens


def test_mint__token_takes_a_fee__refused(odd_world: World) -> None:
    world = odd_world
    amounts = list(world.vault.preview_mint(WAD))
    world.fund(world.depositor, amounts)
    world.misbehave(1, fee_bps=1)
    with revert("basket: too little arrived"):
        world.vault.mint(WAD, world.depositor, amounts, FAR, sender=world.depositor)


def test_mint__token_says_true_and_does_nothing__refused(odd_world: World) -> None:
    world = odd_world
    amounts = list(world.vault.preview_mint(WAD))
    world.fund(world.depositor, amounts)
    world.misbehave(1, does_nothing=True)
    with revert("basket: too little arrived"):
        world.vault.mint(WAD, world.depositor, amounts, FAR, sender=world.depositor)


@pytest.mark.parametrize("switches", [{"answer": 2}, {"answer": 4}, {"refuses_zero": True}], ids=str)
def test_mint__token_is_odd_but_honest__taken(odd_world: World, switches: dict[str, Any]) -> None:
    world = odd_world
    for index in range(3):
        world.misbehave(index, **switches)
    cost = world.mint(world.depositor, WAD)
    assert world.wallet(world.vault) == cost


def test_mint__nothing_due_of_a_token_that_refuses_zero__passes(odd_world: World) -> None:
    world = odd_world
    world.mint(world.depositor, WAD)
    world.tokens[1].burn(world.vault, world.tokens[1].balanceOf(world.vault), sender=world.attacker)
    world.misbehave(1, refuses_zero=True)
    assert world.mint(world.stranger, WAD)[1] == 0
    assert world.vault.balanceOf(world.stranger) == WAD


def test_mint__token_sends_more_than_asked__gift_stays_with_the_basket(odd_world: World) -> None:
    world = odd_world
    world.mint(world.depositor, WAD)
    before = world.wallet(world.vault)
    # While the token moves, the attacker's hook donates: more arrives than was asked.
    world.tokens[0].mint(world.executor, 5, sender=world.deployer)
    world.script(world.brings({0: 5})[0])
    world.misbehave(1, hook=world.executor)
    cost = world.mint(world.stranger, WAD)
    assert world.wallet(world.vault) == [
        held + paid + gift for held, paid, gift in zip(before, cost, [5, 0, 0], strict=True)
    ]
