"""V2 and V3 maths against the chain's own answers, to the wei: quotes, executed swaps, and the state they leave.

The pools are those of the devnet, with narrow positions strewn around the price of several so that swaps cross many
ticks, gaps in depth included. Sizes run from one base unit to beyond the nearest ranges.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from eth_abi import decode
from eth_account import Account

from devnet import addresses as a
from devnet.box import Box, calldata
from keeper.chain.pools import Priced, discover
from keeper.chain.rpc import Client
from keeper.errors import TransactionError
from keeper.markets import InsufficientLiquidity, SwapResult, UniswapV2Pool, UniswapV3Pool
from keeper.markets.pool import other_token
from keeper.settings import PoolSettings

TRADER = Account.from_key("0x" + "7e" * 32).address
FAR_FUTURE = 2**40
BATCH = 30
QUOTE_GAS = 2_000_000_000
AGGREGATE = "aggregate3((address,bool,bytes)[])((bool,bytes)[])"
EXACT_IN = "quoteExactInputSingle((address,address,uint256,uint24,uint160))"
EXACT_OUT = "quoteExactOutputSingle((address,address,uint256,uint24,uint160))"
MINT = "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"
PAIR_SWAP = "swap(uint256,uint256,address,bytes)"
SWAP = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"


class Market(NamedTuple):
    """A chain and the pools read from it."""

    box: Box
    v2: list[UniswapV2Pool]
    v3: list[UniswapV3Pool]


class Quote(NamedTuple):
    """A swap that the maths answered, still to be compared with the chain."""

    pool: UniswapV3Pool
    token_in: str
    amount: int
    result: SwapResult


@pytest.fixture(scope="module")
def market(rpc_url: str) -> Iterator[Market]:
    box = Box(rpc_url)
    before = box.snapshot()
    rng = random.Random(3)
    box.fund(TRADER)
    for pool in read(box).v3:
        strew_positions(box, pool, rng)
    yield read(box)
    box.revert(before)


def read(box: Box) -> Market:
    client = Client(box.url).connect()
    settings = PoolSettings(min_depth_usd=0, v3_range_bps=9_000)
    tokens = {t.address: Priced(int(t.price * 10**18), t.decimals) for t in a.TOKENS.values()}
    pools = discover(client, tokens, settings, client.head(), a.MULTICALL3)
    return Market(
        box,
        [pool for pool in pools if isinstance(pool, UniswapV2Pool)],
        [pool for pool in pools if isinstance(pool, UniswapV3Pool)],
    )


def strew_positions(box: Box, pool: UniswapV3Pool, rng: random.Random) -> None:
    """Six positions within forty spacings of the price, each with up to a tenth of what the trader holds."""
    for token in pool.tokens:
        box.give(token, TRADER, box.balance(token, a.LP) // 100)
        box.send(TRADER, token, "approve(address,uint256)", a.V3_POSITION_MANAGER, 0)
        box.send(TRADER, token, "approve(address,uint256)", a.V3_POSITION_MANAGER, box.balance(token, TRADER))
    for _ in range(6):
        lower = (pool.tick // pool.tick_spacing + rng.randint(-40, 39)) * pool.tick_spacing
        upper = lower + rng.randint(1, 40) * pool.tick_spacing
        budgets = [box.balance(token, TRADER) // 10 for token in pool.tokens]
        position = (*pool.tokens, pool.fee, lower, upper, *budgets, 0, 0, TRADER, FAR_FUTURE)
        box.send(TRADER, a.V3_POSITION_MANAGER, MINT, position)


def ask(box: Box, calls: list[tuple[str, bytes]]) -> list[tuple[bool, bytes]]:
    """What each call returns, many in one eth_call."""
    answers: list[tuple[bool, bytes]] = []
    for start in range(0, len(calls), BATCH):
        batch = [(to, True, data) for to, data in calls[start : start + BATCH]]
        request = {"to": a.MULTICALL3, "data": "0x" + calldata(AGGREGATE, batch).hex(), "gas": hex(QUOTE_GAS)}
        (results,) = decode(["(bool,bytes)[]"], bytes.fromhex(box.rpc("eth_call", request, "latest")[2:]))
        answers.extend(results)
    return answers


def random_amount(rng: random.Random, most: int) -> int:
    """Log-uniform from one base unit to `most`."""
    return max(1, int(most ** rng.random()))


def reach(pool: UniswapV3Pool, token_in: str, stretches: int, *, exact_in: bool) -> int:
    """Base units that the nearest stretches take, or pay."""
    curve = pool.price_curve(token_in, other_token(pool.tokens, token_in))
    assert curve is not None
    low, high = (curve.low, curve.high) if exact_in else (1 / curve.high, 1 / curve.low)
    return int((curve.liquidity * (high - low))[:stretches].sum())


def exact_quotes(pools: list[UniswapV3Pool], count: int, seed: int, *, exact_in: bool) -> Iterator[Quote]:
    """`count` random swaps that the loaded ticks can carry, as the maths answers them."""
    rng = random.Random(seed)
    made = 0
    while made < count:
        pool = rng.choice(pools)
        token_in = rng.choice(pool.tokens)
        zero_for_one = token_in == pool.token0
        most = reach(pool, token_in, rng.randint(1, 12), exact_in=exact_in)
        amount = random_amount(rng, most) if rng.random() < 0.25 else rng.randint(1, most)
        try:
            result = pool.simulate(zero_for_one, amount if exact_in else -amount)
        except InsufficientLiquidity:
            continue
        if (result.amount_in if exact_in else result.amount_out) == amount:
            made += 1
            yield Quote(pool, token_in, amount, result)


@pytest.mark.parametrize(("exact_in", "count", "seed"), [(True, 2_000, 1), (False, 1_000, 2)])
def test_v3_quotes__random_swaps_over_many_ticks__equal_the_quoter_to_the_wei(
    market: Market, exact_in: bool, count: int, seed: int
) -> None:
    quotes = list(exact_quotes(market.v3, count, seed, exact_in=exact_in))
    function = EXACT_IN if exact_in else EXACT_OUT
    calls = [
        (
            a.V3_QUOTER_V2,
            calldata(function, (q.token_in, other_token(q.pool.tokens, q.token_in), q.amount, q.pool.fee, 0)),
        )
        for q in quotes
    ]
    for quote, (success, data) in zip(quotes, ask(market.box, calls), strict=True):
        assert success, quote
        amount, price, crossed, _ = decode(["uint256", "uint160", "uint32", "uint256"], data)
        result = quote.result
        ours = result.amount_out if exact_in else result.amount_in
        assert (ours, result.sqrt_price_x96) == (amount, price), quote
        # The quoter's count may include the initialised tick just below the lower end, which the swap did not cross.
        assert abs(crossed - result.ticks_crossed) <= 1, quote
    assert {q.pool.address for q in quotes} == {pool.address for pool in market.v3}
    assert sum(q.result.ticks_crossed > 0 for q in quotes) >= count // 2
    assert sum(q.result.ticks_crossed > 4 for q in quotes) >= count // 10


def test_v2_quotes__random_swaps__equal_the_router_to_the_wei(market: Market) -> None:
    rng = random.Random(4)
    calls, ours = [], []
    for _ in range(600):
        pool = rng.choice(market.v2)
        token_in = rng.choice(pool.tokens)
        path = [token_in, other_token(pool.tokens, token_in)]
        reserve_in, reserve_out = sorted(
            (pool.reserve0, pool.reserve1), key=lambda r: (r == pool.reserve0) != (token_in == pool.token0)
        )
        amount = random_amount(rng, reserve_in * 100)
        calls.append((a.V2_ROUTER, calldata("getAmountsOut(uint256,address[])", amount, path)))
        ours.append([amount, pool.amount_out(*path, amount)])
        wanted = min(random_amount(rng, reserve_out), reserve_out - 1)
        try:
            asked = pool.amount_in(*path, wanted)
        except InsufficientLiquidity:
            continue
        calls.append((a.V2_ROUTER, calldata("getAmountsIn(uint256,address[])", wanted, path)))
        ours.append([asked, wanted])
    assert len(ours) > 1_000
    for expected, (success, data) in zip(ours, ask(market.box, calls), strict=True):
        assert success
        assert list(decode(["uint256[]"], data)[0]) == expected


def test_v3_swaps__executed_one_after_the_other__leave_the_state_that_the_maths_says(market: Market) -> None:
    box, rng = market.box, random.Random(5)
    before = box.snapshot()
    crossed = 0
    for start in rng.sample(market.v3, 6):
        pool = start
        for token_in in (pool.token0, pool.token1, pool.token1):
            have = box.balance(token_in, a.LP)
            amount = min(have, rng.randint(1, reach(pool, token_in, 3, exact_in=True)))
            result = pool.simulate(token_in == pool.token0, amount)
            out, pool = pool.swap(token_in, other_token(pool.tokens, token_in), amount)
            crossed += result.ticks_crossed

            box.give(token_in, TRADER, amount)
            box.send(TRADER, token_in, "approve(address,uint256)", a.V3_ROUTER, 0)
            box.send(TRADER, token_in, "approve(address,uint256)", a.V3_ROUTER, amount)
            held = box.balance(other_token(pool.tokens, token_in), TRADER)
            order = (token_in, other_token(pool.tokens, token_in), pool.fee, TRADER, FAR_FUTURE, amount, 0, 0)
            box.send(TRADER, a.V3_ROUTER, SWAP, order)

            assert box.balance(other_token(pool.tokens, token_in), TRADER) - held == out
            price, tick, *_ = box.call(pool.address, "slot0()(uint160,int24,uint16,uint16,uint16,uint8,bool)")
            liquidity = box.call(pool.address, "liquidity()(uint128)")
            assert (pool.sqrt_price_x96, pool.tick, pool.liquidity) == (price, tick, liquidity)
    box.revert(before)
    assert crossed > 6


def test_v2_swaps__executed_one_after_the_other__leave_the_state_that_the_maths_says(market: Market) -> None:
    box, rng = market.box, random.Random(6)
    before = box.snapshot()
    for start in rng.sample(market.v2, 4):
        pool = start
        for token_in in (pool.token0, pool.token1):
            amount = rng.randint(1, box.balance(token_in, pool.address) // 3)
            out, pool = pool.swap(token_in, other_token(pool.tokens, token_in), amount)
            box.give(token_in, pool.address, amount)
            amounts = (0, out) if token_in == pool.token0 else (out, 0)
            # The pair's own check of the product refuses a unit more, so this pins the output from both sides.
            more = tuple(amount + 1 if amount else 0 for amount in amounts)
            with pytest.raises(TransactionError, match="UniswapV2: K"):
                box.send(TRADER, pool.address, PAIR_SWAP, *more, TRADER, b"")
            box.send(TRADER, pool.address, PAIR_SWAP, *amounts, TRADER, b"")
            assert box.call(pool.address, "getReserves()(uint112,uint112,uint32)")[:2] == (pool.reserve0, pool.reserve1)
    box.revert(before)
