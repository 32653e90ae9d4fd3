"""Swaps as problems for the router: one token or many for one or many, exact on one of the sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from keeper.errors import NoRoute
from keeper.markets import Pool
from keeper.routing.network import reference_prices
from keeper.routing.problem import UNLIMITED, WAD, Goal, RebalanceProblem


def exact_in(
    pools: Iterable[Pool],
    sold: Mapping[str, int],
    token_out: str,
    prices: Mapping[str, int],
    decimals: Mapping[str, int],
    **options: object,
) -> RebalanceProblem:
    """Sell all of `sold` (base units) for as much of `token_out` as it brings.

    :param prices: WAD USD per whole token, of one token at least; the others are taken from the pools
    :param options: of `RebalanceProblem`
    :raises NoRoute: a token is connected with none that has a price
    """
    return _problem(pools, sold, {token_out: UNLIMITED}, prices, decimals, Goal.EXACT_IN, options)


def exact_out(
    pools: Iterable[Pool],
    token_in: str,
    bought: Mapping[str, int],
    prices: Mapping[str, int],
    decimals: Mapping[str, int],
    **options: object,
) -> RebalanceProblem:
    """Buy `bought` (base units) for as little of `token_in` as it takes. As `exact_in` otherwise."""
    return _problem(pools, {token_in: UNLIMITED}, bought, prices, decimals, Goal.EXACT_OUT, options)


def _problem(
    pools: Iterable[Pool],
    surplus: Mapping[str, int],
    deficit: Mapping[str, int],
    prices: Mapping[str, int],
    decimals: Mapping[str, int],
    goal: Goal,
    options: dict[str, object],
) -> RebalanceProblem:
    pools = tuple(pools)
    known = {token: price / WAD / 10.0 ** decimals[token] for token, price in prices.items() if token in decimals}
    found = reference_prices(pools, known)
    complete = dict(prices)
    for token in (*surplus, *deficit):
        if token in complete:
            continue
        if token not in found:
            raise NoRoute(f"no pool with liquidity connects {token} with a token that has a price")
        complete[token] = max(int(found[token] * 10.0 ** decimals[token] * WAD), 1)
    return RebalanceProblem(pools, complete, decimals, surplus, deficit, goal=goal, **options)  # type: ignore[arg-type]
