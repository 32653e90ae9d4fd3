"""What the router is compared with does its best: on tiny markets, held against trying everything."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise, permutations

import pytest
from scipy.optimize import minimize_scalar

from keeper.markets import UniswapV2Pool, UniswapV3Pool
from keeper.markets.balancer_stable import BalancerStablePool
from keeper.markets.balancer_weighted import BalancerWeightedPool
from keeper.routing import WAD, RebalanceProblem
from routing_bench.convex import fits, solve_convex
from routing_bench.grid import STEP, best_split, candidates, gas_of, grid_split
from routing_bench.paths import Hop, Market, Path, amount_out, best_single_path
from routing_bench.universe import Universe, rebalances, swaps, universe

REWARD = 0.1
SEEDS = range(8)


def ends(market: Universe, seed: int) -> tuple[str, str, int]:
    """A swap's tokens and amount."""
    (swap,) = swaps(market, 1, seed)
    ((token_in, amount),) = swap.surplus.items()
    (token_out,) = swap.deficit
    return token_in, token_out, amount


def every_path(market: Universe, token_in: str, token_out: str) -> Iterator[Path]:
    """By trying all orders of up to three pools and all tokens between them."""
    between = [token.address for token in market.tokens if token.address not in (token_in, token_out)]
    for count in (1, 2, 3):
        for stops in permutations(between, count - 1):
            tokens = (token_in, *stops, token_out)
            for pools in permutations(market.pools, count):
                pairs = list(pairwise(tokens))
                if all({a, b} <= set(pool.tokens) for pool, (a, b) in zip(pools, pairs, strict=True)):
                    yield tuple(Hop(pool, a, b) for pool, (a, b) in zip(pools, pairs, strict=True))


def named(path: Path) -> tuple[tuple[str, str], ...]:
    return tuple((hop.pool.address, hop.token_out) for hop in path)


