"""IndexLens.vault: what the vault says, to the unit, and what is left to say while its oracle or a token is dead."""

from typing import Any

import ape
import pytest
from eth_abi.abi import encode

from unit.world import BAND, WAD, ZERO, World, basket_of, fault

USD, BTC, ETH = range(3)
VALUES = ("nav", "nav_per_share", "drift", "trigger")


def test_vault__says__what_the_vault_itself_says(any_world: World, lens: Any) -> None:
    any_world.mint(any_world.depositor, 20_000 * WAD)
    any_world.set_price(1, any_world.plans[1].price * 2)
    assert any_world.vault.drift() > 0
    check(any_world, lens)


def test_vault__after_a_losing_fill__loss_and_times_follow(world: World, lens: Any) -> None:
    world.opened()
    world.wait(world.terms.duration - 60)
    world.fill({ETH: 10**18}, {USD: 5_960 * 10**6})
    assert world.rebalancer.loss() > 0
    check(world, lens)
    world.vault.pause(sender=world.guardian)
    check(world, lens)
    assert lens.vault(world.vault).paused


def test_vault__empty__has_no_value_and_is_priced(world: World, lens: Any) -> None:
    check(world, lens)
    seen = lens.vault(world.vault)
    assert seen.priced and seen.nav == seen.supply == seen.nav_per_share == 0


def check(world: World, lens: Any) -> None:
    """Everything that the lens says against the vault's, the oracle's and the tokens' own views."""
    vault, seen = world.vault, lens.vault(world.vault)
    rebalancer = world.rebalancer
    names = ("symbol", "rebalancer", "owner", "guardian", "paused", "is_shut_down", "supply", "supply_cap", *VALUES)
    assert {name: getattr(seen, name) for name in names} == {name: getattr(vault, name)() for name in names}
    names = (
        "strategist", "oracle", "price_bound", "is_open", "opened_at", "closed_at", "completed_at", "loss", "head_start"
    )  # fmt: skip
    assert {name: getattr(seen, name) for name in names} == {name: getattr(rebalancer, name)() for name in names}
    assert tuple(seen.fees) == tuple(vault.fees())
    assert (list(seen.final_targets), seen.change_start, seen.change_end) == tuple(rebalancer.schedule())
    assert tuple(seen.rails) == tuple(rebalancer.rails()[0])
    assert tuple(seen.terms) == tuple(rebalancer.terms()) == world.terms.as_tuple()
    assert seen.priced
    for index, (shown, token) in enumerate(zip(seen.assets, world.tokens, strict=True)):
        assert (shown.asset, shown.symbol, shown.decimals) == (token, token.symbol(), token.decimals())
        assert shown.balance == basket_of(vault)[index]
        assert (shown.price, shown.fault) == (world.oracle.price(token), 0)
        assert shown.weight == vault.weights()[index]
        assert shown.target == vault.targets()[index]
        assert shown.band == rebalancer.bands()[index]


def check_unpriced(world: World, seen: Any) -> None:
    """What needs no price is there, what needs one is zero."""
    assert not seen.priced
    assert [getattr(seen, name) for name in VALUES] == [0] * 4
    assert [shown.weight for shown in seen.assets] == [0] * 3
    assert [shown.balance for shown in seen.assets] == basket_of(world.vault)
    assert [shown.symbol for shown in seen.assets] == [plan.symbol for plan in world.plans]
    assert seen.supply == world.vault.totalSupply()
    assert seen.price_bound == world.vault.price_bound()
    assert seen.is_open


def test_vault__a_feed_stale__the_others_are_priced_and_the_fault_is_named(world: World, lens: Any) -> None:
    world.opened()
    assert lens.vault(world.vault).trigger == BAND
    world.set_round(BTC, world.plans[BTC].price, world.chain.pending_timestamp - 3 * 86400)
    seen = lens.vault(world.vault)
    check_unpriced(world, seen)
    assert [shown.fault for shown in seen.assets] == [0, fault("STALE"), 0]
    assert [shown.price for shown in seen.assets] == [WAD, 0, 6_000 * WAD]


@pytest.mark.parametrize("code", ["0x", "0xfe", "0x5f5ffd", "0x60205ff3"])
def test_vault__oracle_dead__every_price_is_a_call_that_failed(world: World, lens: Any, code: str) -> None:
    """No code; all gas burnt; a bare revert; a zero for every question, which is a fault-free price of nothing."""
    world.opened()
    world.chain.provider.set_code(world.oracle.address, code)
    seen = lens.vault(world.vault)
    check_unpriced(world, seen)
    expected = 0 if code == "0x60205ff3" else fault("CALL_FAILED")
    assert [(shown.fault, shown.price) for shown in seen.assets] == [(expected, 0)] * 3


