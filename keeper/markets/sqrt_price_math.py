"""Uniswap V3 amounts between two prices and prices after an amount (whitepaper, section 6.2.3), roundings as on chain.

Square root prices are Q64.96 integers of token1 per token0, liquidity is sqrt(x * y), amounts are base units.
"""

from __future__ import annotations

from keeper.markets.pool import InsufficientLiquidity

Q96 = 1 << 96
_UINT256 = 1 << 256
_UINT160 = 1 << 160


def div_up(numerator: int, denominator: int) -> int:
    """Quotient of two non-negative integers, rounded up."""
    return -(-numerator // denominator)


def amount0_delta(sqrt_a_x96: int, sqrt_b_x96: int, liquidity: int, *, round_up: bool) -> int:
    """token0 between two prices: liquidity * (1/low - 1/high). Rounds twice, as the chain does."""
    low, high = sorted((sqrt_a_x96, sqrt_b_x96))
    numerator = (liquidity << 96) * (high - low)
    if round_up:
        return div_up(div_up(numerator, high), low)
    return numerator // high // low


def amount1_delta(sqrt_a_x96: int, sqrt_b_x96: int, liquidity: int, *, round_up: bool) -> int:
    """token1 between two prices: liquidity * (high - low)."""
    numerator = liquidity * abs(sqrt_a_x96 - sqrt_b_x96)
    return div_up(numerator, Q96) if round_up else numerator >> 96


def next_sqrt_price_from_input(sqrt_x96: int, liquidity: int, amount_in: int, *, zero_for_one: bool) -> int:
    """The price after `amount_in` came in; rounded so that the pool never gives too much.

    Raises InsufficientLiquidity if the price would not fit its type.
    """
    if zero_for_one:
        return _after_amount0_in(sqrt_x96, liquidity, amount_in)
    after = sqrt_x96 + amount_in * Q96 // liquidity
    if after >= _UINT160:
        raise InsufficientLiquidity(f"an input of {amount_in} on liquidity {liquidity} leaves the range of prices")
    return after


def next_sqrt_price_from_output(sqrt_x96: int, liquidity: int, amount_out: int, *, zero_for_one: bool) -> int:
    """The price after `amount_out` went out; rounded away, so that the pool asks enough.

    Raises InsufficientLiquidity if that much is not there.
    """
    if zero_for_one:
        quotient = div_up(amount_out * Q96, liquidity)
        if quotient >= sqrt_x96:
            raise InsufficientLiquidity(f"an output of {amount_out} exceeds what liquidity {liquidity} holds")
        return sqrt_x96 - quotient
    numerator = liquidity << 96
    product = amount_out * sqrt_x96
    if product >= numerator or product >= _UINT256:
        raise InsufficientLiquidity(f"an output of {amount_out} exceeds what liquidity {liquidity} holds")
    after = div_up(numerator * sqrt_x96, numerator - product)
    if after >= _UINT160:
        raise InsufficientLiquidity(f"an output of {amount_out} leaves the range of prices")
    return after


def _after_amount0_in(sqrt_x96: int, liquidity: int, amount_in: int) -> int:
    """The price after token0 came in: liquidity * price / (liquidity + amount * price), rounded up."""
    if amount_in == 0:
        return sqrt_x96
    numerator = liquidity << 96
    product = amount_in * sqrt_x96
    # Where the product overflows 256 bits the chain takes a coarser form, so the result depends on the overflow.
    if product < _UINT256 and numerator + product < _UINT256:
        return div_up(numerator * sqrt_x96, numerator + product)
    return div_up(numerator, numerator // sqrt_x96 + amount_in)