def best_of_all_splits(paths: list[Path], amount: int) -> int:
    """The most that any paths without a common pool pay for multiples of 5 % that make up the whole."""
    best = 0
    for count in range(1, len(paths) + 1):
        for chosen in combinations(paths, count):
            pools = [hop.pool.address for path in chosen for hop in path]
            if len(pools) > len(set(pools)):
                continue
            for cuts in combinations(range(STEP, 100, STEP), count - 1):
                percents = [b - a for a, b in zip((0, *cuts), (*cuts, 100), strict=True)]
                parts = [amount * percent // 100 for percent in percents[:-1]]
                parts.append(amount - sum(parts))
                best = max(best, sum(amount_out(path, part) for path, part in zip(chosen, parts, strict=True)))
    return best


def two_tokens(pools: list[UniswapV2Pool], sold: int, wanted: int) -> RebalanceProblem:
    """Dollars of 18 decimals on both sides, `sold` and `wanted` in whole ones."""
    token0, token1 = pools[0].tokens
    return RebalanceProblem(
        pools=tuple(pools),
        prices={token0: WAD, token1: WAD},
        decimals={token0: 18, token1: 18},
        surplus={token0: sold * WAD},
        deficit={token1: wanted * WAD},
    )


def dollars(number: int, usd: int, skew: float = 0.0, fee: int = 3_000) -> UniswapV2Pool:
    """A pool with so much on each side, token1 `skew` cheaper than a dollar."""
    tokens = [f"0x{at:040d}" for at in (1, 2)]
    return UniswapV2Pool(f"0x{number + 10:040d}", *tokens, usd * WAD, int(usd * (1 + skew) * WAD), fee)


@pytest.mark.parametrize(("tokens", "pools"), [(5, 30), (20, 500)])
def test_universe__prices__cost_something_in_every_direction_and_less_than_two_fees(tokens: int, pools: int) -> None:
    market = universe(tokens, pools, 1)
    usd = {token.address: token.usd / 10**token.decimals for token in market.tokens}
    for pool in market.pools:
        for token_in, token_out in permutations(pool.tokens, 2):
            rate = pool.marginal_price(token_in, token_out) * usd[token_out] / usd[token_in]
            assert 0 < (1 - rate) * 1e6 / pool.fee < 2


def test_universe__twenty_tokens__has_every_venue_and_ten_to_sixty_ticks_a_pool() -> None:
    market = universe(20, 500, 1)
    kinds = {type(pool) for pool in market.pools}
    assert kinds == {UniswapV2Pool, UniswapV3Pool, BalancerWeightedPool, BalancerStablePool}
    assert {len(pool.tokens) for pool in market.pools if isinstance(pool, BalancerStablePool)} == {2, 3}
    ticks = [len(pool.ticks) for pool in market.pools if isinstance(pool, UniswapV3Pool)]
    assert 10 <= min(ticks) < 20 < 50 < max(ticks) <= 60
    assert {token.decimals for token in market.tokens} == {6, 8, 18}
    assert universe(20, 500, 1) == market != universe(20, 500, 2)


def test_rebalances__sell_and_buy_disjoint_baskets_of_the_same_worth_at_most() -> None:
    for problem in rebalances(universe(20, 500, 1), 20, 1):
        assert len(problem.surplus) >= 2
        assert len(problem.deficit) >= 2
        assert problem.bought_value(problem.deficit) <= problem.sold_value(problem.surplus) * 1.000_001
        assert 10**3 * WAD < problem.sold_value(problem.surplus) < 10**7 * WAD


@pytest.mark.parametrize("seed", SEEDS)
def test_paths__on_a_tiny_market__are_all_there_are(seed: int) -> None:
    market = universe(5, 12, seed)
    token_in, token_out, _ = ends(market, seed)
    found = [named(path) for path in Market(market.pools).paths(token_in, token_out)]
    assert sorted(found) == sorted(map(named, every_path(market, token_in, token_out)))


@pytest.mark.parametrize("seed", SEEDS)
def test_best_single_path__on_a_tiny_market__pays_as_much_as_the_best_of_all(seed: int) -> None:
    market = universe(5, 12, seed)
    token_in, token_out, amount = ends(market, seed)
    best = best_single_path(Market(market.pools), token_in, token_out, amount)
    assert best is not None
    assert best.amount_out == max(amount_out(path, amount) for path in every_path(market, token_in, token_out))
    assert amount_out(best.path, amount) == best.amount_out


def test_best_split__two_pools_side_by_side__is_the_best_there_is_on_the_grid() -> None:
    pools = [dollars(1, 1_000_000), dollars(2, 300_000, 0.001)]
    paths = Market(pools).paths(*pools[0].tokens)
    split = best_split(paths, 100_000 * WAD, lambda gas: 0.0)
    assert split is not None
    assert split.amount_out == best_of_all_splits(paths, 100_000 * WAD)
    assert sorted(quote.amount_in for quote in split.quotes) == [25_000 * WAD, 75_000 * WAD]


@pytest.mark.parametrize("seed", SEEDS)
def test_best_split__on_a_tiny_market__is_between_the_best_path_and_the_best_of_all_splits(seed: int) -> None:
    market = universe(5, 7, seed)
    token_in, token_out, amount = ends(market, seed)
    amount -= amount % 20  # or what rounding leaves goes with another path than here
    paths = Market(market.pools).paths(token_in, token_out)[:5]
    split = best_split(paths, amount, lambda gas: 0.0)
    assert split is not None
    best = best_of_all_splits(paths, amount)
    assert max(amount_out(path, amount) for path in paths) <= split.amount_out <= best
    assert split.amount_out > best * (
        1 - 1e-4
    )  # breadth first with the best free path is a heuristic, as in the original


@pytest.mark.parametrize("seed", SEEDS)
def test_grid_split__any_swap__sells_all_over_disjoint_pools_and_promises_what_they_pay(seed: int) -> None:
    market = universe(10, 100, 1)
    token_in, token_out, amount = ends(market, seed)
    split = grid_split(market, token_in, token_out, amount)
    assert split is not None
    used = [hop.pool.address for quote in split.quotes for hop in quote.path]
    assert len(used) == len(set(used))
    assert sum(quote.amount_in for quote in split.quotes) == amount
    assert all(amount_out(quote.path, quote.amount_in) == quote.amount_out for quote in split.quotes)
    assert all(quote.amount_in * 100 // amount % STEP in (0, STEP - 1) for quote in split.quotes)


def test_best_split__when_gas_is_dear__takes_one_path() -> None:
    pools = [dollars(1, 1_000_000), dollars(2, 1_000_000)]
    paths = Market(pools).paths(*pools[0].tokens)
    free = best_split(paths, 10_000 * WAD, lambda gas: 0.0)
    dear = best_split(paths, 10_000 * WAD, lambda gas: gas * WAD)
    assert free is not None
    assert dear is not None
    assert (len(free.quotes), len(dear.quotes)) == (2, 1)
    assert gas_of(dear.quotes[0].path) == pools[0].swap_gas


def test_candidates__between_two_hubs__are_the_deepest_of_each_venue() -> None:
    market = universe(20, 500, 1)
    token_in, token_out = (token.address for token in market.tokens[:2])
    chosen = {pool.address for pool in candidates(market, token_in, token_out, [])}
    for venue in ("uniswap_v2", "uniswap_v3"):
        direct = [p for p in market.pools if p.venue == venue and {token_in, token_out} <= set(p.tokens)]
        deepest = max(direct, key=lambda pool: market.depth_usd[pool.address])
        assert deepest.address in chosen
    assert len(chosen) < len(market.pools) / 5


def test_solve_convex__one_pool__sells_until_the_next_dollar_is_not_worth_it() -> None:
    pool = dollars(1, 1_000_000)
    answer = solve_convex(two_tokens([pool], 500_000, 500_000), REWARD)
    gamma, kept = 1 - pool.fee / 1e6, 1 - REWARD
    # out = R g m / (R + g m); out' = 1 - reward.
    sold = 1e6 / gamma * ((gamma / kept) ** 0.5 - 1)
    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(1e6 * gamma * sold / (1e6 + gamma * sold) - kept * sold, rel=1e-6)


def test_solve_convex__two_pools__splits_as_a_search_by_one_variable_does() -> None:
    pools = [dollars(1, 1_000_000), dollars(2, 300_000, 0.001, fee=500)]
    answer = solve_convex(two_tokens(pools, 20_000, 500_000), REWARD)

    def bought(first: float) -> float:
        parts = (int(first * WAD), int((20_000 - first) * WAD))
        return sum(p.amount_out(*p.tokens, part) for p, part in zip(pools, parts, strict=True)) / WAD

    best = -minimize_scalar(lambda first: -bought(first), bounds=(0, 20_000), method="bounded").fun
    assert answer.objective == pytest.approx(best - (1 - REWARD) * 20_000, rel=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_solve_convex__one_pool_with_ticks__agrees_with_the_exact_swaps(seed: int) -> None:
    market = universe(5, 30, seed)
    pool = next(pool for pool in market.pools if isinstance(pool, UniswapV3Pool))
    token_in, token_out = pool.tokens
    usd = {token.address: token.usd / 10**token.decimals for token in market.tokens}
    amount = int(min(market.depth_usd[pool.address] / 50, 1e6) / usd[token_in])
    problem = replace(
        rebalances(market, 1, seed)[0],
        pools=(pool,),
        surplus={token_in: amount},
        deficit={token_out: int(amount * usd[token_in] / usd[token_out])},
    )
    answer = solve_convex(problem, REWARD)
    sold = amount * usd[token_in]
    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(
        pool.amount_out(token_in, token_out, amount) * usd[token_out] - (1 - REWARD) * sold, rel=1e-6
    )


def test_fits__leaves_out_what_is_no_constant_product() -> None:
    market = universe(20, 500, 1)
    assert {type(pool) for pool in fits(market.pools)} == {UniswapV2Pool, UniswapV3Pool}
