"""Exponentially weighted moving averages: RiskMetrics of 1994 and of 2006, and correlations.

    1994   σ²(t+1) = λ·σ²(t) + (1 − λ)·r²(t), λ = 0.94 a day
           J.P. Morgan/Reuters, RiskMetrics Technical Document, 4th edition 1996, section 5.2
    2006   a mixture of them: μk = exp(−1/τk), τk = τ1·ρ^(k−1), weights ∝ 1 − ln τk / ln τ0, times in days
           G. Zumbach, The RiskMetrics 2006 methodology, 2007

Decays are of a day and are spread over its bars, so that hourly bars forget a day as fast as daily ones. The first bars count
by the weights that there are, which add up to one: no value has to be made up to begin with.
"""

from dataclasses import dataclass, replace

import numpy as np

from keeper.forecast.forecaster import DAYS_A_YEAR, FLOOR, Fallback, Floats, check


@dataclass(frozen=True, slots=True)
class Ewma:
    """RiskMetrics of 1994.

    :param decay: λ of a day
    """

    decay: float = 0.94

    @property
    def name(self) -> str:
        """As people and settings have it."""
        return "ewma"

    def fit(self, returns: Floats, bars_per_year: float, horizon: int) -> "Mixture":
        """See Forecaster; the same for every horizon."""
        check(returns, horizon, 1, self.name)
        decays = np.array([self.decay]) ** (DAYS_A_YEAR / bars_per_year)
        return _empty(decays, np.ones(1), returns.shape[1]).observe(returns)


@dataclass(frozen=True, slots=True)
class RiskMetrics2006:
    """RiskMetrics of 2006: long memory by components whose times grow geometrically.

    :param tau0: days after which nothing is remembered
    :param tau1: days of the shortest component
    :param components: how many
    :param ratio: of one's time to the one's before
    """

    tau0: float = 1560.0
    tau1: float = 4.0
    components: int = 14
    ratio: float = 2**0.5

    @property
    def name(self) -> str:
        """As people and settings have it."""
        return "rm2006"

    def fit(self, returns: Floats, bars_per_year: float, horizon: int) -> "Mixture":
        """See Forecaster; the same for every horizon."""
        check(returns, horizon, 1, self.name)
        times = self.tau1 * self.ratio ** np.arange(self.components)
        shares = 1 - np.log(times) / np.log(self.tau0)
        decays = np.exp(-DAYS_A_YEAR / (times * bars_per_year))
        return _empty(decays, shares / shares.sum(), returns.shape[1]).observe(returns)


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Moving averages of several decays.

    :param decays: (components,), of a bar
    :param shares: (components,) that sum to one
    :param sums: (components, assets) of weighted squares
    :param weights: (components,) that the sums have had
    """

    decays: Floats
    shares: Floats
    sums: Floats
    weights: Floats

    @property
    def fallbacks(self) -> tuple[Fallback, ...]:
        """None: there is nothing to fit."""
        return ()

    def observe(self, returns: Floats) -> "Mixture":
        """See Fitted."""
        bars = len(returns)
        ages = self.decays[:, np.newaxis] ** np.arange(bars - 1, -1, -1)
        past = self.decays**bars
        return replace(
            self,
            sums=past[:, np.newaxis] * self.sums + (1 - self.decays)[:, np.newaxis] * (ages @ returns**2),
            weights=past * self.weights + 1 - past,
        )

    def variance(self) -> Floats:
        """See Fitted."""
        return np.maximum(self.shares @ (self.sums / self.weights[:, np.newaxis]), FLOOR)


def correlation(returns: Floats, bars_per_year: float, decay: float = 0.97) -> Floats:
    """Correlations by one decay a day for all, (assets, assets): positive semi-definite, as a sum of squares with a rescaling.

    An asset that never moved correlates with none.

    :param decay: slower than that of variances, since there are more of them to learn from the same bars
    :raises ForecastError: no returns, or one that is none
    """
    check(returns, 1, 1, "the correlation")
    bar = decay ** (DAYS_A_YEAR / bars_per_year)
    weighted = returns * np.sqrt(bar ** np.arange(len(returns) - 1, -1, -1))[:, np.newaxis]
    length = np.sqrt((weighted**2).sum(axis=0))
    directions = np.divide(weighted, length, out=np.zeros_like(weighted), where=length > 0)
    found: Floats = np.clip(directions.T @ directions, -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return found


def _empty(decays: Floats, shares: Floats, assets: int) -> Mixture:
    return Mixture(decays, shares, np.zeros((len(decays), assets)), np.zeros(len(decays)))
