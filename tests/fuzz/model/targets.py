"""Targets that move along a schedule, and bands that a strategist moves inside rails."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from fuzz.model.numbers import DAY, WAD, Rules, down

MAX_SCHEDULE = 365 * DAY  # s from now to its end
NEW_BAND = WAD // 10  # of an asset that is added, and its rails
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

    def check(self, targets: Sequence[int], start: int, end: int, now: int) -> Rules:
        """What is wrong with a new schedule."""
        rules = Rules()
        rules.need(len(targets) == len(self.after), "targets: wrong number")
        rules.need(sum(targets) == WAD, "targets: do not sum to 1")
        rules.need(now <= start <= end <= now + MAX_SCHEDULE, "targets: bad times")
        return rules

    def change(self, targets: Sequence[int], start: int, end: int, now: int) -> None:
        """Start from the targets of now."""
        self.before, self.after, self.start, self.end = self.at(now), list(targets), start, end

    def add(self) -> None:
        """A new asset comes last, at zero."""
        self.before.append(0)
        self.after.append(0)

    def remove(self, index: int) -> None:
        """The last asset takes the place of one that is at zero."""
        for targets in (self.before, self.after):
            last = targets.pop()
            if index < len(targets):
                targets[index] = last


@dataclass
class Bands:
    """Half-widths around the targets and the rails that hold them; WAD in basket order."""

    bands: list[int]
    minima: list[int]
    maxima: list[int]
    speed: int  # WAD a day
    set_at: int  # unix s

    def check_bands(self, bands: Sequence[int], now: int) -> Rules:
        """What is wrong with new bands."""
        rules = Rules()
        if not rules.need(len(bands) == len(self.bands), "bands: wrong number"):
            return rules
        # Multiplied out: |new - old| <= speed * elapsed / day, without a rounding.
        room = self.speed * (now - self.set_at)
        for new, old, low, high in zip(bands, self.bands, self.minima, self.maxima, strict=True):
            rules.need(low <= new <= high, "bands: outside rails")
            rules.need(abs(new - old) * DAY <= room, "bands: too fast")
            rules.need(new % BAND_UNIT == 0, "bands: bad band")
        return rules

    def set_bands(self, bands: Sequence[int], now: int) -> None:
        """By the strategist."""
        self.bands, self.set_at = list(bands), now

    def check_rails(self, minima: Sequence[int], maxima: Sequence[int], speed: int, tolerance: int) -> Rules:
        """What is wrong with new rails."""
        rules = Rules()
        count = len(self.bands)
        if not rules.need(len(minima) == len(maxima) == count, "bands: wrong number"):
            return rules
        for low, high in zip(minima, maxima, strict=True):
            rules.need(tolerance <= low and 0 < low <= high < WAD, "bands: bad rails")
            rules.need(low % BAND_UNIT == 0 and high % BAND_UNIT == 0, "bands: bad rails")
        rules.need(speed <= WAD, "bands: bad speed")
        return rules

    def set_rails(self, minima: Sequence[int], maxima: Sequence[int], speed: int) -> None:
        """By the owner; a band outside is moved to the rail."""
        self.minima, self.maxima, self.speed = list(minima), list(maxima), speed
        self.bands = [min(max(band, low), high) for band, low, high in zip(self.bands, minima, maxima, strict=True)]

    def add(self) -> None:
        """A new asset comes last."""
        for rail in (self.bands, self.minima, self.maxima):
            rail.append(NEW_BAND)

    def remove(self, index: int) -> None:
        """The last asset takes the place of one that goes."""
        for rail in (self.bands, self.minima, self.maxima):
            last = rail.pop()
            if index < len(rail):
                rail[index] = last
