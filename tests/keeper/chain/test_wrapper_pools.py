"""Reading of wrappers: which fraction a vault swaps by, at which time, its limits; and vaults that are no pools."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fake_chain import MULTICALL, NOBODY, USDC, WETH, FakeChain, address

from keeper.chain import abi
from keeper.chain.pools.found import Found
from keeper.chain.pools.wrappers import existing, read_erc4626, read_wsteth
from keeper.chain.rpc import Client
from keeper.errors import ChainError
from keeper.markets import ERC4626Pool, WstETHPool
from keeper.markets.wrapper import Fraction
from keeper.settings import PoolSettings

RAY = 10**27
MAX = 2**256 - 1
SHARE, HOLDER, A_TOKEN = address("share"), address("holder"), address("a token")
WSTETH, STETH = PoolSettings().wsteth, address("steth")
FOUND = Found("erc4626", SHARE, (USDC, SHARE))
BIG = 10**40


@dataclass
class Vault:
    """An ERC-4626 vault on a fake chain; `rate` may depend on the time."""

    fake: FakeChain
    rate: Callable[[int], Fraction]
    assets: int
    supply: int
    fee: int = 0  # of a redemption, in base units
    max_deposit: int = MAX
    max_redeem: int = 0
    idle: int = 0
    lent: int | None = None

    def install(self) -> "Vault":
        v, fake = abi.ERC4626, self.fake

        def now() -> Fraction:
            return self.rate(fake.timestamp if fake.call_time is None else fake.call_time)

        fake.view(SHARE, v.asset, USDC)
        fake.view(SHARE, v.total_assets, lambda: self.assets)
        fake.view(SHARE, v.total_supply, lambda: self.supply)
        fake.view(SHARE, v.preview_deposit, lambda amount: now().to_shares_down(amount))
        fake.view(SHARE, v.preview_redeem, lambda amount: max(now().to_assets_down(amount) - self.fee, 0))
        fake.view(SHARE, v.max_deposit, lambda who: self.max_deposit)
        fake.view(SHARE, v.max_redeem, lambda who: self.max_redeem if who == HOLDER.lower() else 0)
        if self.lent is not None:
            fake.view(SHARE, v.a_token, A_TOKEN)
        held = {SHARE.lower(): self.idle, A_TOKEN.lower(): self.lent or 0}
        fake.view(USDC, abi.Token.balance_of, lambda who: held.get(who, 0))
        fake.view(USDC, abi.Token.total_supply, BIG)
        return self


def pot(fake: FakeChain, assets: int, supply: int, virtual=(0, 0), **more: int) -> Vault:
    fraction = Fraction(assets + virtual[0], supply + virtual[1])
    return Vault(fake, lambda time: fraction, assets, supply, **more).install()


def read(fake: FakeChain, until: int | None = None) -> list[ERC4626Pool]:
    client = Client(fake.url, attempts=1)
    return read_erc4626(client, [FOUND], client.head(), MULTICALL, until, HOLDER)


@pytest.mark.parametrize("virtual", [(0, 0), (1, 1), (1, 10**3), (1, 10**12), (1, 10**18)])
def test_erc4626__pots_with_and_without_virtual_shares__are_told_apart(fake, virtual):
    assets, supply = 7_654_321_000_017, 6_543_210_000_000_000_000_000_011
    pot(fake, assets, supply, virtual)
    (pool,) = read(fake)
    assert pool.paying == pool.taking == Fraction(assets + virtual[0], supply + virtual[1])
    assert pool.is_pot
    assert (pool.address, pool.asset, pool.venue) == (SHARE, USDC, "erc4626")


def test_erc4626__empty_pot_with_virtual_shares__is_told_from_one_without(fake):
    pot(fake, 0, 0, (1, 10**6))
    (pool,) = read(fake)
    assert (pool.paying, pool.is_pot) == (Fraction(1, 10**6), True)
    # What a plain one takes its first deposit at is nobody's fraction, but that of an index that stands at one.
    Vault(fake, lambda time: Fraction(1, 1), 5, 0).install()
    (pool,) = read(fake)
    assert not pool.is_pot


def test_erc4626__by_index__deposits_are_taken_at_the_last_moments_rate(fake):
    index = {fake.timestamp: 1_019_283_746_555_555_555_555_555_777, fake.timestamp + 180: 1_019_283_999 * 10**18 + 5}
    Vault(fake, lambda time: Fraction(index[time], RAY), 999, 10**24).install()
    (pool,) = read(fake, until=fake.timestamp + 180)
    assert pool.paying == Fraction(index[fake.timestamp], RAY)
    assert pool.taking == Fraction(index[fake.timestamp + 180], RAY)
    assert not pool.is_pot
    (pool,) = read(fake)
    assert pool.taking == pool.paying


def test_erc4626__rate_that_falls_with_time__promises_the_worse_one_both_ways(fake):
    Vault(fake, lambda time: Fraction(2 * RAY - time, RAY), 999, 10**24).install()
    (pool,) = read(fake, until=fake.timestamp + 180)
    assert pool.paying.assets == 2 * RAY - fake.timestamp - 180
    assert pool.taking.assets == 2 * RAY - fake.timestamp


def test_erc4626__node_that_ignores_the_time__raises(fake):
    pot(fake, 10**12, 10**12 + 7)
    answer = fake.answer
    fake.answer = lambda method, params: answer(method, params[:2])
    with pytest.raises(ChainError, match="block overrides"):
        read(fake, until=fake.timestamp + 180)
    assert len(read(fake)) == 1


def test_erc4626__with_a_fee__is_no_pool(fake):
    vault = pot(fake, 10**15 + 3, 10**15)
    assert len(read(fake)) == 1
    vault.fee = 1
    assert read(fake) == []


def test_erc4626__that_does_not_answer__is_no_pool(fake):
    pot(fake, 10**15 + 3, 10**15)
    fake.view(SHARE, abi.ERC4626.preview_redeem, b"")
    assert read(fake) == []


def test_erc4626__limits__are_the_holders_or_what_lies_idle(fake):
    vault = pot(fake, 2 * 10**15, 10**15, max_redeem=500, idle=600, max_deposit=77)
    (pool,) = read(fake)
    assert (pool.most_deposit, pool.most_redeem) == (77, 500)  # 600 assets are 300 shares
    for vault.idle, most in ((2_000, 1_000), (10**16, 10**15 - 1)):  # all of the shares would leave no rate
        vault.install()
        assert read(fake)[0].most_redeem == most
    vault.max_deposit = MAX
    assert read(fake)[0].most_deposit == BIG


def test_erc4626__aaves__pays_out_of_the_reserve(fake):
    vault = Vault(fake, lambda time: Fraction(2 * RAY, RAY), 0, 10**24, lent=900).install()
    assert read(fake)[0].most_redeem == 450
    vault.lent = 10**30
    vault.install()
    assert read(fake)[0].most_redeem == 10**24


def test_erc4626__takes_and_pays_nothing__is_no_pool(fake):
    vault = pot(fake, 10**15, 10**15 + 1, max_deposit=0)
    assert read(fake) == []
    vault.max_redeem = 1
    assert len(read(fake)) == 1


# --- wstETH


def lido(fake: FakeChain, ether: int, shares: int, external=None, rate=None) -> None:
    """External ether and shares are Lido V3's; the rate is that of the rest, or what a test says."""
    ours = rate or Fraction(ether - (external or (0, 0))[0], shares - (external or (0, 0))[1])
    fake.view(STETH, abi.Lido.total_pooled_ether, ether)
    fake.view(STETH, abi.Lido.total_shares, shares)
    if external:
        fake.view(STETH, abi.Lido.external_ether, external[0])
        fake.view(STETH, abi.Lido.external_shares, external[1])
    fake.view(STETH, abi.Lido.shares_of, lambda who: 400 if who == WSTETH.lower() else 0)
    fake.view(STETH, abi.Lido.shares_by_pooled_eth, ours.to_shares_down)
    fake.view(STETH, abi.Lido.pooled_eth_by_shares, ours.to_assets_down)
    fake.view(WSTETH, abi.Lido.total_supply, 399)
    fake.view(WSTETH, abi.Lido.steth, STETH)


