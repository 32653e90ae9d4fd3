"""Which pools there are, kept between passes: used while young and true, found anew otherwise; and Balancer's logs."""

import pytest
from eth_abi.abi import encode
from fake_chain import MULTICALL, NOBODY, USDC, V2_FACTORY, WAD, WETH, FakeChain, FakeVault, Revert, address

from keeper.chain import abi
from keeper.chain.pools import PoolCache, Priced, balancer_logs, discover
from keeper.chain.pools.cache import still_there
from keeper.chain.pools.found import Found
from keeper.chain.rpc import Client
from keeper.errors import ChainError, ConfigurationError
from keeper.settings import PoolSettings

TOKENS = {WETH: Priced(2_000 * WAD, 18), USDC: Priced(WAD, 6)}
VAULT = PoolSettings().balancer_vault
POOL_ID = "aa" * 20 + "00" * 12
POOL = "0xaAaAaAaaAaAaAaaAaAAAAAAAAaaaAaAaAaaAaaAa"


class Keeper:
    """Passes that share a folder, and how often each asked the factory."""

    def __init__(self, fake: FakeChain, folder):
        self.fake, self.folder = fake, folder
        self.vault = FakeVault(fake).install()
        self.asked = 0
        fake.view(V2_FACTORY, abi.UniswapV2.get_pair, self._pair)

    def _pair(self, *_):
        self.asked += 1
        return self.vault.pair if self.vault.with_pool else NOBODY

    def find(self, tokens=TOKENS, **settings):
        client = Client(self.fake.url, attempts=1)
        cache = PoolCache(self.folder, client)
        found = discover(client, tokens, PoolSettings(**settings), client.head(), MULTICALL, cache=cache)
        return {pool.address for pool in found}


@pytest.fixture
def keeper(fake, tmp_path):
    return Keeper(fake, tmp_path / "pools")


def test_discover__second_pass__takes_the_pools_out_of_the_cache(keeper):
    assert keeper.find() == keeper.find() == {keeper.vault.pair}
    assert keeper.asked == 1


def test_discover__states_are_not_cached(keeper, fake):
    keeper.find()
    fake.view(keeper.vault.pair, abi.UniswapV2.get_reserves, (1, 2, 0))
    client = Client(fake.url, attempts=1)
    cache = PoolCache(keeper.folder, client)
    (pool,) = discover(client, TOKENS, PoolSettings(), client.head(), MULTICALL, cache=cache)
    assert (pool.reserve0, pool.reserve1, keeper.asked) == (1, 2, 1)


def test_discover__old_cache__looks_for_new_pools(keeper, fake):
    keeper.vault.with_pool = False
    assert keeper.find(cache_max_age_s=100) == set()
    keeper.vault.with_pool = True
    fake.timestamp += 99
    assert keeper.find(cache_max_age_s=100) == set()
    fake.timestamp += 1
    assert keeper.find(cache_max_age_s=100) == {keeper.vault.pair}


def test_discover__cache_from_a_later_time__is_not_used(keeper, fake):
    keeper.find()
    fake.timestamp -= 1
    keeper.find()
    assert keeper.asked == 2


@pytest.mark.parametrize("what", ["token", "code"])
def test_discover__cached_pool_that_is_not_what_it_was__looks_again(keeper, fake, what):
    keeper.find()
    if what == "token":
        fake.view(keeper.vault.pair, abi.UniswapV2.token1, address("other"))
    else:
        fake.views = {key: view for key, view in fake.views.items() if key[0] != keeper.vault.pair.lower()}
    keeper.vault.with_pool = False
    assert keeper.find() == set()
    assert keeper.asked == 2


@pytest.mark.parametrize("change", ["tokens", "hubs", "chain", "genesis"])
def test_discover__another_question_or_chain__has_a_cache_of_its_own(keeper, fake, change):
    keeper.find()
    if change == "tokens":
        keeper.find({WETH: TOKENS[WETH]})
    elif change == "hubs":
        keeper.find(hubs=())
    elif change == "genesis":
        fake.genesis = 1
        keeper.find()
    else:
        fake.chain_id = 5
        client = Client(fake.url, chain_id=5, attempts=1)
        discover(client, TOKENS, PoolSettings(), client.head(), MULTICALL, cache=PoolCache(keeper.folder, client))
    assert keeper.asked == 2


@pytest.mark.parametrize("text", ["", "[]", "{", '{"found_at": 1800000000, "pools": [{"venue": 1}]}', '{"pools": 3}'])
def test_discover__damaged_cache__is_made_anew(keeper, text):
    keeper.find()
    (file,) = keeper.folder.iterdir()
    file.write_text(text)
    assert keeper.find() == {keeper.vault.pair}
    assert keeper.find() == {keeper.vault.pair}
    assert keeper.asked == 2


def test_discover__folder_that_cannot_be_written__names_the_setting(keeper, tmp_path):
    (tmp_path / "pools").write_text("a file")
    with pytest.raises(ConfigurationError, match=r"set pools\.cache_folder"):
        keeper.find()


# --- each venue's check


