"""Uniswap V3: the pool's swap loop over initialised ticks, exact to the wei (whitepaper, section 6.2 and 6.3).

The chain looks for the next initialised tick inside one word of its tick bitmap only, and otherwise stops at the
word's end. Every stop rounds, so stops on ticks that nobody initialised can move an amount by a wei; the loop here
makes the same stops.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from itertools import accumulate
from math import log
from operator import attrgetter

import numpy as np

from keeper.markets.pool import (
    FEE_UNIT,
    InsufficientLiquidity,
    InvalidPool,
    TicksNotLoaded,
    check_amount,
    check_pool,
    check_tokens,
)
from keeper.markets.price_curves import Ladder
from keeper.markets.sqrt_price_math import Q96
from keeper.markets.swap_math import compute_swap_step
from keeper.markets.tick_math import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
)

# One swap with both transfers that ends between the ticks it started between; each crossing adds about 20,000 more.
SWAP_GAS = 120_000
WORD = 256
_LOG_SQRT_TICK = log(1.0001) / 2
_SHORTEST = 1e-14

_index = attrgetter("index")


@dataclass(frozen=True, slots=True)
class Tick:
    """An initialised tick and the liquidity that enters when the price rises through it (negative: leaves)."""

    index: int
    liquidity_net: int


@dataclass(frozen=True, slots=True)
class SwapResult:
    """What a swap does: base units in (fee included) and out, and the pool's state after it."""

    amount_in: int
    amount_out: int
    sqrt_price_x96: int
    tick: int
    liquidity: int
    ticks_crossed: int


