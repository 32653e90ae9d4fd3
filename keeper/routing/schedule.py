"""From the solver's float flows to legs that the chain executes: order, exact amounts, shares.

Backwards from what is wanted: each token's need is what is kept of it plus what the legs that spend it take, and the
legs that bring it are asked, through the pools' exact-output maths, for just that. So nothing is overbought and the
amounts to sell come out. Then forwards with shares, which is what the chain does, and what is promised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from keeper.markets import InsufficientLiquidity
from keeper.routing.network import Edge
from keeper.routing.problem import WAD, RebalanceProblem
from keeper.routing.route import Leg, Route, replay

# Doublings that take any uint256 to zero.
_ATTEMPTS = 257


class Flow(NamedTuple):
    """One edge in use and the base units, still a guess, that it pays out."""

    edge: Edge
    out: int


def find_cycle(edges: Iterable[Edge]) -> list[str]:
    """Tokens, in order, of one cycle among `edges`; empty if they can be put in order."""
    try:
        _token_order(edges)
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return []


def schedule(problem: RebalanceProblem, flows: list[Flow], sold: Mapping[str, int], bought: Mapping[str, int]) -> Route:
    """The exact route that follows `flows`; they must be free of cycles.

    `sold` and `bought` are base units that the flows aim at, within surplus and deficit; the route sells and buys at
    most that. Raises InsufficientLiquidity if a pool cannot carry its flow or pays in steps too coarse.
    """
    order = _token_order(flow.edge for flow in flows)
    aim = dict(bought)
    for attempt in range(1, _ATTEMPTS):
        route = _attempt(problem, flows, order, sold, aim)
        over = {token: amount - problem.deficit[token] for token, amount in route.bought.items()}
        if all(excess <= 0 for excess in over.values()):
            return route
        # One base unit of a coarse input (a satoshi) may buy more than what is aimed too high by, so the aim is lowered
        # twice as far each time; at zero nothing is bought.
        for token, excess in over.items():
            if excess > 0:
                aim[token] = max(aim[token] - (excess << attempt), 0)
    raise InsufficientLiquidity("the pools cannot pay a deficit in steps as fine as its units")


def _attempt(
    problem: RebalanceProblem, flows: list[Flow], order: list[str], sold: Mapping[str, int], kept: Mapping[str, int]
) -> Route:
    spend, sells = _needs(flows, order, sold, kept)

    legs: list[Leg] = []
    balances = dict(sells)
    for token in order:
        outgoing = [flow for flow in flows if flow.edge.token_in == token and spend.get(flow.edge.pool.address)]
        left = sum(spend[flow.edge.pool.address] for flow in outgoing) + kept.get(token, 0)
        for flow in outgoing:
            pool = flow.edge.pool
            share = spend[pool.address] * WAD // left
            left -= spend[pool.address]
            amount_in = balances.get(token, 0) * share // WAD
            amount_out = pool.amount_out(token, flow.edge.token_out, amount_in)
            if amount_out == 0:
                # Too little left here to buy a single unit: its input goes to the other legs.
                return _attempt(problem, [other for other in flows if other is not flow], order, sold, kept)
            balances[token] -= amount_in
            balances[flow.edge.token_out] = balances.get(flow.edge.token_out, 0) + amount_out
            legs.append(
                Leg(pool.address, pool.venue, token, flow.edge.token_out, amount_in, amount_out, share, pool.fee)
            )

    pools = {flow.edge.pool.address: flow.edge.pool for flow in flows}
    route = Route(tuple(legs), sells, {}, 0, 0, sum(pools[leg.pool].swap_gas for leg in legs))
    bought = {t: amount for t, amount in replay(route, pools.values(), sells).items() if t in problem.deficit}
    return Route(route.legs, sells, bought, problem.sold_value(sells), problem.bought_value(bought), route.gas)


def _needs(
    flows: list[Flow], order: list[str], sold: Mapping[str, int], kept: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, int]]:
    """Base units each leg spends, by pool, and of each token sold, so that `kept` is what remains."""
    spend: dict[str, int] = {}
    sells: dict[str, int] = {}
    for token in reversed(order):
        need = kept.get(token, 0) + sum(spend[f.edge.pool.address] for f in flows if f.edge.token_in == token)
        incoming = [flow for flow in flows if flow.edge.token_out == token]
        brought = sum(flow.out for flow in incoming)
        if token in sold:
            # What other legs bring of a token that is sold anyway is spent first; the rest is sold.
            asked = min(need, brought)
            sells[token] = min(need - asked, sold[token])
        else:
            asked = need
        for flow in incoming:
            part = asked * flow.out // brought
            asked, brought = asked - part, brought - flow.out
            spend[flow.edge.pool.address] = flow.edge.pool.amount_in(flow.edge.token_in, flow.edge.token_out, part)
    return spend, {token: amount for token, amount in sells.items() if amount}


def _token_order(edges: Iterable[Edge]) -> list[str]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for edge in sorted(edges, key=lambda edge: edge.pool.address):
        sorter.add(edge.token_out, edge.token_in)
    return list(sorter.static_order())
