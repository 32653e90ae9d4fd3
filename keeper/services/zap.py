"""One token, or ether, into shares of a vault and back, through IndexZap: what to swap, and what comes of it.

A mint buys the basket of so many shares that the amount given is spent: their number is found by buying exactly that
basket (`exact_out`) and scaling by what it cost, a few times over. A redemption sells the whole basket (`exact_in`). As for a
swap, no oracle is asked what to do; where it has prices, they say what that is worth.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf

from keeper.chain import abi
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block, VaultSnapshot
from keeper.chain.tokens import Token
from keeper.errors import NoRoute
from keeper.execution.plan import operation
from keeper.routing import WAD, Certificate, Leg, RebalanceProblem, Route, solve
from keeper.services.in_kind import Refused, Way, problem_of
from keeper.services.permits import NO_PERMIT, Permit
from keeper.services.plan import take
from keeper.services.route import base_units
from keeper.services.zap_market import ETHER, Market, named, tokens_of
from keeper.settings import Settings

_BPS = 10_000
_ROUNDS = 6  # each divides what is left unspent by a hundred or more
_ROUNDED = 1.01  # what rounding up may add to a basket's worth
_CLOSE = 10**6  # a millionth of the amount may stay unspent
# Gas of a zap beside its swaps' own, on the safe side: for itself, for an asset that the vault takes, for one that it pays, and
# for ether that is wrapped and what is left of it unwrapped. On the demo's six assets benchmarks/zap.py measures 5 to 16 % less
# than this plans. It hangs on the tokens: AAVE takes six times as much as LINK to be paid; baskets without it use a quarter to
# a half less than planned, and one of AAVE and USDC alone up to a fifth more.
_GAS, _TAKEN_GAS, _PAID_GAS, _ETHER_GAS = 250_000, 100_000, 45_000, 60_000


class Untradable(NoRoute):
    """There are pools, but not for this amount."""


@dataclass(frozen=True, slots=True)
class ZapPlan:
    """A zap as the pools stood at the snapshot's block: amounts in base units, `gas` as estimated, its price in wei.

    `back` is what the caller gets beside `amount_out`, by token. `certificate` is the route's; None where nothing is swapped.
    Values are WAD USD at the oracle's prices, None where it has none.
    """

    snapshot: VaultSnapshot
    way: Way
    given: Token
    wanted: Token
    amount_in: int
    amount_out: int
    value_in: int | None
    value_out: int | None
    legs: tuple[Leg, ...]
    back: Mapping[str, int]
    tokens: Mapping[str, Token]
    gas: int
    gas_price: int
    certificate: Certificate | None

    @property
    def block(self) -> Block:
        """Where the pools were read."""
        return self.snapshot.block

    @property
    def vault(self) -> str:
        """Its address."""
        return self.snapshot.address

    @property
    def ceiling(self) -> float:
        """What no other route brings, of what is wanted, in base units and with gas taken into account.

        The best cost of a basket is convex in its size, so what another route could save on this basket raises the shares by no
        more than in proportion. Where that is all of it, as of an amount that is less than the gas, nothing is known: infinity.
        """
        if self.certificate is None:
            return float(self.amount_out)
        saved = self.certificate.gap_bps / _BPS
        if self.way is Way.REDEEM:
            return self.amount_out * (1 + saved)
        return self.amount_out / (1 - saved) if saved < 1 else inf

    @property
    def impact_bps(self) -> float | None:
        """By how much less what comes is worth than what is given; fees of pools and vault are in it."""
        if not self.value_in or self.value_out is None:
            return None
        return (1 - self.value_out / self.value_in) * _BPS

    @property
    def problem(self) -> str | None:
        """Why the vault would not do it as it stands, in words."""
        if self.way is Way.REDEEM:
            return None
        fee = self.snapshot.fees.mint
        return problem_of(self.snapshot, -(-self.amount_out * WAD // (WAD - fee)))

    def least_out(self, slippage_bps: int) -> int:
        """What has to come. Rounded up: it protects the caller."""
        return -(-self.amount_out * (_BPS - slippage_bps) // _BPS)

    def data(self, slippage_bps: int, deadline: int, permit: Permit = NO_PERMIT) -> bytes:
        """What the zap is called with.

        :param deadline: unix s
        :param permit: by which the zap may take what is given, where it has no allowance
        """
        operations = [operation(leg) for leg in self.legs]
        rest: tuple[object, ...] = (self.least_out(slippage_bps), operations, [], deadline, permit.encoded)
        if self.way is Way.MINT:
            return abi.Zap.zap_mint.encode(self.vault, self.given.address, self.amount_in, *rest)
        return abi.Zap.zap_redeem.encode(self.vault, self.amount_in, self.wanted.address, *rest)


def plan_mint(client: Client, settings: Settings, vault: str, token: str, amount: str) -> ZapPlan:
    """The zap of `amount` whole tokens into shares, at the latest block.

    :param token: an address, `ETH`, or the symbol of a token that the settings name
    :raises ConfigurationError: a vault, a token or an amount that is none
    :raises Refused: a vault without shares, an amount that buys none
    :raises NoRoute: the pools do not lead to the basket; Untradable: they have too little of it
    :raises ChainError: the endpoint fails
    """
    snapshot = take(client, settings, vault)
    given = named(client, settings, token, snapshot.block)
    amount_in = base_units(amount, given)
    return minting(_market(client, settings, snapshot, given), given.address, amount_in)


def plan_redeem(client: Client, settings: Settings, vault: str, shares: str, token: str) -> ZapPlan:
    """The zap of whole shares into a token, at the latest block. Parameters and errors as `plan_mint`."""
    snapshot = take(client, settings, vault)
    wanted = named(client, settings, token, snapshot.block)
    market = _market(client, settings, snapshot, wanted)
    return redeeming(market, wanted.address, base_units(shares, market.tokens[vault]))


def minting(market: Market, token: str, amount: int) -> ZapPlan:
    """The zap of base units of a token of the market's into shares. Pure; errors as `plan_mint`."""
    basket, given = market.basket, market.traded(token)
    route = _bought(market, given, amount)
    legs, balances = _run(market, route, {given: amount}, {given, *basket.held})
    shares = basket.shares_down(balances)
    if not shares:
        raise Refused(f"{amount} base units of {market.tokens[token].symbol} buy no share: give more")
    spent = basket.cost_up(shares)
    back = {asset: left for asset, held in balances.items() if (left := held - spent.get(asset, 0))}
    gas = _gas(route, len(basket.held) * _TAKEN_GAS, token)
    return _plan(market, Way.MINT, token, market.snapshot.address, amount, shares, legs, back, gas, route)


