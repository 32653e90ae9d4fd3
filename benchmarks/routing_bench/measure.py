"""What one universe says about the router: how long it takes, how far from optimal it is at most, and what others lose."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar, final

import numpy as np

from keeper.errors import NoRoute
from keeper.routing import Certificate, RebalanceProblem, Route, RouteLimits, prepare, solve
from keeper.routing.network import Network
from keeper.routing.problem import BPS
from routing_bench.convex import fits, solve_convex
from routing_bench.grid import grid_split
from routing_bench.paths import Market, best_single_path
from routing_bench.universe import Universe, rebalances, swaps, universe

SEED = 1
GAS_PRICE_WEI = 2 * 10**9
REPEATS = 3
_LIMITS = RouteLimits()
_OPTIMAL = "optimal"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Effort:
    """How many problems each part gets in a universe; `convex` 0 where the programme does not fit."""

    rebalances: int
    swaps: int
    convex: int


@dataclass(frozen=True, slots=True)
class Row:
    """One universe.

    Times are ms of processor time, which is what a clock shows on an idle machine, of a solve on pools that are laid out
    already (`build_ms`) unless they say otherwise. `gap_bps` are medians of the certified gap by turnover, `least_gap_bps` is
    the least of all; `without_route` counts the rebalances that got none. `cvxpy_ms` is Clarabel's part alone and
    `cvxpy_ratio` what it is by our solve of the same programme: that of the pools that fit, gas free; `cvxpy_error` is the
    largest relative difference of the objectives where cvxpy says optimal. Losses are means over swaps of the same amount,
    gas free, `least_grid_loss_bps` is the swap that is best for the grid. None where a part was left out.
    """

    universe: str
    tokens: int
    pools: int
    build_ms: float
    p50_ms: float
    p95_ms: float
    gap_bps: float
    gap_net_bps: float
    least_gap_bps: float
    most_gap_bps: float
    most_gap_net_bps: float
    without_route: int
    pools_used: float
    partial: int
    cvxpy_pools: int | None
    cvxpy_build_ms: float | None
    cvxpy_ms: float | None
    cvxpy_ratio: float | None
    cvxpy_optimal: str | None
    cvxpy_error: float | None
    grid_loss_bps: float
    least_grid_loss_bps: float
    grid_ms: float
    single_path_loss_bps: float


@final
@dataclass(frozen=True, slots=True)
class _Convex:
    pools: int
    build_ms: float
    solve_ms: float
    ratio: float
    optimal: str
    error: float | None


@dataclass(frozen=True, slots=True)
class _Loss:
    """Basis points of our output that the others' output is short of it."""

    grid: float
    single_path: float
    grid_ms: float


def measure(tokens: int, pools: int, effort: Effort, tell: Callable[[str], None]) -> Row:
    """Everything about the universe of this shape; `tell` is called with a line before each part."""
    tell(f"{tokens} x {pools:,}: building")
    market = universe(tokens, pools, SEED)
    problems = rebalances(market, effort.rebalances, SEED)
    network, build_ms = timed(lambda: prepare(problems[0]))

    tell(f"{market.name}: {len(problems)} rebalances, gas free and not")
    free = [route for problem in problems if (route := found(problem, network))]
    paying = [replace(problem, gas_price_wei=GAS_PRICE_WEI) for problem in problems]
    answers = [fastest(partial(found, problem, network)) for problem in paying]
    net, times = [route for route, _ in answers if route], [ms for _, ms in answers]

    tell(f"{market.name}: {effort.convex} of them by cvxpy")
    convex = _against_convex(problems[: effort.convex])
    tell(f"{market.name}: {effort.swaps} swaps by the grid and along single paths")
    losses = _losses(market, swaps(market, effort.swaps, SEED))
    gaps, gaps_net = ([certificate_of(route).gap_bps for route in routes] for routes in (free, net))
    return Row(
        universe=market.name,
        tokens=tokens,
        pools=pools,
        build_ms=build_ms,
        p50_ms=float(np.median(times)),
        p95_ms=float(np.quantile(times, 0.95)),
        gap_bps=float(np.median(gaps)),
        gap_net_bps=float(np.median(gaps_net)),
        least_gap_bps=min(gaps + gaps_net),
        most_gap_bps=max(gaps),
        most_gap_net_bps=max(gaps_net),
        without_route=2 * len(problems) - len(free) - len(net),
        pools_used=float(np.median([len(route.legs) for route in net])),
        partial=sum(route.partial_reason is not None for route in net),
        cvxpy_pools=convex and convex.pools,
        cvxpy_build_ms=convex and convex.build_ms,
        cvxpy_ms=convex and convex.solve_ms,
        cvxpy_ratio=convex and convex.ratio,
        cvxpy_optimal=convex and convex.optimal,
        cvxpy_error=convex and convex.error,
        grid_loss_bps=float(np.mean([loss.grid for loss in losses])),
        least_grid_loss_bps=min(loss.grid for loss in losses),
        grid_ms=float(np.median([loss.grid_ms for loss in losses])),
        single_path_loss_bps=float(np.mean([loss.single_path for loss in losses])),
    )


