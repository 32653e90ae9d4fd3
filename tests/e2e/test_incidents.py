"""What took the money of others, tried on the vault, with the arithmetic of the attacker's profit: never above zero.

Profit is counted in base units of every token where the attacker ends in kind, and in WAD USD at the oracle's prices, rounded
for the attacker, where he ends with other tokens.
"""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from unit.world import ALL, FAR, WAD, AssetPlan, World, revert, step

DAI, BTC, ETH = range(3)
SHARES = 20_000 * WAD


@pytest.fixture
def world(odd_world: World) -> World:
    return odd_world


def gains(before: Sequence[int], after: Sequence[int]) -> list[int]:
    """Base units won per token."""
    return [now - was for was, now in zip(before, after, strict=True)]


def worth_up(world: World, amounts: Sequence[int]) -> int:
    """WAD USD, rounded for whoever has them."""
    return sum(world.value_up(index, amount) for index, amount in enumerate(amounts))


def arm(world: World, who: Any, amounts: Sequence[int]) -> None:
    """Give `who` tokens, all of which the vault may take."""
    for token, amount in zip(world.tokens, amounts, strict=True):
        token.mint(who, amount, sender=world.deployer)
        token.approve(world.vault, ALL, sender=who)


def leave(world: World, who: Any) -> None:
    """Redeem all that `who` has."""
    world.vault.redeem(world.vault.balanceOf(who), who, [0] * len(world.tokens), FAR, sender=who)


