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
from keeper.routing.problem import WAD, Goal, RebalanceProblem
from keeper.routing.route import Leg, Route

# Doublings that take any uint256 to zero.
_ATTEMPTS = 257


class Flow(NamedTuple):
    """One edge in use and the base units, still a guess, that it pays out."""

    edge: Edge
    out: int


class Aim(NamedTuple):
    """Base units that flows lead to, within surplus and deficit. All of `whole` is sold, whatever it brings."""

    sold: Mapping[str, int]
    bought: Mapping[str, int]
    whole: frozenset[str] = frozenset()


def find_cycle(edges: Iterable[Edge]) -> list[str]:
    """Tokens, in order, of one cycle among `edges`; empty if they can be put in order."""
    try:
        token_order(edges)
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return []


def schedule(problem: RebalanceProblem, flows: list[Flow], aim: Aim) -> Route:
    """The exact route that follows `flows`; they must be free of cycles and use a pool once.

    Sells at most what `aim` says. Buys no more than the deficit, or, where that has to be filled, no less than `aim` says.
    Raises InsufficientLiquidity if a pool cannot carry its flow or pays in steps too coarse.
    """
    order = token_order(flow.edge for flow in flows)
    bought = dict(aim.bought)
    for attempt in range(1, _ATTEMPTS):
        route = _attempt(problem, flows, order, aim._replace(bought=bought))
        if problem.goal is Goal.EXACT_OUT:
            off = {token: route.bought.get(token, 0) - amount for token, amount in aim.bought.items()}
            off = {token: amount for token, amount in off.items() if amount < 0}
        else:
            off = {token: amount - problem.deficit[token] for token, amount in route.bought.items()}
            off = {token: amount for token, amount in off.items() if amount > 0}
        if not off:
            return route
        # One base unit of a coarse input (a satoshi) may buy more than what is aimed wrongly by, so the aim is moved twice
        # as far each time; at zero nothing is bought.
        for token, amount in off.items():
            bought[token] = max(bought[token] - (amount << attempt), 0)
    raise InsufficientLiquidity("the pools cannot pay a deficit in steps as fine as its units")


def _attempt(problem: RebalanceProblem, flows: list[Flow], order: list[str], aim: Aim) -> Route:
    spend, sells = _needs(flows, order, aim)

    legs: list[Leg] = []
    gas = 0
    balances = dict(sells)
    for token in order:
        outgoing = [flow for flow in flows if flow.edge.token_in == token and spend.get(flow.edge.pool.address)]
        left = sum(spend[flow.edge.pool.address] for flow in outgoing) + aim.bought.get(token, 0)
        for flow in outgoing:
            pool, token_out = flow.edge.pool, flow.edge.token_out
            share = spend[pool.address] * WAD // left
            left -= spend[pool.address]
            amount_in = balances.get(token, 0) * share // WAD
            amount_out = pool.amount_out(token, token_out, amount_in)
            if amount_out == 0:
                # Too little left here to buy a single unit: its input goes to the other legs.
                return _attempt(problem, [other for other in flows if other is not flow], order, aim)
            balances[token] -= amount_in
            balances[token_out] = balances.get(token_out, 0) + amount_out
            legs.append(Leg(pool.address, pool.venue, token, token_out, amount_in, amount_out, share, pool.fee))
            gas += pool.swap_gas

    # A pool is used once, so that what the legs leave is what a replay of them leaves.
    bought = {token: balances[token] for token in problem.deficit if balances.get(token)}
    return Route(tuple(legs), sells, bought, problem.sold_value(sells), problem.bought_value(bought), gas)


def _needs(flows: list[Flow], order: list[str], aim: Aim) -> tuple[dict[str, int], dict[str, int]]:
    """Base units each leg spends, by pool, and of each token sold, so that what is aimed at remains."""
    spend: dict[str, int] = {}
    sells: dict[str, int] = {}
    for token in reversed(order):
        need = aim.bought.get(token, 0) + sum(spend[f.edge.pool.address] for f in flows if f.edge.token_in == token)
        incoming = [flow for flow in flows if flow.edge.token_out == token]
        brought = sum(flow.out for flow in incoming)
        if token in aim.sold:
            # What other legs bring of a token that is sold anyway is spent first; the rest is sold.
            asked = min(need, brought)
            sells[token] = aim.sold[token] if token in aim.whole else min(need - asked, aim.sold[token])
        else:
            asked = need
        for flow in incoming:
            pool, token_in = flow.edge.pool, flow.edge.token_in
            part = asked * flow.out // brought
            asked, brought = asked - part, brought - flow.out
            spend[pool.address] = pool.amount_in(token_in, token, part)
    return spend, {token: amount for token, amount in sells.items() if amount}


def token_order(edges: Iterable[Edge]) -> list[str]:
    """Tokens such that every edge leads forward. Raises graphlib.CycleError."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for edge in sorted(edges, key=lambda edge: edge.pool.address):
        sorter.add(edge.token_out, edge.token_in)
    return list(sorter.static_order())
