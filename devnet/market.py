"""Moving the box's markets: Chainlink's answers, the DEXes' prices, both, and the clock.

Prices are USD per whole token. On the DEXes USDC is the unit of account: it is worth what its feed says, and every other
token what its deepest V3 or weighted Balancer pool says, against USDC or over WETH. When ether moves, the staked ethers keep
their rate to it, so that Balancer's meta-stable pool, which follows this rate, is right where it stands. Balancer's and
Curve's pools of stable coins stay too: when a stable coin moves, an arbitrage against them is part of the moved market, as
one against V4 is when ether moves.
"""

from decimal import Decimal, localcontext

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address

from devnet import addresses as a
from devnet.addresses import (
    BALANCER_POOLS,
    FEEDS,
    HELPER,
    LP,
    PEGGED,
    TOKENS,
    USD_FEEDS,
    V2_PAIRS,
    V3_POOLS,
    BalancerPool,
    V2Pair,
    V3Pool,
)
from devnet.artifacts import load_bundle
from devnet.box import Box
from devnet.deployer import FAR_FUTURE
from keeper.errors import ConfigurationError, TransactionError

# Enough digits for a square root of a ratio of 256-bit numbers.
PRECISION = 90
V2_FEE = Decimal("0.997")
# More than any balance: the price limit is what ends the trade.
UNLIMITED = 2**255 - 1
# What a weighted pool takes in one swap, of its balance: Balancer's WeightedMath._MAX_IN_RATIO.
MOST_IN = Decimal("0.3")
# From a start that is wrong by the fee alone, each step doubles the correct digits: 3, 6, 12, and 24.
NEWTON_STEPS = 3

WEIGHTED_POOLS = tuple(pool for pool in BALANCER_POOLS if pool.kind == "weighted")
_PRICED: tuple[V3Pool | BalancerPool, ...] = (*V3_POOLS, *WEIGHTED_POOLS)

# Aave prices wstETH by a feed of its own; it is moved with the rest.
_SOURCES = {r.symbol: r.price_source for r in a.AAVE_RESERVES if r.feed is None}


# --- feeds


def feed_proxy(name: str) -> str:
    """The proxy's address of a token's symbol, a feed's description such as "STETH / ETH", or of that address itself.

    Raises:
        ConfigurationError: the box has no such feed.
    """
    if name in USD_FEEDS:
        return FEEDS[USD_FEEDS[name]].proxy
    if name in FEEDS:
        return FEEDS[name].proxy
    if name in _SOURCES:
        return _SOURCES[name]
    if name.startswith("0x") and len(name) == 42:
        return name
    raise ConfigurationError(
        f"the devnet has no feed for {name!r}: use one of {', '.join(USD_FEEDS)}, or a proxy's address"
    )


def feed_price(box: Box, name: str) -> Decimal:
    """What the feed answers now."""
    proxy = feed_proxy(name)
    answer = box.call(proxy, "latestAnswer()(int256)")
    return Decimal(answer).scaleb(-box.call(proxy, "decimals()(uint8)"))


def set_feed(box: Box, symbol_or_proxy: str, price: Decimal) -> None:
    """Post a new answer, rounded down to the feed's decimals, in a block of its own; the markets stay where they are."""
    proxy = feed_proxy(symbol_or_proxy)
    answer = int(Decimal(price).scaleb(box.call(proxy, "decimals()(uint8)")))
    _post(box, _aggregator(box, proxy), answer)


def refresh_feeds(box: Box) -> int:
    """Post every feed's answer again, so that its time is the present; how many there were."""
    proxies = [feed.proxy for feed in FEEDS.values()] + [proxy for proxy in _SOURCES.values() if _is_proxy(box, proxy)]
    aggregators = {_aggregator(box, proxy) for proxy in proxies}
    for aggregator in sorted(aggregators):
        _post(box, aggregator, box.call(aggregator, "latestAnswer()(int256)"))
    return len(aggregators)


def _post(box: Box, aggregator: str, answer: int) -> None:
    box.send(HELPER, aggregator, "updateAnswer(int256)", answer)


def _aggregator(box: Box, proxy: str) -> str:
    """The proxy's aggregator, if it takes answers from anybody, as the box's do.

    On a fork of mainnet it takes them from Chainlink's oracles only: there the proxy's owner, impersonated, puts one of the
    box's kind in its place, which starts at the present answer.
    """
    aggregator = str(box.call(proxy, "aggregator()(address)"))
    answer = box.call(proxy, "latestAnswer()(int256)")
    try:
        box.call(aggregator, "updateAnswer(int256)", answer)
    except TransactionError:
        decimals, owner = box.call(proxy, "decimals()(uint8)"), box.call(proxy, "owner()(address)")
        for account in (HELPER, owner):
            box.fund(account)
        code = bytes.fromhex(load_bundle()["FeedAggregator"].code) + encode(["uint8", "int256"], [decimals, answer])
        aggregator = to_checksum_address(box.transact(HELPER, None, code)["contractAddress"])
        box.send(owner, proxy, "proposeAggregator(address)", aggregator)
        box.send(owner, proxy, "confirmAggregator(address)", aggregator)
    return aggregator


