"""The convex solve itself: its prices bound what any route can reach, and its flows reach it."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from routing_universe import mainnet_like, problem, problems

from keeper.routing import WAD, RebalanceProblem, solve
from keeper.routing.dual import Basket, Solution, solve_dual
from keeper.routing.network import Network, build_network

REWARD = 0.1


def basket_of(question: RebalanceProblem, network: Network) -> Basket:
    return Basket(
        np.array([float(question.surplus.get(token, 0)) for token in network.tokens]) * network.usd,
        np.array([float(question.deficit.get(token, 0)) for token in network.tokens]) * network.usd,
    )


def solution_of(question: RebalanceProblem) -> tuple[Network, Basket, Solution]:
    network = build_network(question)
    basket = basket_of(question, network)
    return network, basket, solve_dual(network, basket, REWARD, np.zeros(len(network.tokens)))


def upper_bound(network: Network, basket: Basket, log_prices: np.ndarray) -> float:
    """Dollars that no route can beat, whatever the prices: pools' profits and the worth of the limits."""
    prices = np.exp(log_prices)
    limits = basket.surplus @ np.maximum(prices - (1 - REWARD), 0) + basket.deficit @ np.maximum(1 - prices, 0)
    return float(network.trades(log_prices).profit.sum() + limits)


@pytest.mark.parametrize("usd", [3e3, 3e4, 3e5, 3e6])
def test_solve__mainnet_like_pools__reaches_the_dual_bound_to_a_hundredth_of_a_bp(usd: float) -> None:
    # Pools at one price, so that no cycle of arbitrage, which a route has to break, lifts the bound.
    pools = [pool for pool in mainnet_like() if int(pool.address, 16) - 0xF00 not in (2, 3, 5, 10, 15)]
    question = problem(pools, {"WBTC": usd, "LINK": usd / 2}, {"UNI": usd, "AAVE": usd / 4, "DAI": usd / 4})
    network, basket, solution = solution_of(question)
    route = solve(question)
    reached = (route.value_in - route.value_out * (1 - REWARD)) / WAD
    bound = upper_bound(network, basket, solution.log_prices)
    assert bound * (1 - 1e-6) - 0.01e-4 * usd <= reached <= bound * (1 + 1e-9)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_solve_dual__any_world__flows_balance_and_respect_the_limits(question: RebalanceProblem) -> None:
    network = build_network(question)
    basket = basket_of(question, network)
    if not network.edges:
        return
    solution = solve_dual(network, basket, REWARD, np.zeros(len(network.tokens)))
    flow = network.net_flow(solution.trades)
    turnover = min(basket.surplus.sum(), basket.deficit.sum())
    # Nothing comes from nowhere: what pools take beyond what they pay is surplus, and no more than there is.
    assert (flow >= -basket.surplus - 1e-4 * turnover).all()
    assert (solution.bought <= basket.deficit * (1 + 1e-12)).all()  # scaling to the turnover and back rounds
    # No pool is used in both directions.
    for first, second in zip(range(0, len(network.edges) - 1), range(1, len(network.edges)), strict=True):
        if network.edges[first].pool is network.edges[second].pool:
            assert min(solution.trades.out[first], solution.trades.out[second]) == 0


def test_curvature__at_trading_prices__is_the_slope_of_the_flows() -> None:
    network = build_network(problem(mainnet_like(), {"WBTC": 1e6}, {"UNI": 1e6, "DAI": 1e6}))
    rng = np.random.default_rng(1)
    at = rng.normal(0, 0.03, len(network.tokens))
    prices, step = np.exp(at), 1e-7
    for token in range(len(network.tokens)):
        move = np.zeros(len(network.tokens))
        move[token] = step
        ahead, behind = (network.net_flow(network.trades(at + sign * move)) for sign in (1, -1))
        slope = prices * (ahead - behind) / (2 * step)
        assert network.curvature(at)[token] == pytest.approx(slope, rel=1e-3, abs=1e3)
