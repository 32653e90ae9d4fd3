"""Paths of prices that a model draws, from a seed: the same seed gives the same paths.

Rates are per year of 365 days. A drift is that of the expected price: E[P(t)] = P(0)·exp(drift·t), but for mean reversion,
whose deviations go to zero. Shocks of assets are correlated by the lower factor of Cholesky of the correlation matrix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import ArrayLike, NDArray

from keeper.errors import HistoryError
from keeper.history.prices import YEAR_S, PricePaths

Floats: TypeAlias = NDArray[np.float64]
_TOLERANCE = 1e-10  # of eigenvalues and of symmetry: rounding


class Model(Protocol):
    """How log prices move."""

    def log_returns(self, draw: Generator, factor: Floats, paths: int, bars: int, years: float) -> Floats:
        """Log returns of (paths, bars, assets).

        :param factor: (assets, assets) lower factor of the correlation matrix
        :param years: of a bar
        """
        ...


@dataclass(frozen=True, slots=True)
class GeometricBrownian:
    """Geometric Brownian motion (Black and Scholes 1973). Drift and volatility: one for all assets, or one each."""

    drift: ArrayLike
    volatility: ArrayLike

    def log_returns(self, draw: Generator, factor: Floats, paths: int, bars: int, years: float) -> Floats:
        """See Model."""
        assets = len(factor)
        drift, volatility = _each(self.drift, assets, "drift"), _volatility(self.volatility, assets)
        shocks = _shocks(draw, factor, paths, bars) * (volatility * np.sqrt(years))
        moves: Floats = shocks + (drift - volatility**2 / 2) * years
        return moves


@dataclass(frozen=True, slots=True)
class JumpDiffusion:
    """Merton's (1976): Brownian motion and jumps of each asset's own, Poisson in time and lognormal in size.

    :param jumps: expected number of them a year
    :param jump_mean: of ln(price after / before)
    :param jump_deviation: standard deviation of the same
    """

    drift: ArrayLike
    volatility: ArrayLike
    jumps: ArrayLike
    jump_mean: ArrayLike
    jump_deviation: ArrayLike

    def log_returns(self, draw: Generator, factor: Floats, paths: int, bars: int, years: float) -> Floats:
        """See Model."""
        assets = len(factor)
        jumps, mean = _not_negative(self.jumps, assets, "jumps"), _each(self.jump_mean, assets, "jump_mean")
        deviation = _not_negative(self.jump_deviation, assets, "jump_deviation")
        # What jumps add to the expected price is taken off the drift.
        compensated = _each(self.drift, assets, "drift") - jumps * np.expm1(mean + deviation**2 / 2)
        diffusion = GeometricBrownian(compensated, self.volatility).log_returns(draw, factor, paths, bars, years)
        counts = draw.poisson(jumps * years, (paths, bars, assets))
        sizes = draw.standard_normal((paths, bars, assets)) * (deviation * np.sqrt(counts))
        moves: Floats = diffusion + counts * mean + sizes
        return moves


@dataclass(frozen=True, slots=True)
class Garch:
    """GARCH(1,1) (Bollerslev 1986) with normal shocks: variance = ω + α·shock² + β·variance, of a bar.

    :param volatility: of the stationary variance, from which each path starts; ω follows from it
    :param alpha, beta: their sum under 1
    """

    drift: ArrayLike
    volatility: ArrayLike
    alpha: float
    beta: float

    def log_returns(self, draw: Generator, factor: Floats, paths: int, bars: int, years: float) -> Floats:
        """See Model."""
        if self.alpha < 0 or self.beta < 0 or self.alpha + self.beta >= 1:
            raise HistoryError(f"alpha {self.alpha:g} and beta {self.beta:g}: neither may be under 0, nor both reach 1")
        assets = len(factor)
        drift = _each(self.drift, assets, "drift") * years
        stationary = _volatility(self.volatility, assets) ** 2 * years
        omega = stationary * (1 - self.alpha - self.beta)
        shocks = _shocks(draw, factor, paths, bars)
        variance = np.broadcast_to(stationary, (paths, assets))
        for bar in range(bars):
            shocks[:, bar] *= np.sqrt(variance)
            squares = shocks[:, bar] ** 2
            shocks[:, bar] += drift - variance / 2
            variance = omega + self.alpha * squares + self.beta * variance
        return shocks


@dataclass(frozen=True, slots=True)
class RegimeSwitching:
    """A Markov chain over drifts and volatilities (Hamilton 1989), the same regime for all assets of a path.

    :param drifts, volatilities: (regimes,) or (regimes, assets)
    :param stays_years: (regimes,) expected length of each; it leaves for any other with equal chance
    """

    drifts: ArrayLike
    volatilities: ArrayLike
    stays_years: Sequence[float]

    def transition(self, years: float) -> Floats:
        """(regimes, regimes) chances from a bar to the next.

        :raises HistoryError: fewer than two regimes, or a stay that is shorter than a bar
        """
        stays = np.asarray(self.stays_years, dtype=np.float64)
        if stays.ndim != 1 or len(stays) < 2 or not (stays >= years).all():
            raise HistoryError(f"stays of {stays.tolist()} years: give two or more, none shorter than a bar")
        leaves = years / stays
        chances = np.repeat(leaves[:, np.newaxis] / (len(stays) - 1), len(stays), axis=1)
        np.fill_diagonal(chances, 1 - leaves)
        return chances

    def regimes(self, draw: Generator, paths: int, bars: int, years: float) -> NDArray[np.int64]:
        """(paths, bars) which one holds, from the stationary chances on."""
        chances = self.transition(years)
        stays = np.asarray(self.stays_years, dtype=np.float64)
        upto, first = np.cumsum(chances, axis=1), np.cumsum(stays / stays.sum())
        uniform = draw.random((paths, bars))
        found = np.empty((paths, bars), dtype=np.int64)
        found[:, 0] = (uniform[:, :1] >= first[:-1]).sum(axis=1)
        for bar in range(1, bars):
            found[:, bar] = (uniform[:, bar, np.newaxis] >= upto[found[:, bar - 1], :-1]).sum(axis=1)
        return found

    def log_returns(self, draw: Generator, factor: Floats, paths: int, bars: int, years: float) -> Floats:
        """See Model."""
        assets, count = len(factor), len(self.stays_years)
        drifts = _each_regime(self.drifts, count, assets, "drifts")
        volatilities = _each_regime(self.volatilities, count, assets, "volatilities")
        if (volatilities < 0).any():
            raise HistoryError("volatilities: none may be under 0")
        regimes = self.regimes(draw, paths, bars, years)
        volatility = volatilities[regimes]
        shocks = _shocks(draw, factor, paths, bars) * volatility * np.sqrt(years)
        moves: Floats = shocks + (drifts[regimes] - volatility**2 / 2) * years
        return moves


@dataclass(frozen=True, slots=True)
class OrnsteinUhlenbeck:
    """A market that all share, and of each asset a deviation from it that reverts to zero, so that log ratios do.

    Deviations follow dx = -speed·x·dt + volatility·dW (Uhlenbeck and Ornstein 1930), drawn by their exact law; they
    start at zero.

    :param speed: a year; the half-life is ln 2 / speed
    :param volatility: of the deviations
    :param market_drift, market_volatility: of the market
    :param exposure: how much of the market each asset has; 0 for one that stays at its price, as a stable-coin
    """

    speed: ArrayLike
    volatility: ArrayLike
    market_drift: float = 0.0
    market_volatility: float = 0.0
    exposure: ArrayLike = 1.0

    def log_returns(self, draw: Generator, factor: Floats, paths: int, bars: int, years: float) -> Floats:
        """See Model."""
        assets = len(factor)
        speed, volatility = _each(self.speed, assets, "speed"), _volatility(self.volatility, assets)
        if not (speed > 0).all():
            raise HistoryError("speed: over 0, or nothing reverts")
        kept = np.exp(-speed * years)
        steps = _shocks(draw, factor, paths, bars) * (volatility * np.sqrt(-np.expm1(-2 * speed * years) / (2 * speed)))
        deviation = np.zeros((paths, assets))
        for bar in range(bars):
            now = deviation * kept + steps[:, bar]
            steps[:, bar] = now - deviation
            deviation = now
        market = draw.standard_normal((paths, bars, 1)) * (self.market_volatility * np.sqrt(years))
        market += (self.market_drift - self.market_volatility**2 / 2) * years
        moves: Floats = steps + market * _each(self.exposure, assets, "exposure")
        return moves


def simulate(
    model: Model,
    assets: Sequence[str],
    *,
    start_prices: ArrayLike = 1.0,
    correlation: ArrayLike | None = None,
    bars: int,
    paths: int,
    step_s: int = 86_400,
    seed: int = 0,
    start: int = 1_704_067_200,
) -> PricePaths:
    """Draw paths.

    :param start_prices: USD per whole token at the first bar, of all or of each
    :param correlation: (assets, assets) of the shocks; none when None
    :param bars: prices on each path, the first one included
    :param start: unix s of the first bar
    :raises HistoryError: a parameter that makes no sense, or a matrix that is no correlation of anything
    """
    if bars < 2 or paths < 1 or step_s < 1:
        raise HistoryError(
            f"{paths} paths of {bars} bars every {step_s} s: give a path, two bars and a second at least"
        )
    names = tuple(assets)
    factor = cholesky(np.eye(len(names)) if correlation is None else correlation, len(names))
    draw = Generator(PCG64(seed))
    moves = model.log_returns(draw, factor, paths, bars - 1, step_s / YEAR_S)
    logs = np.zeros((paths, bars, len(names)))
    np.cumsum(moves, axis=1, out=logs[:, 1:])
    prices = _each(start_prices, len(names), "start_prices") * np.exp(logs)
    return PricePaths(names, start + step_s * np.arange(bars, dtype=np.int64), prices)


def cholesky(correlation: ArrayLike, assets: int) -> Floats:
    """(assets, assets) lower factor L with L·Lᵀ the correlation, also of one that is only semi-definite.

    :raises HistoryError: not symmetric with a diagonal of ones, or not positive semi-definite
    """
    matrix = np.asarray(correlation, dtype=np.float64)
    if matrix.shape != (assets, assets) or not np.isfinite(matrix).all():
        raise HistoryError(f"correlation of shape {matrix.shape}: {assets} assets need ({assets}, {assets}) numbers")
    if np.abs(matrix - matrix.T).max() > _TOLERANCE or np.abs(np.diag(matrix) - 1).max() > _TOLERANCE:
        raise HistoryError("correlation: it has to be symmetric, with ones on its diagonal")
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < -_TOLERANCE:
        raise HistoryError(
            f"correlation is not positive semi-definite (least eigenvalue {values[0]:.3g}): no assets move like that; "
            "estimate it from one history"
        )
    # The triangular factor by QR, since Cholesky's own algorithm stops at an eigenvalue of zero.
    _, upper = np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0))).T)
    signs = np.where(np.diag(upper) < 0, -1.0, 1.0)
    lower: Floats = (upper * signs[:, np.newaxis]).T
    return lower


def _shocks(draw: Generator, factor: Floats, paths: int, bars: int) -> Floats:
    shocks: Floats = draw.standard_normal((paths, bars, len(factor))) @ factor.T
    return shocks


def _each(value: ArrayLike, assets: int, name: str) -> Floats:
    found = np.asarray(value, dtype=np.float64)
    if found.shape not in ((), (assets,)) or not np.isfinite(found).all():
        raise HistoryError(f"{name}: give one number for all assets, or {assets}")
    return np.broadcast_to(found, (assets,))


def _not_negative(value: ArrayLike, assets: int, name: str) -> Floats:
    found = _each(value, assets, name)
    if (found < 0).any():
        raise HistoryError(f"{name}: none may be under 0")
    return found


def _volatility(value: ArrayLike, assets: int) -> Floats:
    return _not_negative(value, assets, "volatility")


def _each_regime(value: ArrayLike, regimes: int, assets: int, name: str) -> Floats:
    found = np.asarray(value, dtype=np.float64)
    if found.shape not in ((regimes,), (regimes, assets)) or not np.isfinite(found).all():
        raise HistoryError(f"{name}: give {regimes} numbers, or {assets} for each of {regimes} regimes")
    return np.broadcast_to(found.reshape(regimes, -1), (regimes, assets))
