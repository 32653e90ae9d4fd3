"""Ledoit and Wolf's shrunk covariance, of returns that are scaled to one variance first.

As published (2004) it shrinks towards equal variances, which would make a stable-coin four times as volatile as it is. Scaled,
correlations shrink towards zero and each asset keeps its own variance.
"""

from typing import Any

import numpy as np
from skfolio.moments import LedoitWolf
from skfolio.moments.covariance import BaseCovariance


class ScaledLedoitWolf(BaseCovariance):  # type: ignore[misc]  # skfolio is not typed
    """An estimator for skfolio, whose names it has to keep."""

    def __init__(self, nearest: bool = True, higham: bool = False, higham_max_iteration: int = 100) -> None:
        super().__init__(nearest=nearest, higham=higham, higham_max_iteration=higham_max_iteration)

    def fit(self, X: Any, y: Any = None) -> "ScaledLedoitWolf":  # noqa: N803 (scikit-learn's name)
        """Estimate from (bars, assets) returns."""
        returns = np.asarray(X, dtype=np.float64)
        scale = returns.std(axis=0)
        # The target is the mean variance times the identity, so the diagonal of ones stays one.
        correlation = LedoitWolf().fit(returns / scale).covariance_
        self._set_covariance(correlation * np.outer(scale, scale))
        return self
