"""What a rebalancing policy can be told, and the record in which the compiled rules read it."""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np

from keeper.errors import ConfigurationError

DAY_S = 86_400
YEAR_S = 31_557_600  # as contracts/modules/share_fees.vy counts the streaming fee's year

Record = Any  # an element of `records`; its fields are those of RebalancingPolicy


class Kind(IntEnum):
    """What makes a rebalance due."""

    NEVER = 0
    CALENDAR = 1  # an interval since the last one, or a tick of a cron line
    BAND = 2  # a weight outside its band
    EITHER = 3  # hybrid: the calendar or the band
    BOTH = 4  # hybrid: the calendar looks, the band decides
    COST_AWARE = 5  # a weight outside the no-trade region that costs and variances ask for


class Aim(IntEnum):
    """Where a trade ends."""

    CENTRE = 0  # on target
    EDGE = 1  # on the edge of the band, for assets outside of it
    BETWEEN = 2  # where fixed and proportional cost are in balance; with cost-aware widths only


class Penalty(IntEnum):
    """What a deviation of d costs a year, of NAV."""

    DRIFT = 0  # half of risk_aversion times d², whatever the asset
    TRACKING = 1  # half of risk_aversion times the variance that it tracks the targets worse by: d² times the asset's


class Reason(IntEnum):
    """Why a rebalance is proposed, or is not."""

    NOT_DUE = 0
    COOLING_DOWN = 1
    TOO_SMALL = 2
    NOT_WORTH_IT = 3
    CALENDAR = 4
    BAND = 5
    CALENDAR_AND_BAND = 6
    STEP = 7  # the next part of a gradual rebalance

    @property
    def trades(self) -> bool:
        """Whether it proposes a trade."""
        return self >= Reason.CALENDAR


@dataclass(frozen=True, slots=True)
class RebalancingPolicy:
    """When to rebalance and how far. What is 0 does not count, unless it says otherwise.

    :raises ConfigurationError: a parameter that makes no sense, with its name
    """

    kind: Kind = Kind.BAND
    aim: Aim = Aim.CENTRE
    interval_s: int = 0
    cron: str = ""  # five fields, UTC
    band_abs: float = 0.0  # half-width, share of NAV
    band_rel: float = 0.0  # half-width, share of the target; with band_abs the narrower of the two counts
    width_factor: float = 0.0  # k of half-width = k (cost * variance of the weight)^(1/3), in place of the two above
    width_min: float = 0.0  # share of NAV; rails of widths that follow cost and variance
    width_max: float = 1.0
    risk_aversion: float = 4.0  # see Penalty
    penalty: Penalty = Penalty.DRIFT
    is_guarded: bool = True  # a trade whose cost exceeds its benefit is not proposed
    min_trade_usd: float = 0.0
    max_trade_usd: float = 0.0
    cooldown_s: int = 0  # between two trades
    steps: int = 1  # over which a rebalance is spread
    step_s: int = 0  # between two of them
    half_life_s: int = 30 * DAY_S  # of the exponentially weighted variances

    def __post_init__(self) -> None:
        uses_calendar = self.kind in {Kind.CALENDAR, Kind.EITHER, Kind.BOTH}
        uses_band = self.kind in {Kind.BAND, Kind.EITHER, Kind.BOTH}
        if uses_calendar and (self.interval_s > 0) == bool(self.cron):
            raise ConfigurationError(f"{self.kind.name.lower()} needs interval_s or cron, and not both")
        if uses_band and not (self.band_abs > 0 or self.band_rel > 0 or self.width_factor > 0):
            raise ConfigurationError(f"{self.kind.name.lower()} needs band_abs, band_rel or width_factor above 0")
        if self.aim is Aim.BETWEEN and self.kind is not Kind.COST_AWARE:
            raise ConfigurationError("aim between goes with kind cost_aware: choose centre or edge")
        if self.aim is Aim.EDGE and self.kind is Kind.CALENDAR:
            raise ConfigurationError("a calendar has no edge: choose aim centre, or kind both")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and not (np.isfinite(value) and value >= 0):
                raise ConfigurationError(f"{field.name} is {value}: give a number of at least 0")
        if self.is_measured and not self.risk_aversion > 0:
            raise ConfigurationError("risk_aversion is 0, and the policy weighs drift against cost: give more than 0")
        if not self.width_min <= self.width_max:
            raise ConfigurationError(f"width_min {self.width_min} is above width_max {self.width_max}: swap them")
        if self.steps < 1:
            raise ConfigurationError("steps is 0: give 1 for a rebalance in one go")
        if self.half_life_s < 1:
            raise ConfigurationError("half_life_s is 0: give seconds")

    @property
    def is_measured(self) -> bool:
        """Whether what it does depends on variances."""
        return self.kind is Kind.COST_AWARE or self.width_factor > 0 or self.is_guarded

    def record(self) -> Record:
        """The policy as the compiled rules take it; a cron line stays outside, they are told of its ticks."""
        return records((self,))[0]


_FIELDS = [field for field in fields(RebalancingPolicy) if field.name != "cron"]


def record_type(fields: "list[tuple[str, Any]]") -> "np.dtype[np.void]":
    """A record whose fields are attributes in machine code and, since it is an `np.record`, without a compiler too."""
    return np.dtype((np.record, np.dtype(fields, align=True)))


RECORD = record_type(
    [(each.name, np.float64 if each.type is float else np.bool_ if each.type is bool else np.int64) for each in _FIELDS]
)


def records(
    policies: "tuple[RebalancingPolicy, ...] | list[RebalancingPolicy]",
) -> "np.ndarray[Any, np.dtype[np.void]]":
    """Policies as one array, a record each."""
    return np.array([tuple(getattr(each, field.name) for field in _FIELDS) for each in policies], dtype=RECORD)
