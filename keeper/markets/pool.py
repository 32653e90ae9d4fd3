"""What the router knows about a market: the `Pool` protocol and its errors.

    EquipoiseError
    ├── NoRoute
    │   └── InsufficientLiquidity   the pool cannot take or give that much
    │       └── TicksNotLoaded      the swap leaves the ticks that were read; read more of them
    ├── InvalidPool (ValueError)    a state no pool can be in: a torn or wrong read
    └── WrongToken (ValueError)     the pool does not trade this token

Tokens are checksum address strings, amounts are integers in base units, fees are in ppm (3000 = 0.3 %).
"""

from __future__ import annotations

from typing import Protocol

from keeper.errors import EquipoiseError, NoRoute
from keeper.markets.price_curves import PriceCurve

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


class Pool(Protocol):
    """One market of two tokens or more, frozen at one block."""

    @property
    def address(self) -> str:
        """Checksum address."""

    @property
    def venue(self) -> str:
        """Kind of market, as the executor has to call it: "uniswap_v2", "uniswap_v3"."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """What it trades, in its own order."""

    @property
    def fee(self) -> int:
        """In ppm."""

    @property
    def swap_gas(self) -> int:
        """Estimated gas of one swap here, both token transfers included."""

    def amount_out(self, token_in: str, token_out: str, amount_in: int) -> int:
        """What the chain pays for exactly `amount_in`; rounded down as there. Raises InsufficientLiquidity."""

    def amount_in(self, token_in: str, token_out: str, amount_out: int) -> int:
        """An input that buys at least `amount_out`: what the chain asks for where it says so. Raises InsufficientLiquidity."""

    def swap(self, token_in: str, token_out: str, amount_in: int) -> tuple[int, Pool]:
        """What is paid and the pool as the swap leaves it. Raises InsufficientLiquidity."""

    def marginal_price(self, token_in: str, token_out: str) -> float:
        """token_out base units for the next base unit of `token_in`, after the fee; 0.0 if there is nothing to buy."""

    def price_curve(self, token_in: str, token_out: str) -> PriceCurve | None:
        """The direction as the solver sees it, in base units; None if there is nothing to buy."""


def other_token(tokens: tuple[str, ...], token: str) -> str:
    """The other one of a pair. Raises WrongToken."""
    if token not in tokens or len(tokens) != 2:
        raise WrongToken(f"the pair of {' and '.join(tokens)} does not trade {token}")
    return tokens[1] if token == tokens[0] else tokens[0]


class HasTokens(Protocol):
    """What a check of tokens asks of a pool."""

    @property
    def address(self) -> str:
        """Its contract."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """What it trades."""


def check_tokens(pool: HasTokens, token_in: str, token_out: str) -> None:
    """Raises WrongToken unless `pool` trades one for the other."""
    if token_in == token_out or not {token_in, token_out} <= set(pool.tokens):
        raise WrongToken(f"pool {pool.address} trades {', '.join(pool.tokens)}, not {token_in} for {token_out}")


def check_pool(address: str, tokens: tuple[str, str], fee: int) -> None:
    """What holds for every Uniswap pool. Raises InvalidPool."""
    if int(tokens[0], 16) >= int(tokens[1], 16):
        raise InvalidPool(f"pool {address}: token0 {tokens[0]} must sort before token1 {tokens[1]}")
    if not 0 <= fee < FEE_UNIT:
        raise InvalidPool(f"pool {address}: fee {fee} ppm is not within 0..{FEE_UNIT - 1}")


def check_amount(pool: Pool, amount: int) -> None:
    """Raises ValueError for a negative amount, which would otherwise run the maths backwards."""
    if amount < 0:
        raise ValueError(f"pool {pool.address}: amount {amount} is negative")
