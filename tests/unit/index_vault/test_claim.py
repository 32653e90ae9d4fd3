"""`claim`, and the claims that a redemption leaves where a token cannot be paid."""

from collections.abc import Iterator
from typing import Any

import pytest

from unit import reference
from unit.world import FAR, WAD, ZERO, AssetPlan, World, basket_of, revert, undone

SHARES = 1_000 * WAD
PART = 100 * WAD
BROKEN = 1

# Each of these moves nothing.
REFUSALS = [{"is_blocked": True}, {"does_nothing": True}, {"eats_gas": True}]


@pytest.fixture(scope="module")
def seeded(odd_world: World) -> Iterator[World]:
    """The depositor and the stranger hold shares of a basket of tokens that will misbehave."""
    with undone(odd_world.chain):
        odd_world.mint(odd_world.depositor, SHARES)
        odd_world.mint(odd_world.stranger, SHARES)
        yield odd_world


@pytest.fixture
def refused(seeded: World) -> World:
    """The depositor redeemed a part while the second token was blocked."""
    seeded.misbehave(BROKEN, is_blocked=True)
    redeem(seeded, seeded.depositor)
    return seeded


def redeem(world: World, who: Any, shares: int = PART) -> Any:
    return world.vault.redeem(shares, who, [0] * 3, FAR, sender=who)


def payout(world: World, shares: int = PART) -> list[int]:
    """What `shares` are due, by the reference, claims left out."""
    token, vault = world.tokens[BROKEN], world.vault
    claimed = vault.claims(world.depositor, token) + vault.claims(world.stranger, token)
    held = [amount - (claimed if index == BROKEN else 0) for index, amount in enumerate(world.wallet(vault))]
    return reference.payout(held, shares, vault.totalSupply())


