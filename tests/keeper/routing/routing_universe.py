"""Small worlds for routing tests: eight tokens of 6, 8 and 18 decimals, and pools of a given depth in dollars."""

from math import isqrt

from hypothesis import strategies as st

from keeper.markets import BalancerStablePool, BalancerWeightedPool, Pool, Tick, UniswapV2Pool, UniswapV3Pool
from keeper.markets.tick_math import sqrt_ratio_at_tick, tick_at_sqrt_ratio
from keeper.routing import WAD, RebalanceProblem

# Name to address, decimals and whole dollars; the order of addresses is not that of the names.
TOKENS = {
    "WETH": ("0x00000000000000000000000000000000000000C2", 18, 3_000),
    "WBTC": ("0x0000000000000000000000000000000000000022", 8, 60_000),
    "USDC": ("0x00000000000000000000000000000000000000a0", 6, 1),
    "DAI": ("0x000000000000000000000000000000000000006b", 18, 1),
    "USDT": ("0x00000000000000000000000000000000000000d1", 6, 1),
    "LINK": ("0x0000000000000000000000000000000000000051", 18, 15),
    "UNI": ("0x000000000000000000000000000000000000001f", 18, 8),
    "AAVE": ("0x000000000000000000000000000000000000007f", 18, 100),
}
ADDRESS = {name: address for name, (address, _, _) in TOKENS.items()}
NAME = {address: name for name, address in ADDRESS.items()}
PRICES = {address: price * WAD for address, _, price in TOKENS.values()}
DECIMALS = {address: decimals for address, decimals, _ in TOKENS.values()}
SPACING = {100: 1, 500: 10, 3000: 60, 10_000: 200}


def units(name: str, usd: float) -> int:
    """Base units worth `usd` at the oracle price."""
    _, decimals, price = TOKENS[name]
    return int(usd * 10**6) * 10**decimals // price // 10**6


def pair(a: str, b: str) -> tuple[str, str]:
    """Both names, that of token0 first."""
    return (a, b) if int(ADDRESS[a], 16) < int(ADDRESS[b], 16) else (b, a)


def pool_address(number: int) -> str:
    return f"0x{0xF00 + number:040x}"


def v2(number: int, a: str, b: str, usd: float, skew: float = 0.0, fee: int = 3000) -> UniswapV2Pool:
    """`usd` on each side; `skew` 0.01 makes token0 one per cent dearer than the oracle says."""
    low, high = pair(a, b)
    return UniswapV2Pool(
        pool_address(number), ADDRESS[low], ADDRESS[high], units(low, usd), units(high, usd * (1 + skew)), fee
    )


