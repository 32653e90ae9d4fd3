"""The router: sell a basket, buy a basket, in one solve, then exact.

1. Solve the whole rebalance as a convex problem over all pools (`dual`): flows through a hub net by themselves, every
   pool trades in one direction at most, and marginal prices are equal wherever flows could move.
2. Break cycles, drop legs that do not pay their gas, and solve again on what is left.
3. Replay in exact integers (`schedule`). Only the replay is promised, and compared with the limits.
4. If the whole size costs too much, lower what a dollar of drift is worth until the route fits: the dearest dollars go
   first, so what remains is the most that can be rebalanced within the limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from keeper.errors import NoRoute
from keeper.markets import InsufficientLiquidity
from keeper.routing.dual import Basket, Solution, solve_dual
from keeper.routing.network import Floats, build_network
from keeper.routing.problem import BPS, WAD, RebalanceProblem, RouteLimits
from keeper.routing.route import Route
from keeper.routing.schedule import Flow, find_cycle, schedule

_HALVINGS = 16
# Share of the turnover below which an edge's flow is the minimiser's noise.
_DUST = 1e-6
# Aim this much below a full deficit, so that rounding does not overbuy.
_BELOW = 1 - 1e-9
# A thousandth left over on both sides is not worth a sentence.
_COMPLETE = 1_000


def solve(problem: RebalanceProblem, limits: RouteLimits | None = None) -> Route:
    """The route that removes the most drift that is worth its cost, at the least cost, within `limits`.

    Nothing is sold beyond the surplus or bought beyond the deficit, and the amounts are those of an exact replay on
    the pools given. Raises NoRoute, in one line, if no pool serves the assets or nothing is worth trading.
    """
    limits = limits or RouteLimits()
    if not any(problem.surplus.values()) or not any(problem.deficit.values()):
        side = "buy" if any(problem.surplus.values()) else "sell"
        raise NoRoute(f"there is nothing to {side}: no asset is off its target on that side")
    search = _Search(problem, limits)
    reward = limits.max_marginal_bps / BPS
    whole = search.candidate(reward, frozenset())
    if whole is None:
        raise NoRoute(search.why_nothing())
    best = search.pruned(whole)
    while not search.within_limit(best.route):
        # Another size can take other legs. To keep max_legs may then cost too much again, but closes legs for good.
        best = search.pruned(search.shrunk(best, whole))
    if search.worth(best) <= 0:
        gas = problem.gas_value(best.route.gas) / WAD
        raise NoRoute(f"no trade pays its gas: ${gas:.2f} of gas for ${best.route.value_out / WAD:.2f} sold")
    return replace(best.route, partial_reason=search.why_partial(whole, best))


class _Candidate(NamedTuple):
    """A route, the solution and reward it came from, and the edges that were closed to get it."""

    route: Route
    solution: Solution
    reward: float
    closed: frozenset[int]


class _Search:
    """One problem's network, and the candidates tried on it; each solve starts from the prices of the last."""

    def __init__(self, problem: RebalanceProblem, limits: RouteLimits) -> None:
        self.problem = problem
        self.limits = limits
        self.network = build_network(problem)
        self.number = {token: at for at, token in enumerate(self.network.tokens)}
        self.basket = Basket(self._usd(problem.surplus), self._usd(problem.deficit))
        self.turnover = min(self.basket.surplus.sum(), self.basket.deficit.sum())
        self.start: Floats = np.zeros(len(self.network.tokens))

    def candidate(self, reward: float, closed: frozenset[int]) -> _Candidate | None:
        """The exact route at `reward` without the `closed` edges; None if nothing trades."""
        while len(closed) < len(self.network.edges):
            solution = solve_dual(self.network.without(closed), self.basket, reward, self.start)
            self.start = solution.log_prices
            used = self._used(solution)
            cycle = find_cycle(self.network.edges[edge] for edge in used)
            if cycle:
                on_cycle = set(pairwise(cycle))
                closed |= {self._smallest(solution, (e for e in used if self.network.edges[e][1:] in on_cycle))}
                continue
            try:
                route = self._exact(solution, used)
            except InsufficientLiquidity:
                # The floats asked a pool for a little more than it has: give up the leg that matters least.
                closed |= {self._smallest(solution, used)}
                continue
            return _Candidate(route, solution, reward, closed) if route.legs else None
        return None

    def pruned(self, candidate: _Candidate) -> _Candidate:
        """`candidate` without the legs that are not worth their gas, and within max_legs.

        A pool's profit at the solution's prices is the least that closing it loses, so only legs that earn less than
        their gas are worth a try.
        """
        kept: set[int] = set()
        while True:
            too_many = len(candidate.route.legs) > self.problem.max_legs
            margin = {e: self._margin(candidate.solution, e) for e in self._used(candidate.solution)}
            doubtful = [edge for edge in margin if too_many or (margin[edge] < 0 and edge not in kept)]
            if not doubtful:
                return candidate
            least = min(doubtful, key=lambda edge: margin[edge])
            trial = self.candidate(candidate.reward, candidate.closed | {least})
            if too_many and trial is None:
                raise NoRoute(f"no route fits within max_legs = {self.problem.max_legs}; allow more legs")
            better = (
                trial is not None and self.worth(trial) > self.worth(candidate) and self._no_dearer(trial, candidate)
            )
            if trial is not None and (too_many or better):
                candidate, kept = trial, set()
            else:
                kept.add(least)

    def shrunk(self, candidate: _Candidate, whole: _Candidate) -> _Candidate:
        """The largest candidate within the limit, by bisection on the reward. Raises NoRoute if there is none."""
        # If no dollar is dearer than the limit then the whole is not either, whatever its size.
        high = candidate.reward
        low = min(1 - self.limits.floor / WAD, high)
        best: _Candidate | None = None
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            trial = self.candidate(middle, candidate.closed)
            if trial is not None and not self.within_limit(trial.route):
                high = middle
                continue
            low = middle
            if trial is not None and (best is None or trial.route.value_in > best.route.value_in):
                best = trial
        if best is None:
            raise NoRoute(f"no trade of any size stays within the limit: {self._over_limit(whole)}")
        return best

    def within_limit(self, route: Route) -> bool:
        """value_in >= value_out * floor, as the vault checks it."""
        return route.value_in * WAD >= route.value_out * self.limits.floor

    def worth(self, candidate: _Candidate) -> int:
        """WAD USD that the route is worth: drift removed at max_marginal_bps, less its cost and its gas."""
        route = candidate.route
        sold = route.value_out * (BPS - self.limits.max_marginal_bps) // BPS
        return route.value_in - sold - self.problem.gas_value(route.gas)

    def why_nothing(self) -> str:
        """One line for a problem on which nothing trades."""
        cut_off = self._cut_off()
        if cut_off:
            return f"no pool with liquidity connects {', '.join(cut_off)} with what has to trade against it"
        return f"every trade costs more than {self.limits.max_marginal_bps} bps against the oracle"

    def why_partial(self, whole: _Candidate, best: _Candidate) -> str | None:
        """One line on why both sides have something left; None if one of them is used up."""
        route, problem = best.route, self.problem
        surplus, deficit = problem.sold_value(problem.surplus), problem.bought_value(problem.deficit)
        if min((surplus - route.value_out) / surplus, (deficit - route.value_in) / deficit) * _COMPLETE <= 1:
            return None
        if best.reward < whole.reward:
            return f"the whole would cost too much: {self._over_limit(whole)}"
        cut_off = self._cut_off()
        if cut_off:
            return f"no pool with liquidity for {', '.join(cut_off)}"
        if best.closed > whole.closed:
            return "the rest does not pay its gas or does not fit within max_legs"
        return f"the next dollar would cost more than {self.limits.max_marginal_bps} bps"

    def _exact(self, solution: Solution, used: Iterable[int]) -> Route:
        network, problem = self.network, self.problem
        flows = [
            Flow(network.edges[edge], int(solution.trades.out[edge] / network.usd[network.target[edge]]))
            for edge in used
        ]
        wanted = {
            token: min(amount, int(solution.bought[at] / network.usd[at] * _BELOW))
            for token, amount in problem.deficit.items()
            if (at := self.number.get(token)) is not None
        }
        return schedule(problem, [flow for flow in flows if flow.out], problem.surplus, wanted)

    def _used(self, solution: Solution) -> list[int]:
        return [int(edge) for edge in np.flatnonzero(solution.trades.out > _DUST * self.turnover)]

    def _smallest(self, solution: Solution, edges: Iterable[int]) -> int:
        return min(edges, key=lambda edge: float(solution.trades.out[edge]))

    def _margin(self, solution: Solution, edge: int) -> float:
        gas = self.problem.gas_value(self.network.edges[edge].pool.swap_gas) / WAD
        return float(solution.trades.profit[edge]) - gas

    def _no_dearer(self, trial: _Candidate, than: _Candidate) -> bool:
        return self.within_limit(trial.route) or not self.within_limit(than.route)

    def _over_limit(self, whole: _Candidate) -> str:
        limit = (WAD - self.limits.floor) * BPS / WAD
        return f"{whole.route.cost_bps:.2f} bps against the oracle at full size, the limit is {limit:.2f} bps"

    def _usd(self, amounts: Mapping[str, int]) -> Floats:
        usd = np.zeros(len(self.network.tokens))
        for token, amount in amounts.items():
            if token in self.number:
                usd[self.number[token]] = amount * self.network.usd[self.number[token]]
        return usd

    def _cut_off(self) -> list[str]:
        """Assets that no chain of pools connects with the other side."""
        forward = {(edge.token_in, edge.token_out) for edge in self.network.edges}
        backward = {(target, source) for source, target in forward}
        surplus = {token for token, amount in self.problem.surplus.items() if amount}
        deficit = {token for token, amount in self.problem.deficit.items() if amount}
        return sorted((surplus - _reach(deficit, backward)) | (deficit - _reach(surplus, forward)))


def _reach(start: set[str], steps: set[tuple[str, str]]) -> set[str]:
    reached = set(start)
    while more := {target for source, target in steps if source in reached} - reached:
        reached |= more
    return reached
