"""Weights by the usual methods, within limits.

Covariances are shrunk (covariance.py), and so are means, as James and Stein do (Jorion 1986): with some hundred days of
some tokens the plain estimates are mostly noise. skfolio finds the weights of minimum variance, of mean and variance and of
risk parity; those that break a limit are moved to the nearest ones that break none.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from keeper.design import feasible
from keeper.design.feasible import Floats, Mask
from keeper.design.profiles import Limits, Method
from keeper.errors import DesignError

_LEAST_BARS = 60  # of returns: under two months even a shrunk covariance says little


@dataclass(frozen=True, slots=True)
class Market:
    """What the history says of the assets.

    :param returns: (bars, assets) simple returns
    :param covariance: (assets, assets) annual, shrunk
    :param per_year: bars in a year
    """

    returns: Floats
    covariance: Floats
    stable: Mask
    per_year: float

    @property
    def volatility(self) -> Floats:
        """(assets,) annual."""
        return np.sqrt(np.diag(self.covariance))


def market_of(returns: Floats, stable: Mask, per_year: float) -> Market:
    """Estimate.

    :raises DesignError: too few bars, or an asset that never moves
    """
    from keeper.design.covariance import ScaledLedoitWolf

    if len(returns) < _LEAST_BARS:
        raise DesignError(f"{len(returns)} returns are too few: give a history of {_LEAST_BARS + 1} bars or more")
    if (frozen := np.flatnonzero(returns.std(axis=0) == 0)).size:
        raise DesignError(f"asset {frozen[0] + 1} of the history never moves: its prices are no prices, leave it out")
    covariance = np.asarray(ScaledLedoitWolf().fit(returns).covariance_) * per_year
    return Market(returns, covariance, stable, per_year)


def choose(market: Market, method: Method, limits: Limits, risk_aversion: float, caps: Floats | None = None) -> Floats:
    """(assets,) weights that sum to 1, within the limits.

    :param caps: (assets,) USD, for market capitalisation
    :raises DesignError: no weights keep to the limits, or a method lacks what it needs
    """
    feasible.require(market.covariance, market.stable, limits)
    ideal = _within_stable(_ideal(market, method, limits, risk_aversion, caps), market.stable, limits)
    return _tidy(feasible.nearest(ideal, market.covariance, market.stable, limits), limits)


def _ideal(market: Market, method: Method, limits: Limits, risk_aversion: float, caps: Floats | None) -> Floats:
    count = len(market.stable)
    if method is Method.EQUAL:
        return np.full(count, 1 / count)
    if method is Method.MARKET_CAP:
        if caps is None:
            raise DesignError("market-cap needs the market capitalisations: name a file with --market-caps")
        shares: Floats = caps / caps.sum()
        return shares
    return _risk_parity(market) if method is Method.RISK_PARITY else _mean_risk(market, method, limits, risk_aversion)


def _within_stable(ideal: Floats, stable: Mask, limits: Limits) -> Floats:
    """Stable-coins together moved inside their limits, and the rest with them; inside of each the proportions stay."""
    together = float(ideal[stable].sum())
    if not 0 < together < 1:
        return ideal
    kept = min(max(together, limits.stable_min), limits.stable_max)
    return np.where(stable, ideal * (kept / together), ideal * ((1 - kept) / (1 - together)))


def _risk_parity(market: Market) -> Floats:
    from skfolio.optimization import RiskBudgeting

    found = RiskBudgeting(prior_estimator=_prior()).fit(market.returns)
    return np.asarray(found.weights_, dtype=np.float64)


def _mean_risk(market: Market, method: Method, limits: Limits, risk_aversion: float) -> Floats:
    from skfolio.optimization import MeanRisk, ObjectiveFunction

    minimum, utility = ObjectiveFunction.MINIMIZE_RISK, ObjectiveFunction.MAXIMIZE_UTILITY
    inside = market.stable.astype(np.float64)
    together = {
        "left_inequality": np.array([inside, -inside]),
        "right_inequality": [limits.stable_max, -limits.stable_min],
    }
    found = MeanRisk(
        objective_function=minimum if method is Method.MINIMUM_VARIANCE else utility,
        risk_aversion=risk_aversion,
        prior_estimator=_prior(),
        min_weights=limits.min_weight,
        max_weights=limits.max_weight,
        max_standard_deviation=limits.max_volatility / np.sqrt(market.per_year),
        **(together if market.stable.any() else {}),
    ).fit(market.returns)
    return np.asarray(found.weights_, dtype=np.float64)


def _prior() -> Any:
    from skfolio.moments import ShrunkMu
    from skfolio.prior import EmpiricalPrior

    from keeper.design.covariance import ScaledLedoitWolf

    means = ShrunkMu(covariance_estimator=ScaledLedoitWolf())
    return EmpiricalPrior(mu_estimator=means, covariance_estimator=ScaledLedoitWolf())


def _tidy(weights: Floats, limits: Limits) -> Floats:
    """Without what the solver's tolerance leaves over the limits."""
    clipped = np.clip(weights, limits.min_weight, limits.max_weight)
    return np.asarray(clipped / clipped.sum())
