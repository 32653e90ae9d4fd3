"""Whether any weights keep to the limits, and which limit to loosen where none do."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keeper.design.profiles import Limits
from keeper.errors import DesignError

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
_ROUNDING = 1e-9


def require(covariance: Floats, stable: Mask, limits: Limits) -> None:
    """Refuse limits that no weights keep to.

    :param covariance: (assets, assets), annual
    :param stable: (assets,) which are stable-coins
    :raises DesignError: names the limit to loosen, and how far
    """
    count, stables = len(stable), int(stable.sum())
    others = count - stables
    if count < 2:
        raise DesignError("a basket has two assets or more: add one to the history")
    _require_sums(count, stables, others, limits)
    least = volatility(least_variance(covariance, stable, limits), covariance)
    if least <= limits.max_volatility + _ROUNDING:
        return
    looser = {
        "--max-weight 1": replace(limits, max_weight=1.0),
        "--min-weight 0.001": replace(limits, min_weight=min(0.001, limits.min_weight)),
        "--stable-max 1": replace(limits, stable_max=1.0),
    }
    helps = []
    for option, other in looser.items():
        found = volatility(least_variance(covariance, stable, other), covariance)
        if found <= limits.max_volatility:
            helps.append(f"{option} (down to {found:.1%})")
    instead = f", or loosen one of {', '.join(helps)}" if helps else ""
    raise DesignError(
        f"no weights within the limits have a volatility of {limits.max_volatility:.1%} or less, the least is "
        f"{least:.1%}: raise --max-volatility to {np.ceil(least * 1000) / 1000:.3f}{instead}"
    )


def _require_sums(count: int, stables: int, others: int, limits: Limits) -> None:
    low, high = limits.min_weight, limits.max_weight
    if count * high < 1 - _ROUNDING:
        raise DesignError(
            f"{count} assets of at most {high:g} are less than the whole: raise --max-weight to {1 / count:.4f}"
        )
    if count * low > 1 + _ROUNDING:
        raise DesignError(
            f"{count} assets of at least {low:g} are more than the whole: lower --min-weight to {1 / count:.4f}"
        )
    if stables * high < limits.stable_min - _ROUNDING:
        raise DesignError(
            f"{stables} stable-coins of at most {high:g} are less than {limits.stable_min:g}: lower --stable-min to "
            f"{stables * high:g}, raise --max-weight, or name more stable-coins with --stable"
        )
    if stables * low > limits.stable_max + _ROUNDING:
        raise DesignError(
            f"{stables} stable-coins of at least {low:g} are more than {limits.stable_max:g}: raise --stable-max to "
            f"{stables * low:g} or lower --min-weight"
        )
    if others * high < 1 - limits.stable_max - _ROUNDING:
        raise DesignError(
            f"{others} other assets of at most {high:g} and {limits.stable_max:g} of stable-coins are less than the whole: "
            f"raise --stable-max to {1 - others * high:g} or --max-weight"
        )
    if others * low > 1 - limits.stable_min + _ROUNDING:
        raise DesignError(
            f"{others} other assets of at least {low:g} and {limits.stable_min:g} of stable-coins are more than the whole: "
            f"lower --stable-min to {1 - others * low:g} or --min-weight"
        )


def volatility(weights: Floats, covariance: Floats) -> float:
    """Annual, of a basket that is kept at its weights."""
    return float(np.sqrt(weights @ covariance @ weights))


def least_variance(covariance: Floats, stable: Mask, limits: Limits) -> Floats:
    """The weights of least variance within the limits but for that on volatility."""
    cp = _cvxpy()
    weights = cp.Variable(len(stable))
    # Variances of stable-coins and of tokens are a factor of ten thousand apart; the factor keeps small ones seen.
    root = np.linalg.cholesky(covariance)
    return _solved(cp.Problem(cp.Minimize(cp.norm(root.T @ weights)), _kept(weights, stable, limits)), weights)


def nearest(wanted: Floats, covariance: Floats, stable: Mask, limits: Limits) -> Floats:
    """The weights within all limits that are nearest to the wanted ones, by the sum of squared differences."""
    cp = _cvxpy()
    weights = cp.Variable(len(stable))
    kept = _kept(weights, stable, limits)
    root = np.linalg.cholesky(covariance)
    kept.append(cp.norm(root.T @ weights) <= limits.max_volatility + _ROUNDING)
    return _solved(cp.Problem(cp.Minimize(cp.sum_squares(weights - wanted)), kept), weights)


def _kept(weights: Any, stable: Mask, limits: Limits) -> list[Any]:
    cp = _cvxpy()
    kept = [cp.sum(weights) == 1, weights >= limits.min_weight, weights <= limits.max_weight]
    if stable.any():
        together = cp.sum(weights[np.flatnonzero(stable)])
        kept += [together >= limits.stable_min, together <= limits.stable_max]
    return kept


def _solved(problem: Any, weights: Any) -> Floats:
    cp = _cvxpy()
    try:
        problem.solve(solver=cp.CLARABEL)
    except cp.SolverError as error:
        raise DesignError(f"the optimiser fails ({error}): loosen the limits a little") from None
    if weights.value is None:
        raise DesignError(f"the optimiser finds no weights ({problem.status}): loosen the limits a little")
    return np.asarray(weights.value, dtype=np.float64)


def _cvxpy() -> Any:
    import cvxpy  # what it exports is not typed

    return cvxpy
