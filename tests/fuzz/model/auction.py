"""When a rebalance may open, the price bound that falls while it is open, and what fills may lose."""

from dataclasses import dataclass

from fuzz.model.numbers import WAD, Refused, up

INTERVAL, BAND, TARGETS = 1, 2, 4


@dataclass(frozen=True)
class Terms:
    """IIndexVault.Terms, in its order; seconds and WAD."""

    triggers: int
    require_all: bool
    interval: int
    cooldown: int
    duration: int
    start_premium: int
    max_discount: int
    closing_tolerance: int
    max_loss: int
    loss_window: int


@dataclass
class Auction:
    """The times of the openings; unix s. Nothing here moves by itself: `ended` is worked out for a moment."""

    terms: Terms
    closed_at: int
    completed_at: int
    opened_at: int = 0
    targets_pending: bool = False  # a scheduled change was set and no rebalance has completed at or after its end

    def settle_time(self, now: int) -> None:
        """An opening whose time is over ended when it was."""
        if self.opened_at and now > self.opened_at + self.terms.duration:
            self.closed_at, self.opened_at = self.opened_at + self.terms.duration, 0

    def is_open(self, now: int) -> bool:
        """O4, by time."""
        return bool(self.opened_at) and now <= self.opened_at + self.terms.duration

    def bound(self, now: int) -> int:
        """O3: least value in per value out, WAD, rounded up; while none is open what an opening starts at."""
        terms = self.terms
        elapsed = now - self.opened_at if self.is_open(now) else 0
        fallen = (terms.start_premium + terms.max_discount) * elapsed
        return up((WAD + terms.start_premium) * terms.duration - fallen, terms.duration)

    def trigger(self, now: int, drift: int, outside_band: bool, schedule_start: int) -> int:
        """O1: the reasons that hold among those that count, for a basket that holds something."""
        terms = self.terms
        counted = terms.triggers & (INTERVAL | BAND)
        holding = 0
        if counted & INTERVAL and now >= self.completed_at + terms.interval and drift > terms.closing_tolerance:
            holding |= INTERVAL
        if counted & BAND and outside_band:
            holding |= BAND
        if terms.require_all and holding != counted:
            holding = 0
        if (
            terms.triggers & TARGETS
            and self.targets_pending
            and now >= schedule_start
            and drift > terms.closing_tolerance
        ):
            holding |= TARGETS
        return holding

    def check_cool(self, now: int) -> None:
        """O2.

        :raises Refused: too early
        """
        self.settle_time(now)
        if now < self.closed_at + self.terms.cooldown:
            raise Refused({"auction: cooling down"})

    def complete(self, now: int, schedule_end: int) -> None:
        """O4: on target."""
        self.opened_at, self.closed_at, self.completed_at = 0, now, now
        if now >= schedule_end:
            self.targets_pending = False

    def end(self, now: int) -> None:
        """O4, O5: off target; the interval goes on."""
        self.settle_time(now)
        if self.opened_at:
            self.opened_at, self.closed_at = 0, now


@dataclass
class LossBudget:
    """R5: a leaking bucket; WAD shares of NAV."""

    max_loss: int
    window: int
    recorded: int = 0
    recorded_at: int = 0

    def current(self, now: int) -> int:
        """What has not drained, rounded up."""
        left = self.recorded * self.window - self.max_loss * (now - self.recorded_at)
        return max(0, up(left, self.window))

    def after(self, value_out: int, value_in: int, nav: int, now: int) -> int | None:
        """What the bucket would hold after a fill; None for one without a loss."""
        if value_in >= value_out:
            return None
        return self.current(now) + up((value_out - value_in) * WAD, nav)

    def record(self, total: int, now: int) -> None:
        """Write a loss."""
        self.recorded, self.recorded_at = total, now
