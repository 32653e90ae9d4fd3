"""Curve's maths against the pool's own bytecode, to the wei: what swaps pay, and the balances they leave.

The pool is the devnet's sUSD pool. It is asked through Multicall3, which is given coins to swap: in one eth_call it swaps
and reads its balance before and after, so that thousands of swaps leave no trace.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations

import pytest
from eth_abi import decode

from devnet import addresses as a
from devnet.box import Box, calldata
from keeper.chain.pools.curve import read_curve
from keeper.chain.rpc import Client
from keeper.markets import InsufficientLiquidity
from keeper.markets.curve_stable import LENDING, CurveStablePool

AGGREGATE = "aggregate3((address,bool,bytes)[])((bool,bytes)[])"
EXCHANGE = "exchange(int128,int128,uint256,uint256)"
MAX_UINT = 2**256 - 1
COINS = 4
GAS = 2_000_000_000


@pytest.fixture(scope="module")
def box(rpc_url: str) -> Iterator[Box]:
    box = Box(rpc_url)
    before = box.snapshot()
    box.fund(a.MULTICALL3)
    for coin in coins():
        box.give(coin, a.MULTICALL3, box.balance(coin, a.CURVE_SUSD_POOL))
        box.send(a.MULTICALL3, coin, "approve(address,uint256)", a.CURVE_SUSD_POOL, MAX_UINT)
    yield box
    box.revert(before)


@pytest.fixture
def undone(box: Box) -> Iterator[Box]:
    before = box.snapshot()
    yield box
    box.revert(before)


def coins() -> list[str]:
    return [a.TOKENS[symbol].address for symbol in a.CURVE_SUSD_COINS]


def read(box: Box) -> CurveStablePool:
    client = Client(box.url).connect()
    (pool,) = read_curve(client, [a.CURVE_SUSD_POOL], client.head(), a.MULTICALL3)
    return pool


def ask(box: Box, calls: Sequence[tuple[str, bytes]]) -> list[tuple[bool, bytes]]:
    """What each call returns to Multicall3, one after the other in one eth_call."""
    data = calldata(AGGREGATE, [(to, True, inner) for to, inner in calls])
    request = {"to": a.MULTICALL3, "data": "0x" + data.hex(), "gas": hex(GAS)}
    (answers,) = decode(["(bool,bytes)[]"], bytes.fromhex(box.rpc("eth_call", request, "latest")[2:]))
    return list(answers)


def swapped(box: Box, swaps: Sequence[tuple[int, int, int]]) -> list[tuple[int | None, list[int]]]:
    """What each swap pays, None for a revert, and the pool's balances after it; the swaps are one after the other."""
    reads = [(coin, calldata("balanceOf(address)", a.MULTICALL3)) for coin in coins()]
    reads += [(a.CURVE_SUSD_POOL, calldata("balances(int128)", k)) for k in range(COINS)]
    calls = list(reads)
    for i, j, amount in swaps:
        calls += [(a.CURVE_SUSD_POOL, calldata(EXCHANGE, i, j, amount, 0)), *reads]
    answers = ask(box, calls)
    rounds = [answers[at : at + len(reads)] for at in range(0, len(answers), len(reads) + 1)]
    held = [[int.from_bytes(data) for _, data in each] for each in rounds]
    done = [answers[at][0] for at in range(len(reads), len(answers), len(reads) + 1)]
    return [
        (after[j] - before[j] if success else None, after[COINS:])
        for (_, j, _), success, (before, after) in zip(swaps, done, pairwise(held), strict=True)
    ]


def random_amount(rng: random.Random, most: int) -> int:
    """Log-uniform from one base unit to `most`, or any of it."""
    return max(1, int(most ** rng.random())) if rng.random() < 0.5 else rng.randint(1, most)


def expected(pool: CurveStablePool, i: int, j: int, amount: int) -> tuple[int | None, CurveStablePool]:
    try:
        return pool.swap(pool.tokens[i], pool.tokens[j], amount)
    except InsufficientLiquidity:
        return None, pool


