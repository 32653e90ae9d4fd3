"""Targets that move along a schedule, and bands that a strategist moves inside rails."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from fuzz.model.numbers import DAY, WAD, Rules, down

MAX_SCHEDULE = 365 * DAY  # s from now to its end
NEW_BAND = WAD // 10  # of an asset that is added
BAND_UNIT = 10**12


@dataclass
class Schedule:
    """From the targets of `start` in a straight line to those of `end`; unix s, WAD in basket order."""

    before: list[int]
    after: list[int]
    start: int
    end: int

    def at(self, now: int) -> list[int]:
        """The targets of a moment; they sum to exactly 1e18.

        The cumulative sum of the first i targets is interpolated and rounded down; a target is the difference of two.
        """
        if now >= self.end:
            return list(self.after)
        if now <= self.start:
            return list(self.before)
        gone, whole = now - self.start, self.end - self.start
        sums = [0]
        for old, new in zip(accumulate(self.before), accumulate(self.after), strict=True):
            sums.append(down(old * (whole - gone) + new * gone, whole))
        return [upper - lower for lower, upper in pairwise(sums)]

    def times(self, start: int, end: int, now: int) -> tuple[int, int]:
        """The times that count: a start in the past is now, and zero for both is a step now."""
        begins = max(start, now)
        return begins, begins if start == end == 0 else end

    def check(self, targets: Sequence[int], start: int, end: int, now: int, least_time: int) -> Rules:
        """What is wrong with a new schedule.

        :param least_time: seconds that a change takes at least, if it does not begin now
        """
        begins, ends = self.times(start, end, now)
        rules = Rules()
        rules.need(len(targets) == len(self.after), "targets: wrong number")
        rules.need(sum(targets) == WAD, "targets: do not sum to 1")
        rules.need(begins <= ends <= now + MAX_SCHEDULE, "targets: bad schedule")
        rules.need(begins == now or ends - begins >= least_time, "targets: change too sudden")
        return rules

    def change(self, targets: Sequence[int], start: int, end: int, now: int) -> None:
        """Start from the targets of now."""
        before = self.at(now)
        self.start, self.end = self.times(start, end, now)
        self.before, self.after = before, list(targets)

    def add(self) -> None:
        """A new asset comes last, at zero."""
        self.before.append(0)
        self.after.append(0)

    def is_wanted(self, index: int, now: int) -> bool:
        """Whether an asset has a target, now or to come."""
        return self.after[index] != 0 or (now < self.end and self.before[index] != 0)

    def remove(self, index: int) -> None:
        """The last asset takes the place of one that is at zero."""
        for targets in (self.before, self.after):
            last = targets.pop()
            if index < len(targets):
                targets[index] = last


class Rails(NamedTuple):
    """IRebalancer.Rails, in its order."""

    narrowest: int = 0  # WAD
    widest: int = 0  # WAD
    speed: int = 0  # WAD a day

    def check(self, tolerance: int) -> Rules:
        """What is wrong with them."""
        rules = Rules()
        rules.need(self.narrowest <= self.widest < WAD and self.speed <= WAD, "bands: bad rails")
        rules.need(self.narrowest >= tolerance, "bands: under tolerance")
        return rules


NO_RAILS = Rails()


@dataclass
class Bands:
    """Half-widths around the targets, WAD in basket order, and the rails that a strategist moves them in."""

    bands: list[int]
    set_at: int  # unix s; when they were moved, or the rails set
    rails: Rails = NO_RAILS

    def check(self, bands: Sequence[int], now: int) -> Rules:
        """What is wrong with new bands."""
        rules = Rules()
        if not rules.need(len(bands) == len(self.bands), "bands: wrong number"):
            return rules
        # Multiplied out: |new - old| <= speed * elapsed / day, without a rounding.
        reach = self.rails.speed * (now - self.set_at)
        for new, old in zip(bands, self.bands, strict=True):
            inside = self.rails.narrowest <= new <= self.rails.widest
            rules.need(inside or new == old, "bands: outside rails")
            rules.need(abs(new - old) * DAY <= reach, "bands: too fast")
            rules.need(new % BAND_UNIT == 0, "bands: bad band")
        return rules

    def change(self, bands: Sequence[int], now: int) -> None:
        """By the strategist."""
        self.bands, self.set_at = list(bands), now

    def set_rails(self, rails: Rails, now: int) -> None:
        """By the owner; the time that the speed allows for begins anew."""
        self.rails, self.set_at = rails, now

    def add(self) -> None:
        """A new asset comes last."""
        self.bands.append(NEW_BAND)

    def remove(self, index: int) -> None:
        """The last asset takes the place of one that goes."""
        last = self.bands.pop()
        if index < len(self.bands):
            self.bands[index] = last
