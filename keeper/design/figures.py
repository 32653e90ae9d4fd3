"""What a basket would have been, and how much of that held when the weights were chosen on the years before only."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from keeper.design.feasible import Floats, volatility
from keeper.design.weights import Market, market_of
from keeper.errors import DesignError

_TRAIN_SHARE, _FOLDS = 0.5, 6


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a basket kept at its weights, without costs.

    :param risk: (assets,) share of the variance that each brings, w·(Σw) / (wᵀΣw)
    :param drawdown: largest fall from a high over the history
    :param effective_assets: 1 / Σw²: so many equal weights are as concentrated
    """

    volatility: float
    risk: tuple[float, ...]
    drawdown: float
    effective_assets: float


@dataclass(frozen=True, slots=True)
class WalkForward:
    """Weights chosen on a window, and what came after it, window after window.

    :param inside, outside: annual volatility in the windows and after them, means of the folds
    :param turnover: half the sum of changes of weight from fold to fold, mean
    :param unmet: folds in whose window no weights kept to the limits, which are left out
    """

    folds: int
    inside: float
    outside: float
    turnover: float
    unmet: int


def figures(weights: Floats, market: Market) -> Figures:
    """The figures of weights."""
    total = weights @ market.covariance @ weights
    worth = np.concatenate([[1.0], np.cumprod(1 + market.returns @ weights)])
    return Figures(
        volatility(weights, market.covariance),
        tuple((weights * (market.covariance @ weights) / total).tolist()),
        float((1 - worth / np.maximum.accumulate(worth)).max()),
        float(1 / (weights**2).sum()),
    )


def walk_forward(market: Market, choose: Callable[[Market], Floats]) -> WalkForward | None:
    """Choose on the first half, look at the next twelfth, move on; None for a history too short for it.

    :param choose: weights for a market, which sees its own window only
    """
    from skfolio.model_selection import WalkForward as Splits

    bars = len(market.returns)
    train = int(bars * _TRAIN_SHARE)
    test = (bars - train) // _FOLDS
    if test < 2:
        return None
    inside, outside, chosen, unmet = [], [], [], 0
    for known, after in Splits(test_size=test, train_size=train).split(market.returns):
        try:
            window = market_of(market.returns[known], market.stable, market.per_year)
            weights = choose(window)
        except DesignError:
            unmet += 1
            continue
        chosen.append(weights)
        scale = np.sqrt(market.per_year)
        inside.append(float((window.returns @ weights).std(ddof=1) * scale))
        outside.append(float((market.returns[after] @ weights).std(ddof=1) * scale))
    if not chosen:
        return None
    moved = [float(np.abs(b - a).sum() / 2) for a, b in pairwise(chosen)]
    return WalkForward(
        len(chosen), float(np.mean(inside)), float(np.mean(outside)), float(np.mean(moved)) if moved else 0.0, unmet
    )
