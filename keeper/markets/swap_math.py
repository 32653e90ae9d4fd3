"""One step of a Uniswap V3 swap: within one stretch of constant liquidity (whitepaper, section 6.2.3)."""

from __future__ import annotations

from typing import NamedTuple

from keeper.markets.pool import FEE_UNIT
from keeper.markets.sqrt_price_math import (
    amount0_delta,
    amount1_delta,
    div_up,
    next_sqrt_price_from_input,
    next_sqrt_price_from_output,
)


class Step(NamedTuple):
    """What one step did: the price it reached (Q64.96) and base units in (without fee), out and as fee."""

    sqrt_price_x96: int
    amount_in: int
    amount_out: int
    fee_amount: int


def compute_swap_step(sqrt_x96: int, target_x96: int, liquidity: int, remaining: int, fee: int) -> Step:
    """Trade from `sqrt_x96` towards `target_x96` until the target or the end of `remaining`.

    `remaining` is signed as on chain: positive is input still to spend (fee included), negative is output still to
    buy. `fee` is in ppm. Raises InsufficientLiquidity.
    """
    zero_for_one = sqrt_x96 >= target_x96
    delta_in = amount0_delta if zero_for_one else amount1_delta
    delta_out = amount1_delta if zero_for_one else amount0_delta
    exact_in = remaining >= 0

    if exact_in:
        spendable = remaining * (FEE_UNIT - fee) // FEE_UNIT
        amount_in = delta_in(sqrt_x96, target_x96, liquidity, round_up=True)
        if spendable >= amount_in:
            reached = target_x96
        else:
            reached = next_sqrt_price_from_input(sqrt_x96, liquidity, spendable, zero_for_one=zero_for_one)
            if reached != target_x96:
                amount_in = delta_in(sqrt_x96, reached, liquidity, round_up=True)
        amount_out = delta_out(sqrt_x96, reached, liquidity, round_up=False)
    else:
        amount_out = delta_out(sqrt_x96, target_x96, liquidity, round_up=False)
        if -remaining >= amount_out:
            reached = target_x96
        else:
            reached = next_sqrt_price_from_output(sqrt_x96, liquidity, -remaining, zero_for_one=zero_for_one)
            if reached != target_x96:
                amount_out = delta_out(sqrt_x96, reached, liquidity, round_up=False)
        amount_in = delta_in(sqrt_x96, reached, liquidity, round_up=True)
        amount_out = min(amount_out, -remaining)

    # Short of the target, whatever is left of an exact input is the fee.
    spent = exact_in and reached != target_x96
    fee_amount = remaining - amount_in if spent else div_up(amount_in * fee, FEE_UNIT - fee)
    return Step(reached, amount_in, amount_out, fee_amount)