def _against_convex(problems: Sequence[RebalanceProblem]) -> _Convex | None:
    """Both on the pools that fit a cone programme."""
    if not problems:
        return None
    pools = fits(problems[0].pools)
    network = prepare(replace(problems[0], pools=pools))
    ratios, answers, errors = [], [], []
    for problem in (replace(problem, pools=pools) for problem in problems):
        route, ms = fastest(partial(found, problem, network))
        answer = solve_convex(problem, _LIMITS.max_marginal_bps / BPS)
        answers.append(answer)
        ratios.append(answer.solve_ms / ms)
        if answer.status == _OPTIMAL and route:
            errors.append(abs(certificate_of(route).bound / answer.objective - 1))
    return _Convex(
        pools=len(pools),
        build_ms=float(np.median([answer.build_ms for answer in answers])),
        solve_ms=float(np.median([answer.solve_ms for answer in answers])),
        ratio=float(np.median(ratios)),
        optimal=f"{len(errors)} of {len(answers)}",
        error=max(errors, default=None),
    )


def _losses(market: Universe, problems: Sequence[RebalanceProblem]) -> list[_Loss]:
    """Against the grid and the best single path, for exactly what our route sells."""
    pools = Market(market.pools)
    network = prepare(problems[0])
    losses = []
    for problem in problems:
        route = found(problem, network)
        if route is None:
            losses.append(_Loss(-BPS, -BPS, 0.0))  # ours is the one that loses everything
            continue
        ((token_in, amount_in),) = route.sold.items()
        ((token_out, ours),) = route.bought.items()
        split, ms = timed(partial(grid_split, market, token_in, token_out, amount_in))
        single = best_single_path(pools, token_in, token_out, amount_in)
        grid, path = (0 if other is None else other.amount_out for other in (split, single))
        losses.append(_Loss((1 - grid / ours) * BPS, (1 - path / ours) * BPS, ms))
    return losses


def found(problem: RebalanceProblem, network: Network) -> Route | None:
    """Our route. In these markets there is always one, so that none is a fault, which the row has to show."""
    try:
        return solve(problem, _LIMITS, network)
    except NoRoute:
        return None


def certificate_of(route: Route) -> Certificate:
    """The solver gives one to every route."""
    assert route.certificate is not None
    return route.certificate


def timed(work: Callable[[], _T]) -> tuple[_T, float]:
    """What `work` gives, and ms of processor time."""
    start = time.process_time()
    result = work()
    return result, (time.process_time() - start) * 1e3


def fastest(work: Callable[[], _T]) -> tuple[_T, float]:
    """What `work` gives, and ms of the fastest of REPEATS: what else runs on the machine only adds."""
    runs = [timed(work) for _ in range(REPEATS)]
    return min(runs, key=lambda run: run[1])
