"""Prices move on DEXes and feeds, together or apart, and time passes."""

from decimal import Decimal
from math import isqrt

import pytest

from devnet import addresses as a
from devnet import market
from devnet.box import Box
from devnet.protocols.chainlink import ROUND
from keeper.errors import ConfigurationError

WATCHED = ("WETH", "WBTC", "USDC", "USDT", "DAI", "LINK", "UNI", "AAVE", "wstETH", "COMP", "CRV", "BAL", "MKR", "LDO")


def dex_prices(box: Box) -> dict[str, Decimal]:
    return {symbol: market.dex_price(box, symbol) for symbol in WATCHED}


def feed_prices(box: Box) -> dict[str, Decimal]:
    return {symbol: market.feed_price(box, symbol) for symbol in a.USD_FEEDS}


def balancer_price(box: Box, pool: a.BalancerPool) -> Decimal:
    """Whole units of the pool's second token for one whole of its first, by what the pool and the Vault say."""
    addresses, balances, _ = box.call(
        a.BALANCER_VAULT, "getPoolTokens(bytes32)(address[],uint256[],uint256)", pool.pool_id
    )
    weights = box.call(pool.address, "getNormalizedWeights()(uint256[])")
    tokens = [a.token(address) for address in addresses]
    weighed = {t.symbol: Decimal(b).scaleb(-t.decimals) / w for t, b, w in zip(tokens, balances, weights, strict=True)}
    base, quote = pool.tokens
    price: Decimal = weighed[quote] / weighed[base]
    return price


def assert_balancer_agrees_with_the_feeds(box: Box) -> None:
    assert len(market.WEIGHTED_POOLS) == 4
    for pool in market.WEIGHTED_POOLS:
        base, quote = (market.feed_price(box, symbol) for symbol in pool.tokens)
        assert abs(balancer_price(box, pool) / (base / quote) - 1) < Decimal("1e-9"), pool.tokens


def assert_close(found: dict[str, Decimal], expected: dict[str, Decimal]) -> None:
    for symbol, price in expected.items():
        assert abs(found[symbol] / price - 1) < Decimal("1e-9"), symbol


def test_fresh_box__dexes_and_feeds__stand_at_the_seed_prices(box: Box) -> None:
    assert_close(dex_prices(box), {symbol: a.TOKENS[symbol].price for symbol in WATCHED})
    assert feed_prices(box) == {symbol: a.TOKENS[symbol].price for symbol in a.USD_FEEDS}


@pytest.mark.parametrize(
    ("symbol", "price"),
    [
        ("LINK", "16.5"),
        ("LINK", "9"),
        ("WBTC", "99000"),
        ("USDT", "0.97"),
        ("DAI", "1.01"),
        ("CRV", "0.4"),
        ("UNI", "18"),
        ("BAL", "0.9"),
    ],
)
def test_move_price__of_one_token__moves_its_markets_and_feed_and_no_other(box: Box, symbol: str, price: str) -> None:
    dex, feeds = dex_prices(box), feed_prices(box)
    market.move_price(box, symbol, Decimal(price))
    assert_close(dex_prices(box), dex | {symbol: Decimal(price)})
    assert feed_prices(box) == feeds | {symbol: Decimal(price)}


def test_move_price__of_ether__takes_the_staked_ethers_with_it(box: Box) -> None:
    dex, feeds = dex_prices(box), feed_prices(box)
    market.move_price(box, "WETH", Decimal(2400))
    assert_close(dex_prices(box), dex | {"WETH": Decimal(2400), "wstETH": Decimal(2928)})
    assert feed_prices(box) == feeds | {"WETH": Decimal(2400), "stETH": Decimal(2400)}
    assert market.feed_price(box, "wstETH") == 2928
    assert market.feed_price(box, "STETH / ETH") == 1
    assert abs(market.feed_price(box, "LINK / ETH") - Decimal(14) / 2400) < Decimal("1e-17")


def test_move_price__of_usdc__leaves_the_other_tokens_dollar_prices(box: Box) -> None:
    dex = dex_prices(box)
    market.move_price(box, "USDC", Decimal("0.95"))
    assert_close(dex_prices(box), dex | {"USDC": Decimal("0.95")})


@pytest.mark.parametrize(
    ("symbol", "factor"),
    [("WETH", "1.2"), ("WETH", "0.8"), ("WBTC", "1.1"), ("USDC", "0.97"), ("DAI", "1.02"), ("BAL", "1.1")],
)
def test_move_price__leaves_no_arbitrage_with_weighted_pools(box: Box, symbol: str, factor: str) -> None:
    assert_balancer_agrees_with_the_feeds(box)
    market.move_price(box, symbol, market.feed_price(box, symbol) * Decimal(factor))
    assert_balancer_agrees_with_the_feeds(box)


