"""Balancer V2 maths against the chain's own answers, to the wei: quotes, executed swaps, and the balances they leave.

The pools are the devnet's six, read as the keeper reads them, and some that factories of 2022 and 2023 create, from the
same releases. Sizes run from one base unit to the largest that a pool takes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from statistics import median
from typing import NamedTuple

import pytest
from eth_abi import decode, encode
from eth_account import Account
from eth_utils import keccak, to_checksum_address

from devnet import addresses as a
from devnet import packages
from devnet.box import Box, calldata
from devnet.deployer import Deployer
from keeper.chain.pools.balancer import read_stable, read_weighted
from keeper.chain.rpc import Client
from keeper.errors import TransactionError
from keeper.markets import BalancerStablePool, BalancerWeightedPool, InsufficientLiquidity
from keeper.markets.balancer_pool import MAX_BALANCE, BalancerPool

TRADER = Account.from_key("0x" + "7e" * 32).address
FAR_FUTURE = 2**40
BATCH = 60
QUOTE_GAS = 2_000_000_000
TRANSACTION_GAS = 21_000
DAY = 86_400
GIVEN_IN, GIVEN_OUT = 0, 1
MAX_IN_RATIO, MAX_OUT_RATIO, SUB_OVERFLOW = "BAL#304", "BAL#305", "BAL#001"
AGGREGATE = "aggregate3((address,bool,bytes)[])((bool,bytes)[])"
QUERY = (
    "queryBatchSwap(uint8,(bytes32,uint256,uint256,uint256,bytes)[],address[],(address,bool,address,bool))(int256[])"
)
SWAP = "swap((bytes32,uint8,address,address,uint256,bytes),(address,bool,address,bool),uint256,uint256)"
POOL_TOKENS = "getPoolTokens(bytes32)(address[],uint256[],uint256)"
JOIN = "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))"
RATES = "getPriceRateCache(address)(uint256,uint256,uint256)"
AMPLIFICATION = "getAmplificationParameter()(uint256,bool,uint256)"
STABLE, META_STABLE = a.BALANCER_POOLS[4], a.BALANCER_POOLS[5]
WEIGHTED = a.BALANCER_POOLS[:4]
STETH = a.TOKENS["stETH"].address

TASKS = "dist/tasks/"
FEE_PROVIDER = TASKS + "20220725-protocol-fee-percentages-provider/artifact/ProtocolFeePercentagesProvider.json"
LATER_WEIGHTED = TASKS + "20220908-weighted-pool-v2/artifact/WeightedPoolFactory.json"
LATEST_WEIGHTED = TASKS + "20230206-weighted-pool-v3/artifact/WeightedPoolFactory.json"
LATER_STABLE = TASKS + "20220609-stable-pool-v2/artifact/StablePoolFactory.json"
# Exponents of 1/4, 1/2, 1, 2, 4, 3/4, 4/3 and what is between.
LATER_WEIGHTS = (("WBTC", 50, "WETH", 50), ("DAI", 20, "WETH", 80), ("DAI", 10, "USDC", 20, "WETH", 40, "USDT", 30))

# Scaled units, not far above the million pool tokens that the first join has to leave.
DUST = {"DAI": 3_000_017, "WETH": 5_000_003, "BAL": 2_000_039}


class Quote(NamedTuple):
    """A swap that the maths answered, still to be compared with the chain; amounts in base units."""

    pool: BalancerPool
    kind: int
    i: int
    j: int
    amount: int
    answer: int | None


@pytest.fixture(scope="module")
def box(rpc_url: str) -> Iterator[Box]:
    box = Box(rpc_url)
    before = box.snapshot()
    box.fund(TRADER)
    yield box
    box.revert(before)


@pytest.fixture
def undone(box: Box) -> Iterator[Box]:
    before = box.snapshot()
    yield box
    box.revert(before)


@pytest.fixture(scope="module")
def pools(box: Box) -> list[BalancerPool]:
    return read(box, [pool.address for pool in a.BALANCER_POOLS])


@pytest.fixture(scope="module")
def later(box: Box) -> list[BalancerPool]:
    """Pools by the factories of 2022 and 2023."""
    code = {
        path: bytes.fromhex(json.loads(raw)["bytecode"][2:])
        for path, raw in packages.read(
            packages.BALANCER, [FEE_PROVIDER, LATER_WEIGHTED, LATEST_WEIGHTED, LATER_STABLE]
        ).items()
    }
    deployer = Deployer(box, {})

    def put(path: str, types: Sequence[str], *arguments: object) -> str:
        return deployer.anywhere(code[path] + encode(types, arguments))

    half = 5 * 10**17
    fees = put(FEE_PROVIDER, ["address", "uint256", "uint256"], a.BALANCER_VAULT, half, half)
    weighted = put(LATER_WEIGHTED, ["address", "address"], a.BALANCER_VAULT, fees)
    latest = put(LATEST_WEIGHTED, ["address", "address", "string", "string"], a.BALANCER_VAULT, fees, "", "")
    stable = put(LATER_STABLE, ["address"], a.BALANCER_VAULT)

    box.fund(a.LP)
    made = []
    for factory in (weighted, latest):
        create = "create(string,string,address[],uint256[],address[],uint256,address)"
        for shares in LATER_WEIGHTS:
            weight = dict(zip(shares[::2], shares[1::2], strict=True))
            symbols = in_order(weight)
            weights = [weight[symbol] * 10**16 for symbol in symbols]
            rates = [a.ZERO] * len(symbols)
            arguments = ("", "", tokens_of(symbols), weights, rates, 2 * 10**15, a.LP)
            amounts = [a.TOKENS[symbol].units(80_000 * weight[symbol]) for symbol in symbols]
            made.append(created(box, factory, create, arguments, symbols, amounts))
    symbols = in_order(STABLE.tokens)
    dollars = dict(zip(symbols, (10_000_000, 16_000_000, 4_000_000), strict=True))
    made.append(
        created_stable(box, stable, 300, {symbol: a.TOKENS[symbol].units(dollars[symbol]) for symbol in symbols})
    )
    made.append(created_stable(box, stable, 300, {"DAI": 9 * 10**18, "USDC": 700 * 10**6}))
    made.append(created_stable(box, stable, 2, DUST))
    return read(box, made)


@pytest.fixture(scope="module")
def dusty(box: Box) -> list[BalancerPool]:
    """Pools by the factory of 2021 of so little that each rounding of the invariant shows."""
    factory = a.BALANCER_FACTORIES["BalancerStableFactory"]
    return read(box, [created_stable(box, factory, amplification, DUST) for amplification in (1, 7, 600)])


def read(box: Box, addresses: Sequence[str], minutes: int = 1) -> list[BalancerPool]:
    """What the keeper reads, for swaps within so many minutes."""
    client = Client(box.url).connect()
    block = client.head()
    until = block.timestamp + 60 * minutes
    return [
        *read_weighted(client, addresses, a.BALANCER_VAULT, block, a.MULTICALL3),
        *read_stable(client, addresses, a.BALANCER_VAULT, block, a.MULTICALL3, until),
    ]


def in_order(symbols: Mapping[str, int] | Sequence[str]) -> list[str]:
    return sorted(symbols, key=lambda symbol: int(a.TOKENS[symbol].address, 16))


def tokens_of(symbols: Sequence[str]) -> list[str]:
    return [a.TOKENS[symbol].address for symbol in symbols]


def created(
    box: Box, factory: str, create: str, arguments: tuple[object, ...], symbols: Sequence[str], amounts: list[int]
) -> str:
    """The address of a pool that holds these base units."""
    receipt = box.send(a.LP, factory, create, *arguments)
    topics = [log["topics"] for log in receipt["logs"] if to_checksum_address(log["address"]) == factory]
    pool = to_checksum_address(topics[-1][1][-40:])
    first_join = encode(["uint256", "uint256[]"], [0, amounts])
    request = (tokens_of(symbols), amounts, first_join, False)
    box.send(a.LP, a.BALANCER_VAULT, JOIN, pool_id(box, pool), a.LP, a.LP, request)
    return pool


def created_stable(box: Box, factory: str, amplification: int, amounts: Mapping[str, int]) -> str:
    symbols, create = in_order(amounts), "create(string,string,address[],uint256,uint256,address)"
    arguments = ("", "", tokens_of(symbols), amplification, 10**15, a.LP)
    return created(box, factory, create, arguments, symbols, [amounts[symbol] for symbol in symbols])


@cache
def pool_id(box: Box, pool: str) -> bytes:
    return bytes(box.call(pool, "getPoolId()(bytes32)"))


def balances(box: Box, pool: BalancerPool) -> tuple[int, ...]:
    return tuple(box.call(a.BALANCER_VAULT, POOL_TOKENS, pool_id(box, pool.address))[1])


def random_amount(rng: random.Random, most: int) -> int:
    """Log-uniform or uniform from one base unit to `most`."""
    return max(1, int(most ** rng.random())) if rng.random() < 0.4 else rng.randint(1, most)


def quotes(pools: Sequence[BalancerPool], count: int, seed: int) -> Iterator[Quote]:
    """`count` random swaps, given in and given out in turn, some of them more than a pool takes."""
    rng = random.Random(seed)
    for number in range(count):
        pool = pools[number // 2 % len(pools)]
        i, j = rng.sample(range(len(pool.tokens)), 2)
        # Weighted pools take and give 30 %, stable ones all but the last.
        share = 31 if isinstance(pool, BalancerWeightedPool) else 100
        kind = number % 2
        amount = random_amount(rng, pool.balances[i if kind == GIVEN_IN else j] * share // 100)
        yield Quote(pool, kind, i, j, amount, answer(pool, kind, i, j, amount))


def answer(pool: BalancerPool, kind: int, i: int, j: int, amount: int) -> int | None:
    """The maths' word for what the chain says, None for a refusal."""
    if kind == GIVEN_IN:
        try:
            return pool.amount_out(pool.tokens[i], pool.tokens[j], amount)
        except InsufficientLiquidity:
            return None
    asked = pool._asked(i, j, amount)
    # The chain has no bound but its word on what it asks for.
    return None if asked is None or asked + pool.balances[i] > MAX_BALANCE else asked


