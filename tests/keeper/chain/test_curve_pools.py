"""Reading of Curve's stable pools: which generation a pool is of, its rates, and pools that are left out."""

from dataclasses import replace

import pytest
from eth_abi import encode
from fake_chain import MULTICALL, FakeChain, Revert, address

from keeper.chain import abi
from keeper.chain.pools.curve import read_curve
from keeper.chain.rpc import Client
from keeper.markets.curve_stable import (
    GENERATIONS,
    LENDING,
    PRECISE_A,
    PRECISE_A_FACTORY,
    WHOLE_A,
    CurveStablePool,
)

POOL = address("curve pool")
COINS = (address("dollar"), address("coin"), address("token"))
DECIMALS = (18, 6, 18)
PLAIN = tuple(10 ** (36 - decimals) for decimals in DECIMALS)
MOVED = (PLAIN[0] * 1_173_456_789 // 10**9, *PLAIN[1:])


def pool(generation=PRECISE_A, **changes) -> CurveStablePool:
    # So far out of balance that one rounding more or less is seen.
    balances = (9_876_543 * 10**17 + 12_345, 9_870_123, 45_678 * 10**15 + 17)
    amplification = 17 * generation.a_precision
    made = CurveStablePool(POOL, COINS, balances, PLAIN, amplification, 4_000_000, 5 * 10**9, generation)
    return replace(made, **changes)


def install(fake: FakeChain, state: CurveStablePool, old: bool = False, told: bool = True) -> CurveStablePool:
    """Let the chain answer as a pool in this state; `told` if it says its rates."""

    def of(values):
        def at(k):
            if k >= len(values):
                raise Revert(b"")
            return values[k]

        return at

    functions = abi.CurvePool
    fake.view(POOL, functions.coins_int128 if old else functions.coins, of(state.tokens))
    fake.view(POOL, functions.balances_int128 if old else functions.balances, of(state.balances))
    fake.view(POOL, functions.a, state.amplification // state.generation.a_precision)
    if state.generation.a_precision > 1:
        fake.view(POOL, functions.a_precise, state.amplification)
    if state.offpeg_fee_multiplier:
        fake.view(POOL, functions.offpeg_fee_multiplier, state.offpeg_fee_multiplier)
    fake.view(POOL, functions.fee, state.pool_fee)
    fake.view(POOL, functions.admin_fee, state.admin_fee)
    fake.view(POOL, functions.get_dy, lambda i, j, amount: state.quotes(i, j, amount)[0])
    if told:
        fake.view(POOL, functions.stored_rates, list(state.rates))
    for coin, decimals in zip(COINS, DECIMALS, strict=True):
        fake.view(coin, abi.Token.decimals, decimals)
    return state


def read(fake: FakeChain, *addresses: str) -> list[CurveStablePool]:
    client = Client(fake.url, attempts=1)
    return read_curve(client, addresses or [POOL], client.head(), MULTICALL)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_read_curve__each_generation__is_told_by_its_quotes(fake, generation):
    state = install(fake, pool(generation), told=False)
    assert read(fake) == [state]


def test_read_curve__old_pool_that_counts_in_int128__is_read_alike(fake):
    state = install(fake, pool(LENDING), old=True, told=False)
    assert read(fake) == [state]


def test_read_curve__fee_taken_after_the_rounding__is_known_too(fake):
    state = install(fake, pool(WHOLE_A), told=False)
    fake.view(POOL, abi.CurvePool.get_dy, lambda i, j, amount: state.quotes(i, j, amount)[1])
    assert read(fake) == [state]


def test_read_curve__rates_as_a_list__are_taken(fake):
    state = install(fake, pool(PRECISE_A_FACTORY, rates=MOVED, offpeg_fee_multiplier=2 * 10**10))
    assert read(fake) == [state]


def test_read_curve__rates_as_an_array__are_taken(fake):
    state = install(fake, pool(rates=MOVED))
    fake.view(POOL, abi.CurvePool.stored_rates, encode(["uint256[3]"], [MOVED]))
    assert read(fake) == [state]


def test_read_curve__rates_that_it_does_not_tell__leave_it_out(fake):
    install(fake, pool(rates=MOVED), told=False)
    assert read(fake) == []


def test_read_curve__while_a_moves__leaves_it_out(fake):
    install(fake, pool())
    fake.view(POOL, abi.CurvePool.future_a_time, fake.timestamp + 1)
    assert read(fake) == []
    fake.view(POOL, abi.CurvePool.future_a_time, fake.timestamp)
    assert len(read(fake)) == 1


@pytest.mark.parametrize("missing", ["fee", "admin_fee", "a", "get_dy", "coins", "balances"])
def test_read_curve__what_does_not_answer_as_a_pool__is_left_out(fake, missing):
    install(fake, pool())
    function = getattr(abi.CurvePool, missing)
    del fake.views[POOL.lower(), function.encode(*[0 for _ in function.inputs])[:4]]
    assert read(fake, POOL, address("nothing")) == []


def test_read_curve__empty_pool_or_coin_without_decimals__is_left_out(fake):
    install(fake, pool(balances=(10**18, 0, 10**18)), told=False)
    assert read(fake) == []
    install(fake, pool(), told=False)
    assert len(read(fake)) == 1
    fake.view(COINS[1], abi.Token.decimals, 37)
    assert read(fake) == []


def test_read_curve__state_that_no_pool_can_be_in__is_left_out(fake):
    install(fake, pool())
    fake.view(POOL, abi.CurvePool.fee, 10**10)
    assert read(fake) == []
