"""What closing a leg loses, as foreseen, against what it loses when the rest is solved without it."""

import numpy as np
import pytest
from routing_universe import mainnet_like, problem, v2

from keeper.routing import RebalanceProblem, prepare
from keeper.routing.dual import Basket, Solution, refine
from keeper.routing.network import Network
from keeper.routing.thinning import least_missed

COST = 0.9


def solved(question: RebalanceProblem) -> tuple[Network, Basket, Solution]:
    network = prepare(question)
    basket = Basket(
        np.array([float(question.surplus.get(token, 0)) for token in network.tokens]) * network.usd,
        np.array([float(question.deficit.get(token, 0)) for token in network.tokens]) * network.usd,
        COST,
    )
    return network, basket, refine(network, basket, np.zeros(len(network.tokens)))


def worth(solution: Solution) -> float:
    return float(solution.bought.sum() - COST * solution.sold.sum())


def test_least_missed__each_leg_alone__loses_about_what_is_foreseen() -> None:
    network, basket, solution = solved(problem(mainnet_like(), {"WBTC": 2e6, "USDC": 1e6}, {"WETH": 2e6, "DAI": 1e6}))
    # Among the pools in use: what idle ones would take over is not foreseen.
    network = network.only(np.flatnonzero(solution.trades.out > 1e-6 * basket.turnover))
    solution = refine(network, basket, solution.log_prices)
    compared = 0
    for edge in range(len(network.edges)):
        # Dear gas on this one alone makes it the first to go.
        gas = np.zeros(len(network.edges))
        gas[edge] = 1e9
        closed, losses = least_missed(network, basket, solution, gas, most=100)
        assert closed[0] == edge
        foreseen = losses[0] + 1e9
        rest = np.setdiff1d(np.arange(len(network.edges)), [edge])
        lost = worth(solution) - worth(refine(network.only(rest), basket, solution.log_prices))
        if lost > 1:
            compared += 1
            assert foreseen == pytest.approx(lost, rel=0.5)
    assert compared >= 3


def test_least_missed__cheap_gas__closes_nothing_that_trades() -> None:
    network, basket, solution = solved(problem(mainnet_like(), {"WBTC": 2e6}, {"WETH": 2e6}))
    closed, _ = least_missed(network, basket, solution, np.zeros(len(network.edges)), most=100)
    assert all(solution.trades.out[edge] < 1e-6 * basket.turnover for edge in closed)


def test_least_missed__too_many__leaves_the_only_way_to_last() -> None:
    pools = [
        v2(1, "LINK", "WETH", 1e6),
        v2(2, "WETH", "UNI", 1e6),
        v2(3, "WETH", "UNI", 2e5),
        v2(4, "WETH", "UNI", 3e5),
    ]
    network, basket, solution = solved(problem(pools, {"LINK": 1e4}, {"UNI": 2e4}))
    only = next(at for at, edge in enumerate(network.edges) if solution.trades.out[at] > 0 and edge.pool is pools[0])
    closed, losses = least_missed(network, basket, solution, np.zeros(len(network.edges)), most=0)
    assert len(closed) == 4
    assert only in closed[2:]
    assert losses == sorted(losses)