def query(box: Box, pool: BalancerPool, kind: int, swaps: Sequence[tuple[int, int, int]]) -> bytes:
    """Calldata that asks the Vault for swaps of one pool in a row, each (i, j, amount)."""
    named = pool_id(box, pool.address)
    steps = [(named, *swap, b"") for swap in swaps]
    return calldata(QUERY, kind, steps, pool.tokens, (a.ZERO, False, a.ZERO, False))


def aggregate(box: Box, queries: Sequence[bytes]) -> list[tuple[bool, bytes]]:
    """What the Vault says, many in one eth_call."""
    said: list[tuple[bool, bytes]] = []
    for start in range(0, len(queries), BATCH):
        calls = [(a.BALANCER_VAULT, True, data) for data in queries[start : start + BATCH]]
        request = {"to": a.MULTICALL3, "data": "0x" + calldata(AGGREGATE, calls).hex(), "gas": hex(QUOTE_GAS)}
        said += decode(["(bool,bytes)[]"], bytes.fromhex(box.rpc("eth_call", request, "latest")[2:]))[0]
    return said


def ask(box: Box, asked: Sequence[Quote]) -> list[int | None]:
    """The Vault's answers; None where it refuses."""
    said: list[int | None] = []
    queries = [query(box, q.pool, q.kind, [(q.i, q.j, q.amount)]) for q in asked]
    for quote, (success, data) in zip(asked, aggregate(box, queries), strict=True):
        (deltas,) = decode(["int256[]"], data) if success else (None,)
        said.append(None if deltas is None else deltas[quote.i] if quote.kind else -deltas[quote.j])
    return said


