"""IndexVault.redeem: in kind, rounded against the leaver, stopped by nobody."""

from typing import Any

import pytest

from unit import reference
from unit.world import FAR, WAD, ZERO, World, revert

SHARES = 20_000 * WAD + 7


@pytest.mark.parametrize("shares", [1, 3, WAD // 3, SHARES])
def test_redeem__any_amount__pays_its_part_rounded_down(any_world: World, shares: int) -> None:
    world = any_world
    world.mint(world.depositor, SHARES)
    balances, supply = world.wallet(world.vault), world.vault.totalSupply()
    expected = reference.payout(balances, shares, supply)
    assert list(world.vault.preview_redeem(shares)) == expected

    receipt = world.vault.redeem(shares, world.stranger, expected, FAR, sender=world.depositor)

    assert list(receipt.return_value) == expected
    assert world.wallet(world.stranger) == expected
    assert world.wallet(world.vault) == [held - paid for held, paid in zip(balances, expected, strict=True)]
    assert world.vault.balanceOf(world.depositor) == SHARES - shares
    assert world.vault.totalSupply() == supply - shares
    event = receipt.events.filter(world.vault.Redeem)[0]
    assert (event.owner, event.receiver, event.shares) == (world.depositor, world.stranger, shares)


def test_redeem__right_after_mint__never_pays_more_than_it_cost(any_world: World) -> None:
    world = any_world
    world.mint(world.depositor, SHARES)
    for shares in (1, 12_345, WAD // 3):
        cost = world.mint(world.attacker, shares)
        back = world.vault.redeem(shares, world.attacker, [0] * 3, FAR, sender=world.attacker).return_value
        assert all(0 <= paid - got <= 2 for paid, got in zip(cost, back, strict=True))
        assert any(paid > got for paid, got in zip(cost, back, strict=True))


def test_redeem__last_holder_leaves__only_dead_shares_stay(world: World) -> None:
    world.mint(world.depositor, SHARES)
    world.vault.redeem(SHARES, world.depositor, [0] * 3, FAR, sender=world.depositor)
    assert world.vault.totalSupply() == world.dead_shares
    assert all(held > 0 for held in world.wallet(world.vault))


def test_redeem__when_paused__still_pays(world: World) -> None:
    world.mint(world.depositor, SHARES)
    world.vault.pause(sender=world.guardian)
    expected = list(world.vault.preview_redeem(WAD))
    world.vault.redeem(WAD, world.depositor, expected, FAR, sender=world.depositor)
    assert world.wallet(world.depositor) == expected


def test_redeem__oracle_dead__still_pays(world: World) -> None:
    world.mint(world.depositor, SHARES)
    for feed in world.feeds:
        feed.set_dead(True, sender=world.deployer)
    expected = list(world.vault.preview_redeem(WAD))
    world.vault.redeem(WAD, world.depositor, expected, FAR, sender=world.depositor)
    assert world.wallet(world.depositor) == expected


def test_redeem__rebalance_open__still_pays(world: World) -> None:
    world.opened()
    expected = list(world.vault.preview_redeem(WAD))
    world.vault.redeem(WAD, world.depositor, expected, FAR, sender=world.depositor)
    assert world.wallet(world.depositor) == expected


def test_redeem__limit_exactly_the_payout__passes_and_a_unit_more_reverts(world: World) -> None:
    world.mint(world.depositor, SHARES)
    amounts = list(world.vault.preview_redeem(WAD))
    for index in range(3):
        limits = [amount + (place == index) for place, amount in enumerate(amounts)]
        with revert("vault: amount under minimum"):
            world.vault.redeem(WAD, world.depositor, limits, FAR, sender=world.depositor)
    world.vault.redeem(WAD, world.depositor, amounts, FAR, sender=world.depositor)


@pytest.mark.parametrize("count", [0, 2, 4])
def test_redeem__wrong_number_of_limits__reverts(world: World, count: int) -> None:
    world.mint(world.depositor, WAD)
    with revert("vault: wrong number of amounts"):
        world.vault.redeem(WAD, world.depositor, [0] * count, FAR, sender=world.depositor)


def test_redeem__no_shares__reverts(world: World) -> None:
    world.mint(world.depositor, WAD)
    with revert("vault: zero shares"):
        world.vault.redeem(0, world.depositor, [0] * 3, FAR, sender=world.depositor)


def test_redeem__more_than_held__reverts(world: World) -> None:
    world.mint(world.depositor, WAD)
    with revert("erc20: burn amount exceeds balance"):
        world.vault.redeem(WAD + 1, world.depositor, [0] * 3, FAR, sender=world.depositor)
    with revert("erc20: burn amount exceeds balance"):
        world.vault.redeem(1, world.attacker, [0] * 3, FAR, sender=world.attacker)


def test_redeem__more_than_the_supply__reverts(world: World) -> None:
    with revert("erc20: burn amount exceeds balance"):
        world.vault.redeem(1, world.depositor, [0] * 3, FAR, sender=world.depositor)
    world.mint(world.depositor, WAD)
    with revert("erc20: burn amount exceeds balance"):
        world.vault.redeem(WAD + world.dead_shares + 1, world.depositor, [0] * 3, FAR, sender=world.depositor)


def test_redeem__at_the_deadline__passes_and_a_second_later_reverts(world: World) -> None:
    world.mint(world.depositor, SHARES)
    deadline = world.chain.pending_timestamp + 100
    world.at(deadline)
    world.vault.redeem(WAD, world.depositor, [0] * 3, deadline, sender=world.depositor)
    world.at(deadline + 1)
    with revert("vault: expired"):
        world.vault.redeem(WAD, world.depositor, [0] * 3, deadline, sender=world.depositor)


def test_redeem__to_the_vault_or_nobody__reverts(world: World) -> None:
    world.mint(world.depositor, WAD)
    for receiver in (world.vault, ZERO):
        with revert("vault: bad receiver"):
            world.vault.redeem(WAD, receiver, [0] * 3, FAR, sender=world.depositor)


# --- odd tokens


@pytest.mark.parametrize("switches", [{"answer": 2}, {"answer": 4}, {"refuses_zero": True}, {"fee_bps": 100}], ids=str)
def test_redeem__token_is_odd__leaves_the_vault_to_the_unit(odd_world: World, switches: dict[str, Any]) -> None:
    world = odd_world
    world.mint(world.depositor, SHARES)
    before, expected = world.wallet(world.vault), list(world.vault.preview_redeem(WAD))
    for index in range(3):
        world.misbehave(index, **switches)
    world.vault.redeem(WAD, world.depositor, expected, FAR, sender=world.depositor)
    assert world.wallet(world.vault) == [held - paid for held, paid in zip(before, expected, strict=True)]


def test_redeem__nothing_due_of_a_token_that_refuses_zero__passes(odd_world: World) -> None:
    world = odd_world
    world.mint(world.depositor, SHARES)
    for index in range(3):
        world.misbehave(index, refuses_zero=True)
    # One wei of a share is worth less than a satoshi.
    receipt = world.vault.redeem(1, world.depositor, [0] * 3, FAR, sender=world.depositor)
    assert receipt.return_value[1] == 0


def test_redeem__token_takes_more_than_the_amount__still_pays(odd_world: World) -> None:
    """What it takes on top is lost to who stays, and nobody is trapped."""
    world = odd_world
    world.mint(world.depositor, SHARES)
    world.misbehave(1, extra_bps=100)
    due, before = list(world.vault.preview_redeem(WAD)), world.wallet(world.vault)
    world.vault.redeem(WAD, world.depositor, due, FAR, sender=world.depositor)
    assert world.wallet(world.depositor) == due
    assert before[1] - world.wallet(world.vault)[1] == due[1] + due[1] // 100
    assert [world.vault.claims(world.depositor, token) for token in world.tokens] == [0] * 3


def test_redeem__token_tells_more_than_any_sum_could_hold__pays_the_others(odd_world: World) -> None:
    world = odd_world
    world.mint(world.depositor, SHARES)
    token, most = world.tokens[1], 2**128  # basket.MAX_BALANCE
    token.mint(world.vault, most + 1 - token.balanceOf(world.vault), sender=world.deployer)
    due = reference.payout(world.wallet(world.vault), WAD, world.vault.totalSupply())
    receipt = world.vault.redeem(WAD, world.depositor, [0] * 3, FAR, sender=world.depositor)
    assert receipt.return_value == world.wallet(world.depositor) == [due[0], 0, due[2]]
    assert world.vault.claims(world.depositor, token) == 0

    token.burn(world.vault, 1, sender=world.deployer)
    due = reference.payout(world.wallet(world.vault), WAD, world.vault.totalSupply())
    receipt = world.vault.redeem(WAD, world.stranger, [0] * 3, FAR, sender=world.depositor)
    assert receipt.return_value == world.wallet(world.stranger) == due


@pytest.mark.parametrize("kept_back", [1, 2])
def test_redeem__token_rounds_what_it_moves__pays_all_but_the_dust(odd_world: World, kept_back: int) -> None:
    odd_world.mint(odd_world.depositor, 10 * WAD)
    odd_world.misbehave(2, kept_back=kept_back)
    due = odd_world.vault.preview_redeem(WAD)
    odd_world.vault.redeem(WAD, odd_world.stranger, due, FAR, sender=odd_world.depositor)
    assert odd_world.wallet(odd_world.stranger) == [due[0], due[1], due[2] - kept_back]


def test_redeem__token_keeps_more_than_dust__pays_what_moved_and_owes_the_rest(odd_world: World) -> None:
    world = odd_world
    world.mint(world.depositor, 10 * WAD)
    world.misbehave(2, kept_back=3)
    due = list(world.vault.preview_redeem(WAD))
    receipt = world.vault.redeem(WAD, world.stranger, due, FAR, sender=world.depositor)
    assert world.wallet(world.stranger) == [due[0], due[1], due[2] - 3]
    assert receipt.return_value == due
    event = receipt.events.filter(world.vault.ClaimMade)[0]
    assert (event.owner, event.asset, event.amount) == (world.depositor, world.tokens[2], 3)
    assert world.vault.claims(world.depositor, world.tokens[2]) == 3


def test_redeem__token_keeps_more_than_a_basis_point__owes_it(odd_world: World) -> None:
    # BTC has 8 decimals: of 9,999 satoshis not one may stay behind.
    odd_world.mint(odd_world.depositor, 10 * WAD)
    odd_world.misbehave(1, kept_back=1)
    shares = 9_999 * odd_world.vault.totalSupply() // odd_world.tokens[1].balanceOf(odd_world.vault)
    assert odd_world.vault.preview_redeem(shares)[1] in (9_998, 9_999)
    odd_world.vault.redeem(shares, odd_world.stranger, [0] * 3, FAR, sender=odd_world.depositor)
    assert odd_world.vault.claims(odd_world.depositor, odd_world.tokens[1]) == 1
