"""What Balancer V2's weighted and stable pools share: fee, scaling, and the Vault that holds the balances.

The maths runs in WAD: amounts are multiplied by a scaling factor, which levels the tokens' decimals and, in some pools,
carries a rate. The fee is taken from the input before that, or put on it after. Protocol fees are due when somebody joins
or exits: a swap leaves all that was paid in in the pool (Balancer V2: BasePool, PoolBalances, Swaps).

The factories of 2022 and later make pools whose code rounds otherwise than those of 2021. No pool says of which generation
it is, but what it quotes does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Self

from keeper.markets.fixed_point import ONE, div_down, div_up, mul_down
from keeper.markets.pool import FEE_UNIT, InsufficientLiquidity, InvalidPool, check_amount, check_tokens
from keeper.markets.price_curves import PriceCurve

MAX_BALANCE = 2**112 - 1
"""The Vault keeps balances as uint112."""

GENERATIONS = (1, 2)
"""Of pools: by the factories of 2021, and by those from 2022 on."""


@dataclass(frozen=True, slots=True)
class BalancerPool(ABC):
    """A pool of the Vault at one block, its lists in the Vault's order. Raises InvalidPool.

    :ivar balances: base units
    :ivar scaling_factors: WAD, 10**(18 - decimals) whole ones, times the token's rate where the pool uses one
    :ivar swap_fee: WAD share of the input
    :ivar generation: which code rounds, one of GENERATIONS
    """

    address: str
    tokens: tuple[str, ...]
    balances: tuple[int, ...]
    scaling_factors: tuple[int, ...]
    swap_fee: int
    generation: int

    def __post_init__(self) -> None:
        count = len(self.tokens)
        if count < 2 or len(set(self.tokens)) < count:
            raise InvalidPool(f"pool {self.address}: needs two different tokens or more, has {', '.join(self.tokens)}")
        if (len(self.balances), len(self.scaling_factors)) != (count, count):
            raise InvalidPool(f"pool {self.address}: needs a balance and a scaling factor for each of {count} tokens")
        if not all(0 <= balance <= MAX_BALANCE for balance in self.balances):
            raise InvalidPool(f"pool {self.address}: balances {self.balances} are not uint112")
        if min(self.scaling_factors) < 1:
            raise InvalidPool(f"pool {self.address}: scaling factors {self.scaling_factors} must be more than nought")
        if not 0 <= self.swap_fee < ONE:
            raise InvalidPool(f"pool {self.address}: fee {self.swap_fee} is not a WAD share below 1")
        if self.generation not in GENERATIONS:
            raise InvalidPool(f"pool {self.address}: generation {self.generation} is not one of {GENERATIONS}")

    @property
    def venue(self) -> str:
        """Always "balancer_v2"."""
        return "balancer_v2"

    @property
    def fee(self) -> int:
        """The swap fee in ppm, rounded to the nearest."""
        return round(self.swap_fee * FEE_UNIT / ONE)

    @property
    @abstractmethod
    def swap_gas(self) -> int:
        """Gas of a swap through the Vault, both token transfers included."""

    def amount_out(self, token_in: str, token_out: str, amount_in: int) -> int:
        """What the Vault pays for exactly `amount_in`; 0 for 0."""
        check_amount(self, amount_in)
        i, j = self._indices(token_in, token_out)
        if amount_in == 0:
            return 0
        if amount_in > self._most_in(i):
            raise InsufficientLiquidity(f"pool {self.address} takes {self._most_in(i)} of {token_in}, not {amount_in}")
        paid = self._paid(i, j, amount_in)
        if paid < 0:
            raise InsufficientLiquidity(f"pool {self.address} refuses as little as {amount_in} of {token_in}")
        return paid

    def amount_in(self, token_in: str, token_out: str, amount_out: int) -> int:
        """What the Vault asks for exactly `amount_out`, if it sells so much and pays as much for what it asks.

        Else the least input that it pays as much for: the margins that the chain puts on either way do not always cancel.
        """
        check_amount(self, amount_out)
        i, j = self._indices(token_in, token_out)
        if amount_out == 0:
            return 0
        asked = self._asked(i, j, amount_out)
        most = self._most_in(i)
        if asked is not None and asked <= most and self._paid(i, j, asked) >= amount_out:
            return asked
        return self._least_in(i, j, amount_out, 0 if asked is None or asked > most else asked, most)

    def swap(self, token_in: str, token_out: str, amount_in: int) -> tuple[int, Self]:
        """What is paid and the pool after it: the whole input stays, the fee included."""
        out = self.amount_out(token_in, token_out, amount_in)
        balances = list(self.balances)
        balances[self.tokens.index(token_in)] += amount_in
        balances[self.tokens.index(token_out)] -= out
        return out, replace(self, balances=tuple(balances))

    @abstractmethod
    def marginal_price(self, token_in: str, token_out: str) -> float:
        """token_out base units for the next base unit of `token_in`, after the fee; 0.0 if there is nothing to buy."""

    @abstractmethod
    def price_curve(self, token_in: str, token_out: str) -> PriceCurve | None:
        """The direction as the solver sees it; None if there is nothing to buy."""

    @abstractmethod
    def _scaled_out(self, i: int, j: int, amount_in: int) -> int:
        """Out for in, both scaled; less than nought where the chain would owe that."""

    @abstractmethod
    def _scaled_in(self, i: int, j: int, amount_out: int) -> int | None:
        """In for out, both scaled; None where the chain refuses."""

    @property
    def _after_fee(self) -> float:
        """The share of the input that the fee leaves."""
        return (ONE - self.swap_fee) / ONE

    def _indices(self, token_in: str, token_out: str) -> tuple[int, int]:
        check_tokens(self, token_in, token_out)
        if 0 in self.balances:
            raise InsufficientLiquidity(f"pool {self.address} is empty")
        return self.tokens.index(token_in), self.tokens.index(token_out)

    def _scaled(self, i: int) -> int:
        """The balance of token `i`, scaled."""
        return mul_down(self.balances[i], self.scaling_factors[i])

    def _most_in(self, i: int) -> int:
        """The largest input of token `i`."""
        return MAX_BALANCE - self.balances[i]

    def _paid(self, i: int, j: int, amount_in: int) -> int:
        """What the chain pays for an input within `_most_in`; less than nought where it refuses one that is too small."""
        # The chain takes a fee that is rounded up from the input: the rest is rounded down.
        after_fee = mul_down(amount_in, ONE - self.swap_fee)
        out = self._scaled_out(i, j, mul_down(after_fee, self.scaling_factors[i]))
        return div_down(out, self.scaling_factors[j])

    def _asked(self, i: int, j: int, amount_out: int) -> int | None:
        """What the chain asks for exactly `amount_out`; None where it refuses."""
        asked = self._scaled_in(i, j, mul_down(amount_out, self.scaling_factors[j]))
        return None if asked is None else div_up(div_up(asked, self.scaling_factors[i]), ONE - self.swap_fee)

    def _least_in(self, i: int, j: int, amount_out: int, low: int, most: int) -> int:
        """The least input above `low`, which is too little, that pays `amount_out`."""
        if self._paid(i, j, most) < amount_out:
            raise InsufficientLiquidity(
                f"pool {self.address} does not sell {amount_out} of its {self.balances[j]} of {self.tokens[j]} at once"
            )
        # The answer is next to a `low` that the chain named, and anywhere when it named none.
        step = max(1, low >> 40) if low else most
        while (high := min(low + step, most)) < most and self._paid(i, j, high) < amount_out:
            low, step = high, 2 * step
        while high - low > 1:
            middle = (low + high) // 2
            if self._paid(i, j, middle) < amount_out:
                low = middle
            else:
                high = middle
        return high
