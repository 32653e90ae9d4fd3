"""Wraps and unwraps through a RouteExecutor on the devnet, to the wei: Aave's ERC-4626 wrappers and wstETH.

The executor runs one leg at a time, called from the zero address, which it obeys while no vault is active.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from eth_abi import decode, encode

from devnet import addresses as a
from devnet.box import Box
from keeper.chain import abi
from keeper.chain.pools.found import Found
from keeper.chain.pools.wrappers import read_erc4626, read_wsteth
from keeper.chain.rpc import Client
from keeper.errors import TransactionError
from keeper.execution.plan import operation
from keeper.markets import ERC4626Pool, InsufficientLiquidity, Pool, WstETHPool
from keeper.routing.route import Leg

NOBODY = "0x" + "0" * 40
WAD = 10**18
STETH, WSTETH = a.TOKENS["stETH"].address, a.TOKENS["wstETH"].address
VAULTS = [Found("erc4626", at, (a.TOKENS[symbol].address, at)) for symbol, at in a.AAVE_WRAPPERS.items()]
LATER = 180  # s


class Bench(NamedTuple):
    """A chain and an executor that holds nothing."""

    box: Box
    client: Client
    executor: str

    def vault(self, found: Found, until: int) -> ERC4626Pool:
        """One of Aave's wrappers at the head; LP is who holds its shares."""
        (pool,) = read_erc4626(self.client, [found], self.client.head(), a.MULTICALL3, until, a.LP)
        return pool

    def wsteth(self) -> WstETHPool:
        """The wrapper at the head."""
        found = Found("wsteth", WSTETH, (STETH, WSTETH))
        (pool,) = read_wsteth(self.client, [found], self.client.head(), a.MULTICALL3)
        return pool

    def run(self, pool: Pool, sold: str, bought: str, share: int = WAD) -> int:
        """Let the executor swap this share of what it holds; what it measured of the other token."""
        leg = Leg(pool.address, pool.venue, sold, bought, 0, 0, share, pool.fee)
        data = encode([abi.OPERATIONS, "address[]"], [[operation(leg)], []])
        receipt = self.box.send(
            NOBODY, self.executor, "on_rebalance(address,(address,uint256)[],bytes)", self.executor, [], data
        )
        (swap,) = (log for log in receipt["logs"] if log["address"].lower() == self.executor.lower())
        _, amount_out = decode(["uint256", "uint256"], bytes.fromhex(swap["data"][2:]))
        return int(amount_out)

    def clear(self, tokens: tuple[str, ...]) -> None:
        """Take out of the executor all that it holds of these."""
        for token in tokens:
            held = self.box.balance(token, self.executor)
            if held:
                self.box.send(self.executor, token, "transfer(address,uint256)", a.LP, held)


@pytest.fixture(scope="module")
def bench(rpc_url: str, project: Any, accounts: Any) -> Iterator[Bench]:
    box = Box(rpc_url)
    before = box.snapshot()
    executor = str(accounts[0].deploy(project.RouteExecutor, accounts[0], a.V3_FACTORY).address)
    box.fund(executor)
    box.fund(NOBODY)
    for found in VAULTS:
        asset, vault = found.tokens
        amount = box.balance(asset, a.LP) // 10
        box.send(a.LP, asset, "approve(address,uint256)", vault, amount)
        box.send(a.LP, vault, "deposit(uint256,address)", amount, a.LP)
    yield Bench(box, Client(rpc_url).connect(), executor)
    box.revert(before)


def random_amount(rng: random.Random, most: int) -> int:
    """Log-uniform from one base unit to `most`, or tiny."""
    return rng.randint(1, 12) if rng.random() < 0.2 else max(1, int(most ** rng.random()))


def at_landing(pool: ERC4626Pool) -> ERC4626Pool:
    """A vault that was read for the moment at which the transaction lands, for both directions."""
    return replace(pool, paying=pool.taking)