@pytest.mark.parametrize("part", [10**6, 10, 2])
def test_donation__then_out_again__costs_the_donor(world: World, part: int) -> None:
    """Whoever holds a part of the vault gets back less than he gave: the rest is everybody else's."""
    world.mint(world.depositor, SHARES)
    balances = world.wallet(world.vault)
    arm(world, world.attacker, [3 * held for held in balances])
    before = world.wallet(world.attacker)
    honest = list(world.vault.preview_redeem(SHARES))

    world.vault.mint(SHARES // part, world.attacker, [2**255] * 3, FAR, sender=world.attacker)
    for token, held in zip(world.tokens, balances, strict=True):
        token.transfer(world.vault, held, sender=world.attacker)
    leave(world, world.attacker)

    assert all(gain < 0 for gain in gains(before, world.wallet(world.attacker)))
    assert all(gain > 0 for gain in gains(honest, world.vault.preview_redeem(SHARES)))


@pytest.mark.parametrize("victim_part", [1, 10**3, 10**9])
def test_first_depositor__inflates_before_the_victim__pays_for_it(world: World, victim_part: int) -> None:
    """Be first with the least, donate, let the victim's mint round. Here a victim asks for shares and pays their cost."""
    least = 10**4 * WAD // min(units for _, units, _, _ in world.asset_terms())
    arm(world, world.attacker, [10**30, 10**18, 10**30])
    before = world.wallet(world.attacker)
    world.vault.mint(least, world.attacker, [2**255] * 3, FAR, sender=world.attacker)
    for index, amount in enumerate((10**24, 10**12, 10**22)):
        world.tokens[index].transfer(world.vault, amount, sender=world.attacker)

    shares = max(1, least // victim_part)
    paid = world.mint(world.depositor, shares)
    worth = list(world.vault.preview_redeem(shares))
    leave(world, world.attacker)

    assert all(gain < 0 for gain in gains(before, world.wallet(world.attacker)))
    # What rounding costs the victim is a unit in and a unit out, whatever was donated.
    assert all(0 <= cost - value <= 2 for cost, value in zip(paid, worth, strict=True))


def test_supply__to_almost_nothing_and_back__nobody_gains(world: World) -> None:
    """All leave, somebody comes alone with one wei of a share and with many, leaves again: the first-mint path stays shut."""
    world.mint(world.depositor, SHARES)
    leave(world, world.depositor)
    assert world.vault.totalSupply() == world.dead_shares
    dead = world.wallet(world.vault)

    arm(world, world.attacker, [10**30, 10**18, 10**30])
    before = world.wallet(world.attacker)
    for shares in (1, 16, world.dead_shares, 10**6 * WAD, 1):
        world.vault.mint(shares, world.attacker, [2**255] * 3, FAR, sender=world.attacker)
        leave(world, world.attacker)
        assert world.vault.totalSupply() == world.dead_shares

    assert all(gain <= 0 for gain in gains(before, world.wallet(world.attacker)))
    assert all(gain >= 0 for gain in gains(dead, world.wallet(world.vault)))


@pytest.mark.parametrize("everybody_left", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_dust__batches_of_80_operations__never_round_to_the_attacker(
    world: World, seed: int, everybody_left: bool
) -> None:
    """Mints and redemptions of 0 to 1,000 wei of a share, in any order: each rounds against who calls."""
    world.mint(world.depositor, SHARES)
    if everybody_left:
        leave(world, world.depositor)
    for token in world.tokens:
        token.mint(world.executor, 10**6, sender=world.deployer)
        world.executor.call(token, token.approve.encode_input(world.vault, ALL), sender=world.attacker)
    before, held = world.wallet(world.executor), world.wallet(world.vault)
    supply = world.vault.totalSupply()

    numbers = random.Random(seed)
    for _ in range(2):
        steps = []
        for _ in range(80):
            shares = numbers.randint(0, 1_000)
            mint = numbers.random() < 0.6
            method, limits = (world.vault.mint, [2**255] * 3) if mint else (world.vault.redeem, [0] * 3)
            steps.append(step(method, shares, world.executor, limits, FAR, may_fail=True))
        world.script(*steps)
        world.executor.run(sender=world.attacker)
        assert sum(world.executor.outcomes(index).succeeded for index in range(80)) > 50

    rest = world.vault.balanceOf(world.executor)
    assert world.vault.totalSupply() == supply + rest
    if rest:
        out = world.vault.redeem.encode_input(rest, world.executor, [0] * 3, FAR)
        world.executor.call(world.vault, out, sender=world.attacker)
    assert all(gain <= 0 for gain in gains(before, world.wallet(world.executor)))
    assert all(gain >= 0 for gain in gains(held, world.wallet(world.vault)))


@pytest.mark.parametrize("times", [1, 100])
def test_borrowed__mint_rebalance_redeem__earns_nothing_over_the_oracle(world: World, times: int) -> None:
    """Minting first makes the surplus larger, and one's own part of it too: at a bound of 1 or more there is no profit."""
    world.opened()
    borrowed = [times * 2 * held for held in world.wallet(world.vault)]
    arm(world, world.keeper, borrowed)
    honest = worth_up(world, world.vault.preview_redeem(SHARES))

    world.vault.mint(times * SHARES, world.keeper, [2**255] * 3, FAR, sender=world.keeper)
    world.vault.rebalance(
        world.legs({ETH: ALL}), world.legs({DAI: 2**200, BTC: 2**100}), "0x" + "00" * 20, b"", FAR, sender=world.keeper
    )
    leave(world, world.keeper)

    assert worth_up(world, world.wallet(world.keeper)) <= worth_up(world, borrowed)
    assert worth_up(world, world.vault.preview_redeem(SHARES)) >= honest


def test_cycles__of_minting_and_redeeming__lose_a_little_each(world: World) -> None:
    """Harvest's 32 cycles: no number of them turns rounding around."""
    world.mint(world.depositor, SHARES)
    arm(world, world.attacker, [10**30, 10**18, 10**30])
    before = world.wallet(world.attacker)
    honest = list(world.vault.preview_redeem(SHARES))
    for cycle in range(32):
        world.vault.mint(SHARES // 7 + cycle, world.attacker, [2**255] * 3, FAR, sender=world.attacker)
        leave(world, world.attacker)
    assert all(-2 * 32 <= gain <= 0 for gain in gains(before, world.wallet(world.attacker)))
    assert all(gain >= 0 for gain in gains(honest, world.vault.preview_redeem(SHARES)))


X, Y, C, D = range(4)
FOUR = tuple(AssetPlan(name, 18, WAD, WAD // 4, WAD // (200 if name in "CD" else 100)) for name in "XYCD")


def test_churn__assets_on_target_swapped_to_and_fro__is_refused(build: Any) -> None:
    """D is over its target and C under it; X and Y are on it. A gift of dust puts Y under, so that it may be bought up to the
    tolerance, and then sold into X at the discount, again and again: turnover that takes nothing off the drift."""
    world = build(FOUR)
    world.mint(world.depositor, SHARES)
    world.wait(world.terms.cooldown)
    world.set_price(D, WAD * 104 // 100)
    world.set_price(C, WAD * 96 // 100)
    world.vault.open_rebalance(sender=world.stranger)
    world.wait(world.terms.duration - 60)
    world.tokens[D].mint(world.vault, WAD, sender=world.deployer)
    drift, honest = world.vault.drift(), world.vault.nav_per_share()

    usd = world.terms.closing_tolerance * world.vault.nav() // WAD * 98 // 100
    with revert("rebalance: drift did not fall"):
        world.fill({D: world.amount_up(D, usd)}, {Y: world.amount_up(Y, usd)})

    assert (world.vault.drift(), world.vault.nav_per_share()) == (drift, honest)
    # The same trade into what is missing is a rebalance.
    world.fill({D: world.amount_up(D, usd)}, {C: world.amount_up(C, usd)})
    assert world.vault.drift() < drift
