"""Balancer pools for tests: any weights, amplification, decimals and balances, with or without rates."""

from collections.abc import Sequence

from hypothesis import strategies as st

from keeper.markets import BalancerStablePool, BalancerWeightedPool
from keeper.markets.balancer_pool import MAX_BALANCE, BalancerPool

POOL = "0x00000000000000000000000000000000000000aa"
TOKENS = tuple(f"0x{number:040x}" for number in range(1, 9))
WAD = 10**18
FEE = 3 * 10**15


def scaling(decimals: Sequence[int], rates: Sequence[int] = ()) -> tuple[int, ...]:
    """Scaling factors for decimals, times WAD rates where given."""
    return tuple(10 ** (18 - d) * rate for d, rate in zip(decimals, rates or [WAD] * len(decimals), strict=True))


def weighted(
    balances: Sequence[int],
    percent: Sequence[int],
    decimals: Sequence[int] | None = None,
    fee: int = FEE,
    generation: int = 1,
) -> BalancerWeightedPool:
    """A weighted pool by its weights in percent."""
    factors = scaling(decimals or [18] * len(balances))
    weights = tuple(share * WAD // 100 for share in percent)
    return BalancerWeightedPool(POOL, TOKENS[: len(balances)], tuple(balances), factors, fee, generation, weights)


def stable(
    balances: Sequence[int],
    amplification: int = 200,
    decimals: Sequence[int] | None = None,
    fee: int = FEE,
    generation: int = 1,
    rates: Sequence[int] = (),
) -> BalancerStablePool:
    """A stable pool by its whole amplification."""
    factors = scaling(decimals or [18] * len(balances), rates)
    tokens = TOKENS[: len(balances)]
    return BalancerStablePool(POOL, tokens, tuple(balances), factors, fee, generation, amplification * 1000)


fees = st.one_of(st.just(0), st.integers(10**12, 10**17), st.just(WAD - 1))
generations = st.sampled_from([1, 2])
decimals = st.integers(0, 18)
balances = st.one_of(st.integers(1, 1_000), st.integers(1, 10**28), st.just(MAX_BALANCE // 2))


@st.composite
def weighted_pools(draw: st.DrawFn) -> BalancerPool:
    """Two to four tokens, dust to half of what the Vault can hold."""
    count = draw(st.integers(2, 4))
    shares = draw(st.lists(st.integers(1, 99 // count), min_size=count - 1, max_size=count - 1))
    return weighted(
        draw(st.lists(balances, min_size=count, max_size=count)),
        [*shares, 100 - sum(shares)],
        draw(st.lists(decimals, min_size=count, max_size=count)),
        draw(fees),
        draw(generations),
    )


@st.composite
def stable_pools(draw: st.DrawFn) -> BalancerPool:
    """Two to five tokens with rates, and up to a thousandfold as much of one as of another; dust and more than trades."""
    count = draw(st.integers(2, 5))
    places = draw(st.lists(decimals, min_size=count, max_size=count))
    whole = draw(st.integers(1, 10**12))
    share = st.integers(1, 1_000)
    parts = draw(st.lists(share, min_size=count, max_size=count))
    held = [min(whole * part * 10**d // 100 + 1, MAX_BALANCE // 2) for part, d in zip(parts, places, strict=True)]
    rate = st.one_of(st.just(WAD), st.integers(WAD // 2, 3 * WAD))
    return stable(
        held,
        draw(st.integers(1, 5_000)),
        places,
        draw(fees),
        draw(generations),
        draw(st.lists(rate, min_size=count, max_size=count)),
    )
