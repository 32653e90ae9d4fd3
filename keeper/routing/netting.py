"""Several vaults' rebalances at once: what crosses is exchanged at oracle prices, the rest is one problem. Pure.

1. The vaults have to agree on the price of every token that two of them trade; where their oracles differ by a little, the
   middle counts between them, and each vault is judged at its own.
2. What the vaults sell and what they buy of a token cancels out; what remains is solved as one rebalance, with its
   certificate.
3. `sharing` says who sells and buys how much, so that everybody pays oracle prices for what crosses and a part of the route's
   cost in proportion to what it traded outside, up to what leaves it as well off as alone.
4. Each vault is held to the least that it takes, and to what it would have alone; all together, to what they would cost in
   separate transactions. Whatever fails, the vaults are better left alone, and `NoRoute` says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from keeper.errors import NoRoute
from keeper.markets import Pool
from keeper.routing.problem import BPS, WAD, RebalanceProblem, RouteLimits, value_down, value_up
from keeper.routing.route import Route, replay
from keeper.routing.sharing import Part, Wants, share
from keeper.routing.solver import solve

# Two vaults' prices of a token may differ by this part of the lower one.
PRICE_TOLERANCE = WAD // BPS
# So much of what a vault sells is kept clear of what it may be charged at most: base units are coarse.
_SHAVE = 10**12
_CENT = WAD // 100


class LeaveOut(NoRoute):
    """One vault stands in the way: without it the others may trade."""

    def __init__(self, text: str, vault: str) -> None:
        super().__init__(text)
        self.vault = vault


@dataclass(frozen=True, slots=True)
class Wish:
    """What one vault may sell and buy (base units), at its oracle's prices (WAD USD per whole token).

    `floor` is the least value in per value out that it takes now, WAD. `alone` is the route that it would have by itself, None
    where it would have none; `gas` is what its transaction then costs beside the route's legs.
    """

    vault: str
    prices: Mapping[str, int]
    surplus: Mapping[str, int]
    deficit: Mapping[str, int]
    floor: int
    alone: Route | None
    gas: int


@dataclass(frozen=True, slots=True)
class Deal:
    """What one vault sells and gets, in base units and, at its oracle's prices, in WAD USD."""

    vault: str
    part: Part
    value_out: int
    value_in: int

    @property
    def ratio(self) -> int:
        """Value in per value out, WAD, rounded down."""
        return self.value_in * WAD // self.value_out


@dataclass(frozen=True, slots=True)
class Netting:
    """Vaults that are better filled together. Values are WAD USD; `route` is None where everything crosses.

    `worth` is what is bought, less what selling counts at the marginal cost allowed, less gas: of all of it in one transaction
    and, `alone`, in one for each vault.
    """

    deals: tuple[Deal, ...]
    route: Route | None
    crossed: int
    gas: int
    gas_alone: int
    loss: int
    loss_alone: int
    worth: int
    worth_alone: int

    @property
    def saved(self) -> int:
        """WAD USD by which one transaction is better than separate ones."""
        return self.worth - self.worth_alone


@dataclass(frozen=True, slots=True)
class Market:
    """What the vaults trade on, and what it costs."""

    pools: tuple[Pool, ...]
    decimals: Mapping[str, int]
    prices: Mapping[str, int]  # WAD USD per whole token, of tokens that no vault trades
    gas_price_wei: int
    eth_price_wad: int
    max_marginal_bps: int = RouteLimits().max_marginal_bps


