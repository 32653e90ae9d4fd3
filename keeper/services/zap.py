"""One token into shares of a vault, and back, through IndexZap: what to swap, what comes of it at least, and the transaction.

A mint buys the basket of so many shares that the amount given is spent: their number is found by buying exactly that
basket (`exact_out`) and scaling by what it cost, a few times over. A redemption sells the whole basket (`exact_in`). As for a
swap, no oracle is asked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from keeper.chain import abi
from keeper.chain.reverts import reason
from keeper.chain.rpc import Client, Reverted
from keeper.chain.snapshot import Block
from keeper.chain.tokens import Token, read_tokens
from keeper.errors import ConfigurationError, NoRoute, TransactionError
from keeper.execution import fees as fee_market
from keeper.execution.plan import operation
from keeper.execution.signer import Signer
from keeper.markets import Pool
from keeper.routing import (
    WAD,
    Certificate,
    Leg,
    RebalanceProblem,
    Route,
    exact_in,
    exact_out,
    reference_prices,
    solve,
)
from keeper.services import vault as lifecycle
from keeper.services.route import base_units, choose, ether_price, pools_among
from keeper.settings import Settings

NO_PERMIT = (0, 0, 0, 0, 0, b"\0" * 32, b"\0" * 32)
_BPS = 10_000
_ROUNDS = 6  # each divides what is left unspent by a hundred or more
_CLOSE = 10**6  # a millionth of the amount may stay unspent
# Gas of a zap beside its swaps' own, on the safe side: for itself, for an asset that the vault takes, and for one that it pays.
_GAS, _TAKEN_GAS, _PAID_GAS = 250_000, 100_000, 30_000


@dataclass(frozen=True, slots=True)
class Basket:
    """What a vault holds, as a mint and a redemption divide it: base units by asset, shares with 18 decimals."""

    held: Mapping[str, int]
    supply: int
    mint_fee: int  # WAD share of the shares made

    def cost_up(self, shares: int) -> dict[str, int]:
        """What minting takes of each asset."""
        made = -(-shares * WAD // (WAD - self.mint_fee))
        return {asset: -(-held * made // self.supply) for asset, held in self.held.items()}

    def shares_down(self, balances: Mapping[str, int]) -> int:
        """The most shares that balances pay for, as IndexZap counts."""
        made = min(balances.get(asset, 0) * self.supply // held for asset, held in self.held.items() if held)
        return made * (WAD - self.mint_fee) // WAD


@dataclass(frozen=True, slots=True)
class ZapPlan:
    """A zap as the pools stood at `block`: amounts in base units, `gas` as estimated, its price in wei.

    `back` is what the caller gets beside `amount_out`, by token. `certificate` is the route's; None where nothing is swapped.
    `data` is what the zap is called with.
    """

    block: Block
    vault: str
    is_mint: bool
    given: Token
    wanted: Token
    amount_in: int
    amount_out: int
    least_out: int
    legs: tuple[Leg, ...]
    back: Mapping[str, int]
    tokens: Mapping[str, Token]
    gas: int
    gas_price: int
    certificate: Certificate | None
    deadline: int  # unix s
    data: bytes

    @property
    def ceiling(self) -> float:
        """What no other route brings, of what is wanted, in base units and with gas taken into account.

        The best cost of a basket is convex in its size, so what another route could save on this basket raises the shares by no
        more than in proportion.
        """
        if self.certificate is None:
            return float(self.amount_out)
        saved = self.certificate.gap_bps / _BPS
        return self.amount_out / (1 - saved) if self.is_mint else self.amount_out * (1 + saved)


def plan_mint(client: Client, settings: Settings, vault: str, token: str, amount: str) -> ZapPlan:
    """The zap of `amount` whole tokens into shares, at the latest block.

    :param token: an address, or the symbol of a token that the settings name
    :raises ConfigurationError: a token or an amount that is none, a vault without shares
    :raises NoRoute: the pools do not lead to the basket, or have too little of it
    :raises ChainError: the endpoint fails
    """
    block = client.head()
    given, usd = choose(client, settings, (token,), block)
    amount_in = base_units(amount, given)
    basket = _basket(client, vault)
    market = _Market.at(client, settings, (given.address, *basket.held), usd, block)
    route = _bought(market, basket, given.address, amount_in)
    legs, balances = _run(market, route, {given.address: amount_in}, {given.address, *basket.held})
    shares = basket.shares_down(balances)
    if not shares:
        raise ConfigurationError(f"amount {amount} of {given.symbol} buys no share: give more")
    spent = basket.cost_up(shares)
    back = {asset: left for asset, held in balances.items() if (left := held - spent.get(asset, 0))}
    share = _share(client, settings, vault, block)
    least, deadline = _least(settings, shares), _deadline(client, settings)
    data = abi.Zap.zap_mint.encode(
        vault, given.address, amount_in, least, [operation(leg) for leg in legs], [], deadline, NO_PERMIT
    )
    tokens = market.tokens | {vault: share}
    gas = _gas(route, len(basket.held) * _TAKEN_GAS)
    certificate = None if route is None else route.certificate
    return ZapPlan(
        *(block, vault, True, given, share, amount_in, shares, least),
        *(legs, back, tokens, gas, market.gas_price, certificate, deadline, data),
    )


def plan_redeem(client: Client, settings: Settings, vault: str, shares: str, token: str) -> ZapPlan:
    """The zap of whole shares into a token, at the latest block. Parameters and errors as `plan_mint`."""
    block = client.head()
    wanted, usd = choose(client, settings, (token,), block)
    share = _share(client, settings, vault, block)
    amount_in = base_units(shares, share)
    owed = _read(client, vault, abi.Vault.preview_redeem, amount_in)
    assets = map(abi.checksum, _read(client, vault, abi.Vault.assets))
    amounts = {asset: amount for asset, amount in zip(assets, owed, strict=True) if amount}
    market = _Market.at(client, settings, (wanted.address, *amounts), usd, block)
    sold = {asset: amount for asset, amount in amounts.items() if asset != wanted.address}
    route = _solved(market.exact_in(sold, wanted.address)) if sold else None
    legs, balances = _run(market, route, amounts, {wanted.address})
    amount_out = balances.pop(wanted.address, 0)
    least, deadline = _least(settings, amount_out), _deadline(client, settings)
    data = abi.Zap.zap_redeem.encode(
        vault, amount_in, wanted.address, least, [operation(leg) for leg in legs], [], deadline, NO_PERMIT
    )
    tokens = market.tokens | {vault: share}
    gas = _gas(route, len(amounts) * _PAID_GAS)
    certificate = None if route is None else route.certificate
    return ZapPlan(
        *(block, vault, False, share, wanted, amount_in, amount_out, least),
        *(legs, balances, tokens, gas, market.gas_price, certificate, deadline, data),
    )


def execute(client: Client, settings: Settings, signer: Signer, plan: ZapPlan) -> tuple[int, int]:
    """Let the zap take what is given, exactly, and send the plan: what came of what is wanted, and the gas of the zap.

    :raises ConfigurationError: no zap is set
    :raises TransactionError: it reverts, by the plan's own limit or otherwise
    """
    if settings.zap is None:
        raise ConfigurationError("no zap: set zap to the IndexZap's address, or give --zap")
    zap, given = settings.zap, plan.given.address
    allowed = _read(client, given, abi.Token.allowance, signer.address, zap)
    if allowed != plan.amount_in:
        # USDT changes no allowance into another.
        amounts = (0, plan.amount_in) if allowed else (plan.amount_in,)
        for amount in amounts:
            lifecycle.transact(client, settings, signer, given, abi.Token.approve.encode(zap, amount))
    receipt = lifecycle.transact(client, settings, signer, zap, plan.data)
    event = abi.Zap.minted if plan.is_mint else abi.Zap.redeemed
    (data,) = (log["data"] for log in receipt["logs"] if log["topics"][:1] == [f"0x{event.topic.hex()}"])
    return int(event.decode(bytes.fromhex(data[2:]))[1]), int(receipt["gasUsed"], 16)


@dataclass(frozen=True, slots=True)
class _Market:
    """Pools, tokens and what gas costs, at one block."""

    pools: tuple[Pool, ...]
    tokens: dict[str, Token]
    usd: Token
    gas_price: int
    eth_price: int

    @classmethod
    def at(cls, client: Client, settings: Settings, addresses: Iterable[str], usd: Token, block: Block) -> "_Market":
        """The pools among these tokens and the hubs."""
        traded = read_tokens(client, addresses, block, settings.multicall)
        found = pools_among(client, settings, traded.values(), usd, block)
        seen = (token for pool in found for token in pool.tokens)
        tokens = read_tokens(client, (*traded, usd.address, *seen), block, settings.multicall)
        price = fee_market.current(client, settings.fees).expected
        return cls(tuple(found), tokens, usd, price, ether_price(found, settings, usd) or 0)

    @property
    def decimals(self) -> dict[str, int]:
        """By token."""
        return {address: token.decimals for address, token in self.tokens.items()}

    def worth(self, amounts: Mapping[str, int]) -> float:
        """USD of base units, at the deepest pools' prices. Raises NoRoute."""
        prices = reference_prices(self.pools, {self.usd.address: 10.0**-self.usd.decimals})
        if missing := [token for token, amount in amounts.items() if amount and token not in prices]:
            raise NoRoute(f"no pool with liquidity connects {missing[0]} with {self.usd.symbol}")
        return sum(amount * prices[token] for token, amount in amounts.items() if amount)

    def exact_out(self, token: str, bought: Mapping[str, int]) -> RebalanceProblem:
        """Buy a basket with as little of a token as it takes."""
        return exact_out(self.pools, token, bought, self._prices, self.decimals, **self._gas)

    def exact_in(self, sold: Mapping[str, int], token: str) -> RebalanceProblem:
        """Sell a basket for as much of a token as it brings."""
        return exact_in(self.pools, sold, token, self._prices, self.decimals, **self._gas)

    @property
    def _prices(self) -> dict[str, int]:
        return {self.usd.address: WAD}

    @property
    def _gas(self) -> dict[str, int]:
        return {"gas_price_wei": self.gas_price, "eth_price_wad": self.eth_price}


