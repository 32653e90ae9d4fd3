"""IndexVault.remove_asset: the owner takes out an asset that is wanted no more and of which only dust is left."""

from typing import Any

import pytest

from unit.world import ALL, BAND, FAR, WAD, ZERO, World, bad_price, basket_of, revert

DAY = 86400
BTC = 1
MILLION = 10**6


def set_targets(world: World, targets: list[int], start: int = 0, end: int = 0) -> None:
    world.rebalancer.set_targets(targets, start, end, sender=world.owner)


def remove(world: World, index: int) -> Any:
    return world.vault.remove_asset(world.tokens[index], sender=world.owner)


def added(world: World, price: int = 5 * WAD, decimals: int = 18) -> Any:
    """A fourth token in the basket."""
    token = world.deployer.deploy(world.project.OddToken, "NEW", decimals)
    feed = world.deployer.deploy(world.project.Feed, 8, price // 10**10)
    world.oracle.set_feed((token, feed, DAY, 1, price * 100), sender=world.owner)
    world.vault.add_asset(token, sender=world.owner)
    return token


@pytest.fixture
def seeded(odd_world: World) -> World:
    """1,000 shares of DAI, BTC and ETH, which misbehave when told to."""
    odd_world.mint(odd_world.depositor, 1_000 * WAD)
    return odd_world


@pytest.fixture
def unwanted(seeded: World) -> World:
    """The target of BTC is zero and there is none left."""
    set_targets(seeded, [WAD // 2, 0, WAD // 2])
    empty(seeded, BTC)
    return seeded


def empty(world: World, index: int, left: int = 0) -> None:
    """As if the vault had sold what it had."""
    token = world.tokens[index]
    held = token.balanceOf(world.vault)
    if held > left:
        token.burn(world.vault, held - left, sender=world.deployer)
    else:
        token.mint(world.vault, left - held, sender=world.deployer)


# ---------------------------------------------------------------- the list


def test_remove_asset__nothing_left__last_takes_its_place(unwanted: World) -> None:
    world = unwanted
    receipt = remove(world, BTC)
    event = receipt.events.filter(world.vault.AssetRemoved)[0]
    assert (event.asset, event.index) == (world.tokens[BTC], BTC)
    assert list(world.vault.assets()) == [world.tokens[0], world.tokens[2]]
    assert list(world.vault.targets()) == [WAD // 2, WAD // 2]
    assert len(world.vault.preview_redeem(WAD)) == len(world.vault.preview_mint(WAD)) == 2


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_remove_asset__any_place__targets_and_bands_follow_their_assets(seeded: World, place: int) -> None:
    world = seeded
    tokens = [*world.tokens, added(world)]
    rules = world.rebalancer
    rules.propose_strategist(world.strategist, sender=world.owner)
    rules.accept_strategist(sender=world.strategist)
    rules.set_rails((WAD // 100, WAD // 2, WAD), sender=world.owner)
    world.wait(DAY // 2)
    bands = [WAD // 50, WAD // 40, WAD // 30 // 10**12 * 10**12, WAD // 20]
    rules.set_bands(bands, sender=world.strategist)
    targets = [0 if index == place else (index + 1) * WAD // (10 - place - 1) for index in range(4)]
    targets[(place + 1) % 4] += WAD - sum(targets)
    set_targets(world, targets)
    tokens[place].burn(world.vault, tokens[place].balanceOf(world.vault), sender=world.deployer)

    assert (
        world.vault.remove_asset(tokens[place], sender=world.owner).events.filter(world.vault.AssetRemoved)[0].index
        == place
    )
    order = (
        [index for index in range(3) if index != place]
        if place == 3
        else [3 if index == place else index for index in range(3)]
    )
    assert list(world.vault.assets()) == [tokens[index].address for index in order]
    assert list(rules.targets()) == [targets[index] for index in order]
    assert list(rules.bands()) == [bands[index] for index in order]
    assert sum(rules.targets()) == WAD


def test_remove_asset__then_add_another__it_starts_afresh(unwanted: World) -> None:
    """Nothing of the removed one stays in the last place."""
    world = unwanted
    remove(world, BTC)
    token = added(world)
    assert list(world.vault.assets()) == [world.tokens[0], world.tokens[2], token]
    assert list(world.vault.targets()) == [WAD // 2, WAD // 2, 0]
    bands = list(world.rebalancer.bands())
    assert bands == [world.plans[0].band, world.plans[2].band, WAD // 10]


def test_remove_asset__before_a_change_begins_then_add_another__it_starts_afresh(unwanted: World) -> None:
    """The targets that are in force until then are kept apart."""
    world = unwanted
    start = world.now() + 1000
    set_targets(world, [WAD, 0, 0], start, start + 2000)
    remove(world, BTC)
    added(world)
    assert list(world.vault.targets()) == [WAD // 2, WAD // 2, 0]
    world.pass_to(start + 1000)
    assert list(world.vault.targets()) == [WAD * 3 // 4, WAD // 4, 0]


def test_remove_asset__down_to_two__not_further(unwanted: World) -> None:
    world = unwanted
    remove(world, BTC)
    set_targets(world, [WAD, 0])
    empty(world, 2)
    with revert("basket: fewer than two assets"):
        remove(world, 2)


def test_remove_asset__not_in_the_basket__reverts(unwanted: World) -> None:
    world = unwanted
    for asset in (world.stranger, ZERO, world.vault):
        with revert("basket: not an asset"):
            world.vault.remove_asset(asset, sender=world.owner)
    remove(world, BTC)
    with revert("basket: not an asset"):
        remove(world, BTC)


@pytest.mark.parametrize("role", ["guardian", "strategist", "keeper", "attacker"])
def test_remove_asset__by_anybody_but_the_owner__reverts(unwanted: World, role: str) -> None:
    with revert("ownable: caller is not the owner"):
        unwanted.vault.remove_asset(unwanted.tokens[BTC], sender=getattr(unwanted, role))


# --------------------------------------------------------------- its target


def test_remove_asset__target_not_zero__reverts(seeded: World) -> None:
    world = seeded
    empty(world, BTC)
    with revert("targets: not zero"):
        remove(world, BTC)
    set_targets(world, [WAD // 2, 1, WAD // 2 - 1])
    with revert("targets: not zero"):
        remove(world, BTC)


def test_remove_asset__target_on_its_way_to_zero__only_at_the_end(seeded: World) -> None:
    world = seeded
    empty(world, BTC)
    start = world.now() + 100
    end = start + 2000
    set_targets(world, [WAD // 2, 0, WAD // 2], start, end)
    for moment in (start - 50, start, end - 1):
        world.at(moment)
        with revert("targets: not zero"):
            remove(world, BTC)
    world.at(end)
    assert remove(world, BTC).timestamp == end
    assert list(world.vault.targets()) == [WAD // 2, WAD // 2]


@pytest.mark.parametrize("starts_in", [-1, 1000])
def test_remove_asset__target_zero_now_and_not_at_the_end__reverts(unwanted: World, starts_in: int) -> None:
    world = unwanted
    start = world.now() + starts_in
    set_targets(world, [WAD // 2, WAD // 4, WAD // 4], start, start + 2000)
    with revert("targets: not zero"):
        remove(world, BTC)


def test_remove_asset__zero_all_along_a_change_of_others__goes_and_the_change_goes_on(unwanted: World) -> None:
    world = unwanted
    start = world.now() + 10
    set_targets(world, [WAD, 0, 0], start, start + 2000)
    world.at(start + 1000)
    remove(world, BTC)
    assert list(world.vault.targets()) == [WAD * 3 // 4, WAD // 4]
    world.pass_to(start + 1500)
    assert list(world.vault.targets()) == [WAD * 7 // 8, WAD // 8]
    targets, begins, ends = world.rebalancer.schedule()
    assert (list(targets), begins, ends) == ([WAD, 0], start, start + 2000)


# ----------------------------------------------------------------- the dust


def edge(world: World, index: int) -> int:
    """The most base units of an asset of one WAD of USD a base unit of 1e-18 that still count as dust."""
    others = sum(held.value for place, held in enumerate(world.basket()) if place != index)
    low, high = 0, others
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle <= (others + middle) // MILLION else (low, middle)
    return low


@pytest.mark.parametrize("over", [0, 1])
def test_remove_asset__dust__up_to_a_millionth_of_nav_to_the_wei(seeded: World, over: int) -> None:
    """DAI, of which a base unit is worth a wei of value."""
    world = seeded
    set_targets(world, [0, WAD // 2, WAD // 2])
    dust = edge(world, 0)
    empty(world, 0, left=dust + over)
    nav = world.vault.nav()
    assert (dust + over <= nav // MILLION) == (over == 0)
    if over:
        with revert("rebalancer: still held"):
            remove(world, 0)
    else:
        remove(world, 0)
        assert world.vault.nav() == nav - dust


def test_remove_asset__dust_left_behind__comes_back_with_the_asset(seeded: World) -> None:
    world = seeded
    set_targets(world, [0, WAD // 2, WAD // 2])
    empty(world, 0, left=1234)
    remove(world, 0)
    assert 1234 not in basket_of(world.vault)
    world.vault.add_asset(world.tokens[0], sender=world.owner)
    assert basket_of(world.vault)[2] == 1234
    assert list(world.vault.assets())[2] == world.tokens[0]


def test_remove_asset__nobodys_dust__cannot_prevent_it(unwanted: World) -> None:
    """A stranger sends less than a millionth of NAV; sending more is a gift that is sold first."""
    world = unwanted
    world.tokens[BTC].mint(world.vault, 10, sender=world.stranger)
    remove(world, BTC)


def test_remove_asset__empty_vault_of_no_value__goes(seeded: World) -> None:
    world = seeded
    set_targets(world, [WAD // 2, 0, WAD // 2])
    for index in range(3):
        empty(world, index)
    assert world.vault.nav() == 0
    remove(world, BTC)


# ------------------------------------------------------ tokens that are dead


@pytest.mark.parametrize("ail", [{"is_dead": True}, {"is_blocked": True, "is_dead": True}], ids=str)
def test_remove_asset__dead_token__counts_as_nothing_and_goes(seeded: World, ail: dict[str, bool]) -> None:
    world = seeded
    set_targets(world, [WAD // 2, 0, WAD // 2])
    world.misbehave(BTC, **ail)
    remove(world, BTC)
    assert len(world.vault.assets()) == 2
    assert world.vault.nav() > 0
    world.vault.redeem(WAD, world.depositor, [0] * 2, FAR, sender=world.depositor)


def test_remove_asset__token_without_code__goes(seeded: World) -> None:
    world = seeded
    set_targets(world, [WAD // 2, 0, WAD // 2])
    world.chain.provider.set_code(world.tokens[BTC].address, "0x")
    remove(world, BTC)
    assert len(world.vault.assets()) == 2


def test_remove_asset__blocked_token_that_tells_balances__reverts(seeded: World) -> None:
    """What it holds is worth something, and may move again."""
    world = seeded
    set_targets(world, [WAD // 2, 0, WAD // 2])
    world.misbehave(BTC, is_blocked=True)
    with revert("rebalancer: still held"):
        remove(world, BTC)


def test_remove_asset__not_priced__reverts(unwanted: World) -> None:
    world = unwanted
    world.feeds[BTC].set_dead(True, sender=world.deployer)
    with bad_price(world.tokens[BTC], "CALL_FAILED"):
        remove(world, BTC)


# --------------------------------------------------------------------- claims


@pytest.fixture
def claimed(seeded: World) -> World:
    """The depositor has a claim on BTC, which the vault wants no more; nothing else is held of it."""
    world = seeded
    world.misbehave(BTC, is_blocked=True)
    world.vault.redeem(400 * WAD, world.depositor, [0] * 3, FAR, sender=world.depositor)
    world.misbehave(BTC)
    set_targets(world, [WAD // 2, 0, WAD // 2])
    empty(world, BTC, left=world.vault.claims(world.depositor, world.tokens[BTC]))
    assert basket_of(world.vault)[BTC] == 0
    return world


def test_remove_asset__with_claims__they_are_no_part_and_are_paid_after(claimed: World) -> None:
    world, token = claimed, claimed.tokens[BTC]
    amount = world.vault.claims(world.depositor, token)
    assert amount > 0
    remove(world, BTC)
    assert world.vault.claims(world.depositor, token) == amount
    world.vault.claim(token, world.stranger, sender=world.depositor)
    assert token.balanceOf(world.stranger) == amount
    assert token.balanceOf(world.vault) == 0


def test_remove_asset__with_claims_and_added_again__they_are_still_no_part(claimed: World) -> None:
    world, token = claimed, claimed.tokens[BTC]
    amount = world.vault.claims(world.depositor, token)
    remove(world, BTC)
    world.vault.add_asset(token, sender=world.owner)
    assert basket_of(world.vault)[2] == 0
    token.mint(world.vault, 500, sender=world.deployer)
    assert basket_of(world.vault)[2] == 500
    assert world.vault.preview_redeem(600 * WAD)[2] <= 500
    world.vault.claim(token, world.depositor, sender=world.depositor)
    assert token.balanceOf(world.depositor) == amount
    assert basket_of(world.vault)[2] == 500


def test_claim__on_a_removed_asset_and_paid_before_it_is_added_again__leaves_no_trace(claimed: World) -> None:
    world, token = claimed, claimed.tokens[BTC]
    remove(world, BTC)
    world.vault.claim(token, world.depositor, sender=world.depositor)
    world.vault.add_asset(token, sender=world.owner)
    token.mint(world.vault, 500, sender=world.deployer)
    assert basket_of(world.vault)[2] == 500


# ------------------------------------------------------------------ the rest


def test_remove_asset__sold_down_by_a_rebalance__goes(world: World) -> None:
    """The whole way: target to zero, a fill that sells all of it, removal."""
    world.mint(world.depositor, 1_000 * WAD)
    world.wait(world.terms.cooldown)
    set_targets(world, [WAD * 3 // 4, 0, WAD // 4])
    assert world.vault.trigger() == BAND
    world.pull({BTC: ALL}, {0: 10**12})
    assert basket_of(world.vault)[BTC] == 0
    remove(world, BTC)
    world.set_price(2, 6_000 * WAD)
    world.wait(world.terms.cooldown)
    world.pull({2: ALL}, {0: 10**12})
    assert world.vault.drift() <= world.terms.closing_tolerance


def test_remove_asset__rebalance_open__goes_on_without_it(unwanted: World) -> None:
    world = unwanted
    world.wait(world.terms.cooldown)
    world.vault.open_rebalance(sender=world.stranger)
    remove(world, BTC)
    assert world.rebalancer.is_open()
    with revert("rebalance: not an asset"):
        world.fill({BTC: 1}, {0: WAD})
    world.fill({0: WAD}, {2: 10**15})


def test_remove_asset__when_paused__still_works(unwanted: World) -> None:
    unwanted.vault.pause(sender=unwanted.guardian)
    remove(unwanted, BTC)
    assert len(unwanted.vault.assets()) == 2


def test_remove_asset__before_the_first_mint__reverts(odd_world: World) -> None:
    """The first mint takes units by place: a basket that changed before it could never be seeded."""
    world = odd_world.with_vault()
    set_targets(world, [WAD // 2, 0, WAD // 2])
    with revert("vault: not seeded"):
        remove(world, BTC)
    world.mint(world.depositor, WAD)
