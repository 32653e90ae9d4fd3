"""Seeded markets that look like a real one, and what is to be traded on them.

A few hubs are in most pools, depths run from 1e5 to 1e8 USD, and every pool's price is off the oracle's by less than the
pool's fee: an arbitraged market, in which no cycle of swaps gains and a router is paid for nothing but its routing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keeper.markets import Pool, Tick, UniswapV2Pool, UniswapV3Pool
from keeper.markets.balancer_stable import AMP_PRECISION, BalancerStablePool
from keeper.markets.balancer_weighted import BalancerWeightedPool
from keeper.markets.price_curves import Floats
from keeper.markets.tick_math import tick_at_sqrt_ratio
from keeper.routing import UNLIMITED, WAD, Goal, RebalanceProblem

SHAPES = ((5, 30), (10, 100), (20, 500), (50, 1_000), (100, 10_000))
"""Tokens and pools."""

# Symbol, decimals, USD: the hubs of mainnet. Whatever else there is has a price of its own and seldom 6 or 8 decimals.
_HUBS = (("WETH", 18, 3_000.0), ("USDC", 6, 1.0), ("USDT", 6, 1.0), ("WBTC", 8, 90_000.0), ("DAI", 18, 1.0))
_STABLE_EVERY = 8
_POPULARITY = 1.1  # the k-th token is in this power of 1/k as many pools as the first

_DEPTH_USD = (1e5, 1e8)
_SIZE_USD = (1e4, 1e7)
_MOST_OF_DEPTH = 0.05  # of what the pools hold of a token: an index does not trade what the market has not got
_MISPRICED = 1 / 3  # standard deviation of a pool's price in fees; cut off where arbitrage would begin
_NEARLY_A_FEE = 0.95

_V2_FEES = ((2_000, 2_500, 3_000, 10_000), (0.1, 0.15, 0.7, 0.05))
# Fee in ppm: tick spacing, and how far positions reach to either side, in ticks.
_V3_RANGES = {100: (1, 4, 400), 500: (10, 60, 6_000), 3_000: (60, 300, 20_000), 10_000: (200, 800, 40_000)}
_V3_FEES = ((500, 3_000, 10_000), (0.35, 0.45, 0.2))
_V3_STABLE_FEES = ((100, 500), (0.7, 0.3))
_V3_POSITIONS = (7, 30)  # 10 to 60 initialised ticks, since some share one
_LOG_SQRT_TICK = np.log(1.0001) / 2

# How often a pool is of a venue: between two stable coins, and between any others.
_STABLE_VENUES = (("uniswap_v2", "uniswap_v3", "stable"), (0.1, 0.3, 0.6))
_VENUES = (("uniswap_v2", "uniswap_v3", "weighted"), (0.3, 0.5, 0.2))
_WEIGHTS = ((50, 50), (80, 20), (20, 80))  # percent
_WEIGHTED_FEES = ((1_000, 3_000, 10_000), (0.3, 0.5, 0.2))
_STABLE_FEES = ((100, 400), (0.6, 0.4))
_AMPLIFICATIONS = (100, 200, 500, 1_000, 2_000)
_MOST_UNEVEN = 0.1  # of a stable pool's balances, so that a price follows from them linearly


@dataclass(frozen=True, slots=True)
class Token:
    """A token at the oracle's price."""

    address: str
    decimals: int
    usd: float
    is_stable: bool

    def units(self, usd: float) -> float:
        """Base units worth so much."""
        return usd / self.usd * float(10**self.decimals)


@dataclass(frozen=True, slots=True)
class Universe:
    """Tokens, the most traded first, and pools; `depth_usd` is what each pool holds, by address."""

    name: str
    tokens: tuple[Token, ...]
    pools: tuple[Pool, ...]
    depth_usd: Mapping[str, float]


def universe(tokens: int, pools: int, seed: int) -> Universe:
    """The market of this shape and seed; at least five tokens, and as many pools."""
    rng = np.random.default_rng((seed, tokens, pools))
    known = _tokens(rng, tokens)
    weights = _popularity(tokens)
    made: list[Pool] = []
    depths: dict[str, float] = {}
    for number in range(pools):
        if 0 < number < tokens:  # every token has a pool with a hub that came before it
            a, b = number, int(rng.integers(min(number, len(_HUBS))))
        else:
            a, b = (int(at) for at in rng.choice(tokens, 2, replace=False, p=weights))
        depth = _log_uniform(rng, *_DEPTH_USD)
        pool = _pool(rng, f"0x{number + 1:040d}", known[a], known[b], depth, known)
        made.append(pool)
        depths[pool.address] = depth
    return Universe(f"{tokens} x {pools:,}", known, tuple(made), depths)


