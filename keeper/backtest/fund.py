"""What a backtest is of: a basket, the pools it trades on, the price of gas, and the vault's terms."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from keeper.errors import ConfigurationError

Floats = npt.NDArray[np.float64]


class Auction(IntEnum):
    """How the price of a rebalance is found."""

    NONE = 0  # at the route's price, at once
    ORACLE = 1  # a bound around the oracle's price that falls: this vault
    GOVERNANCE = 2  # a range around the prices of the time at which it was asked for, fixed beforehand


class Terms(NamedTuple):
    """A vault's terms, shares and seconds. The fields are those of the contract where they have its names."""

    auction: int = int(Auction.NONE)  # an Auction
    cooldown: int = 0  # s between two openings
    duration: int = 1_800  # s
    start_premium: float = 0.005
    max_discount: float = 0.01
    closing_tolerance: float = 0.0005  # share of NAV
    max_loss: float = 0.01  # share of NAV
    loss_window: int = 604_800  # s
    streaming: float = 0.0  # share a year
    band: float = 0.0  # on-chain half-width that has to be left; 0: any drift beyond the closing tolerance opens
    price_range: float = 0.1  # of a governance auction: it falls from 1 + this to 1 - this of the prices when asked for
    delay: int = 0  # s from a governance auction's prices to its opening


ORACLE_TERMS = Terms(auction=int(Auction.ORACLE))


@dataclass(frozen=True, slots=True)
class Fund:
    """A basket and its market.

    :raises ConfigurationError: a value that makes no sense, with its name
    """

    assets: tuple[str, ...]
    targets: tuple[float, ...]  # shares of NAV, sum 1
    nav_usd: float = 1_000_000.0  # at the first bar
    fee: tuple[float, ...] = ()  # share that each asset's pool keeps; zeros when empty
    depth_usd: tuple[float, ...] = ()  # on each side of it; infinite when empty
    yields: tuple[float, ...] = ()  # growth of each asset's rate a year; zeros when empty
    gas_usd: float = 0.0  # of a rebalance
    gas_asset_usd: float = 0.0  # of each asset that it trades
    terms: Terms = field(default_factory=Terms)

    def __post_init__(self) -> None:
        count = len(self.assets)
        if len(self.targets) != count or not self.targets:
            raise ConfigurationError(f"{len(self.targets)} targets for {count} assets: give one each")
        if min(self.targets) <= 0 or abs(sum(self.targets) - 1) > 1e-9:
            raise ConfigurationError(f"targets sum to {sum(self.targets):.9g}: give shares above 0 that sum to 1")
        for name, low, values in (
            ("fee", 0, self.fee),
            ("depth_usd", 1, self.depth_usd),
            ("yields", -0.99, self.yields),
        ):
            if values and len(values) != count:
                raise ConfigurationError(f"{name} has {len(values)} values for {count} assets: give one each, or none")
            if any(not each >= low for each in values):
                raise ConfigurationError(f"{name} {min(values)} is below {low}: give at least that")
        if any(each >= 1 for each in self.fee):
            raise ConfigurationError(f"fee {max(self.fee)} is a share of what is traded: give less than 1")
        if not self.nav_usd > 0 or self.gas_usd < 0 or self.gas_asset_usd < 0:
            raise ConfigurationError("nav_usd has to be above 0, gas_usd and gas_asset_usd at least 0")

    def fees(self) -> Floats:
        """By asset."""
        return np.array(self.fee or (0.0,) * len(self.assets), dtype=np.float64)

    def depths(self) -> Floats:
        """By asset, USD on each side of its pool."""
        return np.array(self.depth_usd or (np.inf,) * len(self.assets), dtype=np.float64)

    def growth(self) -> Floats:
        """By asset, of its rate, a year."""
        return 1.0 + np.array(self.yields or (0.0,) * len(self.assets), dtype=np.float64)
