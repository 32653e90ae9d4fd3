"""Seeded returns whose variance is known."""

import numpy as np
from numpy.typing import NDArray

from keeper.history import PriceHistory

DAY_S = 86_400
# ω, α, γ, β of a bar: a deviation of 4 % a day, shocks that last.
OMEGA, ALPHA, GAMMA, BETA = 8e-5, 0.12, 0.0, 0.83


def garch_returns(
    bars: int, seed: int, omega: float = OMEGA, alpha: float = ALPHA, gamma: float = GAMMA, beta: float = BETA
) -> NDArray[np.float64]:
    """Returns of one asset, (bars,)."""
    draws = np.random.Generator(np.random.PCG64(seed)).standard_normal(bars)
    variance, found = omega / (1 - alpha - gamma / 2 - beta), np.empty(bars)
    for i, draw in enumerate(draws):
        found[i] = draw * variance**0.5
        variance = omega + (alpha + gamma * (found[i] < 0)) * found[i] ** 2 + beta * variance
    return found


def returns_of(bars: int, assets: int = 2, seed: int = 1) -> NDArray[np.float64]:
    """Returns of several, (bars, assets)."""
    return np.column_stack([garch_returns(bars, 100 * seed + i) for i in range(assets)])


def history_of(returns: NDArray[np.float64], step_s: int = DAY_S, assets: tuple[str, ...] = ()) -> PriceHistory:
    """Prices with these returns."""
    bars, count = returns.shape
    prices = 100 * np.exp(np.vstack([np.zeros((1, count)), np.cumsum(returns, axis=0)]))
    names = assets or tuple(f"A{i}" for i in range(count))
    return PriceHistory(names, 1_700_000_000 + step_s * np.arange(bars + 1), prices)