def read_lido(fake: FakeChain) -> list[WstETHPool]:
    client = Client(fake.url, attempts=1)
    return read_wsteth(client, [Found("wsteth", WSTETH, (STETH, WSTETH))], client.head(), MULTICALL)


def test_wsteth__reads_the_rate_and_what_there_is(fake):
    lido(fake, 1_220, 1_000)
    # The wrapper's 400 shares are 488 of the 1,220 wei.
    assert read_lido(fake) == [WstETHPool(WSTETH, STETH, Fraction(1_220, 1_000), 732, 399)]


def test_wsteth__since_lido_v3__takes_the_rate_of_what_is_not_external(fake):
    lido(fake, 10**25 + 10**23 // 7, 9 * 10**24 + 11, external=(10**23 // 7, 5 * 10**21))
    (pool,) = read_lido(fake)
    assert pool.rate == Fraction(10**25, 9 * 10**24 + 11 - 5 * 10**21)


def test_wsteth__rate_of_everything_in_spite_of_external_shares__is_taken_too(fake):
    whole = Fraction(10**25, 9 * 10**24)
    lido(fake, whole.assets, whole.shares, external=(10**22, 10**22), rate=whole)
    assert read_lido(fake)[0].rate == whole


def test_wsteth__rate_that_is_not_its_own__is_no_pool(fake):
    lido(fake, 1_220, 1_000, rate=Fraction(1_220, 1_001))
    assert read_lido(fake) == []
    fake.view(STETH, abi.Lido.total_shares, b"")
    assert read_lido(fake) == []


# --- which there are


def wrappers(fake: FakeChain, tokens: tuple[str, ...], hubs: tuple[str, ...] = ()) -> set[tuple[str, tuple[str, ...]]]:
    client = Client(fake.url, attempts=1)
    found = existing(client, tokens, PoolSettings(hubs=hubs), client.head(), MULTICALL)
    return {(pool.venue, pool.tokens) for pool in found}


def test_existing__wrappers_are_tokens_of_the_basket_and_hubs_that_have_an_asset(fake):
    fake.view(SHARE, abi.ERC4626.asset, USDC)
    fake.view(WETH, abi.Token.decimals, 18)
    empty = address("empty")
    fake.view(empty, abi.ERC4626.asset, NOBODY)
    assert wrappers(fake, (SHARE, WETH, empty)) == {("erc4626", (USDC, SHARE))}
    assert wrappers(fake, (WETH,), (SHARE,)) == {("erc4626", (USDC, SHARE))}
    assert wrappers(fake, (WETH,)) == set()


def test_existing__wsteth__when_it_or_steth_is_wanted(fake):
    fake.view(WSTETH, abi.Lido.steth, STETH)
    pool = ("wsteth", (STETH, WSTETH))
    assert wrappers(fake, (WSTETH, WETH)) == wrappers(fake, (WETH,), (STETH,)) == {pool}
    assert wrappers(fake, (WETH, USDC)) == set()