def net(wishes: Sequence[Wish], market: Market, gas: int) -> Netting:
    """The vaults' rebalances as one.

    :param gas: of the transaction beside the route's legs
    :raises LeaveOut: a vault would not trade, or not well enough; names it
    :raises NoRoute: in one line, why they are better left alone
    """
    if len(wishes) < 2:
        raise NoRoute("one vault alone has nobody to trade with")
    prices = _agreed(wishes)
    union = _union(wishes, market, prices)
    route = _solved(union, wishes, market.max_marginal_bps)
    sold, bought = (route.sold, route.bought) if route else ({}, {})
    wants = [Wants(wish.surplus, wish.deficit, _caps(wish, market.max_marginal_bps)) for wish in wishes]
    # Where they cannot all be content, some vault will be told below that it is better left out.
    parts = share(wants, prices, market.decimals, sold, bought) or share(
        [replace(want, caps=()) for want in wants], prices, market.decimals, sold, bought
    )
    if parts is None:
        raise NoRoute("what the route trades cannot be shared out among the vaults at its cost")
    if route:
        _check_replay(route, market.pools)
    deals = tuple(_deal(wish, part, market.decimals) for wish, part in zip(wishes, parts, strict=True))
    _check_each(wishes, deals, market)
    netting = _compared(wishes, deals, route, union, gas, market)
    if netting.saved <= 0:
        raise NoRoute(
            f"separate transactions are cheaper by ${-netting.saved / WAD:.2f}: together gas and losses are"
            f" ${(union.gas_value(netting.gas) + netting.loss) / WAD:.2f},"
            f" alone ${(union.gas_value(netting.gas_alone) + netting.loss_alone) / WAD:.2f}"
        )
    return netting


