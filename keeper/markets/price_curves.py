"""What a pool looks like to the solver, in one direction: how much it pays for what goes in, as a concave function.

    f(m)    what comes out for `m` of the input, before a fee on the output and after a fee on the input

A swap that is paid `a` gives gamma_out * f(gamma_in * a): what the fee on the input leaves, and what one on the output does.
Everything here is floats and vectorised. It guides the solver and bounds what any route could reach; it never decides an
amount that is sent. Three kinds are here, the stable-swap pair is in `stable_curve`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class PriceCurve(Protocol):
    """One direction of a pool."""

    @property
    def gamma_in(self) -> float:
        """What the fee on the input leaves, 1 when there is none."""

    @property
    def gamma_out(self) -> float:
        """What the fee on the output leaves, 1 when there is none."""

    @property
    def marginal(self) -> float:
        """f'(0)."""

    @property
    def depth(self) -> float:
        """How much liquidity is at the present price: that of the constant product which is as flat there."""

    def scaled(self, unit_in: float, unit_out: float) -> Self:
        """The same curve when a base unit of the input counts `unit_in` and one of the output `unit_out`."""


class SmoothCurve(PriceCurve, Protocol):
    """A curve that many of its kind answer for at once."""

    @property
    def parameters(self) -> tuple[float, ...]:
        """A row for `most_profitable`."""

    @staticmethod
    def most_profitable(rows: Floats, price: Floats) -> tuple[Floats, Floats]:
        """(m, f(m)) where f'(m) is `price`, per row of parameters; nought where the first unit pays no more than that."""


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """Stretches on which the pool is a constant product with fixed liquidity, nearest first: Uniswap V2 and V3.

    With z the square root of the input per output price, z rises from `low` to `high` of one stretch after the other;
    a stretch takes L * (high - low) of the input and pays L * (1/low - 1/high) of the output (Uniswap V3 whitepaper,
    6.13 and 6.15). Arrays of one length; stretches without liquidity are left out.
    """

    low: Floats
    high: Floats
    liquidity: Floats
    gamma_in: float
    gamma_out: float = 1.0

    def scaled(self, unit_in: float, unit_out: float) -> Ladder:
        """A root of a price scales as one, liquidity as a geometric mean of amounts."""
        z, depth = np.sqrt(unit_in / unit_out), np.sqrt(unit_in) * np.sqrt(unit_out)
        return Ladder(self.low * z, self.high * z, self.liquidity * depth, self.gamma_in, self.gamma_out)

    @property
    def marginal(self) -> float:
        """At the beginning of the nearest stretch."""
        return float(self.low[0] ** -2)

    @property
    def depth(self) -> float:
        """Of the nearest stretch."""
        return float(self.liquidity[0])


@dataclass(frozen=True, slots=True)
class Power:
    """f(m) = R_out * (1 - (R_in / (R_in + m)) ** exponent), m at most `most_in`: Balancer's weighted pools.

    `exponent` is the input's weight by the output's (Balancer whitepaper, out-given-in).
    """

    reserve_in: float
    reserve_out: float
    exponent: float
    most_in: float
    gamma_in: float
    gamma_out: float = 1.0

    def scaled(self, unit_in: float, unit_out: float) -> Power:
        """Reserves are amounts, the exponent has no unit."""
        return Power(
            self.reserve_in * unit_in,
            self.reserve_out * unit_out,
            self.exponent,
            self.most_in * unit_in,
            self.gamma_in,
            self.gamma_out,
        )

    @property
    def marginal(self) -> float:
        """R_out / R_in * e."""
        return self.reserve_out / self.reserve_in * self.exponent

    @property
    def depth(self) -> float:
        """-2 f' ** 1.5 / f'' at nought."""
        return 2 * sqrt(self.reserve_in * self.reserve_out * self.exponent) / (self.exponent + 1)

    @property
    def parameters(self) -> tuple[float, ...]:
        """A row for `most_profitable`."""
        return self.reserve_in, self.reserve_out, self.exponent, self.most_in

    @staticmethod
    def most_profitable(rows: Floats, price: Floats) -> tuple[Floats, Floats]:
        """(m, f(m)) where f'(m) is `price`, per row of parameters; nought where the first unit does not reach it.

        f'(m) = R_out / R_in * e * (R_in / (R_in + m)) ** (e + 1).
        """
        reserve_in, reserve_out, exponent, most_in = rows.T[:4]
        with np.errstate(divide="ignore", over="ignore"):
            growth = (exponent * reserve_out / (reserve_in * price)) ** (1 / (exponent + 1))
        moved = np.clip(reserve_in * (growth - 1), 0.0, most_in)
        # expm1 and log1p, because a small trade's output is the difference of two numbers next to one.
        return moved, -reserve_out * np.expm1(-exponent * np.log1p(moved / reserve_in))


@dataclass(frozen=True, slots=True)
class Rate:
    """f(m) = rate * m, m at most `most_in`: wrappers."""

    rate: float
    most_in: float
    gamma_in: float = 1.0
    gamma_out: float = 1.0

    def scaled(self, unit_in: float, unit_out: float) -> Rate:
        """A rate is output per input."""
        return Rate(self.rate * unit_out / unit_in, self.most_in * unit_in, self.gamma_in, self.gamma_out)

    @property
    def marginal(self) -> float:
        """The rate."""
        return self.rate

    @property
    def depth(self) -> float:
        """Without end, so everything that it takes."""
        return self.most_in * sqrt(self.rate)

    @property
    def parameters(self) -> tuple[float, ...]:
        """A row for `most_profitable`."""
        return self.rate, self.most_in

    @staticmethod
    def most_profitable(rows: Floats, price: Floats) -> tuple[Floats, Floats]:
        """Everything where the rate beats `price`, nothing elsewhere."""
        rate, most_in = rows.T[:2]
        moved = np.where(rate > price, most_in, 0.0)
        return moved, rate * moved
