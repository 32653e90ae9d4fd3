"""Why each asset has its weight, in words."""

from collections.abc import Sequence

import numpy as np

from keeper.design.feasible import Floats
from keeper.design.profiles import Limits, Method
from keeper.design.weights import Market

_NEAR = 5e-4  # half of what a weight is printed to

_BY_METHOD = {
    Method.MINIMUM_VARIANCE: "chosen to lower the basket's volatility",
    Method.RISK_PARITY: "chosen to bring as much risk as each other asset",
    Method.MEAN_VARIANCE: "chosen for its past return, shrunk, against the risk it brings",
    Method.EQUAL: "the same for all",
    Method.MARKET_CAP: "its share of the market capitalisation",
}


def reasons(
    assets: Sequence[str], weights: Floats, market: Market, method: Method, limits: Limits, risk: Sequence[float]
) -> tuple[str, ...]:
    """One line for each asset."""
    together = float(weights[market.stable].sum())
    basket = np.sqrt(weights @ market.covariance @ weights)
    with_basket = market.covariance @ weights / (market.volatility * basket)
    found = []
    for place in range(len(assets)):
        parts = [_BY_METHOD[method]]
        if abs(weights[place] - limits.max_weight) < _NEAR:
            parts = [f"held at the maximum of {limits.max_weight:.1%}"]
        elif abs(weights[place] - limits.min_weight) < _NEAR:
            parts = [f"held at the minimum of {limits.min_weight:.1%}"]
        if market.stable[place]:
            parts.append(_of_stable(together, limits))
        parts.append(
            f"volatility {market.volatility[place]:.0%}, correlation with the basket {with_basket[place]:.2f}, "
            f"brings {round(risk[place], 2) + 0:.0%} of the risk"
        )
        found.append("; ".join(parts))
    return tuple(found)


def _of_stable(together: float, limits: Limits) -> str:
    if abs(together - limits.stable_min) < _NEAR:
        return f"stable-coins are held at their minimum of {limits.stable_min:.0%}"
    if abs(together - limits.stable_max) < _NEAR:
        return f"stable-coins are held at their maximum of {limits.stable_max:.0%}"
    return f"a stable-coin, {together:.0%} with the others"
