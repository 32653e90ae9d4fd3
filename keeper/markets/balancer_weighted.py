"""Balancer V2's weighted pools: the product of balances, each to the power of its weight, stays (Balancer whitepaper, 2019)."""

from __future__ import annotations

from dataclasses import dataclass

from keeper.markets.balancer_pool import BalancerPool
from keeper.markets.fixed_point import ONE, complement, div_down, div_up, mul_down, mul_up, pow_up
from keeper.markets.pool import InvalidPool, check_tokens
from keeper.markets.price_curves import Power, PriceCurve

MIN_WEIGHT = ONE // 100
MAX_RATIO = 3 * ONE // 10
"""WAD share of a balance that a swap may bring of the input, after the fee, or take of the output when that is named."""

SWAP_GAS = 90_000
# A hair inside what the chain takes, so that a trade up to there is not refused for a float's last digit.
_INSIDE = 1 - 1e-12


@dataclass(frozen=True, slots=True)
class BalancerWeightedPool(BalancerPool):
    """A pool with fixed weights. Raises InvalidPool.

    :ivar weights: WAD shares, together 1
    """

    weights: tuple[int, ...]

    def __post_init__(self) -> None:
        BalancerPool.__post_init__(self)
        if len(self.weights) != len(self.tokens) or min(self.weights) < MIN_WEIGHT or sum(self.weights) != ONE:
            raise InvalidPool(
                f"pool {self.address}: weights {self.weights} are not one per token, 1 % or more, together 1"
            )

    @property
    def swap_gas(self) -> int:
        """Gas of a swap through the Vault, both token transfers included."""
        return SWAP_GAS

    def marginal_price(self, token_in: str, token_out: str) -> float:
        """Balances by weights, after the fee."""
        check_tokens(self, token_in, token_out)
        i, j = self.tokens.index(token_in), self.tokens.index(token_out)
        if self.balances[i] == 0:
            return 0.0
        return self._after_fee * self.balances[j] / self.balances[i] * (self.weights[i] / self.weights[j])

    def price_curve(self, token_in: str, token_out: str) -> PriceCurve | None:
        """A power curve up to 30 % of the balance."""
        check_tokens(self, token_in, token_out)
        i, j = self.tokens.index(token_in), self.tokens.index(token_out)
        if 0 in self.balances:
            return None
        return Power(
            reserve_in=float(self.balances[i]),
            reserve_out=float(self.balances[j]),
            exponent=self.weights[i] / self.weights[j],
            most_in=self._most_in(i) * self._after_fee * _INSIDE,
            gamma_in=self._after_fee,
        )

    def _most_in(self, i: int) -> int:
        """The largest input that is no more than MAX_RATIO of the balance after the fee."""
        scaled = mul_down(self._scaled(i), MAX_RATIO)
        net = ((scaled + 1) * ONE - 1) // self.scaling_factors[i]
        return min(((net + 1) * ONE - 1) // (ONE - self.swap_fee), BalancerPool._most_in(self, i))

    def _scaled_out(self, i: int, j: int, amount_in: int) -> int:
        """balance_out * (1 - (balance_in / (balance_in + amount_in)) ** (weight_in / weight_out)), power up, rest down."""
        balance = self._scaled(i)
        base = div_up(balance, balance + amount_in)
        left = pow_up(base, div_down(self.weights[i], self.weights[j]), by_product=self.generation > 1)
        return mul_down(self._scaled(j), complement(left))

    def _scaled_in(self, i: int, j: int, amount_out: int) -> int | None:
        """balance_in * ((balance_out / (balance_out - amount_out)) ** (weight_out / weight_in) - 1), all up."""
        balance = self._scaled(j)
        if amount_out > mul_down(balance, MAX_RATIO):
            return None
        base = div_up(balance, balance - amount_out)
        grown = pow_up(base, div_up(self.weights[j], self.weights[i]), by_product=self.generation > 1)
        return mul_up(self._scaled(i), grown - ONE)
