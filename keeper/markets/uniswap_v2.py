"""Uniswap V2 and its forks: x * y = k with a fee on the input (Uniswap V2 whitepaper, section 3.2.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from keeper.markets.pool import (
    FEE_UNIT,
    InsufficientLiquidity,
    InvalidPool,
    check_amount,
    check_pool,
    check_tokens,
)
from keeper.markets.price_curves import Ladder

MAX_RESERVE = 2**112 - 1
SWAP_GAS = 90_000


@dataclass(frozen=True, slots=True)
class UniswapV2Pool:
    """A pair contract at one block; reserves in base units, `fee` in ppm. Raises InvalidPool."""

    address: str
    token0: str
    token1: str
    reserve0: int
    reserve1: int
    fee: int = 3000

    def __post_init__(self) -> None:
        check_pool(self.address, self.tokens, self.fee)
        if not (0 <= self.reserve0 <= MAX_RESERVE and 0 <= self.reserve1 <= MAX_RESERVE):
            raise InvalidPool(f"pool {self.address}: reserves {self.reserve0}, {self.reserve1} are not uint112")

    @property
    def venue(self) -> str:
        """Always "uniswap_v2"."""
        return "uniswap_v2"

    @property
    def tokens(self) -> tuple[str, str]:
        """token0 and token1."""
        return self.token0, self.token1

    @property
    def swap_gas(self) -> int:
        """Gas of the pair's swap and of both transfers."""
        return SWAP_GAS

    def amount_out(self, token_in: str, token_out: str, amount_in: int) -> int:
        """UniswapV2Library.getAmountOut: floor; 0 for 0.

        The pair stores reserves as uint112, so an input that would not fit raises InsufficientLiquidity too.
        """
        check_amount(self, amount_in)
        reserve_in, reserve_out = self._reserves(token_in, token_out)
        if amount_in == 0:
            return 0
        if reserve_in == 0 or reserve_out == 0:
            raise InsufficientLiquidity(f"pool {self.address} is empty")
        if reserve_in + amount_in > MAX_RESERVE:
            raise InsufficientLiquidity(f"pool {self.address} cannot hold {amount_in} more of {token_in}")
        after_fee = amount_in * (FEE_UNIT - self.fee)
        return after_fee * reserve_out // (reserve_in * FEE_UNIT + after_fee)

    def amount_in(self, token_in: str, token_out: str, amount_out: int) -> int:
        """UniswapV2Library.getAmountIn: floor plus one, as there, which is one too many when the division is exact."""
        check_amount(self, amount_out)
        reserve_in, reserve_out = self._reserves(token_in, token_out)
        if amount_out == 0:
            return 0
        if amount_out >= reserve_out or reserve_in == 0:
            raise InsufficientLiquidity(
                f"pool {self.address} holds {reserve_out} of {token_out}, asked for {amount_out}"
            )
        amount = reserve_in * amount_out * FEE_UNIT // ((reserve_out - amount_out) * (FEE_UNIT - self.fee)) + 1
        if reserve_in + amount > MAX_RESERVE:
            raise InsufficientLiquidity(f"pool {self.address} cannot hold {amount} more of {token_in}")
        return amount

    def swap(self, token_in: str, token_out: str, amount_in: int) -> tuple[int, UniswapV2Pool]:
        """Output and the pair after it; the whole input, fee included, stays in the reserves."""
        out = self.amount_out(token_in, token_out, amount_in)
        if token_in == self.token0:
            after = replace(self, reserve0=self.reserve0 + amount_in, reserve1=self.reserve1 - out)
        else:
            after = replace(self, reserve0=self.reserve0 - out, reserve1=self.reserve1 + amount_in)
        return out, after

    def marginal_price(self, token_in: str, token_out: str) -> float:
        """reserve_out / reserve_in after the fee."""
        reserve_in, reserve_out = self._reserves(token_in, token_out)
        if reserve_in == 0 or reserve_out == 0:
            return 0.0
        return reserve_out / reserve_in * (1 - self.fee / FEE_UNIT)

    def price_curve(self, token_in: str, token_out: str) -> Ladder | None:
        """One stretch with liquidity sqrt(k), from the present price to where the pair's input is as large as it may be."""
        reserve_in, reserve_out = self._reserves(token_in, token_out)
        if reserve_in in (0, MAX_RESERVE) or reserve_out == 0:
            return None
        low = sqrt(reserve_in / reserve_out)
        liquidity = sqrt(reserve_in) * sqrt(reserve_out)
        return Ladder(
            np.array([low]),
            np.array([low * (MAX_RESERVE / reserve_in)]),
            np.array([liquidity]),
            gamma_in=1 - self.fee / FEE_UNIT,
        )

    def _reserves(self, token_in: str, token_out: str) -> tuple[int, int]:
        check_tokens(self, token_in, token_out)
        return (self.reserve0, self.reserve1) if token_in == self.token0 else (self.reserve1, self.reserve0)
