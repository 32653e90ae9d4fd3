"""Prices as section 3 of the specification gives them, of plain feeds in USD."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fuzz.evm import bad_price
from fuzz.model.numbers import WAD, Refused

NO_FEED, CALL_FAILED, NOT_POSITIVE, STALE, IN_FUTURE, BELOW_MINIMUM, ABOVE_MAXIMUM = (1 << bit for bit in range(7))


@dataclass
class Feed:
    """One Chainlink-shaped feed and what the oracle believes of it. Seconds, WAD USD per whole token."""

    decimals: int
    answer: int
    updated_at: int
    max_age: int
    min_price: int
    max_price: int
    is_dead: bool = False

    @property
    def price(self) -> int:
        """WAD USD per whole token, believed or not."""
        return self.answer * 10 ** (18 - self.decimals)

    def faults(self, now: int) -> set[int]:
        """Every reason not to believe it."""
        if self.is_dead:
            return {CALL_FAILED}
        rules = {
            NOT_POSITIVE: self.answer <= 0,
            IN_FUTURE: self.updated_at > now or self.updated_at == 0,
            STALE: self.updated_at <= now and now - self.updated_at > self.max_age,
            BELOW_MINIMUM: self.price < self.min_price,
            ABOVE_MAXIMUM: self.price > self.max_price,
        }
        return {fault for fault, holds in rules.items() if holds}


@dataclass
class Oracle:
    """Feeds by the address of their token."""

    address: str
    feeds: dict[str, Feed] = field(default_factory=dict)

    def prices(self, assets: Sequence[str], now: int) -> list[int]:
        """WAD USD per whole token, in the order asked.

        :raises Refused: for the first asset whose price is not to be believed
        """
        found = []
        for asset in assets:
            feed = self.feeds.get(asset)
            faults = {NO_FEED} if feed is None else feed.faults(now)
            if feed is None or faults:
                raise Refused(bad_price(asset, fault) for fault in faults)
            found.append(feed.price)
        return found


def whole(price: int) -> int:
    """A price in WAD out of whole USD."""
    return price * WAD
