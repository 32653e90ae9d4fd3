"""The seeded regimes that policies are tried in."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import ArrayLike

from keeper.errors import HistoryError
from keeper.history.prices import PricePaths
from keeper.history.simulate import Floats, Garch, GeometricBrownian, Model, OrnsteinUhlenbeck, simulate

SCENARIOS = ("trend", "mean-reversion", "high-volatility", "calm")
_CORRELATION = 0.6  # between the large tokens, about what their daily returns had since 2020
_STABLE_VOLATILITY = 0.01
_TREND = (0.8, -0.4)  # drift of the first and of the last asset


def scenario(
    name: str,
    assets: Sequence[str],
    *,
    stable: Collection[str] = (),
    start_prices: ArrayLike = 1.0,
    bars: int = 731,
    paths: int = 1,
    step_s: int = 86_400,
    seed: int = 0,
) -> PricePaths:
    """Paths of a regime.

    - `trend`: volatility 50 %, drifts from +80 % for the first asset to -40 % for the last, a year
    - `mean-reversion`: a market of 40 % around which deviations of 60 % revert with a half-life of ten days
    - `high-volatility`: GARCH(1,1) around 120 %, clustered
    - `calm`: volatility 20 %, no drift

    Assets are correlated by 0.6. A stable one moves on its own, with a volatility of 1 %.

    :param stable: those of the assets that are
    :raises HistoryError: an unknown name, or as `simulate`
    """
    if unknown := set(stable) - set(assets):
        raise HistoryError(f"stable: {', '.join(sorted(unknown))} is none of the assets {', '.join(assets)}")
    steady = np.array([asset in stable for asset in assets])
    correlation = np.where(np.logical_or.outer(steady, steady), 0.0, _CORRELATION)
    np.fill_diagonal(correlation, 1.0)
    return simulate(
        _model(name, steady),
        assets,
        start_prices=start_prices,
        correlation=correlation,
        bars=bars,
        paths=paths,
        step_s=step_s,
        seed=seed,
    )


def _model(name: str, steady: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Model:
    def volatility(of_others: float) -> Floats:
        return np.where(steady, _STABLE_VOLATILITY, of_others)

    if name == "trend":
        drift = np.zeros(len(steady))
        drift[~steady] = np.linspace(*_TREND, int((~steady).sum()))
        return GeometricBrownian(drift, volatility(0.5))
    if name == "mean-reversion":
        speed = np.log(2) * 365 / 10
        return OrnsteinUhlenbeck(speed, volatility(0.6), 0.0, 0.4, np.where(steady, 0.0, 1.0))
    if name == "high-volatility":
        return Garch(0.0, volatility(1.2), 0.1, 0.88)
    if name == "calm":
        return GeometricBrownian(0.0, volatility(0.2))
    raise HistoryError(f"scenario {name!r} is unknown: use one of {', '.join(SCENARIOS)}")
