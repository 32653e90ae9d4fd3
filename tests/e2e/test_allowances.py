"""Nobody is left able to take tokens from the keeper's executor, or from the zap."""

from collections.abc import Iterator
from typing import Any

import pytest
from eth_utils.crypto import keccak
from unit.route_executor.conftest import AGGREGATOR, ETHER, USDC, V2, V3, WETH, Market, build_market
from unit.world import FAR, WAD, undone

from devnet.addresses import PERMIT2, V3_FACTORY, V3_ROUTER
from devnet.box import Box, calldata

APPROVAL = keccak(text="Approval(address,address,uint256)")


@pytest.fixture
def market(project: Any, chain: Any, accounts: Any, rpc_url: str) -> Iterator[Market]:
    """A rebalance is open over the devnet's own tokens and pools."""
    with undone(chain):
        yield build_market(project, chain, accounts, Box(rpc_url))


def approved_in(receipt: Any, owner: Any) -> set[str]:
    """Whom `owner` gave an allowance in a transaction, by its logs."""
    topics = [[bytes(topic) for topic in log["topics"]] for log in receipt.logs]
    return {
        "0x" + topic[2][-20:].hex()
        for topic in topics
        if len(topic) == 3 and topic[0] == APPROVAL and topic[1][-20:] == bytes.fromhex(owner.address[2:])
    }


def test_route_executor__has_swapped__nobody_may_take_from_it(market: Market) -> None:
    world, executor = market.world, market.executor
    operations = [market.operation(V3, "WETH", "USDC", 500, WAD // 2), market.operation(V2, "WETH", "USDC", 3000)]
    receipt = market.rebalance({WETH: ETHER}, operations, {USDC: 0})
    assert len(list(receipt.events.filter(executor.Swap))) == 2

    pools = [operation[1] for operation in operations]
    for spender in {*pools, *approved_in(receipt, executor), world.vault.address, world.keeper.address}:
        for token in world.tokens:
            assert token.allowance(executor, spender) == 0


def test_route_executor__has_called_an_aggregator__nobody_may_take_from_it(market: Market) -> None:
    """A real router, that leaves half of what it was offered."""
    world, executor = market.world, market.executor
    weth, usdc = world.tokens[WETH].address, world.tokens[USDC].address
    data = calldata(
        "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))",
        (weth, usdc, 500, executor.address, FAR, ETHER // 2, 0, 0),
    )
    executor.set_aggregator(V3_ROUTER, data[:4], V3_ROUTER, sender=world.keeper)
    receipt = market.rebalance_with_calls(
        {WETH: ETHER}, [(AGGREGATOR, V3_ROUTER, weth, usdc, 0, WAD)], {USDC: 0}, [(1, data)]
    )
    assert approved_in(receipt, executor) == {V3_ROUTER.lower()}
    for spender in (V3_ROUTER, PERMIT2, world.vault.address, world.keeper.address):
        for token in world.tokens:
            assert token.allowance(executor, spender) == 0


def test_index_zap__has_minted_and_redeemed__nobody_may_take_from_it(market: Market) -> None:
    """Through pools, a wrapper of allowances and an aggregator that leaves half of what it was offered."""
    world, tokens = market.world, market.world.tokens
    weth, usdc = tokens[WETH].address, tokens[USDC].address
    zap = world.deployer.deploy(world.project.IndexZap, world.owner, V3_FACTORY, weth)
    caller, nobodys = world.stranger, (0, 0, 0, 0, 0, b"\0" * 32, b"\0" * 32)
    market.box.give(usdc, caller.address, 10**10)
    tokens[USDC].approve(zap, 10**10, sender=caller)
    data = calldata(
        "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))",
        (usdc, weth, 500, zap.address, FAR, 2 * 10**9, 0, 0),
    )
    zap.set_aggregator(V3_ROUTER, data[:4], V3_ROUTER, sender=world.owner)
    buying = [
        (AGGREGATOR, V3_ROUTER, usdc, weth, 0, WAD // 2),
        market.operation(V3, "USDC", "WETH", 500, WAD // 2),
        market.operation(V3, "WETH", "WBTC", 500, WAD // 3),
    ]
    minted = zap.zap_mint(world.vault, usdc, 10**10, WAD, buying, [(1, data)], FAR, nobodys, sender=caller)
    shares = world.vault.balanceOf(caller)
    world.vault.approve(zap, shares, sender=caller)
    selling = [market.operation(V3, "WBTC", "WETH", 500), market.operation(V2, "WETH", "USDC", 3000)]
    redeemed = zap.zap_redeem(world.vault, shares, usdc, 1, selling, [], FAR, nobodys, sender=caller)

    spenders = {*approved_in(minted, zap), *approved_in(redeemed, zap)}
    assert {V3_ROUTER.lower(), world.vault.address.lower()} <= spenders
    for spender in {
        *spenders,
        *(each[1] for each in (*buying, *selling)),
        PERMIT2,
        world.vault.address,
        caller.address,
    }:
        for token in (*tokens, world.vault):
            assert token.allowance(zap, spender) == 0
    assert [token.balanceOf(zap) for token in (*tokens, world.vault)] == [0] * 4


def test_approved_in__an_approval__is_seen(market: Market) -> None:
    """Or the search above would find nothing whatever happens."""
    world = market.world
    receipt = world.tokens[USDC].approve(world.vault, 1, sender=world.keeper)
    assert approved_in(receipt, world.keeper) == {world.vault.address.lower()}