def _agreed(wishes: Sequence[Wish]) -> dict[str, int]:
    """The price of each token that counts between the vaults."""
    told: dict[str, list[int]] = {}
    for wish in wishes:
        for token in {*wish.surplus, *wish.deficit}:
            told.setdefault(token, []).append(wish.prices[token])
    for token, prices in told.items():
        if (max(prices) - min(prices)) * WAD > min(prices) * PRICE_TOLERANCE:
            raise NoRoute(
                f"the vaults' oracles differ on the price of {token}: {min(prices)} and {max(prices)} WAD USD"
            )
    return {token: (min(prices) + max(prices)) // 2 for token, prices in told.items()}


def _union(wishes: Sequence[Wish], market: Market, prices: Mapping[str, int]) -> RebalanceProblem:
    """What is left when crossing flows are taken out."""
    over = {
        token: sum(wish.surplus.get(token, 0) - wish.deficit.get(token, 0) for wish in wishes)
        for token in sorted(prices)
    }
    return RebalanceProblem(
        pools=market.pools,
        prices={**market.prices, **prices},
        decimals=market.decimals,
        surplus={token: amount for token, amount in over.items() if amount > 0},
        deficit={token: -amount for token, amount in over.items() if amount < 0},
        gas_price_wei=market.gas_price_wei,
        eth_price_wad=market.eth_price_wad,
    )


def _solved(union: RebalanceProblem, wishes: Sequence[Wish], max_marginal_bps: int) -> Route | None:
    """The route of what remains, at no more than the vaults' floors leave; None where nothing of it is worth trading."""
    try:
        return solve(union, RouteLimits(min_ratio=_least_ratio(union, wishes), max_marginal_bps=max_marginal_bps))
    except NoRoute:
        return None


def _least_ratio(union: RebalanceProblem, wishes: Sequence[Wish]) -> int:
    """What the route has to return of what it takes, WAD, so that no vault's part of its cost breaks the vault's floor.

    A vault pays cost * turnover / all turnover, of which all is about twice what the route sells.
    """
    least = 0
    for wish in wishes:
        out = _value(wish.surplus, union)
        turnover = sum(
            _value({token: amount}, union) * amounts.get(token, 0) // max(_all(wishes, token, name), 1)
            for name, amounts in (("surplus", union.surplus), ("deficit", union.deficit))
            for token, amount in getattr(wish, name).items()
        )
        room = out * (WAD - wish.floor) // WAD
        if turnover > 0:
            least = max(least, WAD - 2 * room * WAD // max(turnover + room, 1))
    return min(least, 2 * WAD - 1)


def _all(wishes: Sequence[Wish], token: str, side: str) -> int:
    return sum(getattr(wish, side).get(token, 0) for wish in wishes)


def _value(amounts: Mapping[str, int], union: RebalanceProblem) -> int:
    """WAD USD, rounded down."""
    return union.bought_value(amounts)


def _caps(wish: Wish, max_marginal_bps: int) -> tuple[tuple[int, int], ...]:
    """What the vault may be charged: what its floor leaves, and what makes it as well off as alone; each less a millionth."""
    caps = [(WAD - wish.floor - _SHAVE, 0)]
    if wish.alone is not None:
        caps.append((max_marginal_bps * WAD // BPS - _SHAVE, _alone_worth(wish, max_marginal_bps)))
    return tuple(caps)


def _check_replay(route: Route, pools: Sequence[Pool]) -> None:
    """What is shared out has to be what the chain would bring, to the unit."""
    left = replay(route, pools, route.sold)
    if any(left.get(token, 0) < amount for token, amount in route.bought.items()):
        raise NoRoute("the route does not bring what it says")


def _deal(wish: Wish, part: Part, decimals: Mapping[str, int]) -> Deal:
    """At the vault's own prices, rounded as the vault does."""
    out = sum(value_up(amount, wish.prices[token], decimals[token]) for token, amount in part.sold.items())
    come = sum(value_down(amount, wish.prices[token], decimals[token]) for token, amount in part.bought().items())
    return Deal(wish.vault, part, out, come)


def _check_each(wishes: Sequence[Wish], deals: Sequence[Deal], market: Market) -> None:
    for wish, deal in zip(wishes, deals, strict=True):
        if not deal.value_out or not deal.value_in:
            raise LeaveOut(f"vault {wish.vault} would not trade", wish.vault)
        if deal.value_in * WAD < deal.value_out * wish.floor:
            text = f"vault {wish.vault} would get {deal.ratio / WAD:.4%}, its floor is {wish.floor / WAD:.4%}"
            raise LeaveOut(text, wish.vault)
        together = _worth(deal.value_out, deal.value_in, market.max_marginal_bps)
        alone = _alone_worth(wish, market.max_marginal_bps)
        if together < alone - _CENT:
            text = f"vault {wish.vault} would be worse off by ${(alone - together) / WAD:.2f} than alone"
            raise LeaveOut(text, wish.vault)


def _compared(
    wishes: Sequence[Wish],
    deals: tuple[Deal, ...],
    route: Route | None,
    union: RebalanceProblem,
    gas: int,
    market: Market,
) -> Netting:
    out, come = sum(deal.value_out for deal in deals), sum(deal.value_in for deal in deals)
    alone = [(wish, wish.alone) for wish in wishes if wish.alone is not None]
    out_alone, in_alone = sum(route.value_out for _, route in alone), sum(route.value_in for _, route in alone)
    gas_alone = sum(route.gas + wish.gas for wish, route in alone)
    together = gas + (route.gas if route else 0)
    return Netting(
        deals=deals,
        route=route,
        crossed=sum(union.bought_value(deal.part.inside) for deal in deals),
        gas=together,
        gas_alone=gas_alone,
        loss=out - come,
        loss_alone=out_alone - in_alone,
        worth=_worth(out, come, market.max_marginal_bps) - union.gas_value(together),
        worth_alone=_worth(out_alone, in_alone, market.max_marginal_bps) - union.gas_value(gas_alone),
    )


def _alone_worth(wish: Wish, max_marginal_bps: int) -> int:
    return 0 if wish.alone is None else _worth(wish.alone.value_out, wish.alone.value_in, max_marginal_bps)


def _worth(value_out: int, value_in: int, max_marginal_bps: int) -> int:
    """WAD USD that a fill is worth, gas aside: a dollar sold counts what is left of it at the dearest that is allowed."""
    return value_in - -(-value_out * (BPS - max_marginal_bps) // BPS)
