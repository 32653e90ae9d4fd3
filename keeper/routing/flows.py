"""What of a route goes where: of each token sold, how much ends as each token bought. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from keeper.routing.problem import WAD
from keeper.routing.route import Leg, Route


@dataclass(frozen=True, slots=True)
class Flow:
    """A part of a route: base units of `sell` that end as base units of `buy`."""

    sell: str
    buy: str
    amount_in: int
    amount_out: int


def flows(route: Route) -> tuple[Flow, ...]:
    """The route as flows from what it sells to what it buys, in the order of both.

    What a leg takes is of every origin in proportion to what is there. Amounts are rounded down.
    """
    shares = {token: {token: WAD} for token, amount in route.sold.items() if amount}
    amounts = {token: {token: amount} for token, amount in route.sold.items() if amount}
    for leg in route.legs:
        _follow(leg, shares, amounts)
    return tuple(
        Flow(sold, bought, route.sold[sold] * shares[bought][sold] // WAD, amounts[bought][sold])
        for sold, bought in _pairs(route.sold, route.bought)
        if shares.get(bought, {}).get(sold) and amounts[bought][sold]
    )


def _follow(leg: Leg, shares: dict[str, dict[str, int]], amounts: dict[str, dict[str, int]]) -> None:
    held = amounts.get(leg.token_in, {})
    total = sum(held.values())
    moved = min(leg.amount_in, total)
    if not moved:
        return
    for origin, amount in list(held.items()):
        part = amount * moved // total
        share = shares[leg.token_in][origin] * moved // total
        held[origin] -= part
        shares[leg.token_in][origin] -= share
        for ledger, gain in ((amounts, leg.amount_out * part // moved), (shares, share)):
            there = ledger.setdefault(leg.token_out, {})
            there[origin] = there.get(origin, 0) + gain


def _pairs(sold: Iterable[str], bought: Iterable[str]) -> list[tuple[str, str]]:
    ends = tuple(bought)
    return [(start, end) for start in sold for end in ends if start != end]