def _is_proxy(box: Box, source: str) -> bool:
    """Mainnet's own source of wstETH for Aave is an adapter, which computes and cannot be posted to."""
    try:
        box.call(source, "aggregator()(address)")
    except TransactionError:
        return False
    return True


# --- time


def warp(box: Box, seconds: int, refresh_feeds: bool = True) -> None:
    """Let `seconds` pass and mine a block; feeds answer as before, with the new time unless told otherwise."""
    box.rpc("evm_increaseTime", seconds)
    box.mine()
    if refresh_feeds:
        _refresh(box)


_refresh = refresh_feeds


# --- DEX prices


def dex_price(box: Box, token: str) -> Decimal:
    """USD per whole token in its deepest pool of Uniswap V3 or of Balancer's weighted ones.

    Raises:
        ConfigurationError: the token has no such pool.
    """
    symbol = a.token(token).symbol
    if symbol == "USDC":
        return feed_price(box, "USDC")
    for quote in ("USDC", "WETH"):
        pools = [pool for pool in _PRICED if set(pool.tokens) == {symbol, quote}]
        if pools:
            deepest = max(pools, key=lambda pool: pool.usd)
            return _mid(box, deepest, symbol) * dex_price(box, quote)
    raise ConfigurationError(
        f"{symbol} has no Uniswap V3 or weighted Balancer pool on the devnet: only its feed can be moved, with set_feed"
    )


def move_dex(box: Box, token: str, price: Decimal) -> None:
    """Trade every V2 pair, V3 pool and weighted Balancer pool of `token` (symbol or address) to `price`, as arbitrageurs would.

    The other tokens keep their USD prices. V3 pools end exactly at the target square-root price, V2 pairs and weighted pools
    within rounding.

    Raises:
        ConfigurationError: the token has no V3 or weighted pool, or the price is not positive.
        TransactionError: the liquidity owner cannot pay for a move that large.
    """
    symbol = a.token(token).symbol
    if price <= 0:
        raise ConfigurationError(f"a price must be above zero, not {price}")
    ratio = Decimal(price) / dex_price(box, symbol)
    moved = {symbol: Decimal(price)}
    moved |= {follower: dex_price(box, follower) * ratio for follower in PEGGED.get(symbol, ()) if _has_pool(follower)}
    traded: tuple[V2Pair | V3Pool | BalancerPool, ...] = (*V2_PAIRS, *_PRICED)
    markets = [market for market in traded if len(moved.keys() & set(market.tokens)) == 1]
    others = {s for market in markets for s in market.tokens} - moved.keys()
    prices = {s: dex_price(box, s) for s in others} | moved
    for market in markets:
        if isinstance(market, V2Pair):
            _move_pair(box, market, prices)
        elif isinstance(market, V3Pool):
            _move_pool(box, market, prices)
        else:
            _move_weighted(box, market, prices)


def move_price(box: Box, symbol: str, price: Decimal) -> None:
    """Move the token's markets and its USD feed, and what hangs on them: staked ethers and feeds quoted in ether.

    Raises:
        ConfigurationError, TransactionError: as for `move_dex` and `set_feed`.
    """
    ratio = Decimal(price) / feed_price(box, symbol)
    move_dex(box, symbol, price)
    set_feed(box, symbol, price)
    for follower in PEGGED.get(symbol, ()):
        set_feed(box, follower, feed_price(box, follower) * ratio)
    ether = feed_price(box, "ETH / USD")
    for description in FEEDS:
        base, quote = description.split(" / ")
        if quote == "ETH":
            set_feed(box, description, feed_price(box, f"{base} / USD") / ether)


def _has_pool(symbol: str) -> bool:
    return any(symbol in pool.tokens for pool in _PRICED)


def _mid(box: Box, pool: V3Pool | BalancerPool, symbol: str) -> Decimal:
    """Whole units of the pool's other token for one whole `symbol`."""
    t0, t1 = _ordered(pool)
    with localcontext(prec=PRECISION):
        if isinstance(pool, V3Pool):
            raw = (Decimal(_sqrt_price(box, pool)) / 2**96) ** 2
        else:
            (r0, r1), (w0, w1) = _balances(box, pool), _weights(pool)
            raw = Decimal(r1 * w0) / (r0 * w1)
        price = raw.scaleb(t0.decimals - t1.decimals)
        return price if symbol == t0.symbol else 1 / price


