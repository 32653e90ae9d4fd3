"""Discovery and reading of pools: depth, a complete tick range, and pools that are not there."""

from fake_chain import MULTICALL, NOBODY, USDC, V2_FACTORY, V3_FACTORY, WAD, WETH, FakeChain, FakeVault, address

from keeper.chain import abi
from keeper.chain.pools import Priced, discover
from keeper.chain.rpc import Client
from keeper.markets import UniswapV2Pool, UniswapV3Pool
from keeper.markets.tick_math import sqrt_ratio_at_tick
from keeper.settings import PoolSettings

TOKENS = {WETH: Priced(2_000 * WAD, 18), USDC: Priced(WAD, 6)}
POOL = address("v3")
TICK, SPACING = -200_000, 10


def pools_of(fake: FakeChain, tokens=TOKENS, **settings):
    client = Client(fake.url, attempts=1)
    return discover(client, tokens, PoolSettings(**settings), client.head(), MULTICALL)


def add_v3(fake: FakeChain, ticks: dict[int, int]) -> None:
    """A pool at TICK whose initialised ticks have these nets."""
    fake.view(V3_FACTORY, abi.UniswapV3.get_pool, lambda a, b, fee: POOL if fee == 500 else NOBODY)
    fake.view(POOL, abi.UniswapV3.slot0, (sqrt_ratio_at_tick(TICK), TICK, 0, 0, 0, 0, True))
    fake.view(POOL, abi.UniswapV3.liquidity, 10**18)
    fake.view(POOL, abi.UniswapV3.tick_spacing, SPACING)

    def bitmap(word):
        return sum(1 << (tick // SPACING % 256) for tick in ticks if tick // SPACING // 256 == word)

    fake.view(POOL, abi.UniswapV3.tick_bitmap, bitmap)
    fake.view(POOL, abi.UniswapV3.ticks, lambda tick: (0, ticks[tick], 0, 0, 0, 0, 0, True))


def test_discover__reads_a_pairs_reserves(fake):
    vault = FakeVault(fake).install()
    (pool,) = pools_of(fake)
    assert isinstance(pool, UniswapV2Pool)
    assert (pool.address, pool.token0, pool.token1) == (vault.pair, USDC, WETH)
    assert (pool.reserve0, pool.reserve1) == (40_000_000 * 10**6, 20_000 * 10**18)


def test_discover__asks_for_a_pair_in_the_factorys_order_once(fake):
    asked = []
    FakeVault(fake).install()
    fake.view(V2_FACTORY, abi.UniswapV2.get_pair, lambda a, b: asked.append((a, b)) or NOBODY)
    assert pools_of(fake) == []
    assert asked == [(USDC.lower(), WETH.lower())]


def test_discover__when_a_pool_is_under_the_floor__leaves_it_out(fake):
    FakeVault(fake).install()
    fake.view(USDC, abi.Token.balance_of, 20_000 * 10**6)
    fake.view(WETH, abi.Token.balance_of, 10 * 10**18)
    assert len(pools_of(fake, min_depth_usd=40_000)) == 1
    assert pools_of(fake, min_depth_usd=40_001) == []


def test_discover__when_one_token_has_no_price__takes_the_pool_for_twice_the_other_side(fake):
    FakeVault(fake).install()
    fake.view(USDC, abi.Token.balance_of, 20_000 * 10**6)
    only_usdc = {USDC: TOKENS[USDC]}
    assert len(pools_of(fake, only_usdc, min_depth_usd=40_000)) == 1
    assert pools_of(fake, only_usdc, min_depth_usd=40_001) == []


def test_discover__reads_every_tick_in_the_range_and_says_how_far_it_read(fake):
    vault = FakeVault(fake, with_pool=False).install()
    # 30 % down is 3,567 ticks: two words of 2,560 to each side. The last tick is far beyond.
    ticks = {TICK - 3_000: 5, TICK - 10: 7, TICK: 11, TICK + 2_000: -13, TICK + 60_000: -10}
    add_v3(fake, ticks)
    (pool,) = pools_of(fake, v3_range_bps=3_000)
    assert isinstance(pool, UniswapV3Pool)
    assert (pool.fee, pool.tick, pool.liquidity) == (500, TICK, 10**18)
    assert [(tick.index, tick.liquidity_net) for tick in pool.ticks] == list(ticks.items())[:-1]
    assert pool.tick_lower_loaded <= TICK - 3_567
    assert TICK + 3_567 <= pool.tick_upper_loaded < TICK + 60_000
    # Complete to the last tick of its words, not a tick further.
    assert pool.tick_lower_loaded % (256 * SPACING) == 0
    assert (pool.tick_upper_loaded + SPACING) % (256 * SPACING) == 0
    assert vault.pair != pool.address


def test_discover__when_a_tick_cannot_be_read__leaves_the_pool_out(fake):
    FakeVault(fake, with_pool=False).install()
    add_v3(fake, {TICK: 11})
    fake.view(POOL, abi.UniswapV3.ticks, b"")
    assert pools_of(fake) == []


def test_discover__when_a_pool_was_never_initialised__leaves_it_out(fake):
    FakeVault(fake, with_pool=False).install()
    add_v3(fake, {})
    fake.view(POOL, abi.UniswapV3.slot0, (0, 0, 0, 0, 0, 0, False))
    assert pools_of(fake) == []
