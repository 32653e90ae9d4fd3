"""The streaming fee: IndexVault.accrue_fees and supply, and everything that divides by the supply."""

from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unit import reference
from unit.reference import RAY, YEAR
from unit.world import FAR, NO_FEES, WAD, World, basket_of, revert, undone

FIVE_PERCENT = 5 * 10**16  # a year, the highest
MILLIONTH = 10**12  # the lowest
SHARES = 20_000 * WAD
MAX_SUPPLY = 2**96 - 1


def charging(world: World, annual: int = FIVE_PERCENT, mint: int = 0, redeem: int = 0) -> World:
    """Another vault, with a streaming fee and seeded."""
    world = world.with_vault(fees=(world.recipient, annual, mint, redeem))
    world.mint(world.depositor, SHARES)
    return world


def accrue(world: World, at: int, sender: Any = None) -> Any:
    """Make what is due at exactly this time; the receipt."""
    world.at(at)
    receipt = world.vault.accrue_fees(sender=sender or world.stranger)
    assert receipt.timestamp == at
    return receipt


def started(world: World) -> tuple[int, int]:
    """When the fee last accrued, which is in the block of the first mint, and the supply; no fraction is carried yet."""
    return world.now(), int(world.vault.totalSupply())


# ----------------------------------------------------------- how much


def test_accrue_fees__by_anybody__makes_what_is_due_for_the_recipient(world: World) -> None:
    """From the first second on, the seed's own included; the fraction of a base unit is carried."""
    world = world.with_vault(fees=(world.recipient, FIVE_PERCENT, 0, 0))
    world.mint(world.depositor, SHARES)
    seeded_at, supply = world.now(), SHARES + world.dead_shares
    assert world.vault.totalSupply() == supply
    due, fraction = reference.streamed(supply, 0, FIVE_PERCENT, 86_400)
    receipt = accrue(world, seeded_at + 86_400)
    assert receipt.return_value == supply + due == world.vault.totalSupply() == world.vault.supply()
    assert world.vault.balanceOf(world.recipient) == due > 0
    event = receipt.events.filter(world.vault.StreamingFee)[0]
    assert (event.recipient, event.shares) == (world.recipient, due)

    more, _ = reference.streamed(supply + due, fraction, FIVE_PERCENT, 7)
    accrue(world, seeded_at + 86_407)
    assert world.vault.balanceOf(world.recipient) == due + more


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    annual=st.integers(1, FIVE_PERCENT // MILLIONTH).map(lambda units: units * MILLIONTH),
    spans=st.lists(st.integers(1, 100) | st.integers(1, YEAR), min_size=2, max_size=5),
)
def test_accrue_fees__any_split_of_time__makes_the_same_to_the_wei(world: World, annual: int, spans: list[int]) -> None:
    with undone(world.chain):
        world = charging(world, annual)
        start, supply = started(world)
        end = start + sum(spans)
        with undone(world.chain):
            at_once = accrue(world, end).return_value
        moment, fraction, expected = start, 0, supply
        for span in spans:
            moment += span
            in_parts = accrue(world, moment).return_value
            due, fraction = reference.streamed(expected, fraction, annual, span)
            expected += due
        assert in_parts == expected
        assert abs(in_parts - at_once) <= 1
        assert at_once == supply + reference.streamed(supply, 0, annual, sum(spans))[0]


