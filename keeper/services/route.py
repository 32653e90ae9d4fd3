"""The best route for a swap of one token for another, and how much better any other could be. Sends nothing.

No oracle is asked. One token of the settings counts as a dollar, and the pools price everything else by it: the depth
below which a pool is left out, gas against output, and the gap. What a route takes and brings is exact in its tokens.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eth_utils.address import is_address, to_checksum_address

from keeper.chain import pools
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.chain.tokens import Token, read_tokens
from keeper.errors import ConfigurationError, NoRoute
from keeper.execution import fees as fee_market
from keeper.markets import Pool
from keeper.routing import WAD, Certificate, Leg, Route, exact_in, exact_out, reference_prices, solve
from keeper.settings import FeeSettings, Settings

_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
# Base units that no pool could hold: reserves and liquidity are of 128 bits at most.
_TOO_MUCH = 2**128
_NO_CAP_GWEI = 1e9
_BPS = 10_000


@dataclass(frozen=True, slots=True)
class SwapRoute:
    """A route for a swap, as the pools stood at `block`.

    `amount` is what was asked for, base units of the exact side. `tokens` are those of the route by address.
    `gas_price` is in wei; `eth_price` is WAD USD, with `usd_token` as a dollar, None where no pool prices ether.
    `pools` are those that the route could have used.
    """

    block: Block
    sold: Token
    bought: Token
    amount: int
    is_exact_out: bool
    route: Route
    tokens: dict[str, Token]
    usd_token: Token
    gas_price: int
    eth_price: int | None
    pools: tuple[Pool, ...]
    marginal_price: float  # whole tokens bought per whole token sold that the first unit through the route fetches

    @property
    def amount_in(self) -> int:
        """Base units of the token sold."""
        return self.route.sold[self.sold.address]

    @property
    def amount_out(self) -> int:
        """Base units of the token bought."""
        return self.route.bought[self.bought.address]

    @property
    def price(self) -> float:
        """Whole tokens bought per whole token sold."""
        return self.amount_out / self.amount_in * 10.0 ** (self.sold.decimals - self.bought.decimals)

    @property
    def impact_bps(self) -> float:
        """By how much the size of the swap worsens the price; the pools' fees are in both prices."""
        return (1 - self.price / self.marginal_price) * _BPS

    @property
    def certificate(self) -> Certificate:
        """How much better any other route could be."""
        assert self.route.certificate is not None
        return self.route.certificate


def route_swap(
    client: Client, settings: Settings, sell: str, buy: str, amount: str, is_exact_out: bool = False
) -> SwapRoute:
    """The best route at the latest block.

    :param sell: an address, or the symbol of a token that the settings name; so is `buy`
    :param amount: whole tokens as a decimal number, of the token bought when `is_exact_out`
    :raises ConfigurationError: a token that is none or unknown, the same one twice, an amount that is none
    :raises NoRoute: no pools lead from the one to the other
    :raises ChainError: the endpoint fails
    """
    block = client.head()
    sold, bought, usd = choose(client, settings, (sell, buy), block)
    if sold == bought:
        raise ConfigurationError(f"{sell} and {buy} are the same token, {sold.address}: give two")
    wanted = base_units(amount, bought if is_exact_out else sold)
    found = pools_among(client, settings, (sold, bought), usd, block)
    tokens = read_tokens(client, (token for pool in found for token in pool.tokens), block, settings.multicall)
    tokens |= {token.address: token for token in (sold, bought, usd)}
    decimals = {address: token.decimals for address, token in tokens.items()}
    gas_price = fee_market.current(client, uncapped(settings.fees)).expected
    eth_price = ether_price(found, settings, usd)
    prices, options = {usd.address: WAD}, {"gas_price_wei": gas_price, "eth_price_wad": eth_price or 0}
    try:
        if is_exact_out:
            problem = exact_out(found, sold.address, {bought.address: wanted}, prices, decimals, **options)
        else:
            problem = exact_in(found, {sold.address: wanted}, bought.address, prices, decimals, **options)
        route = solve(problem)
    except NoRoute as error:
        raise NoRoute(f"no route from {sold.symbol} to {bought.symbol}: {error}") from None
    marginal = _marginal_price(route.legs, found, sold, bought)
    return SwapRoute(
        block, sold, bought, wanted, is_exact_out, route, tokens, usd, gas_price, eth_price, tuple(found), marginal
    )