def test_erc4626__random_deposits_and_redemptions__pay_what_the_maths_says_to_the_wei(bench: Bench) -> None:
    rng, box = random.Random(7), bench.box
    done = {True: 0, False: 0}
    refused = 0
    while min(done.values()) < 105:
        found = rng.choice(VAULTS)
        deposits = rng.random() < 0.5
        sold, bought = found.tokens if deposits else found.tokens[::-1]
        amount = random_amount(rng, box.balance(sold, a.LP))
        box.give(sold, bench.executor, amount)
        lands = box.timestamp() + rng.randint(1, 3_600)
        pool = at_landing(bench.vault(found, lands))
        box.rpc("evm_setNextBlockTimestamp", lands)
        try:
            expected = pool.amount_out(sold, bought, amount)
        except InsufficientLiquidity:
            with pytest.raises(TransactionError):
                bench.run(pool, sold, bought)
            refused += 1
        else:
            assert bench.run(pool, sold, bought) == expected, (pool, sold, amount)
            done[deposits] += 1
        bench.clear(found.tokens)
    assert refused > 0


def test_erc4626__lands_before_the_last_moment__pays_no_less_and_hardly_more(bench: Bench) -> None:
    rng, box = random.Random(8), bench.box
    for _ in range(30):
        deposits = rng.random() < 0.5
        found = rng.choice(VAULTS)
        sold, bought = found.tokens if deposits else found.tokens[::-1]
        amount = box.balance(sold, a.LP) // rng.randint(10, 10**6)
        box.give(sold, bench.executor, amount)
        read_at = box.timestamp()
        pool = bench.vault(found, read_at + LATER)
        promised = pool.amount_out(sold, bought, amount)
        box.rpc("evm_setNextBlockTimestamp", read_at + rng.randint(1, LATER))
        paid = bench.run(pool, sold, bought)
        # Half a year's interest at 100 % would be a tenth of a millionth in three minutes.
        assert promised <= paid <= promised + promised // 10**6 + 1
        bench.clear(found.tokens)


def test_wsteth__random_wraps_and_unwraps_of_an_empty_executor__are_exact_to_the_wei(bench: Bench) -> None:
    rng, box = random.Random(9), bench.box
    pooled = box.call(STETH, "getTotalPooledEther()(uint256)")
    short = 0
    for turn in range(220):
        before = box.snapshot()
        # A rate of a whole number of ether per share, or any other.
        box.send(a.LP, STETH, "rebase(uint256)", rng.randint(pooled // 2, pooled * 2))
        pool = bench.wsteth()
        sold, bought = (STETH, WSTETH) if turn % 2 else (WSTETH, STETH)
        amount = random_amount(rng, box.balance(sold, a.LP) // 2)
        if sold == STETH:
            box.send(a.LP, STETH, "transferShares(address,uint256)", bench.executor, amount)
        else:
            box.give(WSTETH, bench.executor, amount)
        share = WAD if rng.random() < 0.5 else rng.randint(1, WAD)
        offered = box.balance(sold, bench.executor) * share // WAD
        if offered:
            assert box.call(STETH, "sharesOf(address)(uint256)", bench.executor) in {0, amount}
            expected = pool.amount_out(sold, bought, offered)
            assert bench.run(pool, sold, bought, share) == expected, (pool, sold, offered)
            short += sold == WSTETH and expected < pool.rate.to_assets_down(offered)
        box.revert(before)
    assert short > 20


def test_wsteth__executor_with_dust__measures_that_or_a_wei_more(bench: Bench) -> None:
    rng, box = random.Random(10), bench.box
    before = box.snapshot()
    box.send(a.LP, STETH, "rebase(uint256)", box.call(STETH, "getTotalPooledEther()(uint256)") + 12345678901234567)
    box.send(a.LP, STETH, "transferShares(address,uint256)", bench.executor, 1)
    more = 0
    for _ in range(30):
        box.give(WSTETH, bench.executor, random_amount(rng, 10**21))
        pool = bench.wsteth()
        promised = pool.amount_out(WSTETH, STETH, box.balance(WSTETH, bench.executor))
        extra = bench.run(pool, WSTETH, STETH) - promised
        assert extra in {0, 1}
        more += extra
        offered = box.balance(STETH, bench.executor)
        if offered:
            assert bench.run(pool, STETH, WSTETH) == pool.amount_out(STETH, WSTETH, offered)
    assert more > 0
    box.revert(before)
