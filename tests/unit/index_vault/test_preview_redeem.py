"""IndexVault.preview_redeem; that a redemption pays what it says is in test_redeem.py."""

from unit import reference
from unit.world import WAD, World, revert


def test_preview_redeem__no_shares__reverts(world: World) -> None:
    with revert("vault: zero shares"):
        world.vault.preview_redeem(0)


def test_preview_redeem__more_than_the_supply__reverts(world: World) -> None:
    with revert("vault: more than supply"):
        world.vault.preview_redeem(1)
    world.mint(world.depositor, 20_000 * WAD)
    with revert("vault: more than supply"):
        world.vault.preview_redeem(20_000 * WAD + world.dead_shares + 1)


def test_preview_redeem__whole_supply__is_the_whole_basket(world: World) -> None:
    world.mint(world.depositor, 20_000 * WAD)
    assert list(world.vault.preview_redeem(world.vault.totalSupply())) == world.wallet(world.vault)


def test_preview_redeem__after_a_donation__counts_it(world: World) -> None:
    world.mint(world.depositor, 20_000 * WAD)
    world.tokens[1].mint(world.vault, 10**8, sender=world.stranger)
    balances, supply = world.wallet(world.vault), world.vault.totalSupply()
    assert list(world.vault.preview_redeem(WAD)) == reference.payout(balances, WAD, supply)