def _bought(market: _Market, basket: Basket, token: str, amount: int) -> Route | None:
    """The route that buys the basket of as many shares as the amount pays for; None where there is nothing to buy."""
    whole = market.worth(basket.cost_up(basket.supply))
    shares = int(basket.supply * market.worth({token: amount}) / whole)
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
    """A route that trades all that is asked for. Raises NoRoute."""
    route = solve(problem)
    if route.partial_reason is not None:
        raise NoRoute(f"the basket cannot be traded whole: {route.partial_reason}")
    return route


def _run(
    market: _Market, route: Route | None, given: Mapping[str, int], kept: set[str]
) -> tuple[tuple[Leg, ...], dict[str, int]]:
    """The route's legs with shares of what the zap holds at their turn, and what it holds at the end.

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
        legs.append(replace(leg, share=share))
        if amount := held * share // WAD:
            # A pool appears at most once in a route.
            amount_out, _ = pools[leg.pool].swap(leg.token_in, leg.token_out, amount)
            balances[leg.token_in] = held - amount
            balances[leg.token_out] = balances.get(leg.token_out, 0) + amount_out
    return tuple(legs), {token: amount for token, amount in balances.items() if amount}


def _share(client: Client, settings: Settings, vault: str, block: Block) -> Token:
    found = read_tokens(client, (vault,), block, settings.multicall)
    if vault not in found:
        raise ConfigurationError(f"no vault at {vault} on chain {client.chain_id}: decimals() fails there")
    return found[vault]


def _basket(client: Client, vault: str) -> Basket:
    """Raises ConfigurationError, TransactionError."""
    count, _, held = _read(client, vault, abi.Vault.holdings)
    supply = _read(client, vault, abi.Vault.supply)
    if not supply:
        raise ConfigurationError(f"vault {vault} has no shares yet: make the first mint in kind")
    assets = [abi.checksum(asset) for asset in _read(client, vault, abi.Vault.assets)]
    fee = _read(client, vault, abi.Vault.fees)[2]
    return Basket(dict(zip(assets, held[:count], strict=True)), supply, fee)


def _read(client: Client, target: str, function: abi.Function, *arguments: object) -> Any:
    try:
        return function.decode(client.call(target, function.encode(*arguments)))
    except Reverted as error:
        raise TransactionError(f"{function.name} of {target} reverts: {reason(error.data)}") from None


def _least(settings: Settings, amount: int) -> int:
    """Rounded up: it protects the caller."""
    return -(-amount * (_BPS - settings.policy.slippage_bps) // _BPS)


def _deadline(client: Client, settings: Settings) -> int:
    return client.pending_time(settings.multicall) + settings.policy.deadline_s


def _gas(route: Route | None, assets: int) -> int:
    return _GAS + assets + (0 if route is None else route.gas)