def test_redeem__twenty_tokens_burn_all_gas__fits_into_a_transaction(build: Any) -> None:
    plans = tuple(AssetPlan(f"BURN{place}", 18, WAD, WAD // 20, odd=True) for place in range(20))
    world = build(plans)
    world.mint(world.depositor, SHARES)
    due = list(world.vault.preview_redeem(PART))
    for place in range(20):
        world.misbehave(place, eats_gas=True)
    world.vault.redeem(PART, world.depositor, due, FAR, sender=world.depositor, gas_limit=2**24)  # EIP-7825
    assert [world.vault.claims(world.depositor, token) for token in world.tokens] == due


@pytest.mark.parametrize("switches", REFUSALS, ids=str)
def test_redeem__one_token_refuses__pays_the_others_and_leaves_a_claim(seeded: World, switches: dict[str, Any]) -> None:
    world, who = seeded, seeded.depositor
    due = payout(world)
    world.misbehave(BROKEN, **switches)
    receipt = redeem(world, who)

    assert list(receipt.return_value) == due
    assert world.wallet(who) == [due[0], 0, due[2]]
    assert world.vault.claims(who, world.tokens[BROKEN]) == due[BROKEN]
    event = receipt.events.filter(world.vault.ClaimMade)[0]
    assert (event.owner, event.asset, event.amount) == (who, world.tokens[BROKEN], due[BROKEN])


def test_redeem__every_token_refuses__leaves_claims_on_all(seeded: World) -> None:
    due = payout(seeded)
    for index in range(3):
        seeded.misbehave(index, is_blocked=True)
    redeem(seeded, seeded.depositor)
    assert [seeded.vault.claims(seeded.depositor, token) for token in seeded.tokens] == due


def test_redeem__token_does_not_tell_balances__pays_the_others(seeded: World) -> None:
    world, who = seeded, seeded.depositor
    due = payout(world)
    world.misbehave(BROKEN, is_dead=True)
    assert list(world.vault.preview_redeem(PART)) == [due[0], 0, due[2]]
    redeem(world, who)
    world.misbehave(BROKEN)
    assert world.wallet(who) == [due[0], 0, due[2]]
    assert world.vault.claims(who, world.tokens[BROKEN]) == 0


def test_redeem__token_does_not_tell_balances_and_a_minimum_is_set__reverts(seeded: World) -> None:
    seeded.misbehave(BROKEN, is_dead=True)
    with revert("vault: amount under minimum"):
        seeded.vault.redeem(PART, seeded.depositor, [0, 1, 0], FAR, sender=seeded.depositor)


def test_redeem__no_code_at_the_token__pays_the_others(seeded: World) -> None:
    due = payout(seeded)
    seeded.chain.provider.set_code(seeded.tokens[BROKEN].address, "0x")
    redeem(seeded, seeded.depositor)
    assert [seeded.tokens[index].balanceOf(seeded.depositor) for index in (0, 2)] == [due[0], due[2]]


def test_claims__are_no_part_of_the_basket(refused: World) -> None:
    world = refused
    held = world.wallet(world.vault)
    claimed = world.vault.claims(world.depositor, world.tokens[BROKEN])
    assert claimed > 0
    assert basket_of(world.vault) == [held[0], held[1] - claimed, held[2]]
    assert list(world.vault.preview_redeem(PART)) == payout(world)
    supply = world.vault.totalSupply()
    assert list(world.vault.preview_mint(WAD)) == reference.cost([held[0], held[1] - claimed, held[2]], WAD, supply)


def test_claims__add_up_and_leave_the_other_holder_as_good_as_before(refused: World) -> None:
    world = refused
    before = world.vault.claims(world.depositor, world.tokens[BROKEN])
    due = payout(world)[BROKEN]
    redeem(world, world.depositor)
    assert world.vault.claims(world.depositor, world.tokens[BROKEN]) == before + due

    world.misbehave(BROKEN)
    due = payout(world)
    redeem(world, world.stranger)
    assert world.wallet(world.stranger) == due


def test_claim__when_the_token_moves_again__pays_it_once(refused: World) -> None:
    world, token = refused, refused.tokens[BROKEN]
    amount, basket = world.vault.claims(world.depositor, token), basket_of(world.vault)
    world.misbehave(BROKEN)
    receipt = world.vault.claim(token, world.keeper, sender=world.depositor)

    assert receipt.return_value == token.balanceOf(world.keeper) == amount
    assert world.vault.claims(world.depositor, token) == 0
    assert basket_of(world.vault) == basket
    event = receipt.events.filter(world.vault.Claimed)[0]
    assert (event.owner, event.asset, event.receiver, event.amount) == (world.depositor, token, world.keeper, amount)
    with revert("basket: nothing to claim"):
        world.vault.claim(token, world.keeper, sender=world.depositor)


def test_claim__while_the_token_still_refuses__reverts_and_keeps_the_claim(refused: World) -> None:
    world, token = refused, refused.tokens[BROKEN]
    amount = world.vault.claims(world.depositor, token)
    with revert("odd: blocked"):
        world.vault.claim(token, world.depositor, sender=world.depositor)
    world.misbehave(BROKEN, does_nothing=True)
    with revert("basket: transfer failed"):
        world.vault.claim(token, world.depositor, sender=world.depositor)
    assert world.vault.claims(world.depositor, token) == amount


@pytest.mark.parametrize("kept_back", [1, 2])
def test_claim__token_rounds_what_it_moves__pays_all_but_the_dust(refused: World, kept_back: int) -> None:
    world, token = refused, refused.tokens[BROKEN]
    amount = world.vault.claims(world.depositor, token)
    world.misbehave(BROKEN, kept_back=3)
    with revert("basket: transfer failed"):
        world.vault.claim(token, world.depositor, sender=world.depositor)
    world.misbehave(BROKEN, kept_back=kept_back)
    world.vault.claim(token, world.depositor, sender=world.depositor)
    assert token.balanceOf(world.depositor) == amount - kept_back
    assert world.vault.claims(world.depositor, token) == 0


def test_claim__when_paused_and_the_oracle_dead__still_pays(refused: World) -> None:
    world = refused
    world.misbehave(BROKEN)
    world.vault.pause(sender=world.guardian)
    world.feeds[BROKEN].set_dead(True, sender=world.deployer)
    world.vault.claim(world.tokens[BROKEN], world.depositor, sender=world.depositor)
    assert world.tokens[BROKEN].balanceOf(world.depositor) > 0


def test_claim__by_somebody_else__reverts(refused: World) -> None:
    refused.misbehave(BROKEN)
    with revert("basket: nothing to claim"):
        refused.vault.claim(refused.tokens[BROKEN], refused.attacker, sender=refused.attacker)


def test_claim__to_the_vault_or_nobody__reverts(refused: World) -> None:
    refused.misbehave(BROKEN)
    for receiver in (refused.vault, ZERO):
        with revert("vault: bad receiver"):
            refused.vault.claim(refused.tokens[BROKEN], receiver, sender=refused.depositor)


def test_rebalance__with_claims__cannot_sell_them(odd_world: World) -> None:
    with undone(odd_world.chain):
        world = odd_world.opened()
        eth = world.tokens[2]
        world.misbehave(2, is_blocked=True)
        redeem(world, world.depositor, 10_000 * WAD)
        world.misbehave(2)
        claimed = world.vault.claims(world.depositor, eth)
        free = basket_of(world.vault)[2]
        receipt = world.pull({2: 2**256 - 1}, {0: 10**24, 1: 10**10})
        value_out = receipt.return_value[0]
        # A quarter of the basket's own NAV stays in ETH; what is claimed was never counted.
        assert 0 < value_out < world.value_up(2, free)
        assert eth.balanceOf(world.vault) - basket_of(world.vault)[2] == claimed
        world.vault.claim(eth, world.depositor, sender=world.depositor)
        assert eth.balanceOf(world.depositor) == claimed