def redeeming(market: Market, token: str, shares: int) -> ZapPlan:
    """The zap of base units of shares into a token of the market's. Pure; errors as `plan_mint`."""
    paid = {asset: amount for asset, amount in market.basket.paid_down(shares).items() if amount}
    wanted = market.traded(token)
    sold = {asset: amount for asset, amount in paid.items() if asset != wanted}
    route = _solved(market.exact_in(sold, wanted)) if sold else None
    legs, balances = _run(market, route, paid, {wanted})
    amount = balances.pop(wanted, 0)
    if not amount:
        raise Refused(f"{shares} base units of shares bring no {market.tokens[token].symbol}: give more")
    gas = _gas(route, len(paid) * _PAID_GAS, token)
    return _plan(market, Way.REDEEM, market.snapshot.address, token, shares, amount, legs, balances, gas, route)


def _market(client: Client, settings: Settings, snapshot: VaultSnapshot, token: Token) -> Market:
    return Market.read(client, settings, snapshot, (*tokens_of(client, settings, snapshot), token))


def _plan(
    market: Market,
    way: Way,
    given: str,
    wanted: str,
    amount_in: int,
    amount_out: int,
    legs: tuple[Leg, ...],
    back: Mapping[str, int],
    gas: int,
    route: Route | None,
) -> ZapPlan:
    # What is left of ether's other form goes back as ether.
    sent = {
        ETHER.address if given == ETHER.address and token == market.native else token: back[token] for token in back
    }
    return ZapPlan(
        market.snapshot,
        way,
        market.tokens[given],
        market.tokens[wanted],
        amount_in,
        amount_out,
        market.value(given, amount_in),
        market.value(wanted, amount_out),
        legs,
        sent,
        market.tokens,
        gas,
        market.gas_price,
        None if route is None else route.certificate,
    )


def _bought(market: Market, token: str, amount: int) -> Route | None:
    """The route that buys the basket of as many shares as the amount pays for; None where there is nothing to buy."""
    basket, worth = market.basket, market.worth({token: amount})
    shares = int(basket.supply * worth / market.worth(basket.cost_up(basket.supply)))
    if market.worth(basket.cost_up(shares)) > worth * _ROUNDED:
        raise Refused(f"{amount} base units are too few for every asset: give more")
    for _ in range(_ROUNDS):
        wanted = {asset: units for asset, units in basket.cost_up(shares).items() if units}
        kept = wanted.pop(token, 0)
        if not wanted:
            return None
        route = _solved(market.exact_out(token, wanted))
        spent = kept + route.sold[token]
        if abs(spent - amount) * _CLOSE <= amount:
            break
        shares = shares * amount // spent
    return route


def _solved(problem: RebalanceProblem) -> Route:
    """A route that trades all that is asked for. Raises Untradable."""
    try:
        route = solve(problem)
    except NoRoute as error:
        raise Untradable(str(error)) from None
    if route.partial_reason is not None:
        raise Untradable(f"the basket cannot be traded whole: {route.partial_reason}")
    return route


def _run(
    market: Market, route: Route | None, given: Mapping[str, int], kept: set[str]
) -> tuple[tuple[Leg, ...], dict[str, int]]:
    """The route's legs with shares of what the zap holds at their turn and what they then move, and what it holds at the end.

    A token that is on its way only is used up by its last leg; what is kept is sold as the route says.
    """
    if route is None:
        return (), dict(given)
    pools = {pool.address: pool for pool in market.pools}
    balances, legs = dict(given), list[Leg]()
    for leg in route.legs:
        held = balances.get(leg.token_in, 0)
        share = leg.share
        if held and leg.token_in in kept:
            share = min(-(-leg.amount_in * WAD // held), WAD)
        amount, amount_out = held * share // WAD, 0
        if amount:
            # A pool appears at most once in a route.
            amount_out, _ = pools[leg.pool].swap(leg.token_in, leg.token_out, amount)
            balances[leg.token_in] = held - amount
            balances[leg.token_out] = balances.get(leg.token_out, 0) + amount_out
        legs.append(replace(leg, share=share, amount_in=amount, amount_out=amount_out))
    return tuple(legs), {token: amount for token, amount in balances.items() if amount}


def _gas(route: Route | None, assets: int, token: str) -> int:
    ether = _ETHER_GAS if token == ETHER.address else 0
    return _GAS + assets + ether + (0 if route is None else route.gas)