@dataclass(frozen=True, slots=True)
class UniswapV3Pool:
    """A pool at one block; `ticks` are its initialised ticks in rising order.

    `ticks` is complete between `tick_lower_loaded` and `tick_upper_loaded`, both inclusive, and says nothing beyond:
    a swap that leaves them raises TicksNotLoaded rather than guess. Raises InvalidPool for a state that no pool can
    be in, which is what a read torn across two blocks looks like.
    """

    address: str
    token0: str
    token1: str
    fee: int
    tick_spacing: int
    sqrt_price_x96: int
    tick: int
    liquidity: int
    ticks: tuple[Tick, ...]
    tick_lower_loaded: int = MIN_TICK
    tick_upper_loaded: int = MAX_TICK

    def __post_init__(self) -> None:
        check_pool(self.address, self.tokens, self.fee)
        self._check_price()
        self._check_ticks()

    @property
    def venue(self) -> str:
        """Always "uniswap_v3"."""
        return "uniswap_v3"

    @property
    def tokens(self) -> tuple[str, str]:
        """token0 and token1."""
        return self.token0, self.token1

    @property
    def swap_gas(self) -> int:
        """Gas of the pool's swap, its callback and both transfers, with few ticks crossed."""
        return SWAP_GAS

    def amount_out(self, token_in: str, token_out: str, amount_in: int) -> int:
        """Output for exactly `amount_in`. Raises InsufficientLiquidity if the pool cannot take all of it."""
        return self._exact_in(token_in, token_out, amount_in).amount_out

    def amount_in(self, token_in: str, token_out: str, amount_out: int) -> int:
        """Input for exactly `amount_out`. Raises InsufficientLiquidity if the pool cannot give all of it."""
        check_amount(self, amount_out)
        zero_for_one = self._zero_for_one(token_in, token_out)
        if amount_out == 0:
            return 0
        result = self.simulate(zero_for_one, -amount_out)
        if result.amount_out < amount_out:
            raise InsufficientLiquidity(
                f"pool {self.address} can give {result.amount_out} of {token_out}, asked for {amount_out}"
            )
        return result.amount_in

    def swap(self, token_in: str, token_out: str, amount_in: int) -> tuple[int, UniswapV3Pool]:
        """Output for exactly `amount_in` and the pool after it."""
        result = self._exact_in(token_in, token_out, amount_in)
        return result.amount_out, self.after(result)

    def after(self, result: SwapResult) -> UniswapV3Pool:
        """The pool as `result`, simulated on it, leaves it."""
        return replace(self, sqrt_price_x96=result.sqrt_price_x96, tick=result.tick, liquidity=result.liquidity)

    def marginal_price(self, token_in: str, token_out: str) -> float:
        """The price at which the nearest liquidity trades, after the fee."""
        curve = self.price_curve(token_in, token_out)
        return 0.0 if curve is None else float(curve.low[0] ** -2) * curve.gamma_in

    def price_curve(self, token_in: str, token_out: str) -> Ladder | None:
        """One stretch between initialised ticks that has liquidity after the other, within the ticks loaded."""
        zero_for_one = self._zero_for_one(token_in, token_out)
        at = bisect_right(self.ticks, self.tick, key=_index)
        ahead = self.ticks[at - 1 :: -1] if zero_for_one and at else () if zero_for_one else self.ticks[at:]
        sign = -1 if zero_for_one else 1
        liquidity = list(accumulate((sign * tick.liquidity_net for tick in ahead), initial=self.liquidity))
        last = -self.tick_lower_loaded if zero_for_one else self.tick_upper_loaded
        stops = np.array([sign * tick.index for tick in ahead] + [last], dtype=np.float64)

        price = self.sqrt_price_x96 / Q96
        start = 1 / price if zero_for_one else price
        # Floats of the ticks' roots: the swap itself goes by integers.
        ends = np.exp(stops * _LOG_SQRT_TICK)
        low = np.maximum(np.concatenate(([start], ends[:-1])), start)
        depth = np.array(liquidity, dtype=np.float64)
        # Within the rounding of a root a stretch has no length; below, the price stands on its tick already.
        real = (depth > 0) & (ends > low * (1 + _SHORTEST))
        if not real.any():
            return None
        return Ladder(low[real], ends[real], depth[real], gamma_in=1 - self.fee / FEE_UNIT)

    def simulate(
        self, zero_for_one: bool, amount_specified: int, sqrt_price_limit_x96: int | None = None
    ) -> SwapResult:
        """UniswapV3Pool.swap: trade until the amount or the price limit is used up, whichever is first.

        `amount_specified` is signed as on chain: positive is the exact input, negative the exact output, and zero is
        refused. Without a limit the swap may run to the end of all prices and come back partly filled, as on chain.
        Raises ValueError for a limit on the wrong side, TicksNotLoaded, InsufficientLiquidity.
        """
        if sqrt_price_limit_x96 is None:
            sqrt_price_limit_x96 = MIN_SQRT_RATIO + 1 if zero_for_one else MAX_SQRT_RATIO - 1
            if (
                (self.sqrt_price_x96 <= sqrt_price_limit_x96)
                if zero_for_one
                else (self.sqrt_price_x96 >= sqrt_price_limit_x96)
            ):
                raise InsufficientLiquidity(f"pool {self.address} stands at the end of its prices")
        self._check_swap(zero_for_one, amount_specified, sqrt_price_limit_x96)

        exact_in = amount_specified > 0
        remaining, calculated, crossed = amount_specified, 0, 0
        price, tick, liquidity = self.sqrt_price_x96, self.tick, self.liquidity
        while remaining != 0 and price != sqrt_price_limit_x96:
            next_tick, liquidity_net = self._next_tick(tick, zero_for_one)
            next_price = sqrt_ratio_at_tick(next_tick)
            target = max(next_price, sqrt_price_limit_x96) if zero_for_one else min(next_price, sqrt_price_limit_x96)
            step = compute_swap_step(price, target, liquidity, remaining, self.fee)
            if exact_in:
                remaining -= step.amount_in + step.fee_amount
                calculated += step.amount_out
            else:
                remaining += step.amount_out
                calculated += step.amount_in + step.fee_amount

            self._check_loaded(step.sqrt_price_x96, next_tick)
            if step.sqrt_price_x96 == next_price:
                if liquidity_net is not None:
                    liquidity += -liquidity_net if zero_for_one else liquidity_net
                    if liquidity < 0:
                        raise InvalidPool(f"pool {self.address}: liquidity falls below zero at tick {next_tick}")
                    crossed += 1
                tick = next_tick - 1 if zero_for_one else next_tick
            elif step.sqrt_price_x96 != price:
                tick = tick_at_sqrt_ratio(step.sqrt_price_x96)
            price = step.sqrt_price_x96

        used = amount_specified - remaining
        amount_in, amount_out = (used, calculated) if exact_in else (calculated, -used)
        return SwapResult(amount_in, amount_out, price, tick, liquidity, crossed)

    def _exact_in(self, token_in: str, token_out: str, amount_in: int) -> SwapResult:
        check_amount(self, amount_in)
        zero_for_one = self._zero_for_one(token_in, token_out)
        if amount_in == 0:
            return SwapResult(0, 0, self.sqrt_price_x96, self.tick, self.liquidity, 0)
        result = self.simulate(zero_for_one, amount_in)
        if result.amount_in < amount_in:
            raise InsufficientLiquidity(
                f"pool {self.address} can take {result.amount_in} of {token_in}, asked to take {amount_in}"
            )
        return result

    def _next_tick(self, tick: int, zero_for_one: bool) -> tuple[int, int | None]:
        """The chain's next stop and the liquidity net there, None where nobody initialised it.

        TickBitmap.nextInitializedTickWithinOneWord: downwards from the tick's own position, upwards from the next.
        """
        compressed = tick // self.tick_spacing
        if zero_for_one:
            stop = compressed // WORD * WORD * self.tick_spacing
            at = bisect_right(self.ticks, compressed * self.tick_spacing, key=_index) - 1
            found = at >= 0 and self.ticks[at].index >= stop
        else:
            first = compressed + 1
            stop = (first // WORD * WORD + WORD - 1) * self.tick_spacing
            at = bisect_left(self.ticks, first * self.tick_spacing, key=_index)
            found = at < len(self.ticks) and self.ticks[at].index <= stop
        if found:
            return self.ticks[at].index, self.ticks[at].liquidity_net
        return min(max(stop, MIN_TICK), MAX_TICK), None

    def _zero_for_one(self, token_in: str, token_out: str) -> bool:
        check_tokens(self, token_in, token_out)
        return token_in == self.token0

    def _check_swap(self, zero_for_one: bool, amount_specified: int, limit: int) -> None:
        if amount_specified == 0:
            raise ValueError(f"pool {self.address}: a swap of nothing reverts")
        low, high = (MIN_SQRT_RATIO, self.sqrt_price_x96) if zero_for_one else (self.sqrt_price_x96, MAX_SQRT_RATIO)
        if not low < limit < high:
            raise ValueError(f"pool {self.address}: price limit {limit} is not within {low + 1}..{high - 1}")

    def _check_loaded(self, reached: int, next_tick: int) -> None:
        """A step is known to be right only up to the last tick loaded: beyond, an unread tick may have cut it short."""
        if self.tick_lower_loaded <= next_tick <= self.tick_upper_loaded:
            return
        lower, upper = sqrt_ratio_at_tick(self.tick_lower_loaded), sqrt_ratio_at_tick(self.tick_upper_loaded)
        if not lower <= reached <= upper:
            raise TicksNotLoaded(
                f"pool {self.address}: the swap leaves ticks {self.tick_lower_loaded}..{self.tick_upper_loaded};"
                " read more ticks or trade less"
            )

    def _check_price(self) -> None:
        if not MIN_SQRT_RATIO <= self.sqrt_price_x96 < MAX_SQRT_RATIO:
            raise InvalidPool(f"pool {self.address}: price {self.sqrt_price_x96} is none; was the pool initialised?")
        if not MIN_TICK <= self.tick < MAX_TICK:
            raise InvalidPool(f"pool {self.address}: tick {self.tick} is not within {MIN_TICK}..{MAX_TICK - 1}")
        # The upper end counts: a swap down that ends on a tick leaves the tick one below the price's own.
        if not sqrt_ratio_at_tick(self.tick) <= self.sqrt_price_x96 <= sqrt_ratio_at_tick(self.tick + 1):
            raise InvalidPool(f"pool {self.address}: tick {self.tick} does not hold price {self.sqrt_price_x96}")

    def _check_ticks(self) -> None:
        if self.tick_spacing <= 0 or self.liquidity < 0:
            raise InvalidPool(
                f"pool {self.address}: tick spacing {self.tick_spacing} or liquidity {self.liquidity} is impossible"
            )
        if not MIN_TICK <= self.tick_lower_loaded <= self.tick + 1 <= self.tick_upper_loaded + 1 <= MAX_TICK + 1:
            raise InvalidPool(
                f"pool {self.address}: tick {self.tick} is not within the ticks loaded,"
                f" {self.tick_lower_loaded}..{self.tick_upper_loaded}"
            )
        previous = self.tick_lower_loaded - 1
        net, active = 0, 0
        for tick in self.ticks:
            if tick.index <= previous or tick.index > self.tick_upper_loaded or tick.index % self.tick_spacing:
                raise InvalidPool(
                    f"pool {self.address}: tick {tick.index} is out of order, off the spacing of {self.tick_spacing}"
                    " or not within the ticks loaded"
                )
            previous = tick.index
            net += tick.liquidity_net
            if tick.index <= self.tick:
                active = net
        complete = self.tick_lower_loaded == MIN_TICK and self.tick_upper_loaded == MAX_TICK
        if complete and (net != 0 or active != self.liquidity):
            raise InvalidPool(
                f"pool {self.address}: ticks sum to {active} of liquidity at tick {self.tick} and {net} at the end,"
                f" the pool says {self.liquidity} and must end at 0"
            )
