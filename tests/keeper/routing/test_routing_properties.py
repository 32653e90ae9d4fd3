"""What has to hold between one question and another like it, on any mix of venues."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from routing_universe import ADDRESS, PRICES, pool_address, problem, problems, stable, units, v2, v3, weighted

from keeper.errors import NoRoute
from keeper.markets import BalancerWeightedPool, Pool, UniswapV2Pool
from keeper.routing import WAD, RebalanceProblem, Route, solve

thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Of the turnover: a tenth of a basis point, over which solutions of the same world may differ.
SAME = 1e-5
# USD that one base unit of any token is worth at most: of WBTC.
COARSEST = 60_000 / 10**8


def solved(question: RebalanceProblem) -> Route:
    try:
        return solve(question)
    except NoRoute:
        assume(False)
        raise


def worth(route: Route) -> float:
    assert route.certificate is not None
    return route.certificate.worth


def bound(route: Route) -> float:
    assert route.certificate is not None
    return route.certificate.bound


# Worlds in which next to nothing of the basket can trade, and tokens that stiff pools hold together have to move as one.
_STIFF = problem(
    [
        stable(0, 100_000, ("DAI", "USDC"), 0, 2_000),
        v2(1, "DAI", "WETH", 10_000),
        v2(2, "DAI", "WETH", 10_000),
        weighted(3, 10_000, {"WBTC": 20, "WETH": 41, "USDT": 39}),
    ],
    {"USDT": 10_000},
    {"WBTC": 10_000},
)
_TINY = problem(
    [
        stable(0, 10_000, ("DAI", "USDC", "USDT"), 0, 2_000),
        v2(1, "WBTC", "WETH", 10_000),
        v2(2, "LINK", "DAI", 10_000),
        weighted(3, 10_000, {"UNI": 70, "DAI": 20, "WETH": 10}),
    ],
    {"LINK": 1_000_000},
    {"WBTC": 385_000},
)


@thorough
@example(_STIFF, 5.0)
@example(_TINY, 4.0)
@given(problems(skewed=False), st.floats(4, 8))
def test_solve__one_more_pool__is_never_worse(question: RebalanceProblem, power: float) -> None:
    before = solved(question)
    after = solve(replace(question, pools=(*question.pools, v3(99, "WETH", "USDC", 10**power))))
    assert bound(after) >= worth(before)
    if all(len(pool.tokens) == 2 for pool in question.pools):
        # Which pair of a pool of many tokens is used is no convex choice: there the bound above is what holds.
        assert worth(after) >= worth(before) - SAME * max(before.value_out, after.value_out) / WAD


@thorough
@given(problems(skewed=False), st.integers(1, 50), st.integers(1, 50))
def test_solve__dearer_gas__is_never_better(question: RebalanceProblem, gwei: int, more: int) -> None:
    cheap = solved(replace(question, gas_price_wei=gwei * 10**9))
    dear = solved(replace(question, gas_price_wei=(gwei + more) * 10**9))
    assert worth(dear) <= bound(cheap)


@thorough
@given(problems(skewed=False), st.data())
def test_solve__a_pool_in_two_halves__changes_nothing(question: RebalanceProblem, data: st.DataObject) -> None:
    halved = [pool for pool in question.pools if isinstance(pool, (UniswapV2Pool, BalancerWeightedPool))]
    assume(halved)
    pool = data.draw(st.sampled_from(halved))
    if isinstance(pool, UniswapV2Pool):
        half: Pool = replace(pool, reserve0=pool.reserve0 // 2, reserve1=pool.reserve1 // 2)
        other: Pool = replace(half, address=pool_address(98))  # type: ignore[type-var]
    else:
        half = replace(pool, balances=tuple(balance // 2 for balance in pool.balances))
        other = replace(half, address=pool_address(98))  # type: ignore[type-var]
    rest = [each for each in question.pools if each is not pool]
    question = replace(question, max_legs=100)
    whole, parts = solved(question), solved(replace(question, pools=(*rest, half, other)))
    # Every leg pays whole units, and a pool of few units does not halve.
    units_lost = (len(whole.legs) + len(parts.legs)) * COARSEST
    assert worth(parts) == pytest.approx(worth(whole), abs=SAME * whole.value_out / WAD + units_lost)


@thorough
@given(problems(skewed=False), st.randoms(use_true_random=False))
def test_solve__pools_in_another_order__changes_nothing(question: RebalanceProblem, rng: object) -> None:
    question = replace(question, max_legs=100)
    shuffled = list(question.pools)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = solved(question), solved(replace(question, pools=tuple(shuffled)))
    assert worth(other) == pytest.approx(worth(one), abs=SAME * one.value_out / WAD)


@pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18, 27])
def test_solve__a_token_in_other_units__changes_nothing(decimals: int) -> None:
    link = ADDRESS["LINK"]

    def rescaled(amount: int) -> int:
        return amount * 10**decimals // 10**18

    pool = v2(1, "LINK", "WETH", 9e6)
    at = pool.tokens.index(link)
    there = (
        replace(pool, reserve0=rescaled(pool.reserve0)) if at == 0 else replace(pool, reserve1=rescaled(pool.reserve1))
    )
    whole = problem([pool, v2(2, "WETH", "USDC", 9e6)], {"LINK": 90_000}, {"USDC": 80_000})
    other = replace(
        whole,
        pools=(there, whole.pools[1]),
        decimals={**whole.decimals, link: decimals},
        surplus={link: rescaled(whole.surplus[link])},
    )
    # A whole LINK is 15 dollars: without decimals no amount is closer.
    assert solve(other).value_in / WAD == pytest.approx(solve(whole).value_in / WAD, abs=30 if decimals == 0 else 0.5)
    assert solve(other).value_out / WAD == pytest.approx(solve(whole).value_out / WAD, abs=30 if decimals == 0 else 0.5)


# --- pools as they are found


@st.composite
def raw_problems(draw: st.DrawFn) -> RebalanceProblem:
    """Three tokens of 0 to 27 decimals at prices over eighteen decades; pairs from dust to 10^30 base units, some one-sided."""
    tokens = [f"0x{number:040x}" for number in (0xA1, 0xB2, 0xC3)]
    decimals = {token: draw(st.integers(0, 27)) for token in tokens}
    prices = {token: int(10 ** draw(st.floats(-9, 9)) * WAD) for token in tokens}
    pools: list[Pool] = []
    for number, (a, b) in enumerate([(0, 1), (1, 2), (0, 2), (0, 1)]):
        reserves = [draw(st.one_of(st.just(0), st.floats(0, 30).map(lambda power: int(10**power)))) for _ in range(2)]
        if draw(st.booleans()):
            # At the oracle's price, or else at any.
            value = 10 ** draw(st.floats(0, 12))
            reserves = [
                min(int(value / prices[token] * WAD * 10 ** decimals[token]), 2**112 - 1)
                for token in (tokens[a], tokens[b])
            ]
        fee = draw(st.sampled_from([100, 500, 3_000, 10_000]))
        pools.append(UniswapV2Pool(pool_address(number), tokens[a], tokens[b], *reserves, fee))
    usd = 10 ** draw(st.floats(0, 9))
    amounts = {token: int(usd / prices[token] * WAD * 10 ** decimals[token]) for token in tokens}
    return RebalanceProblem(
        tuple(pools), prices, decimals, {tokens[0]: amounts[tokens[0]]}, {t: amounts[t] for t in tokens[1:]}
    )


# The first unit is worth a thousand dollars and the second nothing: any end to the pool's liquidity but its own shows.
_A, _B, _C = (f"0x{number:040x}" for number in (0xA1, 0xB2, 0xC3))
_STEEP = RebalanceProblem(
    (UniswapV2Pool(pool_address(0), _A, _C, 10**6, 10**6, 100), UniswapV2Pool(pool_address(1), _A, _B, 1, 10**9, 100)),
    {_A: WAD, _B: WAD, _C: WAD},
    {_A: 6, _B: 6, _C: 6},
    {_A: 10**9},
    {_B: 10**9, _C: 10**9},
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(_STEEP)
@given(raw_problems())
def test_solve__raw_pools_of_any_size__is_refused_in_one_line_or_kept_to_the_rules(question: RebalanceProblem) -> None:
    with np.errstate(all="raise", under="ignore"):
        try:
            route = solve(question)
        except NoRoute as error:
            assert "\n" not in str(error)
            return
    assert all(0 < amount <= question.surplus[token] for token, amount in route.sold.items())
    assert all(0 < amount <= question.deficit[token] for token, amount in route.bought.items())
    assert bound(route) >= worth(route)


# --- several coins in one pool


def test_solve__three_coin_pools__are_used_once_each() -> None:
    pools: list[Pool] = [
        stable(1, 9e6, ("USDC", "DAI", "USDT"), 0.1),
        stable(2, 3e6, ("USDC", "DAI", "USDT"), 0.1),
        weighted(3, 9e6, {"WETH": 50, "WBTC": 25, "USDC": 25}),
        v2(4, "USDC", "WETH", 30e6),
        v2(5, "WBTC", "WETH", 30e6),
        v3(6, "DAI", "USDT", 3e6, fee=100),
    ]
    question = problem(pools, {"USDC": 300_000, "WBTC": 200_000}, {"DAI": 200_000, "USDT": 200_000, "WETH": 100_000})
    route = solve(question)
    assert len({leg.pool for leg in route.legs}) == len(route.legs) >= 4
    assert route.certificate is not None
    # What using a pool for two pairs at once would add is in the gap.
    assert 0 <= route.certificate.gap_bps < 10


def test_solve__weighted_pool__takes_no_more_than_its_share_of_the_balance() -> None:
    pool = weighted(1, 1e6, {"WETH": 80, "USDC": 20})
    route = solve(problem([pool], {"USDC": 200_000}, {"WETH": 200_000}, hubs=frozenset()))
    most = units("USDC", 200_000) * 30 // 100
    assert route.sold[ADDRESS["USDC"]] <= most * 1.01
    assert PRICES[ADDRESS["USDC"]] == WAD
