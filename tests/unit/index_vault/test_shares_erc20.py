"""The share as an ERC-20."""

from collections.abc import Iterator

import pytest

from unit.world import WAD, ZERO, World, revert, undone


@pytest.fixture(scope="module")
def seeded(world: World) -> Iterator[World]:
    with undone(world.chain):
        world.mint(world.depositor, 10 * WAD)
        yield world


def test_metadata__is_what_was_given(world: World) -> None:
    vault = world.vault
    assert (vault.name(), vault.symbol(), vault.decimals()) == ("Test Index", "TIDX", 18)


def test_transfer__moves_shares_and_not_the_supply(seeded: World) -> None:
    supply = seeded.vault.totalSupply()
    receipt = seeded.vault.transfer(seeded.stranger, 3 * WAD, sender=seeded.depositor)
    assert receipt.events.filter(seeded.vault.Transfer)[0].value == 3 * WAD
    assert seeded.vault.balanceOf(seeded.depositor) == 7 * WAD
    assert seeded.vault.balanceOf(seeded.stranger) == 3 * WAD
    assert seeded.vault.totalSupply() == supply


def test_transfer__to_oneself__changes_nothing(seeded: World) -> None:
    seeded.vault.transfer(seeded.depositor, 10 * WAD, sender=seeded.depositor)
    assert seeded.vault.balanceOf(seeded.depositor) == 10 * WAD


def test_transfer__more_than_held_or_to_nobody__reverts(seeded: World) -> None:
    with revert("erc20: transfer amount exceeds balance"):
        seeded.vault.transfer(seeded.stranger, 10 * WAD + 1, sender=seeded.depositor)
    with revert("erc20: transfer to the zero address"):
        seeded.vault.transfer(ZERO, 1, sender=seeded.depositor)


def test_transferFrom__within_the_allowance__moves_and_uses_it(seeded: World) -> None:
    vault = seeded.vault
    vault.approve(seeded.keeper, 5, sender=seeded.depositor)
    vault.transferFrom(seeded.depositor, seeded.stranger, 3, sender=seeded.keeper)
    assert vault.balanceOf(seeded.stranger) == 3
    assert vault.allowance(seeded.depositor, seeded.keeper) == 2
    with revert("erc20: insufficient allowance"):
        vault.transferFrom(seeded.depositor, seeded.stranger, 3, sender=seeded.keeper)


def test_transferFrom__unlimited_allowance__is_not_used_up(seeded: World) -> None:
    vault = seeded.vault
    vault.approve(seeded.keeper, 2**256 - 1, sender=seeded.depositor)
    vault.transferFrom(seeded.depositor, seeded.stranger, 3, sender=seeded.keeper)
    assert vault.allowance(seeded.depositor, seeded.keeper) == 2**256 - 1


def test_transferFrom__without_allowance__reverts(seeded: World) -> None:
    with revert("erc20: insufficient allowance"):
        seeded.vault.transferFrom(seeded.depositor, seeded.attacker, 1, sender=seeded.attacker)


def test_approve__nobody__reverts(seeded: World) -> None:
    with revert("erc20: approve to the zero address"):
        seeded.vault.approve(ZERO, 1, sender=seeded.depositor)


def test_transfer__shares_sent_to_the_vault__are_lost_and_harm_nobody(seeded: World) -> None:
    before = list(seeded.vault.preview_redeem(WAD))
    seeded.vault.transfer(seeded.vault, WAD, sender=seeded.depositor)
    assert list(seeded.vault.preview_redeem(WAD)) == before
