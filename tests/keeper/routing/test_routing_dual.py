"""The convex solve itself: its prices bound what any route can reach, and its flows reach it."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from routing_universe import mainnet_like, problem, problems

from keeper.routing import RebalanceProblem, prepare, solve
from keeper.routing.certificate import upper_bound
from keeper.routing.dual import Basket, Solution, explore, refine
from keeper.routing.network import Network

COST = 0.9


def basket_of(question: RebalanceProblem, network: Network) -> Basket:
    return Basket(
        np.array([float(question.surplus.get(token, 0)) for token in network.tokens]) * network.usd,
        np.array([float(question.deficit.get(token, 0)) for token in network.tokens]) * network.usd,
        COST,
    )


def solution_of(question: RebalanceProblem) -> tuple[Network, Basket, Solution]:
    network = prepare(question)
    basket = basket_of(question, network)
    rough = explore(network, basket, np.zeros(len(network.tokens)))
    return network, basket, refine(network, basket, rough.log_prices)


@pytest.mark.parametrize("usd", [3e3, 3e4, 3e5, 3e6])
def test_solve__mainnet_like_pools__reaches_the_dual_bound_to_a_hundredth_of_a_bp(usd: float) -> None:
    # Pools at one price, so that no cycle of arbitrage, which a route has to break, lifts the bound.
    pools = [pool for pool in mainnet_like() if int(pool.address, 16) - 0xF00 not in (2, 3, 5, 10, 15)]
    route = solve(problem(pools, {"WBTC": usd, "LINK": usd / 2}, {"UNI": usd, "AAVE": usd / 4, "DAI": usd / 4}))
    assert route.certificate is not None
    assert 0 <= route.certificate.gap_bps < 0.01


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_refine__any_world__says_what_is_missing_and_respects_the_limits(question: RebalanceProblem) -> None:
    network = prepare(question)
    if not network.edges:
        return
    network, basket, solution = solution_of(question)
    flow = network.net_flow(solution.trades)
    turnover = basket.turnover
    # Pools that contradict each other can lead the descent astray: the router counts what is missing and looks elsewhere.
    short = np.maximum(-flow - basket.surplus, 0)
    assert solution.missing == pytest.approx(short, abs=1e-9 * turnover)
    assert (solution.bought <= basket.deficit * (1 + 1e-12)).all()  # scaling to the turnover and back rounds
    assert (solution.sold <= basket.surplus * (1 + 1e-12)).all()
    # No pair is used in both directions.
    out = {
        (edge.pool.address, *edge[1:3]): amount for edge, amount in zip(network.edges, solution.trades.out, strict=True)
    }
    for (pool, token_in, token_out), amount in out.items():
        assert min(amount, out.get((pool, token_out, token_in), 0)) == 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(skewed=False))
def test_refine__pools_that_agree__flows_balance(question: RebalanceProblem) -> None:
    network = prepare(question)
    if not network.edges:
        return
    network, basket, solution = solution_of(question)
    # Nothing comes from nowhere: what pools take beyond what they pay is surplus, and no more than there is.
    assert (network.net_flow(solution.trades) >= -basket.surplus - 1e-4 * basket.turnover).all()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(), st.integers(0, 2**32 - 1))
def test_upper_bound__any_prices__is_not_below_what_the_best_flows_reach(question: RebalanceProblem, seed: int) -> None:
    network = prepare(question)
    # The bound is on routes that use a pool once, the flows are not.
    if not network.edges or any(len(pool.tokens) > 2 for pool in question.pools):
        return
    network, basket, solution = solution_of(question)
    reached = solution.bought.sum() - COST * solution.sold.sum()
    far = np.random.default_rng(seed).normal(0, 0.05, len(network.tokens))
    free = np.zeros(len(network.edges))
    for log_prices in (solution.log_prices, far):
        # The flows add up to nine digits only.
        assert upper_bound(network, basket, log_prices, free).value >= reached - 1e-8 * basket.turnover


def test_curvature__at_trading_prices__is_the_slope_of_the_flows() -> None:
    network = prepare(problem(mainnet_like(), {"WBTC": 1e6}, {"UNI": 1e6, "DAI": 1e6}))
    rng = np.random.default_rng(1)
    at = rng.normal(0, 0.03, len(network.tokens))
    prices, step = np.exp(at), 1e-7
    curvature = network.curvature(network.trades(at).pull)
    for token in range(len(network.tokens)):
        move = np.zeros(len(network.tokens))
        move[token] = step
        ahead, behind = (network.net_flow(network.trades(at + sign * move)) for sign in (1, -1))
        slope = prices * (ahead - behind) / (2 * step)
        assert curvature[token] == pytest.approx(slope, rel=1e-3, abs=1e3)


def test_only__some_edges__trade_as_they_do_among_all() -> None:
    network = prepare(problem(mainnet_like(), {"WBTC": 1e6}, {"UNI": 1e6, "DAI": 1e6}))
    at = np.random.default_rng(2).normal(0, 0.03, len(network.tokens))
    chosen = np.flatnonzero(network.trades(at).out > 0)[::-1]
    some, every = network.only(chosen).trades(at), network.trades(at)
    for name in ("paid", "out", "profit", "pull"):
        assert getattr(some, name).tolist() == getattr(every, name)[chosen].tolist()
