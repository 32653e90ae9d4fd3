"""The router: sell a basket, buy a basket, in one solve, then exact.

1. Solve the whole as a convex problem over all pools (`dual`): flows through a hub net by themselves, every pool trades in
   one direction at most, and marginal prices are equal wherever flows could move.
2. Keep the edges in use. Where they run in a circle, or use a pool of many tokens twice, the smallest one goes.
3. Drop what does not pay its gas and solve again, as long as that gains; bring back what would pay it now, twice at most.
4. Replay in exact integers (`schedule`). Only the replay is promised, and compared with the limits.
5. If the whole size costs too much, lower what a dollar of drift is worth until the route fits: the dearest dollars go
   first, so what remains is the most that can be rebalanced within the limit.
6. Bound what any other route could have reached (`certificate`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from keeper.errors import NoRoute
from keeper.markets import InsufficientLiquidity
from keeper.routing.certificate import Certificate, certify, upper_bound
from keeper.routing.dual import AT_ANY_COST, Basket, Solution, explore, explore_again, refine
from keeper.routing.network import Floats, Ints, Network, build
from keeper.routing.problem import BPS, UNLIMITED, WAD, Goal, RebalanceProblem, RouteLimits
from keeper.routing.route import Route
from keeper.routing.schedule import Aim, Flow, find_cycle, schedule, token_order
from keeper.routing.thinning import least_missed

# The matrices are small: threads on them wait for each other longer than they work.
_SERIAL = ThreadpoolController()

_Descent = Callable[[Network, Basket, Floats], Solution]

_HALVINGS = 16
# Share of what trades below which an edge's flow is the minimiser's noise.
_DUST = 1e-6
_ROUGHLY = 1e-5
# Aim this much below a full deficit, so that rounding does not overbuy.
_BELOW = 1 - 1e-9
# A thousandth left over on both sides is not worth a sentence.
_COMPLETE = 1_000
# What is sold but for this share is sold whole.
_WHOLE = 1 - 1e-6
# A basket of which less than a hundredth trades is cut to ten times what does.
_FEW = 10.0
# Share of the turnover that is no trade.
_NONE = 1e-9
_RETURNS = 2
# Share of what trades that is not worth another search.
_GOOD = 2e-5
# How many times what was foreseen closing legs may lose, when there are too many.
_ABOUT = 2.0
_ROUNDS = 3


def prepare(problem: RebalanceProblem) -> Network:
    """The pools of `problem` that a route may use, laid out for `solve`; good for any amounts on the same pools."""
    traded = {token for side in (problem.surplus, problem.deficit) for token, amount in side.items() if amount}
    priced = traded | {token for token, price in problem.prices.items() if price and token in problem.decimals}
    usd = {token: problem.prices[token] / WAD / 10.0 ** problem.decimals[token] for token in priced}
    return build(problem.pools, usd, None if problem.hubs is None else traded | problem.hubs)


def solve(problem: RebalanceProblem, limits: RouteLimits | None = None, network: Network | None = None) -> Route:
    """The route that does most for its cost within `limits`, with its certificate.

    A rebalance removes the most drift that is worth what it costs; a swap goes as far as the liquidity. Nothing is sold
    beyond the surplus or bought beyond the deficit, and the amounts are those of an exact replay on the pools given.

    :param network: of `prepare`, when it is at hand
    :raises NoRoute: in one line, if no pool serves the assets or nothing is worth trading
    """
    with _SERIAL.limit(limits=1, user_api="blas"):
        return _solve(problem, limits or RouteLimits(), network)


def _solve(problem: RebalanceProblem, limits: RouteLimits, network: Network | None) -> Route:
    if not any(problem.surplus.values()) or not any(problem.deficit.values()):
        side = "buy" if any(problem.surplus.values()) else "sell"
        raise NoRoute(f"there is nothing to {side}: no asset is off its target on that side")
    search = _Search(problem, limits, network or prepare(problem))
    whole = search.first(_cost(problem.goal, limits))
    if whole is None:
        raise NoRoute(search.why_nothing())
    best, route = search.exact(search.pruned(whole))
    whole_route = route
    while not search.within_limit(route):
        # Another size can take other legs. To keep max_legs may then cost too much again, but gives legs up for good.
        best, route = search.exact(search.pruned(search.shrunk(best, whole_route)))
    if search.worth(best.cost, route) <= 0:
        if problem.goal is not Goal.REBALANCE:
            raise NoRoute(search.why_nothing())
        gas = problem.gas_value(route.gas) / WAD
        raise NoRoute(f"no trade pays its gas: ${gas:.2f} of gas for ${route.value_out / WAD:.2f} sold")
    certificate = search.certificate(route, best)
    return replace(route, partial_reason=search.why_partial(whole, whole_route, best, route), certificate=certificate)


def _cost(goal: Goal, limits: RouteLimits) -> float:
    """What selling a dollar costs at most: the rest of it is what removing it from drift is worth."""
    return {Goal.REBALANCE: 1 - limits.max_marginal_bps / BPS, Goal.EXACT_IN: 0.0, Goal.EXACT_OUT: 1.0}[goal]


class _Candidate(NamedTuple):
    """A solution on some edges of the whole network, and which of these it uses.

    `worth` is that of the floats: USD of what is bought less the cost of what is sold less gas.
    """

    edges: Ints
    solution: Solution
    used: Ints
    cost: float
    worth: float


class _Search:
    """One problem's network, and the candidates tried on it; each solve starts from the prices of the last."""

    def __init__(self, problem: RebalanceProblem, limits: RouteLimits, network: Network) -> None:
        self.problem = problem
        self.limits = limits
        self.network = network
        self.number = {token: at for at, token in enumerate(network.tokens)}
        worth = float("inf") if problem.goal is Goal.EXACT_OUT else 1.0
        self.asked = Basket(self._usd(problem.surplus), self._usd(problem.deficit), 1.0, worth)
        # What is left of it when most cannot trade anyway.
        self.basket = self.asked
        self.gas = np.array([edge.pool.swap_gas for edge in network.edges]) * (problem.gas_value(WAD) / WAD / WAD)
        self.start: Floats = np.zeros(len(network.tokens))
        # All edges, or those that go forward where the pools would have us run in circles.
        self.open = np.arange(len(network.edges))
        # Prices at which to ask for the bound.
        self.tried: list[Floats] = []
        self.bound = float("inf")

    def first(self, cost: float) -> _Candidate | None:
        """The best flows that an executor can put in order; None if nothing trades."""
        if not len(self.network.edges) or not self.basket.turnover:
            return None
        candidate = self._sized(cost)
        if self._has_circle(candidate.used):
            self.open = self._forward(cost)
            candidate = self._explored(self.open, cost)
        edges = self.open
        for _ in range(_ROUNDS):
            again = self._tangled(candidate)
            if not len(again):
                break
            # Pools that stood idle beside the one that was used twice may take over.
            edges = np.setdiff1d(edges, again, assume_unique=True)
            candidate = self._explored(edges, cost, explore_again)
        network, gas = self.network.only(self.open), self.gas[self.open]
        basket = self.asked._replace(cost=cost)
        self.bound = min(upper_bound(network, basket, prices, gas).value for prices in self.tried)
        candidate = self._untangled(self._solved(candidate.used, cost))
        return candidate if len(candidate.used) else None

    def pruned(self, candidate: _Candidate) -> _Candidate:
        """`candidate` without the legs that are not worth their gas, and within max_legs."""
        best = self._thinned(candidate)
        for _ in range(_RETURNS):
            trades = self.network.trades(best.solution.log_prices)
            paying = self.open[(trades.profit > self.gas)[self.open]]
            more = np.union1d(best.used, paying)
            if len(more) == len(best.used) or len(best.used) == len(candidate.used) or self._is_good(best):
                break
            trial = self._untangled(self._solved(more, best.cost))
            trial = self._thinned(trial) if len(trial.used) else trial
            if trial.worth <= best.worth or len(trial.used) > self.problem.max_legs:
                break
            best = trial
        return best

    def shrunk(self, candidate: _Candidate, whole: Route) -> _Candidate:
        """The largest candidate within the limit, by bisection on what selling a dollar costs. Raises NoRoute."""
        # If no dollar is dearer than the limit then the whole is not either, whatever its size.
        # Of a loss that is limited in dollars only this is sure: without dollars that cost there is none.
        floor = 1.0 if self.limits.max_loss is not None else self.limits.floor / WAD
        low, high = candidate.cost, max(floor, candidate.cost)
        best: tuple[_Candidate, Route] | None = None
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            trial = self._untangled(self._solved(candidate.used, middle))
            fitting = self._exact(trial)
            if fitting is not None and not self.within_limit(fitting[1]):
                low = middle
                continue
            high = middle
            if fitting is not None and (best is None or fitting[1].value_in > best[1].value_in):
                best = fitting
        if best is None:
            raise NoRoute(f"no trade of any size stays within the limit: {self._over_limit(whole)}")
        return best[0]

    def exact(self, candidate: _Candidate) -> tuple[_Candidate, Route]:
        """The route of a candidate. Raises NoRoute when the pools pay in steps too coarse for any."""
        found = self._exact(candidate)
        if found is None:
            raise NoRoute(self.why_nothing())
        return found

    def within_limit(self, route: Route) -> bool:
        """value_in >= value_out * floor, as the vault checks it, and no more lost than may be."""
        most = self.limits.max_loss
        if most is not None and route.value_out - route.value_in > most:
            return False
        return route.value_in * WAD >= route.value_out * self.limits.floor

    def worth(self, cost: float, route: Route) -> float:
        """USD that a route is worth net of gas, when a dollar sold costs `cost`."""
        if self.problem.goal is not Goal.REBALANCE:
            # A swap was asked for; what its gas costs is for the caller to weigh.
            return float(route.value_in or route.value_out)
        return (route.value_in - route.value_out * cost - self.problem.gas_value(route.gas)) / WAD

    def certificate(self, route: Route, best: _Candidate) -> Certificate:
        """The tightest of the bounds at the prices of the solves."""
        basket = self.asked._replace(cost=best.cost)
        sold, bought = self._usd(route.sold), self._usd(route.bought)
        paid = self.problem.gas_value(route.gas) / WAD
        network, gas = self.network.only(self.open), self.gas[self.open]
        return min(
            (
                certify(network, basket, prices, gas, sold, bought, paid)
                for prices in (*self.tried, best.solution.log_prices)
            ),
            key=lambda certificate: certificate.gap_bps,
        )

    def why_nothing(self) -> str:
        """One line for a problem on which nothing trades."""
        cut_off = self._cut_off()
        if cut_off:
            return f"no pool with liquidity connects {', '.join(cut_off)} with what has to trade against it"
        if self.problem.goal is not Goal.REBALANCE:
            return "the amount is too small for any pool to pay a unit for it, or far more than all of them hold"
        return f"every trade costs more than {self.limits.max_marginal_bps} bps against the oracle"

    def why_partial(self, whole: _Candidate, whole_route: Route, best: _Candidate, route: Route) -> str | None:
        """One line on why something is left that the problem wants traded; None if nothing is."""
        problem = self.problem
        left = [
            (wanted - done) / wanted
            for wanted, done in (
                (problem.sold_value(problem.surplus), route.value_out),
                (problem.bought_value(problem.deficit), route.value_in),
            )
        ]
        # The other side of a swap has no limit that it could fall short of.
        missing = {Goal.EXACT_IN: left[0], Goal.EXACT_OUT: left[1], Goal.REBALANCE: min(left)}[problem.goal]
        if missing * _COMPLETE <= 1:
            return None
        if best.cost > whole.cost:
            return f"the whole would cost too much: {self._over_limit(whole_route)}"
        cut_off = self._cut_off()
        if cut_off:
            return f"no pool with liquidity for {', '.join(cut_off)}"
        if problem.goal is not Goal.REBALANCE:
            return f"the pools have no more liquidity: {100 * (1 - missing):.2f} % of the amount trades"
        if len(best.used) < len(whole.used):
            return "the rest does not pay its gas or does not fit within max_legs"
        return f"the next dollar would cost more than {self.limits.max_marginal_bps} bps"

    def _sized(self, cost: float) -> _Candidate:
        """The best flows on all edges. Where next to nothing of the basket trades, digits are kept by asking for less."""
        candidate = self._explored(self.open, cost)
        while self.problem.goal is Goal.REBALANCE:
            most = _FEW * max(candidate.solution.sold.sum(), candidate.solution.bought.sum())
            if not _NONE * self.asked.turnover < most < self.basket.turnover / _FEW:
                break
            self.basket = self.asked.at_most(most)
            self.start = np.zeros_like(self.start)
            candidate = self._explored(self.open, cost)
        return candidate

    def _explored(self, edges: Ints, cost: float, by: _Descent = explore) -> _Candidate:
        """The best flows on many edges, roughly."""
        basket = self.basket._replace(cost=cost)
        solution = by(self.network.only(edges), basket, self.start)
        self.start = solution.log_prices
        self.tried.append(self.start)
        used = edges[solution.trades.out > _ROUGHLY * solution.traded(basket)]
        return _Candidate(edges, solution, used, cost, 0.0)

    def _forward(self, cost: float) -> Ints:
        """Edges that follow the order in which tokens would be traded if no pool were cheaper than the reference prices.

        Pools that contradict each other pay for running in circles, in amounts that have nothing to do with ours, and no
        executor can put a circle in order. Without the contradictions what trades is what has to.
        """
        fair = explore(self.network.fair(), self.basket._replace(cost=cost), np.zeros(len(self.network.tokens)))
        self.start = fair.log_prices
        used = np.flatnonzero(fair.trades.out > _ROUGHLY * fair.traded(self.basket))
        order = token_order(self.network.edges[edge] for edge in used)
        rank = {token: float(at) for at, token in enumerate(order)}
        first_bought = min((rank[token] for token in self.problem.deficit if token in rank), default=0.0)
        for token in self.network.tokens:
            if token not in rank:
                # Not needed at fair prices: what may be sold comes first, what may be bought last, others in between.
                is_sold, is_bought = token in self.problem.surplus, token in self.problem.deficit
                rank[token] = -1.0 if is_sold else float(len(order)) if is_bought else first_bought - 0.5
        ranks = np.array([rank[token] for token in self.network.tokens])
        return np.flatnonzero(ranks[self.network.source] < ranks[self.network.target])

    def _is_good(self, candidate: _Candidate) -> bool:
        """Whether the bound leaves next to nothing to find."""
        return self.bound - candidate.worth < _GOOD * candidate.solution.traded(self.basket)

    def _has_circle(self, used: Ints) -> bool:
        return bool(find_cycle(self.network.edges[edge] for edge in used))

    def _solved(self, edges: Ints, cost: float) -> _Candidate:
        """The best flows on a few edges."""
        basket = self.basket._replace(cost=cost)
        if not len(edges):
            none = np.zeros(len(self.network.tokens))
            return _Candidate(
                edges,
                Solution(self.start, self.network.only(edges).trades(self.start), none, none, none),
                edges,
                cost,
                0.0,
            )
        solution = refine(self.network.only(edges), basket, self.start)
        self.start = solution.log_prices
        used = edges[solution.trades.out > _DUST * solution.traded(basket)]
        # What nobody has counts as bought at any cost, or flows that do not add up would look best.
        bought = solution.bought.sum() * min(basket.worth, AT_ANY_COST) - solution.missing.sum() * AT_ANY_COST
        return _Candidate(
            edges, solution, used, cost, float(bought - solution.sold.sum() * cost - self.gas[used].sum())
        )

    def _untangled(self, candidate: _Candidate) -> _Candidate:
        """The candidate solved on what it uses, without circles and second uses of a pool."""
        while len(tangled := self._tangled(candidate)):
            candidate = self._solved(np.setdiff1d(candidate.used, tangled, assume_unique=True), candidate.cost)
        return candidate

    def _tangled(self, candidate: _Candidate) -> Ints:
        """Edges to give up, the smallest of each knot: all but the largest of a pool's, and one of each circle."""
        out = dict(zip(candidate.edges.tolist(), candidate.solution.trades.out.tolist(), strict=True))
        edges = self.network.edges
        largest: dict[str, int] = {}
        for edge in sorted(candidate.used.tolist(), key=lambda edge: out[edge]):
            largest[edges[edge].pool.address] = edge
        left = set(largest.values())
        while cycle := find_cycle(edges[edge] for edge in left):
            on_cycle = set(pairwise(cycle))
            left.discard(min((edge for edge in left if edges[edge][1:3] in on_cycle), key=lambda edge: out[edge]))
        return np.array(sorted(set(candidate.used.tolist()) - left), dtype=np.intp)

    def _thinned(self, candidate: _Candidate) -> _Candidate:
        """Without the legs that do not pay, while that gains, and without those that are too many."""
        most = self.problem.max_legs
        while len(candidate.used) > most or not self._is_good(candidate):
            network, basket = self.network.only(candidate.edges), self.basket._replace(cost=candidate.cost)
            gas = self.gas[candidate.edges]
            closed, losses = least_missed(network, basket, candidate.solution, gas, most)
            trial = self._without(candidate, candidate.edges[closed], losses)
            if trial is None:
                break
            candidate = trial
        return candidate

    def _without(self, candidate: _Candidate, closed: Ints, losses: list[float]) -> _Candidate | None:
        """The candidate without as many of the first `closed` as turns out well; None if none do."""
        too_many = len(candidate.used) > self.problem.max_legs
        count = len(closed)
        while count:
            left = np.setdiff1d(candidate.used, closed[:count])
            trial = self._untangled(self._solved(left, candidate.cost))
            if too_many:
                # About what was foreseen is well enough; the last one has to go whatever it costs.
                foreseen = _ABOUT * max(losses[count - 1], 0.0) + _GOOD * candidate.solution.traded(self.basket)
                is_well = count == 1 or trial.worth >= candidate.worth - foreseen
            else:
                is_well = trial.worth > candidate.worth
            if is_well and len(trial.used):
                return trial
            count //= 2
        if too_many:
            raise NoRoute(f"no route fits within max_legs = {self.problem.max_legs}; allow more legs")
        return None

    def _exact(self, candidate: _Candidate) -> tuple[_Candidate, Route] | None:
        while len(candidate.used):
            try:
                return candidate, schedule(self.problem, *self._aimed(candidate))
            except InsufficientLiquidity:
                # The floats asked a pool for a little more than it has: give up the leg that matters least.
                out = dict(zip(candidate.edges.tolist(), candidate.solution.trades.out.tolist(), strict=True))
                least = min(candidate.used.tolist(), key=lambda edge: out[edge])
                candidate = self._untangled(self._solved(np.setdiff1d(candidate.used, [least]), candidate.cost))
        return None

    def _aimed(self, candidate: _Candidate) -> tuple[list[Flow], Aim]:
        network, problem, solution = self.network, self.problem, candidate.solution
        out = dict(zip(candidate.edges.tolist(), solution.trades.out.tolist(), strict=True))
        flows = [
            Flow(network.edges[edge], int(out[edge] / network.usd[network.target[edge]]))
            for edge in candidate.used.tolist()
        ]
        exact_out = problem.goal is Goal.EXACT_OUT
        wanted: dict[str, int] = {}
        for token, amount in problem.deficit.items():
            at = self.number.get(token)
            if at is None:
                continue
            if exact_out and solution.bought[at] > self.asked.deficit[at] * _WHOLE:
                wanted[token] = amount
            else:
                wanted[token] = min(amount, int(solution.bought[at] / network.usd[at] * _BELOW))
        whole = {
            token
            for token in problem.surplus
            if problem.goal is Goal.EXACT_IN
            and (at := self.number.get(token)) is not None
            and solution.sold[at] > self.asked.surplus[at] * _WHOLE
        }
        return [flow for flow in flows if flow.out], Aim(problem.surplus, wanted, frozenset(whole))

    def _over_limit(self, whole: Route) -> str:
        if self.limits.max_loss is not None and whole.value_out - whole.value_in > self.limits.max_loss:
            lost = (whole.value_out - whole.value_in) / WAD
            return f"${lost:.2f} lost against the oracle at full size, the limit is ${self.limits.max_loss / WAD:.2f}"
        limit = (WAD - self.limits.floor) * BPS / WAD
        return f"{whole.cost_bps:.2f} bps against the oracle at full size, the limit is {limit:.2f} bps"

    def _usd(self, amounts: Mapping[str, int]) -> Floats:
        usd = np.zeros(len(self.network.tokens))
        for token, amount in amounts.items():
            if token in self.number:
                at = self.number[token]
                usd[at] = np.inf if amount == UNLIMITED else amount * self.network.usd[at]
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
