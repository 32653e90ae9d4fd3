"""From a route to calldata."""

import pytest
from eth_abi.abi import decode
from fake_chain import USDC, WETH, address

from keeper.chain import abi
from keeper.chain.abi import Venue
from keeper.execution.plan import ALL, Bought, Limit, Order, opening, operation, rebalancing, rebalancing_many
from keeper.routing import Leg, Route
from keeper.routing.netting import Deal, Netting
from keeper.routing.sharing import Part

WAD = 10**18
VAULT, EXECUTOR, POOL, OTHER = (address(name) for name in ("vault", "executor", "pool", "other"))
LEGS = (
    Leg(POOL, "uniswap_v3", WETH, USDC, 60, 90, WAD * 6 // 10, 500),
    Leg(OTHER, "uniswap_v2", WETH, USDC, 40, 11, WAD, 3000),
)
ROUTE = Route(LEGS, {WETH: 100}, {USDC: 101}, 1, 1, 1)


def arguments(call):
    assert call.data[:4] == abi.Executor.rebalance.encode(VAULT, [], [], [], 0)[:4]
    return decode(abi.Executor.rebalance.inputs, call.data[4:])


def test_opening__calls_the_vault_itself():
    call = opening(VAULT)
    assert (call.mode, call.target, call.data) == ("open", VAULT, abi.Vault.open_rebalance.encode())


def test_rebalancing__when_the_whole_surplus_is_sold__asks_for_all_of_it():
    call = rebalancing(VAULT, EXECUTOR, ROUTE, {WETH: 100}, 0, 7)
    assert call.sells == (Limit(WETH, ALL),)
    assert call.target == EXECUTOR


def test_rebalancing__when_all_but_a_millionth_is_sold__asks_for_all_of_it():
    route = Route(LEGS, {WETH: 999_999}, {USDC: 101}, 1, 1, 1)
    assert rebalancing(VAULT, EXECUTOR, route, {WETH: 10**6}, 0, 7).sells == (Limit(WETH, ALL),)
    assert rebalancing(VAULT, EXECUTOR, route, {WETH: 10**6 + 1}, 0, 7).sells == (Limit(WETH, 999_999),)


def test_rebalancing__when_a_part_is_sold__asks_for_that_part():
    assert rebalancing(VAULT, EXECUTOR, ROUTE, {WETH: 101}, 0, 7).sells == (Limit(WETH, 100),)


def test_rebalancing__minimum_of_what_is_bought_allows_the_slippage_and_rounds_up():
    assert rebalancing(VAULT, EXECUTOR, ROUTE, {WETH: 100}, 0, 7).buys == (Limit(USDC, 101),)
    # 101 less 0.3 % is 100.697.
    assert rebalancing(VAULT, EXECUTOR, ROUTE, {WETH: 100}, 30, 7).buys == (Limit(USDC, 101),)
    assert rebalancing(VAULT, EXECUTOR, ROUTE, {WETH: 100}, 100, 7).buys == (Limit(USDC, 100),)


def test_rebalancing__leaves_out_what_does_not_trade():
    route = Route(LEGS, {WETH: 100, address("x"): 0}, {USDC: 101, address("y"): 0}, 1, 1, 1)
    call = rebalancing(VAULT, EXECUTOR, route, {WETH: 100, address("x"): 5}, 0, 7)
    assert [limit.asset for limit in (*call.sells, *call.buys)] == [WETH, USDC]


def test_rebalancing__calldata_carries_every_field():
    call = rebalancing(VAULT, EXECUTOR, ROUTE, {WETH: 100}, 0, 1_234)
    vault, sells, buys, operations, deadline = arguments(call)
    assert (vault, deadline) == (VAULT.lower(), 1_234)
    assert sells == ((WETH.lower(), ALL),)
    assert buys == ((USDC.lower(), 101),)
    assert operations == (
        (2, POOL.lower(), WETH.lower(), USDC.lower(), 500, WAD * 6 // 10),
        (1, OTHER.lower(), WETH.lower(), USDC.lower(), 3000, WAD),
    )


@pytest.mark.parametrize(
    ("venue", "flag", "fee"),
    [
        ("uniswap_v2", Venue.UNISWAP_V2, 400),
        ("uniswap_v3", Venue.UNISWAP_V3, 400),
        ("balancer_v2", Venue.BALANCER_V2, 0),
        ("curve", Venue.CURVE, 0),
        ("erc4626", Venue.ERC4626, 0),
        ("wsteth", Venue.WSTETH, 0),
    ],
)
def test_operation__names_the_venue_and_the_fee_where_the_executor_asks_for_it(venue, flag, fee):
    leg = Leg(POOL, venue, WETH, USDC, 60, 90, WAD // 2, 400)
    assert operation(leg) == (flag, POOL, WETH, USDC, fee, WAD // 2)


def joint(route: Route | None = None) -> Netting:
    one = Deal(VAULT, Part({WETH: 100}, {USDC: 60}, {USDC: 41}), 1, 1)
    two = Deal(OTHER, Part({USDC: 60}, {WETH: 20}, {}), 1, 1)
    return Netting((one, two), route, 0, 0, 0, 0, 0, 0, 0)


def test_rebalancing_many__states_what_is_sold_and_who_gets_what():
    call = rebalancing_many(EXECUTOR, joint(ROUTE), 100, 1_234)
    assert (call.mode, call.vault, call.vaults, call.target) == ("batch", VAULT, (VAULT, OTHER), EXECUTOR)
    # 101 less a per cent is 99.99, 20 is 19.8.
    one = Order(VAULT, (Limit(WETH, 100),), (Bought(USDC, 100, 60, 41),))
    assert call.orders == (one, Order(OTHER, (Limit(USDC, 60),), (Bought(WETH, 20, 20, 0),)))
    assert call.legs == LEGS
    assert call.data[:4] == abi.BatchExecutor.rebalance_many.selector
    orders, operations, deadline = decode(abi.BatchExecutor.rebalance_many.inputs, call.data[4:])
    assert orders[0] == (VAULT.lower(), ((WETH.lower(), 100),), ((USDC.lower(), 100, 60, 41),))
    assert [each[0] for each in orders] == [VAULT.lower(), OTHER.lower()]
    assert [each[1] for each in operations] == [POOL.lower(), OTHER.lower()]
    assert deadline == 1_234


def test_rebalancing_many__when_everything_crosses__has_no_operations():
    assert decode(abi.BatchExecutor.rebalance_many.inputs, rebalancing_many(EXECUTOR, joint(), 0, 7).data[4:])[1] == ()


def test_vaults__of_a_single_call__are_its_vault():
    assert opening(VAULT).vaults == (VAULT,)
