"""RouteExecutor.on_rebalance and uniswapV3SwapCallback: who may call back, and when."""

from typing import Any

import pytest

from devnet.addresses import TOKENS
from unit.route_executor.conftest import ETHER, V3, WETH, Market
from unit.world import FAR, revert


def test_on_rebalance__by_anybody__reverts(market: Market) -> None:
    world = market.world
    for who in (world.attacker, world.keeper):
        for initiator in (who, market.executor):
            with revert("executor: not the vault"):
                market.executor.on_rebalance(initiator, [], b"", sender=who)


def test_on_rebalance__vault_started_by_somebody_else__reverts(market: Market) -> None:
    """Who names this executor in a rebalance of its own gets no swap out of it."""
    world = market.world
    market.box.give(TOKENS["USDC"].address, market.executor.address, 10_000 * 10**6)
    with revert("executor: not the vault"):
        world.vault.rebalance(world.legs({WETH: ETHER}), [], market.executor, b"", FAR, sender=world.attacker)


def test_on_rebalance__vault_names_another_caller__reverts(market: Market, false_vault: Any) -> None:
    """What it was started for is not what it is called back for."""
    fill = false_vault, [], [], [], FAR
    false_vault.set_initiator(market.world.attacker, sender=market.world.attacker)
    with revert("executor: not the vault"):
        market.executor.rebalance(*fill, sender=market.world.keeper)
    false_vault.set_initiator(market.executor, sender=market.world.attacker)
    assert tuple(market.executor.rebalance(*fill, sender=market.world.keeper).return_value) == (1, 2)


@pytest.mark.parametrize("amounts", [(1, -1), (-1, 1), (0, 0)])
def test_uniswapV3SwapCallback__by_anybody__reverts(market: Market, amounts: tuple[int, int]) -> None:
    market.box.give(TOKENS["USDC"].address, market.executor.address, 10**6)
    for who in (market.world.attacker, market.world.keeper):
        with revert("uniswap: not the pool"):
            market.executor.uniswapV3SwapCallback(*amounts, b"", sender=who)


def test_uniswapV3SwapCallback__pool_started_by_somebody_else__reverts(market: Market) -> None:
    """A real pool cannot be made to take from the executor."""
    world = market.world
    pool = market.operation(V3, "WETH", "USDC", 500)[1]
    market.box.give(TOKENS["USDC"].address, market.executor.address, 10**6)
    world.chain.provider.unlock_account(pool)
    world.chain.provider.set_balance(pool, 10**18)
    from ape import accounts

    with accounts.use_sender(pool) as account, revert("uniswap: not the pool"):
        market.executor.uniswapV3SwapCallback(10**6, -1, b"", sender=account)
