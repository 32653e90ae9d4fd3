"""What the router knows about a market: the `Pool` protocol, its price segments and its errors.

    EquipoiseError
    ├── NoRoute
    │   └── InsufficientLiquidity   the pool cannot take or give that much
    │       └── TicksNotLoaded      the swap leaves the ticks that were read; read more of them
    ├── InvalidPool (ValueError)    a state no pool can be in: a torn or wrong read
    └── WrongToken (ValueError)     the pool does not trade this token

Tokens are checksum address strings, amounts are integers in base units, fees are in ppm (3000 = 0.3 %).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keeper.errors import EquipoiseError, NoRoute

FEE_UNIT = 1_000_000
"""Fees are parts of this: ppm."""


class InsufficientLiquidity(NoRoute):
    """The pool cannot take or give that much."""


class TicksNotLoaded(InsufficientLiquidity):
    """The swap would leave the range of ticks that were read from the chain."""


class InvalidPool(EquipoiseError, ValueError):
    """A state no pool can be in: a torn or wrong read."""


class WrongToken(EquipoiseError, ValueError):
    """The pool does not trade this token."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of prices over which a pool is a constant product with fixed liquidity.

    Prices are square roots of token1 base units per token0 base unit. Within the segment, moving from `a` to `b`
    exchanges `liquidity * |b - a|` of token1 for `liquidity * |1/a - 1/b|` of token0 (Uniswap V3 whitepaper, 6.13 and
    6.15), the fee not included. Floats: for the solver's guess only, never for an amount that is promised.
    """

    sqrt_price_low: float
    sqrt_price_high: float
    liquidity: float


class Pool(Protocol):
    """One market of two tokens, frozen at one block."""

    @property
    def address(self) -> str:
        """Checksum address."""

    @property
    def venue(self) -> str:
        """Kind of market: "uniswap_v2" or "uniswap_v3"."""

    @property
    def tokens(self) -> tuple[str, str]:
        """token0 and token1."""

    @property
    def fee(self) -> int:
        """Taken from the input, in ppm."""

    @property
    def swap_gas(self) -> int:
        """Estimated gas of one swap here, both token transfers included."""

    def amount_out(self, token_in: str, amount_in: int) -> int:
        """What the chain pays for exactly `amount_in`; rounded down as there. Raises InsufficientLiquidity."""

    def amount_in(self, token_in: str, amount_out: int) -> int:
        """What the chain asks for exactly `amount_out`; rounded up as there. Raises InsufficientLiquidity."""

    def swap(self, token_in: str, amount_in: int) -> tuple[int, Pool]:
        """`amount_out` and the pool as the swap leaves it. Raises InsufficientLiquidity."""

    def marginal_price(self, token_in: str) -> float:
        """token_out base units for the next base unit of `token_in`, after the fee; 0.0 if there is nothing to buy."""

    def segments(self, token_in: str) -> tuple[Segment, ...]:
        """The segments that selling `token_in` walks through, nearest first; empty if there is nothing to buy."""


def token_out(pool: Pool, token_in: str) -> str:
    """The other token of `pool`. Raises WrongToken."""
    token0, token1 = pool.tokens
    if token_in == token0:
        return token1
    if token_in == token1:
        return token0
    raise WrongToken(f"pool {pool.address} trades {token0} and {token1}, not {token_in}")


def check_pool(address: str, tokens: tuple[str, str], fee: int) -> None:
    """The checks that every venue shares. Raises InvalidPool."""
    if int(tokens[0], 16) >= int(tokens[1], 16):
        raise InvalidPool(f"pool {address}: token0 {tokens[0]} must sort before token1 {tokens[1]}")
    if not 0 <= fee < FEE_UNIT:
        raise InvalidPool(f"pool {address}: fee {fee} ppm is not within 0..{FEE_UNIT - 1}")


def check_amount(pool: Pool, amount: int) -> None:
    """Raises ValueError for a negative amount, which would otherwise run the maths backwards."""
    if amount < 0:
        raise ValueError(f"pool {pool.address}: amount {amount} is negative")
