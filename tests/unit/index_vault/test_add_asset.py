"""IndexVault.add_asset: the owner appends an asset that the oracle prices, at target zero."""

from typing import Any

import pytest

from unit.world import ALL, BAND, FAR, WAD, ZERO, World, bad_price, basket_of, deploy_code, revert

MOST = 20  # assets


def priced(world: World, price: int = 5 * WAD, decimals: int = 18, contract: Any = None) -> Any:
    """A new token with a feed."""
    token = world.deployer.deploy(contract or world.project.Token, "NEW", decimals)
    feed = world.deployer.deploy(world.project.Feed, 8, price // 10**10)
    world.oracle.set_feed((token, feed, 86400, 1, price * 100), sender=world.owner)
    return token


@pytest.fixture
def seeded(world: World) -> World:
    """1,000 shares."""
    world.mint(world.depositor, 1_000 * WAD)
    return world


def test_add_asset__priced_by_the_oracle__is_the_last_at_target_zero(seeded: World) -> None:
    world, token = seeded, priced(seeded)
    targets, bands = list(world.vault.targets()), list(world.rebalancer.bands())
    receipt = world.vault.add_asset(token, sender=world.owner)
    event = receipt.events.filter(world.vault.AssetAdded)[0]
    assert (event.asset, event.index) == (token, 3)
    assert list(world.vault.assets()) == [*(held.address for held in world.tokens), token]
    assert list(world.vault.targets()) == [*targets, 0]
    assert list(world.rebalancer.bands()) == [*bands, WAD // 10]
    assert basket_of(world.vault)[3] == 0


def test_add_asset__nothing_held_of_it__mint_and_redeem_take_and_pay_none(seeded: World) -> None:
    world, token = seeded, priced(seeded)
    world.vault.add_asset(token, sender=world.owner)
    cost = list(world.vault.preview_mint(WAD))
    assert (len(cost), cost[3]) == (4, 0)
    world.fund(world.depositor, cost[:3])
    world.vault.mint(WAD, world.depositor, cost, FAR, sender=world.depositor)
    with revert("vault: wrong number of amounts"):
        world.vault.redeem(WAD, world.depositor, [0] * 3, FAR, sender=world.depositor)
    assert world.vault.redeem(WAD, world.depositor, [0] * 4, FAR, sender=world.depositor).return_value[3] == 0


def test_add_asset__held_before__counts_from_now_on(seeded: World) -> None:
    """What lay in the vault belongs to the shares then."""
    world, token = seeded, priced(seeded)
    token.mint(world.vault, 7 * WAD, sender=world.deployer)
    nav = world.vault.nav()
    world.vault.add_asset(token, sender=world.owner)
    assert world.vault.nav() == nav + 35 * WAD
    assert world.vault.preview_redeem(WAD)[3] > 0


def test_add_asset__then_a_target__is_bought(seeded: World) -> None:
    world = seeded
    world.wait(world.terms.cooldown)
    token = priced(world)
    world.vault.add_asset(token, sender=world.owner)
    world.rebalancer.set_targets([WAD * 3 // 10, WAD // 4, WAD // 4, WAD // 5], 0, 0, sender=world.owner)
    assert world.vault.trigger() == BAND
    for bought in (*world.tokens, token):
        bought.mint(world.keeper, 10**6 * WAD, sender=world.deployer)
        bought.approve(world.vault, ALL, sender=world.keeper)
    buys = [(bought, ALL) for bought in (token, *world.tokens[1:])]
    world.vault.rebalance([(world.tokens[0], ALL)], buys, ZERO, b"", FAR, sender=world.keeper)
    assert world.vault.weights()[3] == pytest.approx(WAD // 5, rel=0.01)
    assert world.vault.drift() <= world.terms.closing_tolerance


def test_add_asset__while_targets_move__keeps_their_way(seeded: World) -> None:
    world, token = seeded, priced(seeded)
    start = world.now() + 10
    world.rebalancer.set_targets([WAD, 0, 0], start, start + 2000, sender=world.owner)
    world.vault.add_asset(token, sender=world.owner)
    world.pass_to(start + 1000)
    assert list(world.vault.targets()) == [WAD * 3 // 4, WAD // 8, WAD // 8, 0]


def test_add_asset__twice__reverts(seeded: World) -> None:
    world, token = seeded, priced(seeded)
    world.vault.add_asset(token, sender=world.owner)
    for asset in (token, *world.tokens):
        with revert("basket: duplicate asset"):
            world.vault.add_asset(asset, sender=world.owner)


def test_add_asset__more_than_twenty__reverts(seeded: World) -> None:
    world = seeded
    for _ in range(MOST - 3):
        world.vault.add_asset(priced(world), sender=world.owner)
    assert len(world.vault.assets()) == MOST
    with revert("basket: too many assets"):
        world.vault.add_asset(priced(world), sender=world.owner)
    assert list(world.rebalancer.bands())[3:] == [WAD // 10] * (MOST - 3)
    assert min(world.vault.redeem(WAD, world.depositor, [0] * MOST, FAR, sender=world.depositor).return_value[:3]) > 0


def test_add_asset__the_vault_itself_or_no_contract__reverts(seeded: World) -> None:
    for asset in (seeded.vault, seeded.stranger, ZERO):
        with revert("basket: bad asset"):
            seeded.vault.add_asset(asset, sender=seeded.owner)


def test_add_asset__too_many_decimals__reverts(seeded: World) -> None:
    world = seeded
    with revert("basket: too many decimals"):
        world.vault.add_asset(world.deployer.deploy(world.project.Token, "NEW", 28), sender=world.owner)
    world.vault.add_asset(priced(world, decimals=27), sender=world.owner)


def test_add_asset__not_priced__reverts(seeded: World) -> None:
    world = seeded
    token = world.deployer.deploy(world.project.Token, "NEW", 18)
    with bad_price(token, "NO_FEED"):
        world.vault.add_asset(token, sender=world.owner)
    assert len(world.vault.assets()) == 3


def test_add_asset__oracle_says_zero__reverts(seeded: World) -> None:
    world = seeded
    # Answers a word of zero to whatever it is asked; the vault made with it is seeded without prices.
    oracle = deploy_code(world.deployer, bytes.fromhex("6007600a5f3960075ff3") + bytes.fromhex("5f5f5260205ff3"))
    world = world.with_vault(oracle=oracle)
    world.mint(world.depositor, WAD)
    with revert("rebalancer: zero price"):
        world.vault.add_asset(priced(world), sender=world.owner)


def test_add_asset__before_the_first_mint__reverts(world: World) -> None:
    world = world.with_vault()
    with revert("vault: not seeded"):
        world.vault.add_asset(priced(world), sender=world.owner)


@pytest.mark.parametrize("role", ["guardian", "strategist", "keeper", "attacker"])
def test_add_asset__by_anybody_but_the_owner__reverts(seeded: World, role: str) -> None:
    token = priced(seeded)
    with revert("ownable: caller is not the owner"):
        seeded.vault.add_asset(token, sender=getattr(seeded, role))


def test_add_asset__when_paused__still_works(seeded: World) -> None:
    token = priced(seeded)
    seeded.vault.pause(sender=seeded.guardian)
    seeded.vault.add_asset(token, sender=seeded.owner)
    assert len(seeded.vault.assets()) == 4
