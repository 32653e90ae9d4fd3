"""The pull form on a flash loan: what to borrow, of whom, and which swaps buy what the vault takes and repay the lender.

One token is borrowed. It buys what the vault takes as its due, at exactly the bound; what the vault pays is sold for it
again. What is left is the keeper's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from keeper.chain.rpc import Client
from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import NoRoute
from keeper.execution import forms, lenders
from keeper.execution.plan import Call
from keeper.markets import Pool
from keeper.policy import bound_at, due
from keeper.routing import WAD, RebalanceProblem, Route, exact_in, exact_out, solve
from keeper.routing.route import Leg
from keeper.settings import Settings

# More of each token is bought than is due, since prices and the bound may move until then; it is the keeper's again after.
_SPARE_BPS = 10
_BPS = 10_000
# Tokens to borrow that are looked at: solving twice for each takes its time.
_TOKENS_MAX = 4


@dataclass(frozen=True, slots=True)
class LoanPlan:
    """A rebalance on a loan, but for what has to be left.

    `profit` is the keeper's in WAD USD by the routes' own arithmetic, less the gas of the swaps and the loan.
    """

    offer: lenders.Offer
    sells: Mapping[str, int]
    buys: Mapping[str, int]
    buying: tuple[Leg, ...]
    repaying: tuple[Leg, ...]
    profit: int

    def call(self, vault: str, executor: str, least_left: int, deadline: int) -> Call:
        """The transaction.

        :param least_left: base units of the borrowed token that have to be left after repaying
        :raises ValueError: more operations than the executor takes
        """
        offer = self.offer
        loan = forms.Loan(offer.kind, offer.lender, offer.token, offer.amount, least_left)
        return forms.with_loan(vault, executor, self.sells, self.buys, self.buying, self.repaying, loan, deadline)


def plan_loan(
    client: Client, settings: Settings, snapshot: VaultSnapshot, problem: RebalanceProblem, route: Route, now: int
) -> LoanPlan:
    """The loan that leaves most, for what `route` sells and buys.

    :param now: unix s, when it would run
    :raises NoRoute: no token can be borrowed, turned and repaid; says what came closest
    :raises ChainError: the endpoint fails
    """
    buys = _in_order(problem, route.bought)
    owed = due(snapshot, buys.items(), route.value_out, bound_at(snapshot, now))
    # Never more than the vault may take; what is spare is for a due that grows until then.
    needs = {
        token: min(-(-amount * (_BPS + _SPARE_BPS) // _BPS), buys[token]) for token, amount in owed.items() if amount
    }
    plans: list[LoanPlan] = []
    reasons: list[str] = []
    for token in _tokens(settings, snapshot, problem, route):
        try:
            plans.append(_with_token(client, settings, snapshot, problem, route.sold, buys, owed, needs, token))
        except NoRoute as error:
            reasons.append(f"{snapshot.symbol_of(token)}: {error}")
    if not plans:
        raise NoRoute(f"no loan turns the vault's tokens: {'; '.join(reasons) or 'no token to borrow has a price'}")
    return max(plans, key=lambda plan: (plan.profit, plan.offer.token))


def price_of(settings: Settings, snapshot: VaultSnapshot, problem: RebalanceProblem, token: str) -> int | None:
    """WAD USD of a whole token: the oracle's, the native token's, or a dollar; None where nobody says."""
    if token in problem.prices:
        return problem.prices[token]
    if token == settings.wrapped_native and snapshot.native_price is not None:
        return snapshot.native_price
    return WAD if token == settings.usd_token else None


def _with_token(
    client: Client,
    settings: Settings,
    snapshot: VaultSnapshot,
    problem: RebalanceProblem,
    sold: Mapping[str, int],
    buys: Mapping[str, int],
    owed: Mapping[str, int],
    needs: Mapping[str, int],
    token: str,
) -> LoanPlan:
    prices, decimals = problem.prices, problem.decimals
    options = {
        "gas_price_wei": problem.gas_price_wei,
        "eth_price_wad": problem.eth_price_wad,
        "max_legs": forms.OPERATIONS_MAX // 2,
    }
    kept = needs.get(token, 0)
    bought = {each: needed for each, needed in needs.items() if each != token}
    buying = _solved(exact_out(problem.pools, token, bought, prices, decimals, **options)) if bought else None
    amount = kept + (buying.sold[token] if buying is not None else 0)
    pools = problem.pools if buying is None else _after(problem.pools, buying.legs)
    paid = {each: given for each, given in sold.items() if each != token and given}
    repaying = _solved(exact_in(pools, paid, token, prices, decimals, **options)) if paid else None
    proceeds = sold.get(token, 0) + (repaying.bought[token] if repaying is not None else 0)
    swaps = tuple(leg for route in (buying, repaying) if route is not None for leg in route.legs)
    price = price_of(settings, snapshot, problem, token)
    assert price is not None
    one = int(10 ** problem.decimals[token])

    def cost(fee: int, gas: int) -> int:
        return -(-fee * price // one) + problem.gas_value(gas)

    block, multicall = snapshot.block, settings.multicall
    found = lenders.offers(client, settings.lenders, token, amount, problem.pools, swaps, block, multicall, cost)
    if not found:
        raise NoRoute(f"nobody lends {amount} of it")
    offer = found[0]
    # What is spare is the keeper's again, in the token that it was bought in.
    spare = problem.bought_value({each: needed - owed[each] for each, needed in bought.items()})
    left = proceeds + kept - owed.get(token, 0) - amount - offer.fee
    gas = offer.gas + sum(route.gas for route in (buying, repaying) if route is not None)
    profit = left * price // one + spare - problem.gas_value(gas)
    return LoanPlan(
        offer,
        {each: n for each, n in sold.items() if n},
        dict(buys),
        () if buying is None else _beside(buying.legs, token, amount),
        () if repaying is None else repaying.legs,
        profit,
    )


def _solved(problem: RebalanceProblem) -> Route:
    """The route of a side of the loan.

    :raises NoRoute: there is none, or it does less than all of it
    """
    route = solve(problem)
    if route.partial_reason is not None:
        raise NoRoute(route.partial_reason)
    return route


def _after(pools: Sequence[Pool], legs: Sequence[Leg]) -> list[Pool]:
    """The pools as the legs leave them."""
    states = {pool.address: pool for pool in pools}
    for leg in legs:
        _, states[leg.pool] = states[leg.pool].swap(leg.token_in, leg.token_out, leg.amount_in)
    return list(states.values())


def _beside(legs: Sequence[Leg], token: str, held: int) -> tuple[Leg, ...]:
    """The legs with their shares of a balance of which a part is kept."""
    found: list[Leg] = []
    for leg in legs:
        if leg.token_in == token:
            share = min(WAD, -(-leg.amount_in * WAD // held))  # up: what is bought has to suffice
            held -= leg.amount_in
            found.append(replace(leg, share=share))
        else:
            found.append(leg)
    return tuple(found)


def _tokens(settings: Settings, snapshot: VaultSnapshot, problem: RebalanceProblem, route: Route) -> tuple[str, ...]:
    """What might be borrowed: what most is bought and sold of, then the hubs."""
    by_value = [
        max(amounts, key=lambda token: (problem.bought_value({token: amounts[token]}), token))
        for amounts in (route.bought, route.sold)
        if amounts
    ]
    known = dict.fromkeys((*by_value, *settings.pools.hubs))
    priced = [
        token
        for token in known
        if token in problem.decimals and price_of(settings, snapshot, problem, token) is not None
    ]
    return tuple(priced[:_TOKENS_MAX])


def _in_order(problem: RebalanceProblem, bought: Mapping[str, int]) -> dict[str, int]:
    """Smallest worth first: what the bound does not ask for is then left of the largest."""
    amounts = {token: amount for token, amount in bought.items() if amount}
    return dict(sorted(amounts.items(), key=lambda item: (problem.bought_value(dict([item])), item[0])))