def v3(
    number: int, a: str, b: str, usd: float, skew: float = 0.0, fee: int = 3000, widths: tuple[int, ...] = (600, 6000)
) -> UniswapV3Pool:
    """A position of `usd` a side for each of `widths`, in ticks to either side of the price."""
    low, high = pair(a, b)
    spacing = SPACING[fee]
    price = isqrt((units(high, 10**9 * (1 + skew)) << 192) // units(low, 10**9))
    tick = tick_at_sqrt_ratio(price)
    net: dict[int, int] = {}
    active = 0
    for width in widths:
        lower, upper = (tick - width) // spacing * spacing, (tick + width) // spacing * spacing + spacing
        liquidity = (units(high, usd) << 96) // (price - sqrt_ratio_at_tick(lower))
        net[lower] = net.get(lower, 0) + liquidity
        net[upper] = net.get(upper, 0) - liquidity
        active += liquidity
    ticks = tuple(Tick(index, amount) for index, amount in sorted(net.items()) if amount)
    return UniswapV3Pool(pool_address(number), ADDRESS[low], ADDRESS[high], fee, spacing, price, tick, active, ticks)


def weighted(
    number: int, usd: float, shares: dict[str, int], skew: float = 0.0, fee: int = 3000
) -> BalancerWeightedPool:
    """`usd` in all, in per cent of `shares`; `skew` 0.01 leaves a per cent less of the first than the oracle's price asks."""
    names = sorted(shares, key=lambda name: int(ADDRESS[name], 16))
    return BalancerWeightedPool(
        address=pool_address(number),
        tokens=tuple(ADDRESS[name] for name in names),
        balances=tuple(units(name, usd * shares[name] / 100 * (1 - skew * (name == names[0]))) for name in names),
        scaling_factors=tuple(10 ** (36 - TOKENS[name][1]) for name in names),
        swap_fee=fee * 10**12,
        generation=1,
        weights=tuple(shares[name] * 10**16 for name in names),
    )


def stable(
    number: int, usd: float, names: tuple[str, ...], lean: float = 0.0, amplification: int = 200
) -> BalancerStablePool:
    """`usd` in all; `lean` 0.1 moves a tenth of the first one's share to the last."""
    names = tuple(sorted(names, key=lambda name: int(ADDRESS[name], 16)))
    shares = {name: usd / len(names) for name in names}
    shares[names[0]] -= lean * usd / len(names)
    shares[names[-1]] += lean * usd / len(names)
    return BalancerStablePool(
        address=pool_address(number),
        tokens=tuple(ADDRESS[name] for name in names),
        balances=tuple(units(name, shares[name]) for name in names),
        scaling_factors=tuple(10 ** (36 - TOKENS[name][1]) for name in names),
        swap_fee=4 * 10**14,
        generation=1,
        amplification=amplification * 1_000,
    )


def problem(
    pools: list[Pool],
    surplus: dict[str, float],
    deficit: dict[str, float],
    gwei: int = 0,
    hubs: frozenset[str] | None = None,
    max_legs: int = 32,
) -> RebalanceProblem:
    """A rebalance with surplus and deficit in dollars by name."""
    return RebalanceProblem(
        pools=tuple(pools),
        prices=PRICES,
        decimals=DECIMALS,
        surplus={ADDRESS[name]: units(name, usd) for name, usd in surplus.items()},
        deficit={ADDRESS[name]: units(name, usd) for name, usd in deficit.items()},
        hubs=hubs,
        gas_price_wei=gwei * 10**9,
        eth_price_wad=3_000 * WAD,
        max_legs=max_legs,
    )


def mainnet_like() -> list[Pool]:
    """Nineteen pools at depths such as mainnet's."""
    return [
        v2(1, "USDC", "WETH", 20e6),
        v2(2, "DAI", "WETH", 8e6, 0.001),
        v2(3, "WBTC", "WETH", 8e6, -0.001),
        v2(4, "LINK", "WETH", 4e6),
        v2(5, "UNI", "WETH", 3e6, 0.002),
        v2(6, "AAVE", "WETH", 2e6),
        v3(7, "USDC", "WETH", 50e6, fee=500),
        v3(8, "USDC", "WETH", 25e6),
        v3(9, "WBTC", "WETH", 30e6, fee=500),
        v3(10, "WBTC", "WETH", 40e6, 0.0005),
        v3(11, "DAI", "WETH", 3e6),
        v3(12, "DAI", "WETH", 5e6, fee=500),
        v3(13, "DAI", "USDC", 25e6, fee=100, widths=(20, 200)),
        v3(14, "LINK", "WETH", 6e6),
        v3(15, "UNI", "WETH", 5e6, -0.001),
        v3(16, "AAVE", "WETH", 5e6),
        v3(17, "UNI", "USDC", 1e6),
        v2(18, "WBTC", "USDC", 1e6),
        v3(19, "LINK", "USDC", 1e6, fee=10_000),
    ]


@st.composite
def problems(draw: st.DrawFn, gwei: st.SearchStrategy[int] | None = None, skewed: bool = True) -> RebalanceProblem:
    """Any mix of pools and any two baskets; skewed, prices are up to 1 % apart, so that cycles of arbitrage occur."""
    names = list(TOKENS)
    pools: list[Pool] = []
    for number in range(draw(st.integers(1, 14))):
        a, b = draw(st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True))
        usd = 10 ** draw(st.floats(4, 8))
        skew = draw(st.floats(-0.01, 0.01)) if skewed else 0.0
        kind = draw(st.sampled_from(["v2", "v3", "weighted", "stable"]))
        if kind == "v2":
            pools.append(v2(number, a, b, usd, skew))
        elif kind == "v3":
            pools.append(v3(number, a, b, usd, skew, draw(st.sampled_from([100, 500, 3000]))))
        elif kind == "weighted":
            share = draw(st.integers(10, 70))
            third = draw(st.sampled_from([name for name in names if name not in (a, b)]))
            pools.append(weighted(number, usd, {a: share, b: 80 - share, third: 20}, skew))
        else:
            coins = ("USDC", "DAI", "USDT")[: draw(st.integers(2, 3))]
            lean = draw(st.floats(-0.9, 0.9)) if skewed else 0.0
            pools.append(stable(number, usd, coins, lean, draw(st.sampled_from([1, 100, 2_000]))))
    sides = draw(st.lists(st.sampled_from(names), min_size=2, max_size=6, unique=True))
    cut = draw(st.integers(1, len(sides) - 1))
    dollars = st.floats(2, 6).map(lambda power: 10**power)
    return problem(
        pools,
        {name: draw(dollars) for name in sides[:cut]},
        {name: draw(dollars) for name in sides[cut:]},
        gwei=0 if gwei is None else draw(gwei),
    )