@settings(max_examples=200, deadline=None)
@given(
    supply=st.integers(1, MAX_SUPPLY),
    annual=st.integers(1, FIVE_PERCENT // MILLIONTH).map(lambda units: units * MILLIONTH),
    elapsed=st.integers(0, 20 * YEAR),
)
def test_streamed__reference_against_the_exact_power__never_over_and_by_a_ray_a_second_under(
    supply: int, annual: int, elapsed: int
) -> None:
    """What rounding the power down costs the recipient: at most 1e-27 of the supply a second, grown as the supply did."""
    due, fraction = reference.streamed(supply, 0, annual, elapsed)
    with localcontext() as context:
        context.prec = 100
        power = (1 + Decimal(annual // MILLIONTH * (RAY // 10**6) // YEAR) / RAY) ** elapsed
        exact = supply * (power - 1)
        found = due + Decimal(fraction) / WAD
        slack = supply * power * (elapsed + 60) / RAY + Decimal(1) / WAD
    assert exact - slack <= found <= exact


@pytest.mark.parametrize("annual", [MILLIONTH, 10**16, FIVE_PERCENT])
def test_accrue_fees__over_a_year__dilutes_by_no_more_than_the_fee(world: World, annual: int) -> None:
    world = charging(world, annual)
    start, supply = started(world)
    before = world.vault.balanceOf(world.recipient)
    accrue(world, start + YEAR)
    got = world.vault.balanceOf(world.recipient) - before
    # A holder's part of the supply falls by the factor supply / (supply + got).
    assert got * WAD <= annual * (supply + got)
    # And by the fee less its compounding: 1 - exp(-f) > f - f^2 / 2. Rounding takes less than 1e-8 of it.
    assert got * WAD >= (annual - annual * annual // (2 * WAD)) * (supply + got) * (10**8 - 1) // 10**8


def test_accrue_fees__many_small_supplies__carry_the_fraction(world: World) -> None:
    """At a fee of a millionth a year every second makes less than a base unit per 3e13; seconds still add up."""
    world = charging(world, MILLIONTH)
    start, supply = started(world)
    fraction, expected = 0, supply
    for second in range(1, 8):
        accrue(world, start + second)
    total = world.vault.totalSupply() - supply
    at_once, _ = reference.streamed(supply, 0, MILLIONTH, 7)
    for _ in range(7):
        due, fraction = reference.streamed(expected, fraction, MILLIONTH, 1)
        expected += due
    assert abs(total - at_once) <= 1
    assert world.vault.totalSupply() == expected


def test_accrue_fees__less_than_a_base_unit_a_second__is_not_lost(world: World) -> None:
    """A supply so small that each second alone makes nothing: without the carried fraction nothing would ever be made."""
    assets = [(token, 10**24, plan.target, plan.band) for token, plan in zip(world.tokens, world.plans, strict=True)]
    world = world.with_vault(assets=assets, fees=(world.recipient, MILLIONTH, 0, 0))
    # With the dead shares 1.1e16 base units, of which a millionth a year is 350 a second.
    world.mint(world.depositor, 10**15)
    start, supply = started(world)
    spans = [1] * 6
    fraction = expected_due = 0
    for second, _ in enumerate(spans, start=1):
        due, fraction = reference.streamed(supply + expected_due, fraction, MILLIONTH, 1)
        expected_due += due
        accrue(world, start + second)
    floors = sum(reference.streamed(supply, 0, MILLIONTH, 1)[0] for _ in spans)
    assert expected_due > floors, "the reference has to differ from one that forgets fractions"
    assert world.vault.totalSupply() - supply == expected_due


def test_accrue_fees__in_the_same_second__makes_nothing(world: World) -> None:
    """And logs nothing."""
    world = charging(world)
    executor = world.executor
    accrue_step = (world.vault.address, world.vault.accrue_fees.encode_input(), False)
    world.script(accrue_step, accrue_step)
    world.at(world.now() + 10)
    receipt = executor.run(sender=world.stranger)
    assert len(receipt.events.filter(world.vault.StreamingFee)) == 1
    first, second = (int.from_bytes(executor.outcomes(place).response) for place in range(2))
    assert first == second == world.vault.totalSupply()


def test_accrue_fees__twenty_years_and_more__count_as_twenty(world: World) -> None:
    world = charging(world)
    start, supply = started(world)
    due, _ = reference.streamed(supply, 0, FIVE_PERCENT, 20 * YEAR)
    for elapsed in (20 * YEAR, 20 * YEAR + 1, 30 * YEAR):
        with undone(world.chain):
            assert accrue(world, start + elapsed).return_value == supply + due
    with undone(world.chain):
        assert accrue(world, start + 20 * YEAR - 100).return_value < supply + due


def test_accrue_fees__largest_supply_for_two_hundred_years__does_not_overflow(world: World) -> None:
    """Ten times twenty years: a redemption still works."""
    assets = [(token, 10**6, plan.target, plan.band) for token, plan in zip(world.tokens, world.plans, strict=True)]
    world = world.with_vault(assets=assets, fees=(world.recipient, FIVE_PERCENT, 0, 0))
    world.mint(world.depositor, MAX_SUPPLY - world.dead_shares)
    for _ in range(5):
        accrue(world, world.now() + 20 * YEAR)
    assert world.vault.totalSupply() > 140 * MAX_SUPPLY
    world.vault.redeem(MAX_SUPPLY // 2, world.depositor, [0] * 3, FAR, sender=world.depositor)


def test_accrue_fees__largest_supply__rounds_every_step_of_the_power_down(world: World) -> None:
    """So many shares that a power larger by 1e-27 makes about 80 base units more; a span of which every bit counts."""
    world = world.with_vault(fees=(world.recipient, FIVE_PERCENT, 0, 0))
    world.mint(world.depositor, MAX_SUPPLY - world.dead_shares)
    start, supply = started(world)
    due, _ = reference.streamed(supply, 0, FIVE_PERCENT, 2**20 - 1)
    assert accrue(world, start + 2**20 - 1).return_value == supply + due


def test_accrue_fees__grown_to_a_hair_under_a_base_unit__does_not_make_it(world: World) -> None:
    """A supply that a second makes a whole number of base units less 1e-27 of one: rounded up, it were one more."""
    growth = RAY + FIVE_PERCENT // MILLIONTH * (RAY // 10**6) // YEAR
    supply = -pow(growth, -1, RAY) % RAY
    assert supply * growth % RAY == RAY - 1
    world = world.with_vault(fees=(world.recipient, FIVE_PERCENT, 0, 0))
    world.mint(world.depositor, supply - world.dead_shares)
    start, minted = started(world)
    assert minted == supply
    assert accrue(world, start + 1).return_value == supply * growth // RAY


def test_accrue_fees__nothing_minted_yet__makes_nothing(world: World) -> None:
    world = world.with_vault(fees=(world.recipient, FIVE_PERCENT, 0, 0))
    world.wait(YEAR)
    assert world.vault.supply() == 0
    world.vault.accrue_fees(sender=world.stranger)
    world.mint(world.depositor, SHARES)
    assert world.vault.totalSupply() == SHARES + world.dead_shares


def test_first_mint__long_after_the_vault_was_made__owes_nothing_for_the_time_before(world: World) -> None:
    world = world.with_vault(fees=(world.recipient, FIVE_PERCENT, 0, 0))
    world.wait(10 * YEAR)
    world.mint(world.depositor, SHARES)
    assert world.vault.supply() == SHARES + world.dead_shares
    start = world.now()
    accrue(world, start + 100)
    assert (
        world.vault.balanceOf(world.recipient)
        == reference.streamed(SHARES + world.dead_shares, 0, FIVE_PERCENT, 100)[0]
    )


def test_accrue_fees__without_a_fee__makes_nothing(world: World) -> None:
    world.mint(world.depositor, SHARES)
    world.wait(YEAR)
    receipt = world.vault.accrue_fees(sender=world.stranger)
    assert receipt.return_value == world.vault.supply() == world.vault.totalSupply() == SHARES + world.dead_shares
    assert len(receipt.events.filter(world.vault.StreamingFee)) == 0


# ------------------------------------------------- what divides by the supply


def test_supply_and_previews__fees_due__count_them_before_they_are_made(world: World) -> None:
    world = charging(world)
    start, supply = started(world)
    world.pass_to(start + YEAR)
    due, _ = reference.streamed(supply, 0, FIVE_PERCENT, YEAR)
    held = basket_of(world.vault)
    found = world.vault.supply()
    assert found == supply + due
    assert world.vault.totalSupply() == supply
    assert list(world.vault.preview_mint(WAD)) == reference.cost(held, WAD, found)
    assert list(world.vault.preview_redeem(WAD)) == reference.payout(held, WAD, found)
    assert reference.payout(held, WAD, found) != reference.payout(held, WAD, supply)
    world.refresh()
    assert world.vault.nav_per_share() == reference.nav(world.basket()) * WAD // world.vault.supply()


@pytest.mark.parametrize("name", ["mint", "redeem"])
def test_mint_and_redeem__fees_due__make_them_first(world: World, name: str) -> None:
    world = charging(world)
    start, supply = started(world)
    before, held = world.vault.balanceOf(world.recipient), basket_of(world.vault)
    if name == "mint":
        world.fund(world.depositor, [2**200] * 3)
    world.at(start + YEAR)
    limits = [2**200 if name == "mint" else 0] * 3
    receipt = getattr(world.vault, name)(WAD, world.depositor, limits, FAR, sender=world.depositor)
    due = world.vault.balanceOf(world.recipient) - before
    assert due == reference.streamed(supply, 0, FIVE_PERCENT, world.now() - start)[0] > 0
    assert receipt.events.filter(world.vault.StreamingFee)[0].shares == due
    expected = reference.cost if name == "mint" else reference.payout
    assert list(receipt.return_value) == expected(held, WAD, supply + due)


def test_redeem__fees_due_and_paused__works(world: World) -> None:
    world = charging(world, FIVE_PERCENT, 2 * 10**16, 2 * 10**16)
    world.vault.pause(sender=world.guardian)
    for feed in world.feeds:
        feed.set_dead(True, sender=world.deployer)
    world.at(world.now() + 5 * YEAR)
    receipt = world.vault.redeem(SHARES, world.depositor, [0] * 3, FAR, sender=world.depositor)
    assert min(receipt.return_value) > 0
    assert world.vault.balanceOf(world.depositor) == 0


def test_accrue_fees__when_paused__goes_on(world: World) -> None:
    world = charging(world)
    world.vault.pause(sender=world.guardian)
    before = world.vault.balanceOf(world.recipient)
    accrue(world, world.now() + 1000)
    assert world.vault.balanceOf(world.recipient) > before


def test_rebalance__fees_due__makes_none(world: World) -> None:
    """A rebalance must not change the supply."""
    world = world.with_vault(fees=(world.recipient, FIVE_PERCENT, 0, 0)).drifted()
    world.wait(86400)
    before = world.vault.totalSupply()
    world.fill({2: 10**18}, {0: 6_100 * 10**6})
    assert world.vault.totalSupply() == before < world.vault.supply()


# ------------------------------------------------------------ changing it


@pytest.mark.parametrize("change", ["recipient", "rate", "nothing"])
def test_set_fees__while_fees_are_due__makes_them_first_for_the_old(world: World, change: str) -> None:
    world = charging(world)
    start, supply = started(world)
    before = world.vault.balanceOf(world.recipient)
    fees = {
        "recipient": (world.stranger, FIVE_PERCENT, 0, 0),
        "rate": (world.recipient, MILLIONTH, 0, 0),
        "nothing": NO_FEES,
    }[change]
    world.at(start + YEAR)
    changed_at = world.vault.set_fees(fees, sender=world.owner).timestamp
    due, fraction = reference.streamed(supply, 0, FIVE_PERCENT, YEAR)
    assert world.vault.balanceOf(world.recipient) == before + due
    assert world.vault.balanceOf(world.stranger) == 0
    # From here on the new ones count.
    supply = world.vault.totalSupply()
    accrue(world, changed_at + 1000)
    later, _ = reference.streamed(supply, fraction, fees[1], 1000)
    assert world.vault.totalSupply() == supply + (later if fees[1] else 0)
    if change == "recipient":
        assert world.vault.balanceOf(world.stranger) == later > 0


def test_set_fees__none_for_a_year_and_then_some__does_not_charge_the_year(world: World) -> None:
    world.mint(world.depositor, SHARES)
    world.wait(YEAR)
    supply = world.vault.totalSupply()
    changed_at = world.vault.set_fees((world.recipient, FIVE_PERCENT, 0, 0), sender=world.owner).timestamp
    assert world.vault.supply() == world.vault.totalSupply() == supply
    accrue(world, changed_at + 10)
    assert world.vault.balanceOf(world.recipient) == reference.streamed(supply, 0, FIVE_PERCENT, 10)[0]


def test_set_fees__switched_off_and_on__does_not_charge_the_time_between(world: World) -> None:
    world = charging(world)
    world.vault.set_fees(NO_FEES, sender=world.owner)
    supply = world.vault.totalSupply()
    for _ in range(2):
        world.wait(YEAR)
        world.vault.accrue_fees(sender=world.stranger)
    world.vault.set_fees((world.recipient, FIVE_PERCENT, 0, 0), sender=world.owner)
    assert world.vault.totalSupply() == supply


def test_transfer__of_the_fees_shares__recipient_redeems_them(world: World) -> None:
    world = charging(world)
    accrue(world, world.now() + YEAR)
    got = world.vault.balanceOf(world.recipient)
    world.vault.redeem(got, world.recipient, [0] * 3, FAR, sender=world.recipient)
    assert min(world.wallet(world.recipient)) > 0
    with revert("erc20: transfer amount exceeds balance"):
        world.vault.transfer(world.stranger, 1, sender=world.recipient)
