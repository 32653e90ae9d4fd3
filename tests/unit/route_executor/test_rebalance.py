"""RouteExecutor.rebalance: real swaps on real pools inside the vault's callback."""

import pytest

from devnet.addresses import TOKENS, V2_ROUTER, V3_FACTORY
from unit import reference
from unit.route_executor.conftest import ETHER, USDC, V2, V3, WBTC, WETH, Market
from unit.world import ALL, FAR, WAD, ZERO, revert, undone


def both_venues(market: Market) -> list[object]:
    """WETH to USDC over V2 and V3, the rest to WBTC over V3."""
    return [
        market.operation(V3, "WETH", "USDC", 500, WAD * 4 // 10),
        market.operation(V2, "WETH", "USDC", 3000, WAD * 44 // 100),
        market.operation(V3, "WETH", "WBTC", 500),
    ]


def test_rebalance__v2_and_v3__fills_to_the_targets_and_keeps_nothing(market: Market) -> None:
    world = market.world
    held, surplus = world.wallet(world.vault), reference.surplus(world.basket(), WETH)

    receipt = market.rebalance({WETH: ALL}, both_venues(market), {USDC: 140_000 * 10**6, WBTC: 7 * 10**7})

    swaps = list(receipt.events.filter(market.executor.Swap))
    assert sum(swap.amount_in for swap in swaps) == surplus
    now = world.wallet(world.vault)
    assert now[USDC] - held[USDC] == swaps[0].amount_out + swaps[1].amount_out
    assert now[WBTC] - held[WBTC] == swaps[2].amount_out
    assert held[WETH] - now[WETH] == surplus
    assert market.holdings(market.executor) == market.holdings(world.keeper) == {}
    assert not world.rebalancer.is_open()
    event = receipt.events.filter(world.rebalancer.Rebalanced)[0]
    assert (event.caller, event.executor) == (market.executor, market.executor)
    assert tuple(receipt.return_value) == (event.value_out, event.value_in)


def test_rebalance__shares__are_of_what_is_there_rounded_down(market: Market) -> None:
    third = WAD // 3
    receipt = market.rebalance(
        {WETH: 10 * ETHER + 1},
        [
            market.operation(V3, "WETH", "USDC", 500, third),
            market.operation(V2, "WETH", "USDC", 3000, third),
            market.operation(V3, "WETH", "USDC", 500),
        ],
        {USDC: 0},
    )
    first, second, last = [swap.amount_in for swap in receipt.events.filter(market.executor.Swap)]
    start = 10 * ETHER + 1
    assert first == start * third // WAD
    assert second == (start - first) * third // WAD
    assert last == start - first - second


def test_rebalance__v2_either_way__brings_what_the_router_says(market: Market) -> None:
    usdc, weth = TOKENS["USDC"].address, TOKENS["WETH"].address
    operations = [
        market.operation(V2, "WETH", "USDC", 3000),
        market.operation(V2, "USDC", "WETH", 3000, WAD // 100),
        market.operation(V3, "WETH", "USDC", 500),
    ]
    amounts_out = "getAmountsOut(uint256,address[])(uint256[])"
    (_, there) = market.box.call(V2_ROUTER, amounts_out, ETHER, [weth, usdc])
    with undone(market.world.chain):
        market.box.give(weth, market.world.stranger.address, ETHER)
        market.box.send(market.world.stranger.address, weth, "approve(address,uint256)", V2_ROUTER, ETHER)
        swap = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
        receiver = market.world.stranger.address
        market.box.send(receiver, V2_ROUTER, swap, ETHER, 0, [weth, usdc], receiver, FAR)
        (_, back) = market.box.call(V2_ROUTER, amounts_out, there // 100, [usdc, weth])
    first, second, _ = market.rebalance({WETH: ETHER}, operations, {USDC: 2_900 * 10**6}).events.filter(
        market.executor.Swap
    )
    assert (first.amount_in, first.amount_out) == (ETHER, there)
    assert (second.amount_in, second.amount_out) == (there // 100, back)


def test_rebalance__two_hops__leave_nothing_in_between(market: Market) -> None:
    receipt = market.rebalance(
        {WETH: ETHER},
        [
            market.operation(V2, "WETH", "DAI", 3000),
            market.operation(V3, "DAI", "USDC", 100),
        ],
        {USDC: 2_900 * 10**6},
    )
    first, second = receipt.events.filter(market.executor.Swap)
    assert first.amount_out == second.amount_in
    assert market.holdings(market.executor) == market.holdings(market.world.keeper) == {}


def test_rebalance__part_of_the_middle_token_unspent__goes_to_the_owner(market: Market) -> None:
    market.rebalance(
        {WETH: ETHER},
        [
            market.operation(V2, "WETH", "DAI", 3000),
            market.operation(V3, "DAI", "USDC", 100, WAD - 10**12),
        ],
        {USDC: 0},
    )
    assert market.holdings(market.executor) == {}
    assert market.holdings(market.world.keeper).keys() == {"DAI"}


def test_rebalance__token_that_nobody_bought_comes_out__goes_to_the_owner(market: Market) -> None:
    market.rebalance(
        {WETH: 10 * ETHER},
        [market.operation(V2, "WETH", "DAI", 3000, WAD // 10_000), market.operation(V3, "WETH", "USDC", 500)],
        {USDC: 0},
    )
    assert market.holdings(market.executor) == {}
    assert market.holdings(market.world.keeper).keys() == {"DAI"}


def test_rebalance__part_of_what_was_sold_unspent__goes_back_to_the_vault(market: Market) -> None:
    world = market.world
    held = world.wallet(world.vault)[WETH]
    market.rebalance({WETH: 10 * ETHER}, [market.operation(V3, "WETH", "USDC", 500, WAD // 2)], {USDC: 0})
    assert held - world.wallet(world.vault)[WETH] == 5 * ETHER
    assert market.holdings(market.executor) == {}


def test_rebalance__pool_cannot_take_it__rest_is_there_for_the_next(market: Market) -> None:
    """A factory pool without liquidity takes nothing."""
    usdc, weth = TOKENS["USDC"].address, TOKENS["WETH"].address
    market.box.send(market.world.stranger.address, V3_FACTORY, "createPool(address,address,uint24)", usdc, weth, 10000)
    pool = market.box.call(V3_FACTORY, "getPool(address,address,uint24)(address)", usdc, weth, 10000)
    market.box.send(market.world.stranger.address, pool, "initialize(uint160)", 2**96 * 18257)
    receipt = market.rebalance(
        {WETH: 10 * ETHER},
        [market.operation(V3, "WETH", "USDC", 10000, pool=pool), market.operation(V3, "WETH", "USDC", 500)],
        {USDC: 29_000 * 10**6},
    )
    empty, full = receipt.events.filter(market.executor.Swap)
    assert (empty.amount_in, empty.amount_out) == (0, 0)
    assert full.amount_in == 10 * ETHER


def test_rebalance__overtaken_in_part__clamped_fill_settles(market: Market) -> None:
    world, operations = market.world, both_venues(market)
    market.rebalance({WETH: 40 * ETHER + 7}, operations, {USDC: 0, WBTC: 0})
    left = reference.surplus(world.basket(), WETH)
    receipt = market.rebalance({WETH: 75 * ETHER}, operations, {USDC: 0, WBTC: 0})
    assert sum(swap.amount_in for swap in receipt.events.filter(market.executor.Swap)) == left
    assert not world.rebalancer.is_open()


def test_rebalance__leg_that_clamping_left_nothing_for__does_not_fail_the_others(market: Market) -> None:
    # WBTC is not in surplus: the vault sends none.
    receipt = market.rebalance(
        {WBTC: 10**8, WETH: 10 * ETHER},
        [market.operation(V3, "WBTC", "WETH", 500), market.operation(V3, "WETH", "USDC", 500)],
        {USDC: 29_000 * 10**6},
    )
    assert [swap.token_in for swap in receipt.events.filter(market.executor.Swap)] == [TOKENS["WETH"].address]


@pytest.mark.parametrize("venue", [V2, V3])
def test_rebalance__leg_too_small_to_bring_a_unit__does_not_fail_the_others(market: Market, venue: int) -> None:
    # Ten wei of WETH are worth less than a millionth of a dollar.
    receipt = market.rebalance(
        {WETH: 10 * ETHER},
        [
            market.operation(venue, "WETH", "USDC", 3000, share=1),
            market.operation(V3, "WETH", "USDC", 500),
        ],
        {USDC: 29_000 * 10**6},
    )
    assert receipt.events.filter(market.executor.Swap)[-1].amount_out > 29_000 * 10**6


def test_rebalance__brings_a_unit_less_than_the_keepers_limit__reverts(market: Market) -> None:
    operations = [market.operation(V3, "WETH", "USDC", 500)]
    with undone(market.world.chain):
        receipt = market.rebalance({WETH: ETHER}, operations, {USDC: 0})
        brought = receipt.events.filter(market.executor.Swap)[0].amount_out
    with undone(market.world.chain), revert("rebalance: bought too little"):
        market.rebalance({WETH: ETHER}, operations, {USDC: brought + 1})
    market.rebalance({WETH: ETHER}, operations, {USDC: brought})


def test_rebalance__route_that_brings_nothing__reverts(market: Market) -> None:
    # There and back again pays two fees and brings nothing.
    with revert("rebalance: value short"):
        market.rebalance(
            {WETH: 10 * ETHER},
            [market.operation(V3, "WETH", "USDC", 3000), market.operation(V3, "USDC", "WETH", 3000)],
            {},
        )


@pytest.mark.parametrize("role", ["attacker", "owner", "deployer"])
def test_rebalance__by_anybody_but_the_owner__reverts(market: Market, role: str) -> None:
    with revert("ownable: caller is not the owner"):
        market.rebalance({WETH: ETHER}, both_venues(market), {}, sender=getattr(market.world, role))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"share": WAD + 1}, "executor: share over 1"),
        ({"fee": 10**6}, "executor: bad fee"),
        ({"venue": 0}, "executor: unknown venue"),
        ({"venue": V2 | V3}, "executor: unknown venue"),
    ],
    ids=str,
)
def test_rebalance__operation_out_of_range__reverts(market: Market, change: dict[str, int], reason: str) -> None:
    fields = ("venue", "pool", "token_in", "token_out", "fee", "share")
    operation = dict(zip(fields, market.operation(V3, "WETH", "USDC", 500), strict=True)) | change
    with revert(reason):
        market.rebalance({WETH: ETHER}, [tuple(operation.values())], {USDC: 0})


@pytest.mark.parametrize("pool", ["another of the factory's", "somebody's"])
def test_rebalance__v3_pool_that_the_factory_would_not_make__reverts(market: Market, pool: str) -> None:
    address = market.operation(V3, "WETH", "USDC", 3000)[1] if pool != "somebody's" else market.world.executor.address
    with revert("uniswap: not a factory pool"):
        market.rebalance({WETH: ETHER}, [market.operation(V3, "WETH", "USDC", 500, pool=address)], {USDC: 0})


# --- a pool that turned on its swappers


@pytest.fixture
def greedy(market: Market) -> object:
    """The real USDC/WETH pool, its code replaced."""
    provider = market.world.chain.provider
    model = market.world.deployer.deploy(market.world.project.GreedyPool)
    address = market.operation(V3, "WETH", "USDC", 500)[1]
    provider.set_code(address, provider.get_code(model.address))
    return market.world.project.GreedyPool.at(address, fetch_from_explorer=False)


def test_rebalance__pool_asks_a_wei_more_than_offered__reverts(market: Market, greedy: object) -> None:
    operations = [market.operation(V3, "WETH", "USDC", 500)]
    greedy.set_asks([ETHER + 1], False, sender=market.world.attacker)  # type: ignore[attr-defined]
    with revert("uniswap: pool asks too much"):
        market.rebalance({WETH: ETHER}, operations, {USDC: 0})


def test_rebalance__pool_asks_twice__reverts(market: Market, greedy: object) -> None:
    operations = [market.operation(V3, "WETH", "USDC", 500, WAD // 2)]
    greedy.set_asks([ETHER // 4, ETHER // 4], False, sender=market.world.attacker)  # type: ignore[attr-defined]
    with revert("uniswap: not the pool"):
        market.rebalance({WETH: ETHER}, operations, {USDC: 0})


def test_rebalance__pool_pays_nothing__vault_refuses(market: Market, greedy: object) -> None:
    operations = [market.operation(V3, "WETH", "USDC", 500)]
    greedy.set_asks([ETHER], False, sender=market.world.attacker)  # type: ignore[attr-defined]
    with revert("rebalance: value short"):
        market.rebalance({WETH: ETHER}, operations, {USDC: 0})


def test_constructor__without_owner_or_factory__reverts(market: Market) -> None:
    world = market.world
    with revert("executor: no owner"):
        world.deployer.deploy(world.project.RouteExecutor, ZERO, V3_FACTORY)
    with revert("uniswap: no factory"):
        world.deployer.deploy(world.project.RouteExecutor, world.keeper, ZERO)


def test_rebalance__past_its_deadline__reverts(market: Market) -> None:
    world = market.world
    now = world.chain.pending_timestamp + 10
    world.at(now)
    with revert("vault: expired"):
        market.executor.rebalance(
            world.vault, world.legs({WETH: ETHER}), [], both_venues(market), now - 1, sender=world.keeper
        )
    assert now < FAR
