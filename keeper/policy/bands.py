"""How wide a band should be, and how far it may be moved now. The second in the integers of contracts/modules/band_rails.vy.

A band of half-width b around a target, of a weight whose variance a year is σ², is left about σ²/b² times a year. Each time b
of NAV is traded at a cost of c a dollar, and meanwhile the mean square of the weight's straying is b²/3, at a penalty λ a year:

    cost(b) = c·σ²/b + λ·b²/3, least at b* = (3·c·σ² / (2·λ))^(1/3)

the cube root of Janeček and Shreve, Finance and Stochastics 8, 2004, with a penalty in place of a utility. An asset's weight
moves as its return differs from the basket's: σ² = w²·Var(r − Σ w·r).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from keeper.policy.cube_root import cube_root_width, factor_of

WAD = 10**18
UNIT = 10**12  # WAD; a band is a multiple of it
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Rails:
    """IRebalancer.Rails, and when the bands were moved last or the rails set, from when on the speed counts."""

    narrowest: int  # WAD
    widest: int  # WAD
    speed: int  # WAD a day; zero fixes the bands
    set_at: int  # unix s

    def reach(self, now: int) -> int:
        """How far a band may be moved at `now`, WAD, rounded down as the contract does."""
        return self.speed * max(now - self.set_at, 0) // DAY_S

    def time_for(self, distance: int) -> int | None:
        """Seconds until the reach is `distance` (WAD), rounded up; None for never."""
        if distance <= 0:
            return 0
        return None if self.speed == 0 else -(-distance * DAY_S // self.speed)

    @property
    def least(self) -> int:
        """The narrowest band that can be set, WAD: rounded up to a unit."""
        return -(-self.narrowest // UNIT) * UNIT

    @property
    def most(self) -> int:
        """The widest band that can be set, WAD: rounded down to a unit."""
        return self.widest // UNIT * UNIT


@dataclass(frozen=True, slots=True)
class Move:
    """One asset's band, WAD: as it is, as it should be, and as it may be set now.

    :param follows_at: unix s from which on it may be set to what is wanted, if what is settable is set at once; None for never
    """

    now: int
    wanted: int
    settable: int
    follows_at: int | None

    @property
    def change(self) -> int:
        """By how much it may be moved now, WAD."""
        return abs(self.settable - self.now)


@dataclass(frozen=True, slots=True)
class BandPlan:
    """What may be set now, in basket order; with `held`, in a line why nothing is, and until when (unix s) that is so."""

    moves: tuple[Move, ...]
    held: str | None = None
    until: int | None = None


def weight_variances(
    weights: Sequence[float] | NDArray[np.float64], covariance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Variance of each weight, (assets,), in the time of the covariance, (assets, assets), of returns."""
    share = np.asarray(weights, dtype=np.float64)
    with_basket = covariance @ share
    found: NDArray[np.float64] = share**2 * np.maximum(np.diag(covariance) - 2 * with_basket + share @ with_basket, 0.0)
    return found


def half_width(weight_variance: float, cost: float, penalty: float) -> float:
    """The b* above.

    :param weight_variance: a year
    :param cost: of trading a dollar, as a share of it
    :param penalty: λ, share of NAV a year that a squared deviation of one costs
    """
    return cube_root_width(factor_of(penalty), cost, weight_variance)


def wanted_bands(half_widths: Sequence[float], rails: Rails) -> tuple[int, ...]:
    """Half-widths as the contract takes them, WAD: rounded down to a unit, none wider than asked, and inside the rails."""
    return tuple(min(max(floor(each * WAD / UNIT) * UNIT, rails.least), rails.most) for each in half_widths)


def plan_bands(current: Sequence[int], wanted: Sequence[int], rails: Rails, now: int, change_min: int) -> BandPlan:
    """How far towards `wanted` the bands may be moved at `now`, and whether it is worth a transaction.

    Steps are rounded down to a unit: the contract refuses one that is too long. A band that stands outside of the rails has to
    come inside in one step; until it can, nothing is moved, since every setting starts the clock anew.

    :param current: WAD, multiples of a unit
    :param wanted: WAD, as `wanted_bands` gives them
    :param now: unix s, of the block that a transaction sent now would be in
    :param change_min: WAD, of a band; smaller changes are not worth their gas
    """
    reach = rails.reach(now)
    stay = tuple(
        Move(band, aim, band, _later(rails, band, aim, rails.set_at, now))
        for band, aim in zip(current, wanted, strict=True)
    )
    if rails.speed == 0:
        return BandPlan(stay, "the owner has fixed the bands: their speed is zero")
    if rails.least > rails.most:
        return BandPlan(stay, "no multiple of a millionth lies inside the rails")
    outside = [max(rails.least - band, band - rails.most) for band in current]
    if max(outside) > reach:
        until = rails.set_at + (rails.time_for(max(outside)) or 0)
        return BandPlan(stay, "a band stands outside of the rails, and may only come inside in one step", until)
    moves = tuple(_moved(band, aim, rails, reach, now) for band, aim in zip(current, wanted, strict=True))
    lacking = max(abs(aim - band) for band, aim in zip(current, wanted, strict=True))
    if max(outside) > 0 or max(each.change for each in moves) >= change_min:
        return BandPlan(moves)
    if lacking < change_min:
        return BandPlan(stay, "every band is as wide as it should be, or nearly so")
    until = rails.set_at + (rails.time_for(change_min) or 0)
    return BandPlan(stay, "the speed allows too small a step yet", until)


def _moved(band: int, aim: int, rails: Rails, reach: int, now: int) -> Move:
    step = min(reach, abs(aim - band)) // UNIT * UNIT
    settable = band + step if aim > band else band - step
    return Move(band, aim, settable, _later(rails, settable, aim, now, now))


def _later(rails: Rails, band: int, aim: int, since: int, now: int) -> int | None:
    """When a band may be set to what is wanted, the clock running from `since` on."""
    seconds = rails.time_for(abs(aim - band))
    return None if seconds is None else max(since + seconds, now)
