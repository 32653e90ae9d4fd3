"""RouteExecutor.sweep and its owner."""

import pytest

from devnet.addresses import TOKENS
from unit.route_executor.conftest import Market
from unit.world import revert


@pytest.mark.parametrize("symbol", ["USDC", "USDT", "WETH", "WBTC", "DAI"])
def test_sweep__something_there__goes_to_the_owner_whole(market: Market, symbol: str) -> None:
    # USDT among them: its transfer returns nothing.
    market.box.give(TOKENS[symbol].address, market.executor.address, 12_345)
    market.executor.sweep(TOKENS[symbol].address, sender=market.world.keeper)
    assert market.holdings(market.executor) == {}
    assert market.holdings(market.world.keeper) == {symbol: 12_345}


def test_sweep__nothing_there__does_nothing(market: Market) -> None:
    market.executor.sweep(TOKENS["USDC"].address, sender=market.world.keeper)
    assert market.holdings(market.world.keeper) == {}


@pytest.mark.parametrize("role", ["attacker", "owner", "deployer"])
def test_sweep__by_anybody_but_the_owner__reverts(market: Market, role: str) -> None:
    market.box.give(TOKENS["USDC"].address, market.executor.address, 12_345)
    with revert("ownable: caller is not the owner"):
        market.executor.sweep(TOKENS["USDC"].address, sender=getattr(market.world, role))


def test_ownership__handed_over__in_two_steps(market: Market) -> None:
    world, executor = market.world, market.executor
    with revert("ownable: caller is not the owner"):
        executor.transfer_ownership(world.attacker, sender=world.attacker)
    executor.transfer_ownership(world.stranger, sender=world.keeper)
    assert (executor.owner(), executor.pending_owner()) == (world.keeper, world.stranger)
    with revert("ownable_2step: caller is not the new owner"):
        executor.accept_ownership(sender=world.attacker)
    executor.accept_ownership(sender=world.stranger)
    with revert("ownable: caller is not the owner"):
        executor.sweep(TOKENS["USDC"].address, sender=world.keeper)
