"""Balancer V2's stable pools: the StableSwap invariant (Egorov 2019) with Balancer's own roundings.

With n coins, their sum S and product P, and A as the contracts have it (n^(n-1) times the paper's), D solves
A n S + D = A n D + D^(n+1) / (n^n P). A swap keeps D and solves for the one balance that changes with it, rounded up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from keeper.markets.balancer_pool import BalancerPool
from keeper.markets.fixed_point import ONE
from keeper.markets.pool import InsufficientLiquidity, InvalidPool, check_tokens
from keeper.markets.price_curves import PriceCurve
from keeper.markets.stable_curve import Stable

AMP_PRECISION = 1_000
MAX_AMP = 5_000
MAX_TOKENS = 5

SWAP_GAS = 130_000
_WORD_END = 2**256
_MOST_STEPS = 255


@dataclass(frozen=True, slots=True)
class BalancerStablePool(BalancerPool):
    """A StablePool or a MetaStablePool, whose scaling factors carry the tokens' rates. Raises InvalidPool.

    :ivar amplification: A in thousandths
    """

    amplification: int

    def __post_init__(self) -> None:
        BalancerPool.__post_init__(self)
        if len(self.tokens) > MAX_TOKENS:
            raise InvalidPool(
                f"pool {self.address}: a stable pool has {MAX_TOKENS} tokens at most, not {len(self.tokens)}"
            )
        if not AMP_PRECISION <= self.amplification <= MAX_AMP * AMP_PRECISION:
            raise InvalidPool(
                f"pool {self.address}: amplification {self.amplification} thousandths is not 1..{MAX_AMP}"
            )

    @property
    def swap_gas(self) -> int:
        """Gas of a swap through the Vault, both token transfers included."""
        return SWAP_GAS

    def marginal_price(self, token_in: str, token_out: str) -> float:
        """The slope of the curve at the balances, after the fee."""
        curve = self._curve(token_in, token_out)
        if curve is None:
            return 0.0
        slope = curve.y * (curve.x + curve.bend) / (curve.x * (curve.y + curve.bend))
        return slope * curve.scale_in / curve.scale_out * curve.gamma_in

    def price_curve(self, token_in: str, token_out: str) -> PriceCurve | None:
        """The pair's curve while the other balances stay."""
        return self._curve(token_in, token_out)

    def _curve(self, token_in: str, token_out: str) -> Stable | None:
        check_tokens(self, token_in, token_out)
        i, j = self.tokens.index(token_in), self.tokens.index(token_out)
        balances = self._all_scaled()
        if 0 in balances:
            return None
        ann = self.amplification * len(self.tokens) / AMP_PRECISION
        scale_in, scale_out = (self.scaling_factors[k] / ONE for k in (i, j))
        return Stable.of_pool([float(b) for b in balances], ann, i, j, scale_in, scale_out, self._after_fee, 1.0)

    def _all_scaled(self) -> tuple[int, ...]:
        return tuple([self._scaled(k) for k in range(len(self.tokens))])

    def _scaled_out(self, i: int, j: int, amount_in: int) -> int:
        balances = self._all_scaled()
        invariant = _invariant(self.generation, self.amplification, balances)
        after = list(balances)
        after[i] += amount_in
        # One less, on top of a balance that is rounded up.
        return balances[j] - _balance_at(self.amplification, after, invariant, j) - 1

    def _scaled_in(self, i: int, j: int, amount_out: int) -> int | None:
        balances = self._all_scaled()
        if amount_out >= balances[j]:
            return None
        invariant = _invariant(self.generation, self.amplification, balances)
        after = list(balances)
        after[j] -= amount_out
        try:
            return _balance_at(self.amplification, after, invariant, i) - balances[i] + 1
        except InsufficientLiquidity:
            return None


# A pool is asked many times at one state, and half of the work is its invariant.
@lru_cache(maxsize=1024)
def _invariant(generation: int, amplification: int, balances: tuple[int, ...]) -> int:
    """D of scaled balances by Newton's method from their sum.

    The first generation rounds each step up; the second rounds down, in another order of the same terms.

    :raises InsufficientLiquidity: a balance is nought, the chain's words overflow, or the steps do not settle
    """
    if 0 in balances:
        raise InsufficientLiquidity(f"a stable pool with scaled balances of {balances} is empty on one side")
    n = len(balances)
    total = sum(balances)
    ann = amplification * n
    invariant = total
    for _ in range(_MOST_STEPS):
        previous = invariant
        if generation == 1:
            product = balances[0] * n
            for balance in balances[1:]:
                product = _divided_up(_word(product * balance * n), invariant)
            above = n * invariant * invariant + _divided_up(_word(ann * total * product), AMP_PRECISION)
            below = (n + 1) * invariant + (ann - AMP_PRECISION) * product // AMP_PRECISION
            invariant = _divided_up(_word(above), below)
        else:
            product = invariant
            for balance in balances:
                product = _word(product * invariant) // (balance * n)
            above = (ann * total // AMP_PRECISION + product * n) * invariant
            below = (ann - AMP_PRECISION) * invariant // AMP_PRECISION + (n + 1) * product
            invariant = _word(above) // below
        if abs(invariant - previous) <= 1:
            return invariant
    raise InsufficientLiquidity(f"a stable pool with scaled balances of {balances} finds no invariant")


def _balance_at(amplification: int, balances: Sequence[int], invariant: int, k: int) -> int:
    """The scaled balance `k`, rounded up, that has this invariant with the others; its present one only plays into roundings.

    :raises InsufficientLiquidity: the chain's words overflow, or the steps do not settle
    """
    n = len(balances)
    ann = amplification * n
    product = balances[0] * n
    for balance in balances[1:]:
        product = _word(product * balance * n) // invariant
    if product == 0:
        raise InsufficientLiquidity(f"a stable pool with scaled balances of {tuple(balances)} is empty on one side")
    squared = _word(invariant * invariant)
    c = _divided_up(squared, _word(ann * product)) * AMP_PRECISION * balances[k]
    b = sum(balances) - balances[k] + invariant // ann * AMP_PRECISION
    balance = _divided_up(_word(squared + c), invariant + b)
    for _ in range(_MOST_STEPS):
        previous = balance
        balance = _divided_up(_word(balance * balance + c), 2 * balance + b - invariant)
        if abs(balance - previous) <= 1:
            return balance
    raise InsufficientLiquidity(f"a stable pool with scaled balances of {tuple(balances)} finds no balance")


def _divided_up(a: int, b: int) -> int:
    return -(-a // b)


def _word(value: int) -> int:
    """`value`, which the chain multiplies up to: it reverts when its word does not hold that."""
    if value >= _WORD_END:
        raise InsufficientLiquidity("a stable pool's balances are more than the chain's words can multiply")
    return value
