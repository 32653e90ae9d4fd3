"""The venues beside Uniswap: real swaps, exact allowances that end at zero, nothing left behind."""

from typing import Any

import pytest

from devnet.addresses import AAVE_WRAPPERS, BALANCER_POOLS, BALANCER_VAULT, CURVE_SUSD_POOL, TOKENS
from unit.route_executor.conftest import BALANCER, CURVE, ERC4626, ETHER, USDC, V2, V3, WBTC, WETH, WSTETH, Market
from unit.world import WAD, revert

WRAPPER = AAVE_WRAPPERS["WETH"]
ROUNDING = 2  # wei of stETH that a transfer may miss


def balancer(market: Market, token_in: str, token_out: str, share: int = WAD) -> Any:
    """A swap on the devnet's Balancer pool of two tokens."""
    pool = next(pool.address for pool in BALANCER_POOLS if {token_in, token_out} <= set(pool.tokens))
    return market.operation(BALANCER, token_in, token_out, 0, share, pool=pool)


def curve(market: Market, token_in: str, token_out: str) -> Any:
    """A swap on the old sUSD pool, whose coins are counted in int128."""
    return market.operation(CURVE, token_in, token_out, 0, pool=CURVE_SUSD_POOL)


def swaps(market: Market, receipt: Any) -> list[Any]:
    """The Swap events of a transaction."""
    return list(receipt.events.filter(market.executor.Swap))


def assert_clean(market: Market) -> None:
    """Neither the executor nor the keeper has anything of the route."""
    assert market.holdings(market.executor) == market.holdings(market.world.keeper) == {}