def unbalance(box: Box, rng: random.Random) -> None:
    """Swaps of up to nearly all of a balance, by the trader."""
    for i, j in rng.sample(list(permutations(range(COINS), 2)), 3):
        amount = rng.randint(1, box.balance(coins()[i], a.MULTICALL3) * 9 // 10)
        box.send(a.MULTICALL3, a.CURVE_SUSD_POOL, EXCHANGE, i, j, amount, 0)


def set_fees(box: Box, amplification: int, fee: int, admin_fee: int) -> None:
    """By the owner, after the pool's delay."""
    owner = box.call(a.CURVE_SUSD_POOL, "owner()(address)")
    box.fund(owner)
    signature = "commit_new_parameters(uint256,uint256,uint256)"
    box.send(owner, a.CURVE_SUSD_POOL, signature, amplification, fee, admin_fee)
    box.rpc("evm_increaseTime", 3 * 86_400 + 1)
    box.rpc("evm_mine")
    box.send(owner, a.CURVE_SUSD_POOL, "apply_new_parameters()")


def test_read_curve__the_susd_pool__is_an_old_pool_as_deployed(box: Box) -> None:
    pool = read(box)
    assert pool.generation == LENDING
    assert pool.tokens == tuple(coins())
    assert pool.rates == (10**18, 10**30, 10**30, 10**18)
    assert (pool.amplification, pool.pool_fee, pool.admin_fee) == (100, 4_000_000, 0)
    assert list(pool.balances) == [box.call(a.CURVE_SUSD_POOL, "balances(int128)(uint256)", k) for k in range(COINS)]


def test_read_curve__what_is_no_pool__is_left_out(box: Box) -> None:
    client = Client(box.url).connect()
    others = [a.CURVE_SUSD_LP, a.V2_ROUTER, "0x" + "11" * 20]
    assert read_curve(client, others, client.head(), a.MULTICALL3) == []
    pools = read_curve(client, [a.CURVE_SUSD_LP, a.CURVE_SUSD_POOL], client.head(), a.MULTICALL3)
    assert [pool.address for pool in pools] == [a.CURVE_SUSD_POOL]


@pytest.mark.parametrize(("seed", "moved"), [(1, False), (2, True), (3, True)])
def test_swaps__each_alone__pay_what_the_maths_says(undone: Box, seed: int, moved: bool) -> None:
    rng = random.Random(seed)
    if moved:
        unbalance(undone, rng)
        set_fees(undone, rng.randint(1, 10_000), rng.randint(1, 5 * 10**9), rng.randint(1, 5 * 10**9))
    pool = read(undone)
    paid = 0
    for number, (i, j) in enumerate(list(permutations(range(COINS), 2)) * 20):
        amount = 1 + number // 12 if number < 36 else random_amount(rng, pool.balances[i])
        amount = min(amount, undone.balance(pool.tokens[i], a.MULTICALL3))
        [(out, balances)] = swapped(undone, [(i, j, amount)])
        ours, after = expected(pool, i, j, amount)
        assert (out, balances) == (ours, list(after.balances)), (pool, i, j, amount)
        paid += bool(out)
    assert paid > 200


@pytest.mark.parametrize(("seed", "moved"), [(4, False), (5, True)])
def test_swaps__many_in_a_row__leave_the_balances_that_the_maths_says(undone: Box, seed: int, moved: bool) -> None:
    rng = random.Random(seed)
    if moved:
        set_fees(undone, 37, 123_456_789, 5 * 10**9)
    for _ in range(5):
        pool = read(undone)
        swaps, ours = [], []
        for _ in range(12):
            i, j = rng.sample(range(COINS), 2)
            amount = random_amount(rng, min(pool.balances[i], undone.balance(pool.tokens[i], a.MULTICALL3)) // 12)
            out, pool = expected(pool, i, j, amount)
            swaps.append((i, j, amount))
            ours.append((out, list(pool.balances)))
        assert swapped(undone, swaps) == ours


def test_swaps__executed_one_after_the_other__leave_the_state_that_the_maths_says(undone: Box) -> None:
    rng, pool = random.Random(6), read(undone)
    for _ in range(6):
        i, j = rng.sample(range(COINS), 2)
        amount = rng.randint(1, undone.balance(pool.tokens[i], a.MULTICALL3) // 2)
        held = undone.balance(pool.tokens[j], a.MULTICALL3)
        undone.send(a.MULTICALL3, a.CURVE_SUSD_POOL, EXCHANGE, i, j, amount, 0)
        out, pool = pool.swap(pool.tokens[i], pool.tokens[j], amount)
        assert undone.balance(pool.tokens[j], a.MULTICALL3) - held == out
        assert read(undone) == pool


def test_amount_in__any_amount_wanted__is_the_least_that_the_chain_pays_it_for(undone: Box) -> None:
    rng = random.Random(7)
    unbalance(undone, rng)
    pool = read(undone)
    for i, j in list(permutations(range(COINS), 2)) * 8:
        held = undone.balance(pool.tokens[i], a.MULTICALL3)
        most = expected(pool, i, j, held)[0]
        assert most is not None
        wanted = random_amount(rng, most)
        amount = pool.amount_in(pool.tokens[i], pool.tokens[j], wanted)
        [(out, _)] = swapped(undone, [(i, j, amount)])
        assert out is not None and out >= wanted
        if amount > 1:
            [(less, _)] = swapped(undone, [(i, j, amount - 1)])
            assert less is None or less < wanted