@pytest.mark.parametrize("price", ["0.1", "4"])
def test_move_price__beyond_what_a_weighted_pool_takes_in_one_swap__gets_there(box: Box, price: str) -> None:
    height = box.rpc("eth_blockNumber")
    market.move_price(box, "BAL", Decimal(price))
    assert int(box.rpc("eth_blockNumber"), 16) - int(height, 16) > 2
    assert_balancer_agrees_with_the_feeds(box)


def test_move_price__of_ether__leaves_the_stable_and_the_meta_stable_pool(box: Box) -> None:
    stable = [pool for pool in a.BALANCER_POOLS if pool.kind != "weighted"]

    def balances() -> list[tuple[int, ...]]:
        signature = "getPoolTokens(bytes32)(address[],uint256[],uint256)"
        return [tuple(box.call(a.BALANCER_VAULT, signature, pool.pool_id)[1]) for pool in stable]

    before = balances()
    market.move_price(box, "WETH", Decimal(3600))
    assert balances() == before


def test_move_dex__leaves_the_feed(box: Box) -> None:
    feeds = feed_prices(box)
    market.move_dex(box, a.TOKENS["AAVE"].address, Decimal(200))
    assert_close(dex_prices(box), {"AAVE": Decimal(200)})
    assert feed_prices(box) == feeds


def test_set_feed__leaves_the_markets(box: Box) -> None:
    dex = dex_prices(box)
    market.set_feed(box, "AAVE", Decimal("200.123456789"))
    assert market.feed_price(box, "AAVE") == Decimal("200.12345678")
    market.set_feed(box, a.FEEDS["ETH / USD"].proxy, Decimal(1))
    assert market.feed_price(box, "WETH") == 1
    assert dex_prices(box) == dex


def test_set_feed__whose_aggregator_takes_no_answers__gets_one_that_does(box: Box) -> None:
    """As on a fork of mainnet: here DAI's proxy is put in front of USDT's, which cannot be posted to."""
    before = feed_prices(box)
    dai, usdt = a.FEEDS["DAI / USD"].proxy, a.FEEDS["USDT / USD"].proxy
    for step in ("proposeAggregator(address)", "confirmAggregator(address)"):
        box.send(a.CHAINLINK_OWNER, dai, step, usdt)
    market.set_feed(box, "DAI", Decimal("0.9"))
    assert feed_prices(box) == before | {"DAI": Decimal("0.9")}
    market.warp(box, 3600)
    assert box.timestamp() - box.call(dai, ROUND)[3] <= 2


def test_move_dex__of_a_token_with_v2_and_v3_markets__brings_each_to_the_target(box: Box) -> None:
    market.move_dex(box, "LINK", Decimal(17))
    ether = market.dex_price(box, "WETH")
    # Both tokens have 18 decimals and LINK sorts before WETH: the price is ether for one LINK.
    pool = next(p for p in a.V3_POOLS if p.tokens == ("LINK", "WETH"))
    root = box.call(pool.address, "slot0()(uint160,int24,uint16,uint16,uint16,uint8,bool)")[0]
    assert abs(root - isqrt(int(Decimal(17) / ether * 2**192))) <= 1
    pair = next(p for p in a.V2_PAIRS if p.tokens == ("LINK", "WETH"))
    link, weth, _ = box.call(pair.address, "getReserves()(uint112,uint112,uint32)")
    assert abs(Decimal(weth) / link / (Decimal(17) / ether) - 1) < Decimal("1e-18")


def test_move_dex__there_and_back__ends_where_it_began(box: Box) -> None:
    before = dex_prices(box)
    market.move_dex(box, "WBTC", Decimal(120_000))
    market.move_dex(box, "WBTC", Decimal(90_000))
    assert_close(dex_prices(box), before)


@pytest.mark.parametrize("symbol", ["sUSD", "stETH"])
def test_move_dex__without_a_pool__names_the_token(box: Box, symbol: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{symbol} has no Uniswap V3 or weighted Balancer pool"):
        market.move_dex(box, symbol, Decimal(2))


@pytest.mark.parametrize("price", ["0", "-1"])
def test_move_dex__to_no_price__is_refused(box: Box, price: str) -> None:
    with pytest.raises(ConfigurationError, match="above zero"):
        market.move_dex(box, "LINK", Decimal(price))


def test_move_price__without_a_feed__names_the_token_and_moves_nothing(box: Box) -> None:
    before = dex_prices(box)
    with pytest.raises(ConfigurationError, match="no feed for 'MKR'"):
        market.move_price(box, "MKR", Decimal(2000))
    assert dex_prices(box) == before


def test_warp__with_and_without_refresh__lets_the_time_pass(box: Box) -> None:
    proxy, start = a.FEEDS["ETH / USD"].proxy, box.timestamp()
    market.warp(box, 3600)
    assert start + 3600 <= box.timestamp() <= start + 3660
    assert box.timestamp() - box.call(proxy, ROUND)[3] <= 2
    updated = box.call(proxy, ROUND)[3]
    market.warp(box, 7200, refresh_feeds=False)
    assert box.call(proxy, ROUND)[3] == updated
    assert box.timestamp() - updated >= 7200