def base_units(text: str, token: Token) -> int:
    """A decimal number of whole tokens in base units, exactly.

    :raises ConfigurationError: not a number above nought, more digits than the token has, or more than a pool can hold
    """
    if not _AMOUNT.fullmatch(text):
        raise ConfigurationError(f"amount {text!r} is not a decimal number above 0, as in 12.5")
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > token.decimals:
        raise ConfigurationError(
            f"amount {text} has {len(fraction)} digits after the point, {token.symbol} has {token.decimals}: "
            f"give at most {token.decimals}"
        )
    digits = (whole + fraction.ljust(token.decimals, "0")).lstrip("0")
    if not digits:
        raise ConfigurationError(f"amount {text} is nothing: give more than 0 {token.symbol}")
    if len(digits) > len(str(_TOO_MUCH)) or (amount := int(digits)) >= _TOO_MUCH:
        raise ConfigurationError(f"amount {text} is more {token.symbol} than any pool can hold: give less")
    return amount


def choose(client: Client, settings: Settings, names: Sequence[str], block: Block) -> tuple[Token, ...]:
    """The tokens of some names, and after them the one that counts as a dollar. Raises ConfigurationError, ChainError."""
    known = (
        *(settings.usd_token, settings.wrapped_native, settings.pools.wsteth),
        *(*settings.pools.hubs, *settings.zap_tokens),
    )
    given = [to_checksum_address(name) for name in names if is_address(name)]
    tokens = read_tokens(client, (*known, *given), block, settings.multicall)
    by_symbol: dict[str, list[Token]] = {}
    for address in dict.fromkeys(known):
        if address in tokens:
            by_symbol.setdefault(tokens[address].symbol.lower(), []).append(tokens[address])

    def token(name: str) -> Token:
        if is_address(name):
            if (address := to_checksum_address(name)) not in tokens:
                raise ConfigurationError(f"no token at {address} on chain {client.chain_id}: decimals() fails there")
            return tokens[address]
        matching = by_symbol.get(name.lower(), [])
        if len(matching) > 1:
            raise ConfigurationError(f"{name} is the symbol of {len(matching)} tokens of the settings: give an address")
        if not matching:
            symbols = ", ".join(sorted(each.symbol for same in by_symbol.values() for each in same)) or "none here"
            raise ConfigurationError(
                f"unknown token {name!r}: give its address; symbols are known of the settings' tokens ({symbols})"
            )
        return matching[0]

    tokens_named = tuple(token(name) for name in names)
    if settings.usd_token not in tokens:
        raise ConfigurationError(
            f"usd_token {settings.usd_token} is no token on chain {client.chain_id}: set one that is worth a dollar"
        )
    return *tokens_named, tokens[settings.usd_token]


def pools_among(client: Client, settings: Settings, traded: Iterable[Token], usd: Token, block: Block) -> list[Pool]:
    """The pools among the tokens and the hubs; a pool without the dollar has no known depth, and stays."""
    hubs = dict.fromkeys((*settings.pools.hubs, settings.wrapped_native, *(token.address for token in traded)))
    return pools.discover(
        client,
        {usd.address: pools.Priced(WAD, usd.decimals)},
        settings.pools.model_copy(update={"hubs": tuple(hubs)}),
        block,
        settings.multicall,
        cache=pools.PoolCache(settings.pools.cache_folder, client),
        until=max(client.pending_time(settings.multicall), block.timestamp),
    )


def uncapped(fees: FeeSettings) -> FeeSettings:
    """What is only quoted is not sent: the cap on the price of gas does not forbid it."""
    return fees.model_copy(update={"gas_price_max_gwei": _NO_CAP_GWEI})


def ether_price(found: Sequence[Pool], settings: Settings, usd: Token) -> int | None:
    """WAD USD per ether at the deepest pools' prices."""
    per_wei = reference_prices(found, {usd.address: 10.0**-usd.decimals}).get(settings.wrapped_native)
    return None if per_wei is None else int(per_wei * 1e18 * WAD)


def _marginal_price(legs: Sequence[Leg], found: Sequence[Pool], sold: Token, bought: Token) -> float:
    """What the first unit fetches on the best way through the route's legs, as the pools stand before it."""
    by_address = {pool.address: pool for pool in found}
    fetched = {sold.address: 1.0}
    for leg in legs:  # a leg comes after those that bring what it sells
        through = fetched.get(leg.token_in, 0.0) * by_address[leg.pool].marginal_price(leg.token_in, leg.token_out)
        fetched[leg.token_out] = max(fetched.get(leg.token_out, 0.0), through)
    return fetched[bought.address] * 10.0 ** (sold.decimals - bought.decimals)