def rebalances(market: Universe, count: int, seed: int) -> list[RebalanceProblem]:
    """Baskets of two to four tokens, or half of what there is, against others: 1e4 to 1e7 USD on each side, gas free."""
    rng = np.random.default_rng((seed, len(market.tokens), len(market.pools), 1))
    most = min(4, len(market.tokens) // 2)
    problems = []
    for _ in range(count):
        sold, bought = _baskets(rng, market, int(rng.integers(2, most + 1)), int(rng.integers(2, most + 1)))
        problems.append(_problem(market, _units(sold), _units(bought), Goal.REBALANCE))
    return problems


def swaps(market: Universe, count: int, seed: int) -> list[RebalanceProblem]:
    """One token for as much as it brings of another, 1e4 to 1e7 USD, gas free."""
    rng = np.random.default_rng((seed, len(market.tokens), len(market.pools), 2))
    problems = []
    for _ in range(count):
        sold, bought = _baskets(rng, market, 1, 1)
        problems.append(_problem(market, _units(sold), dict.fromkeys(_units(bought), UNLIMITED), Goal.EXACT_IN))
    return problems


def _tokens(rng: np.random.Generator, count: int) -> tuple[Token, ...]:
    tokens = []
    for number in range(count):
        if number < len(_HUBS):
            _, decimals, usd = _HUBS[number]
        elif number % _STABLE_EVERY == 0:
            decimals, usd = int(rng.choice((6, 18))), 1.0
        else:
            decimals, usd = int(rng.choice((6, 8, 18), p=(0.1, 0.1, 0.8))), _log_uniform(rng, 1e-2, 1e4)
        # In random order, since pools sort by address.
        address = f"0x{int(rng.integers(1, 10**12)):012d}{number:028d}"
        tokens.append(Token(address, decimals, usd, usd == 1.0))
    return tuple(tokens)


def _pool(rng: np.random.Generator, address: str, a: Token, b: Token, depth: float, tokens: Sequence[Token]) -> Pool:
    token0, token1 = sorted((a, b), key=lambda token: int(token.address, 16))
    venues, odds = _STABLE_VENUES if a.is_stable and b.is_stable else _VENUES
    match rng.choice(venues, p=odds):
        case "uniswap_v2":
            return _uniswap_v2(rng, address, token0, token1, depth)
        case "uniswap_v3":
            return _uniswap_v3(rng, address, token0, token1, depth)
        case "weighted":
            return _weighted(rng, address, token0, token1, depth)
    others = [token for token in tokens if token.is_stable and token not in (a, b)]
    third = [others[rng.integers(len(others))]] if others and rng.random() < 0.5 else []
    return _stable(rng, address, [token0, token1, *third], depth)


def _uniswap_v2(rng: np.random.Generator, address: str, token0: Token, token1: Token, depth: float) -> UniswapV2Pool:
    fee = int(rng.choice(_V2_FEES[0], p=_V2_FEES[1]))
    reserve0, reserve1 = token0.units(depth / 2), token1.units(depth / 2) * np.exp(_mispricing(rng, fee))
    return UniswapV2Pool(address, token0.address, token1.address, int(reserve0), int(reserve1), fee)


def _uniswap_v3(rng: np.random.Generator, address: str, token0: Token, token1: Token, depth: float) -> UniswapV3Pool:
    """Positions strewn around the price, worth `depth` together; the first is wide, so that the price is always in one."""
    fees, odds = _V3_STABLE_FEES if token0.is_stable and token1.is_stable else _V3_FEES
    fee = int(rng.choice(fees, p=odds))
    spacing, narrowest, widest = _V3_RANGES[fee]
    price = token1.units(1) / token0.units(1) * np.exp(_mispricing(rng, fee))
    sqrt_price_x96 = int(np.sqrt(price) * 2**96)
    tick = tick_at_sqrt_ratio(sqrt_price_x96)

    count = int(rng.integers(_V3_POSITIONS[0], _V3_POSITIONS[1] + 1))
    reach = np.exp(rng.uniform(np.log(narrowest), np.log(widest), count))
    middle = tick + reach * rng.normal(0, 0.5, count)
    reach[0], middle[0] = widest, tick
    lower = np.floor((middle - reach) / spacing).astype(int) * spacing
    upper = np.ceil((middle + reach) / spacing).astype(int) * spacing

    low, high, here = np.exp(lower * _LOG_SQRT_TICK), np.exp(upper * _LOG_SQRT_TICK), np.sqrt(price)
    stand = np.clip(here, low, high)
    worth = (stand - low) + price * (
        1 / stand - 1 / high
    )  # token1 base units per liquidity (whitepaper, 6.29 and 6.30)
    share = rng.exponential(size=count)
    liquidity = share / share.sum() * token1.units(depth) / worth

    net: dict[int, int] = {}
    active = 0
    for start, end, amount in zip(lower.tolist(), upper.tolist(), liquidity.tolist(), strict=True):
        net[start] = net.get(start, 0) + int(amount)
        net[end] = net.get(end, 0) - int(amount)
        active += int(amount) if start <= tick < end else 0
    ticks = tuple(Tick(index, amount) for index, amount in sorted(net.items()) if amount)
    return UniswapV3Pool(address, token0.address, token1.address, fee, spacing, sqrt_price_x96, tick, active, ticks)


def _weighted(
    rng: np.random.Generator, address: str, token0: Token, token1: Token, depth: float
) -> BalancerWeightedPool:
    fee = int(rng.choice(_WEIGHTED_FEES[0], p=_WEIGHTED_FEES[1]))
    weights = rng.choice(_WEIGHTS).tolist()
    uneven = (1.0, np.exp(_mispricing(rng, fee)))
    return BalancerWeightedPool(
        address=address,
        tokens=(token0.address, token1.address),
        balances=tuple(
            int(token.units(depth * weight / 100) * factor)
            for token, weight, factor in zip((token0, token1), weights, uneven, strict=True)
        ),
        scaling_factors=tuple(WAD * 10 ** (18 - token.decimals) for token in (token0, token1)),
        swap_fee=fee * WAD // 10**6,
        generation=2,
        weights=tuple(weight * WAD // 100 for weight in weights),
    )


def _stable(rng: np.random.Generator, address: str, tokens: list[Token], depth: float) -> BalancerStablePool:
    """Near balance a coin with a share e too much is cheaper by e / (A + 1), A as the contracts have it."""
    fee = int(rng.choice(_STABLE_FEES[0], p=_STABLE_FEES[1]))
    amplification = int(rng.choice(_AMPLIFICATIONS))
    cheaper = [_mispricing(rng, fee) / 2 for _ in tokens]  # two coins together stay below the fee
    uneven = np.clip(np.array(cheaper) * (amplification + 1), -_MOST_UNEVEN, _MOST_UNEVEN)
    return BalancerStablePool(
        address=address,
        tokens=tuple(token.address for token in tokens),
        balances=tuple(
            int(token.units(depth / len(tokens)) * (1 + e)) for token, e in zip(tokens, uneven, strict=True)
        ),
        scaling_factors=tuple(WAD * 10 ** (18 - token.decimals) for token in tokens),
        swap_fee=fee * WAD // 10**6,
        generation=2,
        amplification=amplification * AMP_PRECISION,
    )


def _baskets(
    rng: np.random.Generator, market: Universe, sells: int, buys: int
) -> tuple[dict[Token, float], dict[Token, float]]:
    """What is sold and what is bought, in USD, worth the same unless the market has too little of what is bought."""
    tokens = market.tokens
    chosen = [tokens[at] for at in rng.choice(len(tokens), sells + buys, replace=False, p=_popularity(len(tokens)))]
    sold = _basket(rng, market, chosen[:sells], _log_uniform(rng, *_SIZE_USD))
    return sold, _basket(rng, market, chosen[sells:], sum(sold.values()))


def _basket(rng: np.random.Generator, market: Universe, tokens: list[Token], usd: float) -> dict[Token, float]:
    parts = rng.dirichlet(np.full(len(tokens), 2.0)) * usd
    return {token: min(part, _MOST_OF_DEPTH * _held(market, token)) for token, part in zip(tokens, parts, strict=True)}


def _units(basket: Mapping[Token, float]) -> dict[str, int]:
    return {token.address: int(token.units(usd)) for token, usd in basket.items()}


def _problem(market: Universe, surplus: dict[str, int], deficit: dict[str, int], goal: Goal) -> RebalanceProblem:
    return RebalanceProblem(
        pools=market.pools,
        prices={token.address: int(token.usd * WAD) for token in market.tokens},
        decimals={token.address: token.decimals for token in market.tokens},
        surplus=surplus,
        deficit=deficit,
        eth_price_wad=3_000 * WAD,
        goal=goal,
    )


def _held(market: Universe, token: Token) -> float:
    """USD of a token in all pools, taken to be half of a pair's."""
    return sum(
        market.depth_usd[pool.address] / len(pool.tokens) for pool in market.pools if token.address in pool.tokens
    )


def _popularity(count: int) -> Floats:
    weights: Floats = np.arange(1, count + 1) ** -_POPULARITY
    shares: Floats = weights / weights.sum()
    return shares


def _mispricing(rng: np.random.Generator, fee_ppm: int) -> float:
    """Log of a pool's price by the oracle's."""
    fee = fee_ppm / 1e6
    return float(np.clip(rng.normal(0, _MISPRICED * fee), -_NEARLY_A_FEE * fee, _NEARLY_A_FEE * fee))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