def compare(box: Box, asked: Sequence[Quote]) -> None:
    for quote, chain in zip(asked, ask(box, asked), strict=True):
        assert quote.answer == chain, quote


def grant(box: Box, contract: str, signature: str) -> None:
    """Let Balancer's admin call the function."""
    action = box.call(contract, "getActionId(bytes4)(bytes32)", keccak(text=signature)[:4])
    box.send(a.BALANCER_ADMIN, a.BALANCER_AUTHORIZER, "grantRole(bytes32,address)", action, a.BALANCER_ADMIN)


def rebase(box: Box, share: int) -> None:
    """Raise the stETH behind each wstETH by one part in `share`."""
    pooled = box.call(STETH, "getTotalPooledEther()(uint256)")
    box.send(a.LP, STETH, "rebase(uint256)", pooled + pooled // share)


def wsteth_scaling(pools: Sequence[BalancerPool]) -> list[int]:
    wsteth = a.TOKENS["wstETH"].address
    return [pool.scaling_factors[pool.tokens.index(wsteth)] for pool in pools]


def test_quotes__random_swaps_over_all_pools__equal_the_vault_to_the_wei(box: Box, pools: list[BalancerPool]) -> None:
    assert {pool.address for pool in pools} == {pool.address for pool in a.BALANCER_POOLS}
    asked = list(quotes(pools, 1_800, 1))
    compare(box, asked)
    for kind in (GIVEN_IN, GIVEN_OUT):
        answered = [quote for quote in asked if quote.kind == kind and quote.answer is not None]
        assert len(answered) > 800
        assert {quote.pool.address for quote in answered} == {pool.address for pool in pools}


def test_quotes__later_generations__equal_the_vault_to_the_wei(box: Box, later: list[BalancerPool]) -> None:
    assert len(later) == 2 * len(LATER_WEIGHTS) + 3
    compare(box, list(quotes(later, 1_200, 2)))


@pytest.mark.parametrize("kind", [GIVEN_IN, GIVEN_OUT])
def test_quotes__several_swaps_of_one_pool_in_a_row__move_the_balances_as_the_vault_does(
    box: Box, pools: list[BalancerPool], dusty: list[BalancerPool], later: list[BalancerPool], kind: int
) -> None:
    assert len(dusty) == 3
    # The seeded stable pools are balanced, and their invariant is the sum then: swaps bring states in which it is not.
    rng = random.Random(10 + kind)
    asked, moved = [], []
    for start in 60 * (pools + dusty + later):
        pool = start
        swaps = []
        while len(swaps) < 4:
            i, j = rng.sample(range(len(pool.tokens)), 2)
            share = 5 if isinstance(pool, BalancerWeightedPool) else 2
            amount = random_amount(rng, pool.balances[i if kind == GIVEN_IN else j] // share)
            other = answer(pool, kind, i, j, amount)
            if other is not None:
                swaps.append((i, j, amount))
                paid, out = (amount, other) if kind == GIVEN_IN else (other, amount)
                held = list(pool.balances)
                held[i], held[j] = held[i] + paid, held[j] - out
                pool = replace(pool, balances=tuple(held))
        asked.append((start, swaps))
        moved.append([now - then for now, then in zip(pool.balances, start.balances, strict=True)])
    calls = [query(box, start, kind, swaps) for start, swaps in asked]
    for (success, data), deltas, context in zip(aggregate(box, calls), moved, asked, strict=True):
        assert success, context
        assert list(decode(["int256[]"], data)[0]) == deltas, context


def test_read__pools_of_either_generation__are_told_apart(
    pools: list[BalancerPool], dusty: list[BalancerPool], later: list[BalancerPool]
) -> None:
    assert {pool.generation for pool in pools + dusty} == {1}
    assert {pool.generation for pool in later} == {2}


@pytest.mark.parametrize("known", WEIGHTED, ids=lambda pool: "-".join(pool.tokens))
def test_quotes__weighted_pool_at_its_limits__refuses_one_more_as_the_vault_does(
    box: Box, pools: list[BalancerPool], known: a.BalancerPool
) -> None:
    pool = next(pool for pool in pools if pool.address == known.address)
    for i, j in ((0, 1), (1, 0)):
        most = pool._most_in(i)
        last = Quote(pool, GIVEN_IN, i, j, most, answer(pool, GIVEN_IN, i, j, most))
        beyond = Quote(pool, GIVEN_IN, i, j, most + 1, answer(pool, GIVEN_IN, i, j, most + 1))
        assert last.answer is not None
        assert beyond.answer is None
        compare(box, [last, beyond])
        assert refusal(box, beyond) == MAX_IN_RATIO
        out = pool.balances[j] * 3 // 10
        given = [
            Quote(pool, GIVEN_OUT, i, j, amount, answer(pool, GIVEN_OUT, i, j, amount)) for amount in (out, out + 1)
        ]
        assert given[0].answer is not None
        assert given[1].answer is None
        compare(box, given)
        assert refusal(box, given[1]) == MAX_OUT_RATIO


def test_quotes__stable_pool_at_its_limits__refuses_as_the_vault_does(box: Box, pools: list[BalancerPool]) -> None:
    refused = set()
    for pool in pools:
        if not isinstance(pool, BalancerStablePool):
            continue
        sizes = [*range(1, 40), *(10**k for k in range(2, 34)), MAX_BALANCE - pool.balances[0]]
        asked = [Quote(pool, GIVEN_IN, 0, 1, size, answer(pool, GIVEN_IN, 0, 1, size)) for size in sizes]
        last = [pool.balances[1] - left for left in (0, 1, 2, 10, 1_000)]
        asked += [Quote(pool, GIVEN_OUT, 0, 1, size, answer(pool, GIVEN_OUT, 0, 1, size)) for size in last]
        compare(box, asked)
        refused |= {(quote.kind, refusal(box, quote)) for quote in asked if quote.answer is None}
    assert (GIVEN_IN, SUB_OVERFLOW) in refused
    assert {kind for kind, _ in refused} == {GIVEN_IN, GIVEN_OUT}


def refusal(box: Box, quote: Quote) -> str:
    """The Vault's reason."""
    data = query(box, quote.pool, quote.kind, [(quote.i, quote.j, quote.amount)])
    with pytest.raises(TransactionError) as caught:
        box.rpc("eth_call", {"to": a.BALANCER_VAULT, "data": "0x" + data.hex()}, "latest")
    return str(caught.value).rpartition(" ")[2]


def test_amount_in__random_wants__buys_them_for_the_least_that_the_vault_takes(
    box: Box, pools: list[BalancerPool], later: list[BalancerPool]
) -> None:
    rng = random.Random(4)
    asked, wanted = [], []
    for pool in pools + later:
        for _ in range(12):
            i, j = rng.sample(range(len(pool.tokens)), 2)
            token_in, token_out = pool.tokens[i], pool.tokens[j]
            want = random_amount(rng, pool.amount_out(token_in, token_out, pool.balances[i] // 4))
            amount = pool.amount_in(token_in, token_out, want)
            asked.append(Quote(pool, GIVEN_IN, i, j, amount, answer(pool, GIVEN_IN, i, j, amount)))
            wanted.append((Quote(pool, GIVEN_OUT, i, j, want, None), amount))
    compare(box, asked)
    exact = ask(box, [quote for quote, _ in wanted])
    assert all(chain >= quote.amount for chain, (quote, _) in zip(ask(box, asked), wanted, strict=True))
    # It is the chain's own answer where that buys as much, more where the chain asks too little or refuses to say.
    named = [(amount, chain) for chain, (_, amount) in zip(exact, wanted, strict=True) if chain is not None]
    assert all(amount >= chain for amount, chain in named)
    assert len(wanted) // 4 < sum(amount == chain for amount, chain in named) < len(named) < len(wanted)


def test_swaps__executed_one_after_the_other__leave_the_balances_that_the_maths_says(
    undone: Box, pools: list[BalancerPool], later: list[BalancerPool]
) -> None:
    box, rng = undone, random.Random(5)
    collector = a.BALANCER_FEES_COLLECTOR
    grant(box, collector, "setSwapFeePercentage(uint256)")
    box.send(a.BALANCER_ADMIN, collector, "setSwapFeePercentage(uint256)", 5 * 10**17)
    gas: dict[type, list[int]] = {BalancerWeightedPool: [], BalancerStablePool: []}
    for start in pools + later:
        pool = start
        for _ in range(8):
            i, j = rng.sample(range(len(pool.tokens)), 2)
            amount = random_amount(rng, pool.balances[i] // 4)
            try:
                out, pool = pool.swap(pool.tokens[i], pool.tokens[j], amount)
            except InsufficientLiquidity:
                continue
            received, used = swapped(box, pool, pool.tokens[i], pool.tokens[j], amount)
            assert received == out
            assert balances(box, pool) == pool.balances
            gas[type(pool)].append(used - TRANSACTION_GAS)
    for pool in (pools[0], pools[-1]):
        assert 0.8 < pool.swap_gas / median(gas[type(pool)]) < 1.2


def swapped(box: Box, pool: BalancerPool, token_in: str, token_out: str, amount: int) -> tuple[int, int]:
    """What the trader receives for exactly `amount`, and the gas that it takes."""
    box.give(token_in, TRADER, amount)
    box.send(TRADER, token_in, "approve(address,uint256)", a.BALANCER_VAULT, 0)
    box.send(TRADER, token_in, "approve(address,uint256)", a.BALANCER_VAULT, amount)
    held = box.balance(token_out, TRADER)
    order = (pool_id(box, pool.address), GIVEN_IN, token_in, token_out, amount, b"")
    receipt = box.send(TRADER, a.BALANCER_VAULT, SWAP, order, (TRADER, False, TRADER, False), 0, FAR_FUTURE)
    return box.balance(token_out, TRADER) - held, int(receipt["gasUsed"], 16)


def test_read__meta_stable_with_a_cached_rate__swaps_by_the_cache_until_it_is_over(undone: Box) -> None:
    box, wsteth, weth = undone, a.TOKENS["wstETH"].address, a.TOKENS["WETH"].address
    (pool,) = read(box, [META_STABLE.address])
    swapped(box, pool, weth, wsteth, 10**18)
    old, duration, expires = box.call(META_STABLE.address, RATES, wsteth)
    assert expires > box.timestamp() + duration // 2
    rebase(box, 100)
    assert wsteth_scaling(read(box, [META_STABLE.address])) == [old]
    compare(box, list(quotes(read(box, [META_STABLE.address]), 20, 6)))

    # Within the minute before the cache is over, the rate of the next swap depends on when it comes.
    box.mine(expires - 60)
    assert len(read(box, [META_STABLE.address])) == 1
    assert read(box, [META_STABLE.address], minutes=2) == []
    box.mine(expires - 59)
    assert read(box, [META_STABLE.address]) == []
    box.mine(expires)
    assert read(box, [META_STABLE.address]) == []
    assert wsteth_scaling(read(box, [META_STABLE.address], minutes=0)) == [old]
    box.mine(expires + 1)
    (pool,) = read(box, [META_STABLE.address])
    assert wsteth_scaling([pool]) == [old + old // 100]
    compare(box, list(quotes([pool], 20, 7)))
    out, after = pool.swap(weth, wsteth, 10**20)
    assert swapped(box, pool, weth, wsteth, 10**20)[0] == out
    assert balances(box, pool) == after.balances
    assert box.call(META_STABLE.address, RATES, wsteth)[0] == old + old // 100


def test_read__cache_at_its_end_with_an_unmoved_rate__is_no_reason_to_leave_the_pool_out(undone: Box) -> None:
    box, wsteth = undone, a.TOKENS["wstETH"].address
    (pool,) = read(box, [META_STABLE.address])
    swapped(box, pool, a.TOKENS["WETH"].address, wsteth, 10**18)
    box.mine(box.call(META_STABLE.address, RATES, wsteth)[2] - 1)
    (pool,) = read(box, [META_STABLE.address])
    compare(box, list(quotes([pool], 20, 8)))


def test_read__while_the_amplification_moves__leaves_the_pool_out(undone: Box) -> None:
    box, start = undone, "startAmplificationParameterUpdate(uint256,uint256)"
    box.send(a.LP, STABLE.address, start, STABLE.shape[0] * 3 // 2, box.timestamp() + 2 * DAY)
    box.mine(box.timestamp() + DAY)
    assert box.call(STABLE.address, AMPLIFICATION)[1]
    assert read(box, [STABLE.address]) == []
    box.mine(box.timestamp() + DAY + 1)
    (pool,) = read(box, [STABLE.address])
    assert isinstance(pool, BalancerStablePool)
    assert pool.amplification == STABLE.shape[0] * 1500
    compare(box, list(quotes([pool], 60, 9)))


def test_quotes__amplification_stopped_between_whole_numbers__equal_the_vault_to_the_wei(
    undone: Box, dusty: list[BalancerPool], later: list[BalancerPool]
) -> None:
    box = undone
    for pool in (dusty[0], dusty[1], later[-1]):
        assert isinstance(pool, BalancerStablePool)
        start = "startAmplificationParameterUpdate(uint256,uint256)"
        box.send(a.LP, pool.address, start, pool.amplification * 2 // 1000, box.timestamp() + 2 * DAY)
        box.mine(box.timestamp() + DAY // 3 + 77)
        box.send(a.LP, pool.address, "stopAmplificationParameterUpdate()")
        (stopped,) = read(box, [pool.address])
        assert isinstance(stopped, BalancerStablePool)
        assert stopped.amplification % 1000
        compare(box, list(quotes([stopped], 400, 11)))


def test_read__paused_pool__is_left_out(undone: Box, pools: list[BalancerPool]) -> None:
    for pool in (WEIGHTED[0].address, STABLE.address):
        grant(undone, pool, "setPaused(bool)")
        undone.send(a.BALANCER_ADMIN, pool, "setPaused(bool)", True)
    left = {pool.address for pool in read(undone, [pool.address for pool in a.BALANCER_POOLS])}
    assert left == {pool.address for pool in pools} - {WEIGHTED[0].address, STABLE.address}


def test_read__what_is_no_such_pool__is_left_out(box: Box) -> None:
    assert read(box, [a.MULTICALL3, a.BALANCER_VAULT, TRADER, a.TOKENS["WETH"].address]) == []


def test_read__by_the_wrong_kind__is_left_out(box: Box) -> None:
    client = Client(box.url).connect()
    weighted, stable = [pool.address for pool in WEIGHTED], [STABLE.address, META_STABLE.address]
    assert read_weighted(client, stable, a.BALANCER_VAULT, client.head(), a.MULTICALL3) == []
    assert read_stable(client, weighted, a.BALANCER_VAULT, client.head(), a.MULTICALL3) == []