def _move_pool(box: Box, pool: V3Pool, prices: dict[str, Decimal]) -> None:
    t0, t1 = _ordered(pool)
    with localcontext(prec=PRECISION):
        target = int(_raw_price(t0, t1, prices).sqrt() * 2**96)
    now = _sqrt_price(box, pool)
    if target == now:
        return
    sold, bought = (t0, t1) if target < now else (t1, t0)
    box.send(
        LP,
        a.V3_ROUTER,
        "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))",
        (sold.address, bought.address, pool.fee, LP, FAR_FUTURE, UNLIMITED, 0, target),
    )


def _move_pair(box: Box, pair: V2Pair, prices: dict[str, Decimal]) -> None:
    """Sell the dx that leaves reserves in the target ratio q = x'/y'.

    With x' = x + dx and the constant product y' = xy / (x + f dx), f = 0.997, that is the positive root of
    f dx² + (1 + f) x dx + x² - q x y = 0.
    """
    t0, t1 = _ordered(pair)
    r0, r1, _ = box.call(pair.address, "getReserves()(uint112,uint112,uint32)")
    with localcontext(prec=PRECISION):
        price = _raw_price(t0, t1, prices)
        falls = price < Decimal(r1) / r0
        sold, bought, x, y, q = (t0, t1, r0, r1, 1 / price) if falls else (t1, t0, r1, r0, price)
        middle = (1 + V2_FEE) * x
        amount = int((-middle + (middle * middle - 4 * V2_FEE * (x * x - q * x * y)).sqrt()) / (2 * V2_FEE))
    if amount > 0:
        box.send(
            LP,
            a.V2_ROUTER,
            "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)",
            *(amount, 0, [sold.address, bought.address], LP, FAR_FUTURE),
        )


def _move_weighted(box: Box, pool: BalancerPool, prices: dict[str, Decimal]) -> None:
    """Sell the dx = z x that leaves reserves weighing in the target ratio q = (x'/w) / (y'/v), in as few swaps as it takes.

    With x' = (1 + z) x and the invariant y' = y / (1 + f z)^r, f = 1 - fee and r = w/v, z is the root of
    (1 + z) (1 + f z)^r = q (y/v) / (x/w) =: g. The logarithm of the left is concave, and without a fee the root is
    g^(1 / (1 + r)) - 1, which is too low: from there Newton's steps never overshoot.
    """
    t0, t1 = _ordered(pool)
    w0, w1 = _weights(pool)
    kept = 1 - Decimal(box.call(pool.address, "getSwapFeePercentage()(uint256)")).scaleb(-18)
    whole = False
    while not whole:
        r0, r1 = _balances(box, pool)
        with localcontext(prec=PRECISION):
            gap = _raw_price(t0, t1, prices) * r0 * w1 / (r1 * w0)
            sold, bought, x, w, v = (t0, t1, r0, w0, w1) if gap < 1 else (t1, t0, r1, w1, w0)
            gap, r = max(gap, 1 / gap), Decimal(w) / v
            z = gap ** (1 / (1 + r)) - 1
            for _ in range(NEWTON_STEPS):
                missing = gap.ln() - (1 + z).ln() - r * (1 + kept * z).ln()
                z += missing / (1 / (1 + z) + r * kept / (1 + kept * z))
            whole = z <= MOST_IN
            amount = int(min(z, MOST_IN) * x)
        if amount > 0:
            box.send(
                LP,
                a.BALANCER_VAULT,
                "swap((bytes32,uint8,address,address,uint256,bytes),(address,bool,address,bool),uint256,uint256)",
                (pool.pool_id, 0, sold.address, bought.address, amount, b""),
                *((LP, False, LP, False), 0, FAR_FUTURE),
            )


def _balances(box: Box, pool: BalancerPool) -> tuple[int, int]:
    """Base units of token0 and token1 that the Vault holds for the pool."""
    _, (r0, r1), _ = box.call(a.BALANCER_VAULT, "getPoolTokens(bytes32)(address[],uint256[],uint256)", pool.pool_id)
    return r0, r1


def _weights(pool: BalancerPool) -> tuple[int, int]:
    """Percent of token0 and token1."""
    weight = dict(zip(pool.tokens, pool.shape, strict=True))
    t0, t1 = _ordered(pool)
    return weight[t0.symbol], weight[t1.symbol]


def _sqrt_price(box: Box, pool: V3Pool) -> int:
    slot = box.call(pool.address, "slot0()(uint160,int24,uint16,uint16,uint16,uint8,bool)")
    return int(slot[0])


def _raw_price(t0: a.Token, t1: a.Token, prices: dict[str, Decimal]) -> Decimal:
    """Base units of token1 for one of token0."""
    return (prices[t0.symbol] / prices[t1.symbol]).scaleb(t1.decimals - t0.decimals)


def _ordered(market: V2Pair | V3Pool | BalancerPool) -> tuple[a.Token, a.Token]:
    """token0 and token1, as the pool of two sorts them."""
    x, y = (TOKENS[symbol] for symbol in market.tokens)
    return (x, y) if int(x.address, 16) < int(y.address, 16) else (y, x)
