"""Trying a route's legs in a simulated block: every venue keeps its word, and a pool that does not is found."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from devnet import addresses as a
from devnet.box import Box
from keeper.chain.pools import Priced, discover
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.errors import ChainError
from keeper.execution.verify import Lie, verify
from keeper.markets import Pool
from keeper.routing import WAD, Route
from keeper.routing.route import Leg
from keeper.settings import PoolSettings

WETH, USDC, DAI = (a.TOKENS[symbol].address for symbol in ("WETH", "USDC", "DAI"))
PRICED = {token.address: Priced(int(token.price * WAD), token.decimals) for token in a.TOKENS.values()}
PAIR = next(pair.address for pair in a.V2_PAIRS if pair.tokens == ("USDC", "WETH"))


class Bench(NamedTuple):
    """A chain with an executor, and its pools; the liquidity owner plays the vault."""

    box: Box
    client: Client
    executor: str
    project: Any
    deployer: Any

    def pools(self) -> dict[str, Pool]:
        """All pools at the head by address."""
        settings = PoolSettings(hubs=tuple(a.AAVE_WRAPPERS.values()), min_depth_usd=0)
        block = self.client.head()
        found = discover(self.client, PRICED, settings, block, a.MULTICALL3, until=block.timestamp + 180, holder=a.LP)
        return {pool.address: pool for pool in found}

    def lies(self, legs: Sequence[Leg], pools: dict[str, Pool], sold: dict[str, int], late: int = 12) -> list[Lie]:
        """What `verify` says of a route of these legs."""
        block = self.client.head()
        route = Route(tuple(legs), sold, {}, 0, 0, 0)
        return verify(self.client, route, pools.values(), a.LP, self.executor, block, block.timestamp + late)

    def falsify(self) -> None:
        """Put the false pair where the pair is."""
        fake = self.deployer.deploy(self.project.FalsePair, USDC, WETH)
        self.box.rpc("anvil_setCode", PAIR, "0x" + self.box.code(str(fake.address)).hex())


@pytest.fixture(scope="module")
def built(rpc_url: str, project: Any, accounts: Any) -> Iterator[Bench]:
    box = Box(rpc_url)
    before = box.snapshot()
    executor = str(accounts[0].deploy(project.RouteExecutor, accounts[0], a.V3_FACTORY).address)
    for symbol, vault in a.AAVE_WRAPPERS.items():
        token = a.TOKENS[symbol]
        box.send(a.LP, token.address, "approve(address,uint256)", vault, token.units(1_000_000))
        box.send(a.LP, vault, "deposit(uint256,address)", token.units(1_000_000), a.LP)
    yield Bench(box, Client(rpc_url).connect(), executor, project, accounts[0])
    box.revert(before)


@pytest.fixture
def bench(built: Bench) -> Iterator[Bench]:
    before = built.box.snapshot()
    yield built
    built.box.revert(before)


def leg(pool: Pool, sold: str, bought: str, amount: int, share: int = WAD) -> Leg:
    """A leg as the replay has it."""
    out = pool.amount_out(sold, bought, amount)
    return Leg(pool.address, pool.venue, sold, bought, amount, out, share, pool.fee)


def test_verify__every_pool_of_every_venue__keeps_its_word(bench: Bench) -> None:
    rng, pools = random.Random(11), bench.pools()
    venues = set()
    for pool in pools.values():
        for sold, bought in [pool.tokens[:2], pool.tokens[:2][::-1]]:
            amount = bench.box.balance(sold, a.LP) // rng.randint(10**5, 10**9)
            assert bench.lies([leg(pool, sold, bought, amount)], pools, {sold: amount}) == []
            venues.add(pool.venue)
    assert venues == {"uniswap_v2", "uniswap_v3", "balancer_v2", "curve", "erc4626", "wsteth"}


def chain_of_three(pools: dict[str, Pool], amount: int) -> list[Leg]:
    """WETH for USDC on the pair, USDC into its wrapper, and half as much WETH again into its own."""
    half = leg(pools[PAIR], WETH, USDC, amount, WAD // 2)
    wrapper = pools[a.AAVE_WRAPPERS["USDC"]]
    return [
        half,
        leg(wrapper, USDC, wrapper.address, half.amount_out),
        leg(pools[a.AAVE_WRAPPERS["WETH"]], WETH, a.AAVE_WRAPPERS["WETH"], amount),
    ]


def test_verify__legs_one_after_the_other__keep_their_word(bench: Bench) -> None:
    pools = bench.pools()
    assert bench.lies(chain_of_three(pools, 10**19), pools, {WETH: 2 * 10**19}) == []


def test_verify__pair_that_lies_about_its_reserves__is_named_with_what_it_paid_and_no_other_pool_is(
    bench: Bench,
) -> None:
    bench.falsify()
    pools = bench.pools()
    legs = chain_of_three(pools, 10**19)
    (lie,) = bench.lies(legs, pools, {WETH: 2 * 10**19})
    assert (lie.pool, lie.venue, lie.token_in, lie.token_out) == (PAIR, "uniswap_v2", WETH, USDC)
    assert (lie.promised, lie.paid, lie.reverted) == (legs[0].amount_out, legs[0].amount_out // 2, None)


def test_verify__one_base_unit_less__is_a_lie(bench: Bench) -> None:
    pools = bench.pools()
    honest = leg(pools[PAIR], WETH, USDC, 10**19)
    pair = pools[PAIR]
    # A reserve that is a little too large: the least that the output can notice.
    for more in range(10**12):
        false = replace(pair, reserve0=pair.reserve0 + more)
        if false.amount_out(WETH, USDC, 10**19) > honest.amount_out:
            break
    (lie,) = bench.lies([honest], pools | {PAIR: false}, {WETH: 10**19})
    assert (lie.promised, lie.paid) == (honest.amount_out + 1, honest.amount_out)


def test_verify__leg_that_reverts__is_named_with_the_reason_and_stops_no_other(bench: Bench) -> None:
    pools = bench.pools()
    bench.box.rpc("anvil_setCode", PAIR, "0xfe")
    vault = pools[a.AAVE_WRAPPERS["WETH"]]
    legs = [leg(pools[PAIR], WETH, USDC, 10**18, WAD // 2), leg(vault, WETH, vault.address, 10**18)]
    (lie,) = bench.lies(legs, pools, {WETH: 2 * 10**18})
    assert (lie.pool, lie.paid) == (PAIR, 0)
    assert lie.reverted is not None
    assert "reverted" in lie.text


def test_verify__steth_that_arrives_a_wei_short__is_no_lie(bench: Bench) -> None:
    """A plain pool of stETH: two wei are forgiven, three are not."""
    steth = a.TOKENS["stETH"].address
    pools = bench.pools()
    pooled = bench.box.call(steth, "getTotalPooledEther()(uint256)")
    bench.box.send(a.LP, steth, "rebase(uint256)", pooled + 98_765_432_109_876_543)
    pair = bench.box.send(a.LP, a.V2_FACTORY, "createPair(address,address)", steth, WETH)["logs"][0]["data"]
    address = "0x" + pair[26:66]
    for token in (steth, WETH):
        bench.box.send(a.LP, token, "transfer(address,uint256)", address, 10**21)
    bench.box.send(a.LP, address, "mint(address)", a.LP)
    pools = bench.pools()
    pool = next(p for p in pools.values() if p.address.lower() == address)
    for amount in (10**18, 10**18 + 1, 12_345_678_901_234_567, 3):
        for sold, bought in (pool.tokens, pool.tokens[::-1]):
            assert bench.lies([leg(pool, sold, bought, amount)], pools, {sold: amount}) == []
    short = replace(pool, reserve0=pool.reserve0 * 1_000_001 // 1_000_000)
    given = short.tokens[1]
    (lie,) = bench.lies([leg(short, given, short.tokens[0], 10**18)], pools | {pool.address: short}, {given: 10**18})
    assert lie.pool == pool.address


def test_verify__node_that_cannot_simulate__says_what_it_takes(fake: Any) -> None:
    fake.answer = lambda method, params: {}[method]
    block = Block(1, "0x" + "00" * 32, 1, 0)
    with pytest.raises(ChainError, match=r"refused eth_simulateV1: .*: use another RPC"):
        verify(Client(fake.url, attempts=1), Route((), {}, {}, 0, 0, 0), [], WETH, WETH, block, 2)
