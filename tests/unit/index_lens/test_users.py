"""IndexLens.users: what an account has in a vault and what it could bring."""

from typing import Any

from unit.world import WAD, World


def test_users__holder__is_told_shares_amounts_balances_and_allowances(any_world: World, lens: Any) -> None:
    world, vault = any_world, any_world.vault
    world.mint(world.depositor, 20_000 * WAD)
    world.mint(world.stranger, WAD // 3)
    world.fund(world.stranger, [3, 5, 7])
    world.tokens[1].approve(vault, 2, sender=world.stranger)

    seen = lens.users(vault, world.stranger)

    assert seen.shares == vault.balanceOf(world.stranger) == WAD // 3
    assert list(seen.amounts) == list(vault.preview_redeem(WAD // 3))
    assert list(seen.balances) == [3, 5, 7]
    assert list(seen.allowances) == [3, 2, 7]


def test_users__nobody__has_nothing(world: World, lens: Any) -> None:
    seen = lens.users(world.vault, world.stranger)
    assert (seen.shares, *map(list, (seen.amounts, seen.balances, seen.allowances))) == (0, *[[0] * 3] * 3)


def test_users__oracle_dead__amounts_are_told(world: World, lens: Any) -> None:
    world.mint(world.depositor, 20 * WAD)
    world.chain.provider.set_code(world.oracle.address, "0x")
    assert list(lens.users(world.vault, world.depositor).amounts) == list(world.vault.preview_redeem(20 * WAD))


def test_users__a_token_dead__the_others_are_told(world: World, lens: Any) -> None:
    odd = world.deployer.deploy(world.project.SymbolToken, b"", 2)
    assets = [(token, 10**8, WAD // 2, WAD // 40) for token in (world.tokens[0], odd)]
    vault = world.deploy_vault(assets=assets)
    world.tokens[0].mint(world.stranger, 9, sender=world.deployer)
    assert list(lens.users(vault, world.stranger).allowances) == [0, 7]
    odd.die(sender=world.deployer)
    seen = lens.users(vault, world.stranger)
    assert (list(seen.balances), list(seen.allowances)) == ([9, 0], [0, 0])


def test_users__no_assets__shares_are_all_there_is_to_tell(world: World, lens: Any) -> None:
    vault = world.deployer.deploy(world.project.FalseVault)
    seen = lens.users(vault, world.stranger)
    assert (seen.shares, *map(list, (seen.amounts, seen.balances, seen.allowances))) == (0, [], [], [])
