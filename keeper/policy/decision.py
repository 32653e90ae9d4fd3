"""What the policy weighs and what it says."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

WAD = 10**18


class Kind(StrEnum):
    """What to do now."""

    OPEN = "open"
    REBALANCE = "rebalance"
    WAIT = "wait"
    BANDS = "bands"  # what a strategist decides, of the bands alone


@dataclass(frozen=True, slots=True)
class Quote:
    """What a route would do, at oracle prices in WAD USD; `gas_cost` is None when ether has no price here."""

    value_out: int
    value_in: int
    gas_cost: int | None

    @property
    def ratio(self) -> int:
        """Value in per value out, WAD, rounded down."""
        return self.value_in * WAD // self.value_out

    @property
    def loss(self) -> int:
        """WAD USD lost against the oracle, gas aside; negative is a gain."""
        return self.value_out - self.value_in


@dataclass(frozen=True, slots=True)
class Limits:
    """What the keeper asks for beyond the contract's rules."""

    min_trade: int  # WAD USD
    cost_max: int  # WAD share of the value traded, gas included
    safety_margin: int  # WAD, by which the route must beat the bound

    @classmethod
    def of(cls, min_trade_usd: float, cost_max_bps: float, safety_margin_bps: float) -> "Limits":
        """From the settings' decimal units, exactly."""
        return cls(
            min_trade=int(Decimal(str(min_trade_usd)) * WAD),
            cost_max=int(Decimal(str(cost_max_bps)) * WAD / 10_000),
            safety_margin=int(Decimal(str(safety_margin_bps)) * WAD / 10_000),
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and why. `until` (unix s) is when a wait is over as far as is known."""

    kind: Kind
    reason: str
    until: int | None = None
    quote: Quote | None = None
