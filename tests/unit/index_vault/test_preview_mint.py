"""IndexVault.preview_mint; that a mint costs what it says is in test_mint.py."""

from unit import reference
from unit.world import WAD, World, revert


def test_preview_mint__no_shares__reverts(world: World) -> None:
    with revert("vault: zero shares"):
        world.vault.preview_mint(0)


def test_preview_mint__when_paused__still_answers(world: World) -> None:
    world.mint(world.depositor, 20_000 * WAD)
    world.vault.pause(sender=world.guardian)
    balances, supply = world.wallet(world.vault), world.vault.totalSupply()
    assert list(world.vault.preview_mint(WAD)) == reference.cost(balances, WAD, supply)


def test_preview_mint__after_a_donation__counts_it(world: World) -> None:
    world.mint(world.depositor, 20_000 * WAD)
    world.tokens[1].mint(world.vault, 10**8, sender=world.stranger)
    balances, supply = world.wallet(world.vault), world.vault.totalSupply()
    assert list(world.vault.preview_mint(WAD)) == reference.cost(balances, WAD, supply)
