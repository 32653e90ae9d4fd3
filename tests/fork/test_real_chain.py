"""What only a real chain can show: that the devnet stands for it. Needs EQUIPOISE_RPC_URL; it need not be an archive."""

import os
from decimal import Decimal

import pytest
from eth_utils.crypto import keccak

from devnet import addresses as a
from devnet.box import Box
from devnet.codehashes import PUBLISHED
from keeper.chain.pools import Priced, discover
from keeper.chain.rpc import Client
from keeper.markets import UniswapV3Pool
from keeper.settings import PoolSettings

pytestmark = [
    pytest.mark.fork,
    pytest.mark.skipif("EQUIPOISE_RPC_URL" not in os.environ, reason="set EQUIPOISE_RPC_URL to a mainnet RPC"),
]

QUOTE = "quoteExactInputSingle((address,address,uint256,uint24,uint160))(uint256,uint160,uint32,uint256)"
BASKET = ("WETH", "USDC", "WBTC", "LINK", "UNI", "AAVE")
FEED = "latestRoundData()(uint80,int256,uint256,uint256,uint80)"


def feed_of(symbol: str) -> str:
    return a.FEEDS[a.USD_FEEDS[symbol]].proxy


@pytest.fixture(scope="module")
def box(rpc_url: str) -> Box:
    return Box(rpc_url)


@pytest.mark.parametrize("address", sorted(PUBLISHED))
def test_code__on_the_real_chain__has_the_hash_that_the_devnet_asserts(box: Box, address: str) -> None:
    code = box.code(address)
    if not code and address == a.MORPHO_BLUE:
        pytest.skip("Morpho Blue stands in the devnet only on request")
    assert keccak(code).hex() == PUBLISHED[address]


@pytest.mark.parametrize("symbol", BASKET)
def test_oracle__over_the_real_feeds__answers_a_plausible_price(box: Box, project, accounts, symbol: str) -> None:
    token, feed = a.TOKENS[symbol].address, feed_of(symbol)
    bounds = (10**14, 10**7 * 10**18)
    oracle = accounts[0].deploy(project.PriceOracle, accounts[0], [(token, feed, 7 * 86_400, *bounds)])
    answer, decimals = box.call(feed, FEED)[1], box.call(feed, "decimals()(uint8)")
    assert oracle.price(token) == answer * 10 ** (18 - decimals)


def test_v3_maths__on_the_real_pools__equals_the_quoter(box: Box) -> None:
    client = Client(box.url).connect()
    prices = {symbol: box.call(feed_of(symbol), FEED)[1] * 10**10 for symbol in BASKET}
    tokens = {a.TOKENS[s].address: Priced(price, a.TOKENS[s].decimals) for s, price in prices.items()}
    pools = discover(client, tokens, PoolSettings(), client.head(), a.MULTICALL3)
    deep = [pool for pool in pools if isinstance(pool, UniswapV3Pool)]
    assert len(deep) >= 5
    for pool in deep:
        for token_in, token_out in (pool.tokens, pool.tokens[::-1]):
            for usd in (Decimal(1), Decimal(1_000), Decimal(100_000)):
                amount = int(usd * 10 ** tokens[token_in].decimals * 10**18 / tokens[token_in].price)
                quote = box.call(a.V3_QUOTER_V2, QUOTE, (token_in, token_out, amount, pool.fee, 0))[0]
                assert pool.amount_out(token_in, token_out, amount) == quote
