"""What each risk profile wants, in one place, with the reasons. Every number may be given on the command line instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from keeper.errors import DesignError

# Symbols of tokens that are meant to be worth a dollar.
STABLE_SYMBOLS = frozenset(
    {"DAI", "FDUSD", "FRAX", "GHO", "LUSD", "PYUSD", "TUSD", "USDC", "USDS", "USDT", "crvUSD", "sUSD"}
)


class Method(StrEnum):
    """How weights are found."""

    MINIMUM_VARIANCE = "minimum-variance"
    RISK_PARITY = "risk-parity"
    MEAN_VARIANCE = "mean-variance"
    EQUAL = "equal"
    MARKET_CAP = "market-cap"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the weights must keep to; shares of NAV.

    :param max_volatility: annual, of the whole basket
    :param stable_min, stable_max: of all stable-coins together
    """

    max_volatility: float
    min_weight: float
    max_weight: float
    stable_min: float
    stable_max: float

    def __post_init__(self) -> None:
        if not self.max_volatility > 0:
            raise DesignError(f"--max-volatility {self.max_volatility:g}: over 0, as in 0.5 for 50 % a year")
        for low, high, name in (
            (self.min_weight, self.max_weight, "weight"),
            (self.stable_min, self.stable_max, "stable"),
        ):
            if not 0 <= low <= high <= 1:
                raise DesignError(f"{name} from {low:g} to {high:g}: shares of NAV, the first not above the second")
        if self.min_weight == 0:
            raise DesignError(
                "--min-weight 0: the vault takes no target of zero; leave assets out of the history instead"
            )


@dataclass(frozen=True, slots=True)
class Profile:
    """A risk profile.

    :param risk_aversion: of mean-variance: return - aversion · variance is made largest, both annual
    :param reason: why, in words
    """

    method: Method
    limits: Limits
    risk_aversion: float
    reason: str


PROFILES: Mapping[str, Profile] = {
    "conservative": Profile(
        Method.MINIMUM_VARIANCE,
        Limits(max_volatility=0.30, min_weight=0.02, max_weight=0.40, stable_min=0.40, stable_max=0.60),
        8.0,
        "about half in stable-coins, so that a fall of all the rest by half costs a quarter; what little is known of "
        "expected returns is not used",
    ),
    "balanced": Profile(
        Method.RISK_PARITY,
        Limits(max_volatility=0.60, min_weight=0.02, max_weight=0.35, stable_min=0.10, stable_max=0.40),
        4.0,
        "each asset brings the same risk as far as the limits allow, so that none decides alone; some stable-coin to "
        "buy falls with",
    ),
    "aggressive": Profile(
        Method.MEAN_VARIANCE,
        Limits(max_volatility=0.90, min_weight=0.02, max_weight=0.50, stable_min=0.0, stable_max=0.15),
        1.5,
        "returns of the past count, shrunk towards each other since they foretell little; half of it in one asset at most",
    ),
}


def profile(name: str) -> Profile:
    """A profile by its name.

    :raises DesignError: there is none of that name
    """
    if name not in PROFILES:
        raise DesignError(f"profile {name!r} is unknown: use one of {', '.join(PROFILES)}")
    return PROFILES[name]