def test_balancer__weighted_pools__fill_and_leave_no_allowance(market: Market) -> None:
    world = market.world
    held = world.wallet(world.vault)
    receipt = market.rebalance(
        {WETH: 2 * ETHER},
        [balancer(market, "WETH", "USDC", WAD // 2), balancer(market, "WETH", "WBTC")],
        {USDC: 2_980 * 10**6, WBTC: 33 * 10**5},
    )
    first, second = swaps(market, receipt)
    assert (first.amount_in, second.amount_in) == (ETHER, ETHER)
    now = world.wallet(world.vault)
    assert [now[USDC] - held[USDC], now[WBTC] - held[WBTC]] == [first.amount_out, second.amount_out]
    assert set(market.approvals(receipt)) == {(TOKENS["WETH"].address, BALANCER_VAULT)}
    assert_clean(market)


def test_balancer__stable_pool__fills(market: Market) -> None:
    receipt = market.rebalance(
        {WETH: ETHER},
        [market.operation(V2, "WETH", "DAI", 3000), balancer(market, "DAI", "USDC")],
        {USDC: 2_980 * 10**6},
    )
    assert market.approvals(receipt)[TOKENS["DAI"].address, BALANCER_VAULT][0] == swaps(market, receipt)[1].amount_in
    assert_clean(market)


def test_balancer__meta_stable_pool__there_and_back__fills(market: Market) -> None:
    """One with rates, over a token that is worth more than the other."""
    receipt = market.rebalance(
        {WETH: ETHER},
        [
            balancer(market, "WETH", "wstETH"),
            balancer(market, "wstETH", "WETH", WAD // 2),
            market.operation(V3, "wstETH", "WETH", 100),
            market.operation(V3, "WETH", "USDC", 500),
        ],
        {USDC: 2_980 * 10**6},
    )
    bought, back, *_ = swaps(market, receipt)
    assert back.amount_in == bought.amount_out // 2 < ETHER // 2
    assert set(market.approvals(receipt)) == {(TOKENS[s].address, BALANCER_VAULT) for s in ("WETH", "wstETH")}
    assert_clean(market)


@pytest.mark.parametrize("middle", ["DAI", "USDT"])
def test_curve__old_pool__fills_and_leaves_no_allowance(market: Market, middle: str) -> None:
    # Twice over: USDT would refuse a second allowance on top of one that is left.
    operations = [market.operation(V3, "WETH", middle, 500), curve(market, middle, "USDC")]
    for _ in range(2):
        receipt = market.rebalance({WETH: ETHER}, operations, {USDC: 2_900 * 10**6})
        swap = swaps(market, receipt)[1]
        assert swap.amount_out > 2_900 * 10**6
        assert market.approvals(receipt)[TOKENS[middle].address, CURVE_SUSD_POOL][0] == swap.amount_in
    assert_clean(market)


@pytest.mark.parametrize(("token_in", "token_out"), [("WETH", "USDC"), ("USDC", "WETH")])
def test_curve__token_that_the_pool_has_not__reverts(market: Market, token_in: str, token_out: str) -> None:
    operations = [market.operation(V3, "WETH", "USDC", 500, WAD // 2), curve(market, token_in, token_out)]
    with revert("curve: not a coin"):
        market.rebalance({WETH: ETHER}, operations, {})


def test_curve__no_contract_as_the_pool__reverts(market: Market) -> None:
    operation = market.operation(CURVE, "WETH", "USDC", 0, pool=market.world.stranger.address)
    with revert("curve: not a coin"):
        market.rebalance({WETH: ETHER}, [operation], {})


@pytest.mark.parametrize("coins", [8, 9])
def test_curve__newer_pool__has_eight_coins_at_most(market: Market, lazy: Any, coins: int) -> None:
    """Its coins are counted in uint256; the token that is sold is the last one."""
    weth, usdc = TOKENS["WETH"].address, TOKENS["USDC"].address
    lazy.set_coins([usdc, *[CURVE_SUSD_POOL] * (coins - 2), weth], sender=market.world.attacker)
    operation = market.operation(CURVE, "WETH", "USDC", 0, pool=lazy.address)
    with revert("rebalance: value short" if coins == 8 else "curve: not a coin"):
        market.rebalance({WETH: ETHER}, [operation], {})


def test_erc4626__there_and_back__loses_no_more_than_rounding(market: Market) -> None:
    weth = TOKENS["WETH"].address
    wrap, unwrap = (ERC4626, WRAPPER, weth, WRAPPER, 0, WAD), (ERC4626, WRAPPER, WRAPPER, weth, 0, WAD)
    receipt = market.rebalance(
        {WETH: 10 * ETHER}, [wrap, unwrap, market.operation(V3, "WETH", "USDC", 500)], {USDC: 29_000 * 10**6}
    )
    deposited, redeemed, sold = swaps(market, receipt)
    assert deposited.amount_in == 10 * ETHER
    assert redeemed.amount_in == deposited.amount_out > 0
    assert 10 * ETHER - ROUNDING <= redeemed.amount_out == sold.amount_in <= 10 * ETHER
    assert market.approvals(receipt)[weth, WRAPPER][0] == 10 * ETHER
    assert market.box.balance(WRAPPER, market.executor.address) == 0
    assert_clean(market)


def test_wsteth__there_and_back__loses_no_more_than_rounding(market: Market) -> None:
    wsteth, steth = TOKENS["wstETH"].address, TOKENS["stETH"].address
    wrap, unwrap = (WSTETH, wsteth, steth, wsteth, 0, WAD), (WSTETH, wsteth, wsteth, steth, 0, WAD)
    receipt = market.rebalance(
        {WETH: 10 * ETHER},
        [
            market.operation(V3, "WETH", "wstETH", 100),
            unwrap,
            wrap,
            market.operation(V3, "wstETH", "WETH", 100),
            market.operation(V3, "WETH", "USDC", 500),
        ],
        {USDC: 29_000 * 10**6},
    )
    bought, unwrapped, wrapped, sold, _ = swaps(market, receipt)
    assert unwrapped.amount_in == bought.amount_out
    assert bought.amount_out - ROUNDING <= wrapped.amount_out == sold.amount_in <= bought.amount_out
    assert market.approvals(receipt)[steth, wsteth][0] == unwrapped.amount_out
    assert market.box.balance(steth, market.executor.address) <= ROUNDING
    assert_clean(market)


@pytest.mark.parametrize("venue", [ERC4626, WSTETH])
@pytest.mark.parametrize("tokens", ["neither", "both"])
def test_wrapper__not_one_of_the_two_tokens__reverts(market: Market, venue: int, tokens: str) -> None:
    weth, usdc = TOKENS["WETH"].address, TOKENS["USDC"].address
    operation = (venue, WRAPPER, weth, usdc, 0, WAD) if tokens == "neither" else (venue, weth, weth, weth, 0, WAD)
    with revert("wrappers: not the wrapper"):
        market.rebalance({WETH: ETHER}, [operation], {})


# --- venues that do not take what they were offered


@pytest.fixture
def lazy(market: Market) -> Any:
    """A venue that takes half and gives nothing."""
    venue = market.world.deployer.deploy(market.world.project.LazyVenue)
    venue.set_coins([TOKENS["USDT"].address, TOKENS["USDC"].address], sender=market.world.attacker)
    return venue


@pytest.mark.parametrize("venue", [BALANCER, CURVE, ERC4626, WSTETH], ids=["balancer", "curve", "erc4626", "wsteth"])
def test_venue__takes_half__allowance_is_taken_back_and_the_rest_goes_on(market: Market, lazy: Any, venue: int) -> None:
    usdt = TOKENS["USDT"].address
    spender = lazy.address
    if venue == BALANCER:
        provider = market.world.chain.provider
        provider.set_code(BALANCER_VAULT, provider.get_code(lazy.address))
        spender = BALANCER_VAULT
    token_out = lazy.address if venue in (ERC4626, WSTETH) else TOKENS["USDC"].address
    # Of 20 WETH, a thousandth goes to the venue that gives nothing; the bound has half a percent to spare.
    operations = [
        market.operation(V3, "WETH", "USDT", 500, WAD // 1000),
        (venue, lazy.address, usdt, token_out, 0, WAD),
        market.operation(V3, "USDT", "USDC", 100),
        market.operation(V3, "WETH", "USDC", 500),
    ]
    receipt = market.rebalance({WETH: 20 * ETHER}, operations, {USDC: 0})
    bought, taken, rest, _ = swaps(market, receipt)
    assert taken.amount_in == bought.amount_out // 2
    assert taken.amount_out == 0
    assert rest.amount_in == bought.amount_out - taken.amount_in
    assert market.approvals(receipt)[usdt, spender] == [bought.amount_out, 0]
    assert_clean(market)
