"""How far a weight may stray before a trade pays: the no-trade region, in closed form.

A weight's deviation d is taken for a Brownian motion of variance v a year, kept in place by trades that cost F + c x + κ x² for
a trade of x, while it costs A d² a year (all of NAV). Let a trade be due at ±b and end at ±m. From the exit time (b² − m²)/v
and the integral of d² until then, (b⁴ − m⁴)/(6v), what a year costs in the long run is

    J(b, m) = A (b² + m²)/6 + v F/(b² − m²) + v c/(b + m) + v κ (b − m)/(b + m).

With s = b + m, δ = b − m, L = 6vF/A, P = 6vc/A and K = 6vκ/A its minimum solves s δ³ + K δ² = L and s³ − s δ² = P + 2K δ.
So proportional cost alone gives m = b = (3cv/(4A))^⅓: trade to the edge, the cube-root law of Janeček and Shreve (2004, Finance
and Stochastics 8), which is this with v = π²(1−π)²σ² and A = γσ²/2. Fixed cost alone gives m = 0 and b = (6vF/A)^¼: trade to
the target. Both together lie between, and price impact draws m back to the edge.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from keeper.policy.cube_root import cube_root_width
from keeper.policy.rules.spec import Aim, Kind, Penalty, Record

Floats = npt.NDArray[np.float64]

_COST_AWARE, _EDGE, _CENTRE = int(Kind.COST_AWARE), int(Aim.EDGE), int(Aim.CENTRE)
_TRACKING = int(Penalty.TRACKING)
_cube_root_width: Any = njit(error_model="numpy")(cube_root_width)
_LEAST_VARIANCE = 1e-12
_STEPS = 60
_ROUNDING = 1e-14


@njit(error_model="numpy")
def best_widths(cost: float, fixed: float, impact: float, variance: float, penalty: float) -> tuple[float, float]:
    """Where a trade is due (b) and where it ends (m), shares of NAV.

    :param cost: c, share of what is traded
    :param fixed: F, share of NAV for each trade
    :param impact: κ, share of NAV for a trade of all of NAV, growing with the square of a trade
    :param variance: v, of the weight, a year
    :param penalty: A, share of NAV a year for each squared deviation; above 0
    """
    lump, proportional = 6.0 * variance * fixed / penalty, 6.0 * variance * cost / penalty
    square = 6.0 * variance * impact / penalty
    # At least the root: Newton's steps only go down from here.
    s = lump**0.25 + proportional ** (1.0 / 3.0) + (2.0 * square) ** 0.5 * (1.0 if lump > 0.0 else 0.0)
    delta = 0.0
    if s == 0.0:
        return 0.0, 0.0
    for _ in range(_STEPS):
        delta = _jump(lump, square, s)
        slope = delta**3 / (3.0 * s * delta**2 + 2.0 * square * delta) if delta > 0.0 else 0.0  # of δ, downwards
        off = s**3 - s * delta**2 - 2.0 * square * delta - proportional
        step = off / (3.0 * s**2 - delta**2 + 2.0 * (s * delta + square) * slope)
        s -= step
        if abs(step) <= _ROUNDING * s:
            break
    return (s + delta) / 2.0, max(s - delta, 0.0) / 2.0


@njit(error_model="numpy")
def _jump(lump: float, square: float, s: float) -> float:
    """The root δ of s δ³ + square δ² = lump."""
    if lump == 0.0:
        return 0.0
    delta = (lump / s) ** (1.0 / 3.0)
    for _ in range(_STEPS):
        step = (s * delta**3 + square * delta**2 - lump) / (3.0 * s * delta**2 + 2.0 * square * delta)
        delta -= step
        if abs(step) <= _ROUNDING * delta:
            break
    return float(delta)


@njit(error_model="numpy")
def centre_width(cost: float, fixed: float, variance: float, penalty: float) -> float:
    """Where a trade is due that has to end on target: b⁴ = L + P b/2, by Newton's steps from the right.

    Impact plays no part: what it costs a year, vκ, is the same for every width.
    """
    lump, proportional = 6.0 * variance * fixed / penalty, 3.0 * variance * cost / penalty
    b = lump**0.25 + proportional ** (1.0 / 3.0)
    if b == 0.0:
        return 0.0
    for _ in range(_STEPS):
        # dJ/db = 0 of A b²/6 + v F/b² + v c/b.
        step = (b**4 - proportional * b - lump) / (4.0 * b**3 - proportional)
        b -= step
        if abs(step) <= _ROUNDING * b:
            break
    return float(b)


@njit(error_model="numpy")
def penalty_of(risk_aversion: float, targets: Floats, asset: int) -> float:
    """A of an asset that strays while the others give way pro rata, from risk_aversion/2 times the sum of all d²."""
    rest = 1.0 - targets[asset]
    squares = 0.0
    for other in range(len(targets)):
        if other != asset:
            squares += targets[other] ** 2
    spread: float = squares / rest**2 if rest > 0.0 else 1.0
    return 0.5 * risk_aversion * (1.0 + spread)


@njit(error_model="numpy")
def tracking_penalty_of(risk_aversion: float, target: float, variance: float) -> float:
    """A likewise, from risk_aversion/2 times the variance of d (r - r of the others) = d (r - r of the basket) / (1 - target).

    :param variance: of the asset's return against the basket's, a year
    """
    rest = 1.0 - target
    return 0.5 * risk_aversion * variance / (rest**2 if rest > 0.0 else 1.0)


@njit(error_model="numpy")
def fill_widths(
    policy: Record,
    targets: Floats,
    variances: Floats,
    costs: Floats,
    fixed: float,
    impacts: Floats,
    band: Floats,
    aim: Floats,
) -> None:
    """Half-widths around the targets, shares of NAV: where a trade is due into `band`, where it ends into `aim`.

    :param variances: of each asset's return against the basket's, a year
    :param costs: of a trade in each asset, share of it
    :param fixed: of a trade, share of NAV
    :param impacts: of a trade of all of NAV in each asset, share of NAV
    """
    for i in range(len(targets)):
        variance, cost = targets[i] ** 2 * variances[i], costs[i]
        if policy.kind == _COST_AWARE:
            penalty = penalty_of(policy.risk_aversion, targets, i)
            if policy.penalty == _TRACKING:
                # Only their ratio counts; before the first return there is one, too.
                spread = max(variances[i], _LEAST_VARIANCE)
                variance = targets[i] ** 2 * spread
                penalty = tracking_penalty_of(policy.risk_aversion, targets[i], spread)
            if policy.aim == _CENTRE:
                b, m = centre_width(cost, fixed, variance, penalty), 0.0
            else:
                b, m = best_widths(cost, fixed, impacts[i], variance, penalty)
            due = min(max(b, policy.width_min), policy.width_max)
            # The rails move both, or a wide rail would make a trade of what the law calls none.
            band[i], aim[i] = due, (m * due / b if b > 0.0 else due)
        elif policy.width_factor > 0.0:
            wide: float = _cube_root_width(policy.width_factor, cost, variance)
            band[i] = min(max(wide, policy.width_min), policy.width_max)
            aim[i] = 0.0
        else:
            relative = policy.band_rel * targets[i]
            if policy.band_abs > 0.0 and policy.band_rel > 0.0:
                band[i] = min(policy.band_abs, relative)
            else:
                band[i] = policy.band_abs + relative
            aim[i] = 0.0
        if policy.aim == _EDGE:
            aim[i] = band[i]
