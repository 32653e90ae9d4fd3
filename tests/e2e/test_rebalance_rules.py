"""Every rule that a rebalance has to satisfy, broken once by an attacker, as close to the rule's edge as integers allow.

The basket: DAI (18 decimals, 1 USD) and BTC are in deficit, ETH is in surplus. A DAI base unit is worth one wei of value.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import pytest
from unit import reference
from unit.reference import Holding
from unit.world import ALL, FAR, NO, NOTHING, WAD, ZERO, World, bad_price, revert, step, undone

DAI, BTC, ETH = range(3)
ETHER = 10**18
SATOSHIS = 10**8

# What pays for the whole surplus at the highest bound, and what a caller of the pull form may offer for it.
ALL_OF_IT = {DAI: 251_000 * WAD, BTC: 14 * SATOSHIS // 10}
MORE_THAN_ALL = {DAI: 260_000 * WAD, BTC: 15 * SATOSHIS // 10}


@pytest.fixture(scope="module")
def world(odd_world: World) -> Iterator[World]:
    """A rebalance is open, 62.5 ETH are in surplus."""
    with undone(odd_world.chain):
        yield odd_world.opened()


def after(basket: Sequence[Holding], changes: Mapping[int, int]) -> list[Holding]:
    """The basket after balances changed by base units."""
    return [replace(held, balance=held.balance + changes.get(index, 0)) for index, held in enumerate(basket)]


def most(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The largest number for which `holds`, which is true at `low`, false at `high` and changes once."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def generous(world: World, index: int, sold_ether: int) -> int:
    """Base units worth 1 % more than what `sold_ether` of ETH are worth."""
    return world.amount_up(index, world.value_up(ETH, sold_ether) * 101 // 100)


# --- rule 1: prices, read once


def test_rule_1__feed_a_second_too_old__reverts_and_at_its_age_passes(world: World) -> None:
    now = world.chain.pending_timestamp + 60
    maximum_age = world.oracle.feed(world.tokens[BTC]).max_age
    brings = {DAI: generous(world, DAI, ETHER)}
    world.set_round(BTC, 90_000 * WAD, now - maximum_age - 1)
    with bad_price(world.tokens[BTC], "STALE"):
        world.fill({ETH: ETHER}, brings, at=now)
    with undone(world.chain):
        world.set_round(BTC, 90_000 * WAD, now + 60 - maximum_age)
        world.fill({ETH: ETHER}, brings, at=now + 60)


@pytest.mark.parametrize(
    ("price", "fault"), [(0, "NOT_POSITIVE"), (WAD, "BELOW_MINIMUM"), (90_000_000 * WAD, "ABOVE_MAXIMUM")]
)
def test_rule_1__price_not_to_be_believed__reverts(world: World, price: int, fault: str) -> None:
    world.set_price(BTC, price)
    with bad_price(world.tokens[BTC], fault):
        world.fill({ETH: ETHER}, {DAI: generous(world, DAI, ETHER)})


def test_rule_1__feed_dead__reverts(world: World) -> None:
    world.feeds[BTC].set_dead(True, sender=world.deployer)
    with bad_price(world.tokens[BTC], "CALL_FAILED"):
        world.fill({ETH: ETHER}, {DAI: generous(world, DAI, ETHER)})


def test_rule_1__prices_moved_in_the_callback__settles_at_those_of_before(world: World) -> None:
    crash = step(world.feeds[ETH].set_answer, 1)
    soar = step(world.feeds[DAI].set_answer, 10**10)
    value_out = world.value_up(ETH, ETHER)
    receipt = world.fill({ETH: ETHER}, {DAI: generous(world, DAI, ETHER)}, steps=[crash, soar])
    assert receipt.events.filter(world.rebalancer.Rebalanced)[0].value_out == value_out
    with revert("rebalance: value short"):
        world.refresh()
        world.set_price(ETH, 6_000 * WAD)
        world.set_price(DAI, WAD)
        world.fill({ETH: ETHER}, {DAI: 10**18}, steps=[crash, soar])


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([], "rebalancer: wrong price count"),
        ([WAD, WAD], "rebalancer: wrong price count"),
        ([WAD] * 4, "rebalancer: wrong price count"),
        ([WAD, 0, WAD], "rebalancer: zero price"),
    ],
    ids=str,
)
def test_rule_1__oracle_answers_nonsense__reverts(world: World, answers: list[int], reason: str) -> None:
    oracle = world.deployer.deploy(world.project.HostileOracle)
    world = world.with_vault(oracle=oracle, cooldown=0)
    world.mint(world.depositor, 20_000 * WAD)
    oracle.set_answers([WAD, 90_000 * WAD, 6_000 * WAD], sender=world.attacker)
    world.vault.open_rebalance(sender=world.attacker)
    oracle.set_answers(answers, sender=world.attacker)
    with revert(reason):
        world.fill({ETH: ETHER}, {DAI: 10_000 * WAD})
    with revert(reason):
        world.vault.nav()
    with revert(reason):
        world.vault.open_rebalance(sender=world.attacker)


# --- rule 2: surplus is sold, deficit is bought, neither beyond its target


@pytest.mark.parametrize("asset", [DAI, BTC])
def test_rule_2__sold_asset_in_deficit__reverts(world: World, asset: int) -> None:
    with revert("rebalance: nothing in surplus"):
        world.fill({asset: 10_000}, {DAI: 10_000 * WAD})


def test_rule_2__nothing_sold__reverts(world: World) -> None:
    for sells in ({}, {ETH: 0}):
        with revert("rebalance: nothing in surplus"):
            world.fill(sells, {DAI: 10_000 * WAD})


def test_rule_2__deficit_asset_next_to_a_surplus_one__is_not_sold(world: World) -> None:
    before = world.wallet(world.executor)
    world.fill({DAI: 10_000 * WAD, ETH: ETHER}, {BTC: generous(world, BTC, ETHER)})
    assert world.wallet(world.executor)[DAI] == before[DAI]


def test_rule_2__more_than_the_surplus__is_clamped(world: World) -> None:
    surplus = reference.surplus(world.basket(), ETH)
    before = world.wallet(world.executor)[ETH]
    world.fill({ETH: ALL}, ALL_OF_IT)
    assert world.wallet(world.executor)[ETH] - before == surplus


def test_rule_2__bought_asset_in_surplus__counts_for_nothing(world: World) -> None:
    # BTC is brought into surplus: DAI alone is in deficit.
    world.set_price(BTC, 180_000 * WAD)
    with revert("rebalance: value short"):
        world.fill({ETH: ETHER}, {BTC: generous(world, BTC, ETHER)})


def test_rule_2__bought_to_a_wei_over_the_tolerance__reverts_and_to_the_tolerance_passes(world: World) -> None:
    basket, tolerance = world.basket(), world.terms.closing_tolerance
    sold, bitcoin = 62 * ETHER, 13 * SATOSHIS // 10

    def within(dai: int) -> bool:
        then = after(basket, {DAI: dai, BTC: bitcoin, ETH: -sold})
        nav = reference.nav(then)
        return then[DAI].value <= basket[DAI].target * nav // WAD + tolerance * nav // WAD

    dai = most(within, 0, 10**6 * WAD)
    assert dai > 250_000 * WAD
    with revert("rebalance: above target"):
        world.fill({ETH: sold}, {DAI: dai + 1, BTC: bitcoin})
    world.fill({ETH: sold}, {DAI: dai, BTC: bitcoin})


def test_rule_2__sold_to_under_the_tolerance__reverts_and_to_the_tolerance_passes(world: World) -> None:
    # With BTC in surplus too, a gift of BTC raises the target of ETH above what is left of it.
    world.set_price(BTC, 180_000 * WAD)
    basket, tolerance = world.basket(), world.terms.closing_tolerance
    sold = reference.surplus(basket, ETH)
    dai = generous(world, DAI, sold)

    def within(gift: int) -> bool:
        then = after(basket, {DAI: dai, BTC: gift, ETH: -sold})
        nav = reference.nav(then)
        return then[ETH].value + tolerance * nav // WAD >= basket[ETH].target * nav // WAD

    gift = most(within, 0, 100 * SATOSHIS)
    with revert("rebalance: below target"):
        world.fill({ETH: sold}, {DAI: dai, BTC: gift + 1})
    world.fill({ETH: sold}, {DAI: dai, BTC: gift})


def test_rule_2__sold_to_exactly_the_tolerance_below_target__passes_and_a_wei_below_reverts(world: World) -> None:
    # With DAI in surplus too, a gift of DAI raises the target of ETH wei by wei.
    world.set_price(BTC, 9_000 * WAD)
    world.set_price(ETH, 4_500 * WAD)
    basket, tolerance = world.basket(), world.terms.closing_tolerance
    sold = reference.surplus(basket, ETH)
    bitcoin = generous(world, BTC, sold)

    def room(gift: int) -> int:
        then = after(basket, {DAI: gift, BTC: bitcoin, ETH: -sold})
        nav = reference.nav(then)
        return then[ETH].value + tolerance * nav // WAD - basket[ETH].target * nav // WAD

    gift = most(lambda dai: room(dai) >= 0, 0, 10**6 * WAD)
    assert (room(gift), room(gift + 1)) == (0, -1)
    with undone(world.chain), revert("rebalance: below target"):
        world.fill({ETH: sold}, {BTC: bitcoin, DAI: gift + 1})
    world.fill({ETH: sold}, {BTC: bitcoin, DAI: gift})


@pytest.mark.parametrize(("under", "counts"), [(0, False), (1, False), (2, True)])
def test_rule_2__bought_asset_at_its_target_to_the_wei__counts_for_nothing(
    world: World, under: int, counts: bool
) -> None:
    # Half of NAV rounds down to what the others are worth, and to a wei less when DAI is a wei under that.
    held = [holding.value for holding in world.basket()]
    world.tokens[DAI].mint(world.vault, held[BTC] + held[ETH] - under - held[DAI], sender=world.deployer)
    at = world.rebalancer.opened_at() + 1_000
    due = reference.due(world.value_up(ETH, ETHER), world.bound_at(at))
    bitcoin = world.amount_up(BTC, due) - 1
    brings = {BTC: bitcoin, DAI: due - world.value_down(BTC, bitcoin)}
    if counts:
        world.fill({ETH: ETHER}, brings, at=at)
    else:
        with revert("rebalance: value short"):
            world.fill({ETH: ETHER}, brings, at=at)


def test_rule_2__the_loss_of_a_fill_lifts_an_untouched_asset_over_its_target__passes(odd_world: World) -> None:
    world = odd_world.with_vault(
        start_premium=0, max_discount=WAD // 20, closing_tolerance=WAD // 10_000, max_loss=WAD // 20
    ).opened()
    world.set_price(BTC, 18_100 * WAD)
    world.set_price(ETH, 5_400 * WAD)
    at = world.rebalancer.opened_at() + world.terms.duration
    basket = world.basket()
    sold = reference.surplus(basket, ETH)
    bitcoin = world.amount_up(BTC, reference.due(world.value_up(ETH, sold), world.bound_at(at)))
    then = after(basket, {BTC: bitcoin, ETH: -sold})
    assert reference.deficit_value(basket, DAI) > 0
    assert then[DAI].value > (basket[DAI].target + world.terms.closing_tolerance) * reference.nav(then) // WAD
    world.fill({ETH: sold}, {BTC: bitcoin}, at=at)


@pytest.mark.parametrize("price", [WAD, WAD + 7 * 10**10])
def test_rule_2__all_of_a_surplus__is_sold_to_the_wei(world: World, price: int) -> None:
    world.set_price(BTC, 9_000 * WAD)
    world.set_price(ETH, 4_500 * WAD)
    world.set_price(DAI, price)
    # So that half of NAV is no whole number.
    world.tokens[DAI].mint(world.vault, (world.vault.nav() + 1) % 2, sender=world.deployer)
    surplus = reference.surplus(world.basket(), DAI)
    held = world.wallet(world.vault)[DAI]
    world.fill({DAI: ALL}, {BTC: world.amount_up(BTC, world.value_up(DAI, surplus) * 101 // 100)})
    assert held - world.wallet(world.vault)[DAI] == surplus


# --- rule 3: the price bound


@pytest.mark.parametrize("elapsed", [1_000, 1_201, 1_800])
@pytest.mark.parametrize("sold", [10 * ETHER, 3_333_333_333_333_333_333, 10**9 + 1])
def test_rule_3__a_wei_short_of_the_bound__reverts_and_the_bound_passes(world: World, elapsed: int, sold: int) -> None:
    world.set_price(ETH, 6_000 * WAD + 7 * 10**10)  # a price at which values do not come out even
    at = world.rebalancer.opened_at() + elapsed
    due = reference.due(world.value_up(ETH, sold), world.bound_at(at))
    with undone(world.chain), revert("rebalance: value short"):
        world.fill({ETH: sold}, {DAI: due - 1}, at=at)
    receipt = world.fill({ETH: sold}, {DAI: due}, at=at)
    event = receipt.events.filter(world.rebalancer.Rebalanced)[0]
    assert (event.value_out, event.value_in) == (world.value_up(ETH, sold), due)


def test_rule_3__bought_at_an_uneven_price__counts_rounded_down(world: World) -> None:
    world.set_price(DAI, WAD + 7 * 10**10)
    at = world.rebalancer.opened_at() + 1_000
    due = reference.due(world.value_up(ETH, ETHER), world.bound_at(at))
    dai = world.amount_up(DAI, due)
    assert world.value_up(DAI, dai - 1) >= due > world.value_down(DAI, dai - 1)
    with undone(world.chain), revert("rebalance: value short"):
        world.fill({ETH: ETHER}, {DAI: dai - 1}, at=at)
    receipt = world.fill({ETH: ETHER}, {DAI: dai}, at=at)
    assert receipt.events.filter(world.rebalancer.Rebalanced)[0].value_in == world.value_down(DAI, dai)


def test_rule_3__bound_of_a_second_before__is_not_enough(world: World) -> None:
    at = world.rebalancer.opened_at() + 1_000
    due = reference.due(world.value_up(ETH, ETHER), world.bound_at(at))
    with revert("rebalance: value short"):
        world.fill({ETH: ETHER}, {DAI: due}, at=at - 1)


def test_rule_3__nothing_brought__reverts(world: World) -> None:
    with revert("rebalance: value short"):
        world.fill({ETH: ALL}, {})


def test_rule_3__bought_tokens_are_the_vaults_own__counts_for_nothing(world: World) -> None:
    # What was sold comes back: nothing left, nothing came, and the basket is where it was.
    world.script(step(world.tokens[ETH].transfer, world.vault, ETHER))
    with revert("rebalance: drift did not fall"):
        world.vault.rebalance(world.legs({ETH: ETHER}), [], world.executor, b"", FAR, sender=world.attacker)


# --- rule 4: the loss budget


@pytest.fixture
def losing(odd_world: World) -> World:
    """No premium and a long, deep discount: the budget of 0.1 % binds, not the bound."""
    world = odd_world.with_vault(
        start_premium=0, max_discount=WAD // 20, duration=7 * 86400, max_loss=WAD // 1000, loss_window=86400
    )
    world.opened()
    world.wait(6 * 86400)
    return world


def largest_loss(world: World, sold: int, lost: int) -> int:
    """The most WAD USD that a fill may lose when `lost`, a WAD share of NAV, has not drained yet."""
    basket, value_out = world.basket(), world.value_up(ETH, sold)

    def within(loss: int) -> bool:
        share = reference.loss_share(value_out, value_out - loss, reference.nav(basket))
        return lost + share <= world.terms.max_loss

    return most(within, 0, value_out)


def test_rule_4__a_wei_over_the_budget__reverts_and_the_budget_passes(losing: World) -> None:
    world, sold = losing, 15 * ETHER
    loss = largest_loss(world, sold, lost=0)
    value_out = world.value_up(ETH, sold)
    with undone(world.chain), revert("loss: budget exceeded"):
        world.fill({ETH: sold}, {DAI: value_out - loss - 1})
    world.fill({ETH: sold}, {DAI: value_out - loss})
    assert world.rebalancer.loss() == world.terms.max_loss


def test_rule_4__budget_spent__drains_with_time_and_for_everybody_alike(losing: World) -> None:
    world, sold = losing, 15 * ETHER
    value_out = world.value_up(ETH, sold)
    first = largest_loss(world, sold, lost=0)
    share = reference.loss_share(value_out, value_out - first, world.vault.nav())
    receipt = world.fill({ETH: sold}, {DAI: value_out - first})
    assert world.rebalancer.loss() == share

    # A third of the window later a third has drained, and not a wei more.
    at = receipt.timestamp + world.terms.loss_window // 3
    left = reference.undrained(share, world.terms.loss_window // 3, world.terms.max_loss, world.terms.loss_window)
    second = largest_loss(world, sold, left)
    assert 0 < second < first
    with undone(world.chain), revert("loss: budget exceeded"):
        world.fill({ETH: sold}, {DAI: value_out - second - 1}, at=at)
    nav = world.vault.nav()
    world.fill({ETH: sold}, {DAI: value_out - second}, at=at)
    assert world.rebalancer.loss() == left + reference.loss_share(value_out, value_out - second, nav)


def test_rule_4__owner_and_guardian__are_not_exempt(losing: World) -> None:
    world, sold = losing, 15 * ETHER
    loss = largest_loss(world, sold, lost=0)
    world.script(*world.brings({DAI: world.value_up(ETH, sold) - loss - 1}))
    for who in (world.owner, world.guardian, world.keeper):
        with revert("loss: budget exceeded"):
            world.vault.rebalance(world.legs({ETH: sold}), [], world.executor, b"", FAR, sender=who)


def test_rule_4__minting_between_fills__buys_no_budget_and_redeeming_leaves_no_debt(losing: World) -> None:
    world, sold = losing, 15 * ETHER
    value_out = world.value_up(ETH, sold)
    world.fill({ETH: sold}, {DAI: value_out - largest_loss(world, sold, lost=0)})
    spent = world.terms.max_loss

    shares = 9 * world.vault.totalSupply()
    world.mint(world.attacker, shares)
    assert spent * 999 // 1000 < world.rebalancer.loss() <= spent
    with undone(world.chain), revert("loss: budget exceeded"):
        world.fill({ETH: sold}, {DAI: value_out - 1_000 * WAD})

    world.vault.redeem(shares, world.attacker, [0] * 3, FAR, sender=world.attacker)
    assert spent * 999 // 1000 < world.rebalancer.loss() <= spent


def test_rule_4__fill_without_loss__does_not_round_what_drained_anew(losing: World) -> None:
    world, sold = losing, 15 * ETHER
    value_out = world.value_up(ETH, sold)
    lost_at = world.fill({ETH: sold}, {DAI: value_out - largest_loss(world, sold, lost=0)}).timestamp
    share = world.rebalancer.loss()
    world.fill({ETH: sold}, {DAI: value_out}, at=lost_at + 60)
    # What drains in a second is a 27th part of a unit over a whole number, so 27 seconds see every fraction.
    for elapsed in range(61, 61 + 27):
        world.pass_to(lost_at + elapsed)
        left = reference.undrained(share, elapsed, world.terms.max_loss, world.terms.loss_window)
        assert world.rebalancer.loss() == left


# --- rule 5: drift falls


def test_rule_5__trade_too_small_to_move_drift__reverts(world: World) -> None:
    with revert("rebalance: drift did not fall"):
        world.fill({ETH: 1}, {DAI: 10_000})


def test_rule_5__a_gift_undoes_what_the_trade_did__reverts(world: World) -> None:
    with revert("rebalance: drift did not fall"):
        world.fill({ETH: ETHER}, {DAI: generous(world, DAI, ETHER), ETH: 20 * ETHER})


def test_rule_5__less_than_half_of_what_was_sold_left_the_drift__reverts_and_half_passes(world: World) -> None:
    # BTC is close to its target: what is bought beyond it, within the tolerance, adds to the drift again.
    world.set_price(BTC, 119_000 * WAD)
    before = world.basket()
    value_out = world.value_up(ETH, ETHER)
    least = -(-value_out * WAD // (2 * reference.nav(before)))

    def within(bitcoin: int) -> bool:
        return reference.drift(after(before, {BTC: bitcoin, ETH: -ETHER})) + least < reference.drift(before)

    bitcoin = most(within, generous(world, BTC, ETHER), world.amount_up(BTC, 10_500 * WAD))
    with undone(world.chain), revert("rebalance: drift did not fall"):
        world.fill({ETH: ETHER}, {BTC: bitcoin + 1})
    world.fill({ETH: ETHER}, {BTC: bitcoin})


def test_rule_5__half_of_what_was_sold_left_the_drift_to_the_last_unit__reverts_and_a_unit_more_passes(
    world: World,
) -> None:
    # BTC and ETH are both in surplus: BTC is sold, and a gift of ETH adds to the drift again.
    world.set_price(BTC, 180_000 * WAD)
    before, sold = world.basket(), SATOSHIS
    dai = world.amount_up(DAI, world.value_up(BTC, sold) * 101 // 100)
    least = -(-world.value_up(BTC, sold) * WAD // (2 * reference.nav(before)))

    def missing(gift: int) -> int:
        then = after(before, {DAI: dai, BTC: -sold, ETH: gift})
        return reference.drift(then) + least - reference.drift(before)

    gift = most(lambda ether: missing(ether) < 0, 0, 100 * ETHER)
    assert (missing(gift), missing(gift + 1)) == (-1, 0)
    with undone(world.chain), revert("rebalance: drift did not fall"):
        world.fill({BTC: sold}, {DAI: dai, ETH: gift + 1})
    world.fill({BTC: sold}, {DAI: dai, ETH: gift})


# --- rule 6: nothing else falls


@pytest.mark.parametrize("asset", [DAI, BTC])
def test_rule_6__balance_of_another_asset_falls_by_one__reverts(world: World, asset: int) -> None:
    other = BTC if asset == DAI else DAI
    burn = step(world.tokens[asset].burn, world.vault, 1)
    with revert("vault: balance fell"):
        world.fill({ETH: ETHER}, {other: generous(world, other, ETHER)}, steps=[burn])


def test_rule_6__sold_asset_falls_by_one_more_than_sold__reverts(world: World) -> None:
    burn = step(world.tokens[ETH].burn, world.vault, 1)
    with revert("vault: balance fell"):
        world.fill({ETH: ETHER}, {DAI: generous(world, DAI, 2 * ETHER)}, steps=[burn])


def test_rule_6__token_takes_more_than_is_sold__reverts(world: World) -> None:
    world.misbehave(ETH, extra_bps=1)
    with revert("basket: transfer failed"):
        world.fill({ETH: ETHER}, {DAI: generous(world, DAI, 2 * ETHER)})


# --- when and in what form


def test_rebalance__not_open_and_not_due__reverts(odd_world: World) -> None:
    world = odd_world.with_vault()
    world.set_price(ETH, world.plans[ETH].price)
    world.mint(world.depositor, 20_000 * WAD)
    world.wait(world.terms.cooldown)
    with revert("auction: no trigger holds"):
        world.fill({ETH: ETHER}, {DAI: generous(world, DAI, ETHER)})


def test_rebalance__last_second__passes_and_a_second_later_reverts(world: World) -> None:
    end = world.rebalancer.opened_at() + world.terms.duration
    brings = {DAI: generous(world, DAI, ETHER)}
    with undone(world.chain):
        world.fill({ETH: ETHER}, brings, at=end)
    with revert("auction: cooling down"):
        world.fill({ETH: ETHER}, brings, at=end + 1)


def test_rebalance__completed__reverts(world: World) -> None:
    world.pull({ETH: ALL}, MORE_THAN_ALL)
    assert not world.rebalancer.is_open()
    with revert("auction: no trigger holds"):
        world.fill({ETH: ETHER}, {DAI: generous(world, DAI, ETHER)})


def test_rebalance__paused_while_open__reverts(world: World) -> None:
    world.vault.pause(sender=world.guardian)
    with revert("vault: paused"):
        world.fill({ETH: ETHER}, {DAI: generous(world, DAI, ETHER)})


def test_rebalance__at_its_deadline__passes_and_a_second_later_reverts(world: World) -> None:
    deadline = world.chain.pending_timestamp + 100
    brings = {DAI: generous(world, DAI, ETHER)}
    with undone(world.chain):
        world.fill({ETH: ETHER}, brings, deadline=deadline, at=deadline)
    with revert("vault: expired"):
        world.fill({ETH: ETHER}, brings, deadline=deadline, at=deadline + 1)


def test_rebalance__an_asset_sold_twice__reverts(world: World) -> None:
    legs = world.legs({ETH: ETHER}) * 2
    world.script(*world.brings({DAI: generous(world, DAI, 2 * ETHER)}))
    with revert("rebalance: duplicate asset"):
        world.vault.rebalance(legs, [], world.executor, b"", FAR, sender=world.attacker)


def test_rebalance__an_asset_bought_twice__reverts(world: World) -> None:
    brought = generous(world, DAI, ETHER)
    legs = world.legs({DAI: brought})
    world.script(*world.brings({DAI: brought}))
    with revert("rebalance: duplicate asset"):
        world.vault.rebalance(world.legs({ETH: ETHER}), legs * 2, world.executor, b"", FAR, sender=world.attacker)


def test_rebalance__token_not_in_the_basket__reverts(world: World) -> None:
    stranger = world.deployer.deploy(world.project.Token, "OUT", 18)
    for token in (stranger, world.vault, ZERO):
        for sells, buys in (([(token, 1)], []), (world.legs({ETH: ETHER}), [(token, 1)])):
            for executor in (world.executor, ZERO):
                with revert("rebalance: not an asset"):
                    world.script()
                    world.vault.rebalance(sells, buys, executor, b"", FAR, sender=world.attacker)


def test_rebalance__executor_is_the_vault_itself__reverts(world: World) -> None:
    with revert("basket: transfer failed"):
        world.vault.rebalance(world.legs({ETH: ETHER}), [], world.vault, b"", FAR, sender=world.attacker)


def test_rebalance__buys_a_unit_short_of_the_callers_minimum__reverts(world: World) -> None:
    brought = generous(world, DAI, ETHER)
    with undone(world.chain), revert("rebalance: bought too little"):
        world.fill({ETH: ETHER}, {DAI: brought}, buys={DAI: brought + 1})
    world.fill({ETH: ETHER}, {DAI: brought}, buys={DAI: brought})


@pytest.mark.parametrize("answer", [NO, NOTHING])
def test_rebalance__token_answers_oddly_but_moves__passes(world: World, answer: int) -> None:
    for index in range(3):
        world.misbehave(index, answer=answer)
    world.pull({ETH: ETHER}, {DAI: generous(world, DAI, ETHER)})
    world.fill({ETH: ETHER}, {DAI: generous(world, DAI, ETHER)})


def test_rebalance__sold_token_does_not_move__reverts(world: World) -> None:
    world.misbehave(ETH, does_nothing=True)
    with revert("basket: transfer failed"):
        world.fill({ETH: ETHER}, {DAI: generous(world, DAI, ETHER)})
    with revert("basket: transfer failed"):
        world.pull({ETH: ETHER}, {DAI: generous(world, DAI, ETHER)})


# --- the pull form


def test_pull__without_allowance__reverts(world: World) -> None:
    with revert("token: allowance too low"):
        world.pull({ETH: ETHER}, {DAI: generous(world, DAI, ETHER)}, approved={})


def test_pull__allowance_a_wei_short_of_what_is_due__reverts_and_exactly_it_passes(world: World) -> None:
    at = world.rebalancer.opened_at() + 1_000
    due = reference.due(world.value_up(ETH, ETHER), world.bound_at(at))
    with undone(world.chain), revert("token: allowance too low"):
        world.pull({ETH: ETHER}, {DAI: due}, approved={DAI: due - 1}, at=at)
    world.pull({ETH: ETHER}, {DAI: due}, at=at)


def test_pull__offers_a_wei_less_than_is_due__reverts(world: World) -> None:
    at = world.rebalancer.opened_at() + 1_000
    due = reference.due(world.value_up(ETH, ETHER), world.bound_at(at))
    with revert("rebalance: value short"):
        world.pull({ETH: ETHER}, {DAI: due - 1}, at=at)


def test_pull__offers_far_more_than_is_due__pays_what_is_due(world: World) -> None:
    at = world.rebalancer.opened_at() + 1_000
    due = reference.due(world.value_up(ETH, ETHER), world.bound_at(at))
    world.pull({ETH: ETHER}, {DAI: 200_000 * WAD}, at=at)
    assert 200_000 * WAD - world.wallet(world.keeper)[DAI] == due


def test_pull__values_do_not_come_out_even__pays_what_is_due_rounded_up(world: World) -> None:
    world.set_price(ETH, 6_000 * WAD + 7 * 10**10)
    sold, at = 3_333_333_333_333_333_333, world.rebalancer.opened_at() + 1_000
    value_out, bound = world.value_up(ETH, sold), world.bound_at(at)
    due = reference.due(value_out, bound)
    assert value_out > world.value_down(ETH, sold)
    assert due * WAD > value_out * bound
    world.pull({ETH: sold}, {DAI: 200_000 * WAD}, at=at)
    assert 200_000 * WAD - world.wallet(world.keeper)[DAI] == due


def test_pull__first_asset_does_not_come_out_even__the_second_pays_what_rounding_took(world: World) -> None:
    world.set_price(BTC, 180_000 * WAD)
    world.set_price(ETH, 3_000 * WAD + 7 * 10**10)
    at, offered = world.rebalancer.opened_at() + 1_000, {ETH: 3_333_333_333_333_333_333, DAI: 300_000 * WAD}
    due = reference.due(world.value_up(BTC, SATOSHIS), world.bound_at(at))
    assert world.value_up(ETH, offered[ETH]) > world.value_down(ETH, offered[ETH])
    world.pull({BTC: SATOSHIS}, offered, at=at)
    left = world.wallet(world.keeper)
    assert left[ETH] == 0
    assert offered[DAI] - left[DAI] == due - world.value_down(ETH, offered[ETH])


@pytest.mark.parametrize("elapsed", [1, 1_000])
def test_pull__deficit_smaller_than_due__pays_it_to_the_wei(world: World, elapsed: int) -> None:
    # So that half of NAV is no whole number.
    world.tokens[DAI].mint(world.vault, (world.vault.nav() + 1) % 2, sender=world.deployer)
    at = world.rebalancer.opened_at() + elapsed
    room = -(-reference.deficit_value(world.basket(), DAI) * max(world.bound_at(at), WAD) // WAD)
    world.pull({ETH: ALL}, MORE_THAN_ALL, at=at)
    assert MORE_THAN_ALL[DAI] - world.wallet(world.keeper)[DAI] == room


def test_pull__token_takes_a_fee__reverts(world: World) -> None:
    world.misbehave(DAI, fee_bps=1)
    with revert("basket: too little arrived"):
        world.pull({ETH: ETHER}, {DAI: generous(world, DAI, ETHER)})


def test_pull__overtaken__pays_only_for_what_is_left(world: World) -> None:
    at = world.rebalancer.opened_at() + 1_000
    world.fill({ETH: 40 * ETHER}, {DAI: generous(world, DAI, 40 * ETHER)}, at=at - 10)
    left = reference.surplus(world.basket(), ETH)
    due = reference.due(world.value_up(ETH, left), world.bound_at(at))

    world.pull({ETH: 60 * ETHER}, MORE_THAN_ALL, at=at)

    got = world.wallet(world.keeper)
    paid = sum(world.value_down(index, MORE_THAN_ALL[index] - got[index]) for index in (DAI, BTC))
    assert got[ETH] == left
    # Rounding up to whole satoshis and wei is all that it pays on top.
    assert due <= paid <= due + world.value_up(BTC, 1) + 1


# --- clamps: one wei more or less never makes a fill fail


@pytest.mark.parametrize("asset", [DAI, BTC, ETH])
def test_clamp__a_wei_was_donated_before__fill_settles(world: World, asset: int) -> None:
    sold = reference.surplus(world.basket(), ETH)
    world.tokens[asset].mint(world.vault, 1, sender=world.attacker)
    with undone(world.chain):
        world.fill({ETH: sold}, ALL_OF_IT)
        assert not world.rebalancer.is_open()
    world.pull({ETH: sold}, MORE_THAN_ALL)
    assert not world.rebalancer.is_open()


def test_clamp__a_sliver_was_filled_before__fill_settles(world: World) -> None:
    sold = reference.surplus(world.basket(), ETH)
    world.fill({ETH: 10**9}, {DAI: generous(world, DAI, 10**9)})
    with undone(world.chain):
        world.fill({ETH: sold}, ALL_OF_IT)
        assert not world.rebalancer.is_open()
    world.pull({ETH: sold}, MORE_THAN_ALL)
    assert not world.rebalancer.is_open()


def test_clamp__somebody_redeemed_before__fill_settles(world: World) -> None:
    sold = reference.surplus(world.basket(), ETH)
    world.vault.redeem(200 * WAD, world.depositor, [0] * 3, FAR, sender=world.depositor)
    world.pull({ETH: sold}, MORE_THAN_ALL)
    assert not world.rebalancer.is_open()


# --- what a rebalance never touches


def test_rebalance__filled__supply_and_claims_stay_whole(world: World) -> None:
    supply, shares = world.vault.totalSupply(), world.vault.balanceOf(world.depositor)
    nav = world.vault.nav()
    world.fill({ETH: ALL}, ALL_OF_IT)
    assert (world.vault.totalSupply(), world.vault.balanceOf(world.depositor)) == (supply, shares)
    assert world.vault.nav() >= nav  # within the premium, nothing is lost