def test_still_there__asks_each_venue_for_its_tokens(fake):
    client, coins = Client(fake.url, attempts=1), (USDC, WETH)
    old, new, share, wrapper = (address(name) for name in ("old curve", "new curve", "share", "wrapper"))
    fake.view(VAULT, abi.Balancer.pool_tokens, ([USDC, WETH], [1, 1], 0))
    fake.view(old, abi.CurvePool.coins_int128, lambda i: coins[i])
    fake.view(new, abi.CurvePool.coins, lambda i: coins[i])
    fake.view(share, abi.ERC4626.asset, USDC)
    fake.view(wrapper, abi.Lido.steth, WETH)
    pools = [
        Found("balancer_v2", POOL, coins, pool_id=POOL_ID),
        Found("curve", old, coins),
        Found("curve", new, coins),
        Found("erc4626", share, (USDC, share)),
        Found("wsteth", wrapper, (WETH, wrapper)),
    ]

    def check(found: list[Found]) -> bool:
        return still_there(client, found, PoolSettings(), client.head(), MULTICALL)

    assert check(pools)
    for pool in pools:
        assert not check([Found(pool.venue, pool.address, pool.tokens[::-1], pool_id=pool.pool_id)])
    for pool in pools[1:]:
        assert not check([Found(pool.venue, address("nobody"), pool.tokens)])
    fake.view(VAULT, abi.Balancer.pool_tokens, b"")
    assert not check(pools)


# --- Balancer's logs


def registered(block: int, pool_id: str, tokens: list[str]) -> dict[str, object]:
    return {
        "blockNumber": hex(block),
        "topics": ["0x" + abi.Balancer.tokens_registered.topic.hex(), "0x" + pool_id],
        "data": "0x" + encode(["address[]", "address[]"], [tokens, [NOBODY] * len(tokens)]).hex(),
    }


class Registry:
    """A Vault whose pools all have the same tokens, and what was asked of its logs."""

    def __init__(self, fake: FakeChain, folder):
        self.fake, self.folder = fake, folder
        fake.view(VAULT, abi.Balancer.pool_tokens, lambda _: ([USDC, WETH], [1, 1], 0))
        fake.logs = [registered(0, POOL_ID, [USDC, WETH])]
        self.most_blocks = 10**9
        self.asked: list[tuple[int, int]] = []
        answer = fake.answer

        def watched(method, params):
            if method == "eth_getLogs":
                first, last = (int(params[0][key], 16) for key in ("fromBlock", "toBlock"))
                if last - first >= self.most_blocks:
                    raise Revert(b"")  # the node's error, of whatever make
                self.asked.append((first, last))
            return answer(method, params)

        fake.answer = watched

    def find(self, cached: bool = True, **settings) -> set[str]:
        client = Client(self.fake.url, attempts=1)
        cache = PoolCache(self.folder, client) if cached else None
        chosen = PoolSettings(**({"balancer_first_block": 0, "balancer_pools": ()} | settings))
        found = balancer_logs.existing(client, TOKENS, chosen, client.head(), MULTICALL, cache)
        return {pool.address for pool in found}


@pytest.fixture
def registry(fake, tmp_path):
    return Registry(fake, tmp_path / "pools")


def test_logs__are_read_in_pieces_up_to_the_block(registry):
    assert registry.find(logs_span_blocks=40) == {POOL}
    assert registry.asked == [(0, 39), (40, 79), (80, 100)]


def test_logs__next_pass__reads_what_is_new_and_keeps_what_was(registry, fake):
    registry.find()
    other = "bb" * 20 + "00" * 12
    fake.logs = [registered(130, other, [USDC, WETH])]
    fake.number = 150
    assert registry.find() == {POOL, "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"}
    assert registry.asked == [(0, 100), (101, 150)]
    registry.find()
    assert len(registry.asked) == 2


def test_logs__chain_that_went_another_way__is_read_from_the_start(registry, fake):
    registry.find()
    fake.genesis = 0
    fake.number = 90  # the block reached is not there (any more)
    registry.find()
    assert registry.asked == [(0, 100), (0, 90)]
    fake.number = 100
    hashes, fake.block_hash = fake.block_hash, lambda number=None: "0x" + "11" * 32 if number == 90 else hashes(number)
    registry.find()
    assert registry.asked[2:] == [(0, 100)]


def test_logs__node_that_wants_fewer_blocks__is_asked_for_fewer(registry):
    registry.most_blocks = 30
    assert registry.find(logs_span_blocks=100) == {POOL}
    assert registry.asked[:2] == [(0, 24), (25, 49)]


def test_logs__node_that_gives_none__raises_and_names_the_setting(registry):
    registry.most_blocks = 0
    with pytest.raises(ChainError, match=r"set pools\.balancer_first_block"):
        registry.find()


def test_logs__first_block_beyond_the_head__reads_from_the_start(registry):
    assert registry.find(balancer_first_block=1_000) == {POOL}
    assert registry.asked == [(0, 100)]


def test_logs__no_vault__asks_for_none(registry, fake):
    fake.views.clear()
    assert registry.find() == set()
    assert registry.asked == []


def test_logs__pool_without_two_of_the_tokens__is_left_out(registry, fake):
    fake.logs = [registered(5, POOL_ID, [USDC, address("other")])]
    assert registry.find() == set()
    fake.logs = [registered(5, POOL_ID, [USDC, WETH])]
    fake.view(VAULT, abi.Balancer.pool_tokens, lambda _: ([USDC, address("other")], [1, 1], 0))
    assert registry.find(cached=False) == set()


def test_logs__pools_of_the_settings__come_in_too(registry, fake):
    fake.logs = []
    named = address("named")
    fake.view(named, abi.Balancer.pool_id, lambda: bytes.fromhex(named[2:] + "00" * 12))
    assert registry.find(balancer_pools=(named, address("nobody"))) == {named}