def test_vault__oracle_that_knows_no_faults__every_price_is_a_call_that_failed(world: World, lens: Any) -> None:
    hostile = world.deployer.deploy(world.project.HostileOracle)
    vault = world.deploy_vault(oracle=hostile)
    seen = lens.vault(vault)
    assert not seen.priced
    assert {shown.fault for shown in seen.assets} == {fault("CALL_FAILED")}


def text(symbol: bytes) -> bytes:
    """A string as the ABI has it."""
    return encode(["bytes"], [symbol])


@pytest.mark.parametrize(
    ("response", "symbol"),
    [
        (text(b"WETH"), "WETH"),
        (b"MKR".ljust(32, b"\0"), "MKR"),
        (b"A" * 32, "A" * 32),
        (text(b"A" * 32), "A" * 32),
        (text(b"A" * 31 + b"BC"), "A" * 31 + "B"),
        (text(b"A" * 64), "A" * 32),
        (text(b""), ""),
        (b"", ""),
        (b"\0" * 32, ""),
        (b"\x20", ""),
        (text("USD₮0".encode()), "USD???0"),
        (text(b"\x00\x1f \x7e\x7f\xff"), "?? ~??"),
        (b"MK\xff".ljust(32, b"\0"), "MK?"),
        (b"\xff" * 96, "?" * 32),
    ],
)
def test_vault__symbol_of_any_shape__is_text(world: World, lens: Any, response: bytes, symbol: str) -> None:
    vault, odd = with_odd_token(world, response)
    odd.mint(vault, 5, sender=world.deployer)
    shown = lens.vault(vault).assets[1]
    assert (shown.asset, shown.symbol, shown.decimals, shown.balance) == (odd, symbol, 2, 5)


def test_vault__token_dead__the_rest_is_told(world: World, lens: Any) -> None:
    vault, odd = with_odd_token(world, text(b"ODD"))
    world.tokens[USD].mint(vault, 10**6, sender=world.deployer)
    odd.die(sender=world.deployer)
    seen = lens.vault(vault)
    assert not seen.priced
    assert [(shown.symbol, shown.decimals, shown.balance) for shown in seen.assets] == [("USD", 6, 10**6), ("", 255, 0)]
    assert [shown.price for shown in seen.assets] == [WAD, WAD]


@pytest.mark.parametrize(("decimals", "shown"), [(0, 0), (254, 254), (256, 255), (2**200, 255)])
def test_vault__token_of_any_decimals__are_told_or_unknown(world: World, lens: Any, decimals: int, shown: int) -> None:
    vault, odd = with_odd_token(world, text(b"ODD"))
    odd.set_decimals(decimals, sender=world.deployer)
    assert [(asset.symbol, asset.decimals) for asset in lens.vault(vault).assets] == [("USD", 6), ("ODD", shown)]


def test_vault__no_assets__the_rest_is_told(world: World, lens: Any) -> None:
    vault = world.deployer.deploy(world.project.FalseVault)
    seen = lens.vault(vault)
    assert (seen.rebalancer, seen.owner, seen.supply, seen.priced) == (vault, ZERO, 0, True)
    assert list(seen.assets) == []


def with_odd_token(world: World, response: bytes) -> tuple[Any, Any]:
    """A vault of USD and a token with that symbol, at a dollar each."""
    odd = world.deployer.deploy(world.project.SymbolToken, response, 2)
    world.oracle.set_feed((odd, world.feeds[USD], 86400, 1, 10 * WAD), sender=world.owner)
    half = WAD // 2
    assets = [(token, 10**8, half, WAD // 40) for token in (world.tokens[USD], odd)]
    return world.deploy_vault(assets=assets), odd


def test_vault__no_vault__reverts(world: World, lens: Any) -> None:
    for address in (ZERO, world.tokens[USD]):
        with ape.reverts():
            lens.vault(address)


def test_vault__twenty_assets__one_call(world: World, lens: Any) -> None:
    tokens = [world.deployer.deploy(world.project.Token, f"T{index}", 18) for index in range(20)]
    for token in tokens:
        world.oracle.set_feed((token, world.feeds[USD], 86400, 1, 10 * WAD), sender=world.owner)
    vault = world.deploy_vault(assets=[(token, WAD, WAD // 20, WAD // 40) for token in tokens])
    for token in tokens:
        token.mint(vault, WAD, sender=world.deployer)
    seen = lens.vault(vault)
    assert seen.nav == 20 * WAD
    assert [(shown.symbol, shown.weight) for shown in seen.assets] == [(f"T{i}", WAD // 20) for i in range(20)]


def test_lens__abi__only_reads(lens: Any) -> None:
    assert [abi.name for abi in lens.contract_type.mutable_methods] == []
