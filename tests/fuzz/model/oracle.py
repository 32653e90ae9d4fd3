"""Prices as section 3 of the specification gives them, of plain feeds in USD."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fuzz.evm import bad_price
from fuzz.model.numbers import Refused

NO_FEED, CALL_FAILED, NOT_POSITIVE, STALE, IN_FUTURE, BELOW_MINIMUM, ABOVE_MAXIMUM = (1 << bit for bit in range(7))


@dataclass
class Feed:
    """One Chainlink-shaped feed; unix s."""

    decimals: int
    answer: int
    updated_at: int
    is_dead: bool = False

    @property
    def price(self) -> int:
        """WAD USD per whole token, believed or not."""
        return self.answer * int(10 ** (18 - self.decimals))


@dataclass
class Listing:
    """What an oracle believes of a feed; seconds, WAD USD per whole token."""

    feed: Feed
    max_age: int
    min_price: int
    max_price: int

    def faults(self, now: int) -> set[int]:
        """Every reason not to believe the feed now."""
        feed = self.feed
        if feed.is_dead:
            return {CALL_FAILED}
        rules = {
            NOT_POSITIVE: feed.answer <= 0,
            IN_FUTURE: feed.updated_at > now or feed.updated_at == 0,
            STALE: feed.updated_at <= now and now - feed.updated_at > self.max_age,
            BELOW_MINIMUM: feed.price < self.min_price,
            ABOVE_MAXIMUM: feed.price > self.max_price,
        }
        return {fault for fault, holds in rules.items() if holds}


@dataclass
class Oracle:
    """Listings by the address of their token."""

    address: str
    listings: dict[str, Listing] = field(default_factory=dict)

    def price(self, asset: str, now: int) -> int:
        """WAD USD per whole token.

        :raises Refused: not to be believed
        """
        listing = self.listings.get(asset)
        faults = {NO_FEED} if listing is None else listing.faults(now)
        if listing is None or faults:
            raise Refused(bad_price(asset, fault) for fault in faults)
        return listing.feed.price

    def prices(self, assets: Sequence[str], now: int) -> list[int]:
        """As `price`, in the order asked; it refuses for the first that is not to be believed."""
        return [self.price(asset, now) for asset in assets]
