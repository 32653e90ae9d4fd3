"""GARCH(1,1) and GJR-GARCH by maximum likelihood (the library arch), and their forecasts in closed form.

    σ²(t+1) = ω + (α + γ·[ε(t) < 0])·ε²(t) + β·σ²(t), ε = r − μ; γ = 0 in GARCH
    E σ²(t+k) = ω + p·E σ²(t+k−1), p = α + γ/2 + β, for errors as often below zero as above

T. Bollerslev, Journal of Econometrics 31, 1986; L. Glosten, R. Jagannathan, D. Runkle, Journal of Finance 48, 1993.
"""

import warnings
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from keeper.errors import ForecastError
from keeper.forecast.ewma import Ewma, Mixture
from keeper.forecast.forecaster import FLOOR, Fallback, Floats, check

_LEAST = 250  # bars; with fewer the likelihood is flat
_PERSISTENCE_MAX = 1.0 + 1e-6  # the optimiser stops a hair beyond its bound at one


class Parameters(NamedTuple):
    """Of one asset; those of `omega` and of the last variance in squares of returns."""

    mu: float
    omega: float
    alpha: float
    gamma: float
    beta: float

    @property
    def persistence(self) -> float:
        """What is left of a shock to the variance after a bar."""
        return self.alpha + self.gamma / 2 + self.beta


@dataclass(frozen=True, slots=True)
class Garch:
    """GARCH(1,1), or GJR.

    :param is_asymmetric: falls raise the variance by more than rises: GJR
    :param mean: of returns; zero is as good as any over short bars, and one parameter fewer
    """

    is_asymmetric: bool = False
    mean: Literal["Zero", "Constant"] = "Zero"

    @property
    def name(self) -> str:
        """As people and settings have it."""
        return "gjr" if self.is_asymmetric else "garch"

    def fit(self, returns: Floats, bars_per_year: float, horizon: int) -> "GarchState":
        """See Forecaster. An asset that the likelihood's maximum is not found for is left to the EWMA."""
        check(returns, horizon, _LEAST, self.name)
        fits = [self._fit(returns[:, column]) for column in range(returns.shape[1])]
        fallbacks = tuple(Fallback(i, why) for i, why in enumerate(fits) if isinstance(why, str))
        found = [(Parameters(0.0, 0.0, 0.0, 0.0, 0.0), FLOOR) if isinstance(each, str) else each for each in fits]
        return GarchState(
            parameters=tuple(parameters for parameters, _ in found),
            following=np.array([variance for _, variance in found]),
            horizon=horizon,
            instead=Ewma().fit(returns, bars_per_year, horizon),
            fallbacks=fallbacks,
        )

    def _fit(self, returns: Floats) -> tuple[Parameters, float] | str:
        """Parameters and the next bar's variance; or why there are none."""
        try:
            from arch import arch_model
        except ModuleNotFoundError:
            raise ForecastError(f"{self.name} needs the library arch: install equipoise[research]") from None
        deviation = float(returns.std())
        if deviation**2 <= FLOOR:
            return "its price did not move"
        # The optimiser's steps suit a variance of about one.
        model = arch_model(
            returns / deviation, mean=self.mean, vol="GARCH", p=1, o=int(self.is_asymmetric), q=1, rescale=False
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                result = model.fit(disp="off", show_warning=False)
            except (ValueError, RuntimeError, np.linalg.LinAlgError) as error:
                return f"the fit failed ({error})"
        if result.convergence_flag != 0:
            return "the fit did not converge"
        named = result.params
        parameters = Parameters(
            mu=float(named.get("mu", 0.0)) * deviation,
            omega=float(named["omega"]) * deviation**2,
            alpha=float(named["alpha[1]"]),
            gamma=float(named.get("gamma[1]", 0.0)),
            beta=float(named["beta[1]"]),
        )
        if not np.isfinite(parameters).all() or parameters.persistence > _PERSISTENCE_MAX:
            return f"its variance would grow without end (persistence {parameters.persistence:.4f})"
        last = float(result.conditional_volatility[-1] * deviation) ** 2
        return parameters, _next(parameters, last, float(returns[-1]))


@dataclass(frozen=True, slots=True, eq=False)
class GarchState:
    """Fitted parameters by asset, and the next bar's variance.

    :param following: (assets,)
    :param instead: what the assets of `fallbacks` are forecast by
    """

    parameters: tuple[Parameters, ...]
    following: Floats
    horizon: int
    instead: Mixture
    fallbacks: tuple[Fallback, ...]

    def observe(self, returns: Floats) -> "GarchState":
        """See Fitted."""
        following = self.following.copy()
        for column, parameters in enumerate(self.parameters):
            for each in returns[:, column]:
                following[column] = _next(parameters, following[column], each)
        return replace(self, following=following, instead=self.instead.observe(returns))

    def variance(self) -> Floats:
        """See Fitted."""
        found = np.array([self._mean(each, first) for each, first in zip(self.parameters, self.following, strict=True)])
        columns = [each.column for each in self.fallbacks]
        found[columns] = self.instead.variance()[columns]
        return np.maximum(found, FLOOR)

    def _mean(self, parameters: Parameters, first: float) -> float:
        """Mean of the expected variances; summed, since the closed form divides by zero at a persistence of one."""
        powers = parameters.persistence ** np.arange(self.horizon)
        shocks = np.concatenate(([0.0], np.cumsum(powers[:-1])))
        return float((first * powers + parameters.omega * shocks).mean())


def _next(parameters: Parameters, variance: float, value: float) -> float:
    mu, omega, alpha, gamma, beta = parameters
    shock = value - mu
    return omega + (alpha + gamma * (shock < 0)) * shock**2 + beta * variance
