"""Curve's stable pools with int128 indices, exact to the wei: the integer loops and roundings of the deployed Vyper.

Sources: curvefi/curve-contract (pools/susd, pools/sbtc, pools/3pool, pools/steth, pool-templates/base),
curvefi/curve-factory (implementations/plain-*) and curvefi/stableswap-ng (CurveStableSwapNG); what they differ in is a
`Generation`. Balances times rates, by 10^18, are the invariant's units. `exchange` is followed, not `get_dy`, which takes
the fee elsewhere in some of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from keeper.markets.pool import (
    FEE_UNIT,
    InsufficientLiquidity,
    InvalidPool,
    check_amount,
    check_tokens,
)
from keeper.markets.stable_curve import Stable

PRECISION = 10**18
FEE_DENOMINATOR = 10**10
MAX_COINS = 8
# Far above any pool, and low enough that no product of two numbers of the invariant leaves a uint256.
MAX_UNITS = 2**120
MAX_UINT = 2**256 - 1
# 99,000 to 121,000 for the sUSD pool's four coins, transfers included; what a coin adds is its part in the loops.
SWAP_GAS = 70_000
COIN_GAS = 10_000
_ROUNDS = 255


class Generation(NamedTuple):
    """How a pool's code counts.

    :param a_precision: units of A per whole one
    :param divisor_spare: added to the divisors in the product D^(n+1) / (n^n P), against a division by nought
    :param divides_last: whether that product is divided by n^n after all coins, and not by n with each
    :param keeps: units of the invariant that a swap leaves in the pool against rounding
    """

    a_precision: int
    divisor_spare: int
    divides_last: bool
    keeps: int


LENDING = Generation(a_precision=1, divisor_spare=1, divides_last=False, keeps=0)
"""Early 2020: Compound, Y, BUSD, PAX, sUSD. Balances after a swap are those of the invariant, rounded down."""
WHOLE_A = Generation(a_precision=1, divisor_spare=0, divides_last=False, keeps=1)
"""Later in 2020: ren, sBTC, hBTC, 3pool."""
PRECISE_A = Generation(a_precision=100, divisor_spare=0, divides_last=False, keeps=1)
"""Since the end of 2020."""
PRECISE_A_ETH = Generation(a_precision=100, divisor_spare=1, divides_last=False, keeps=1)
"""The pools of staked ETH and those of aTokens."""
PRECISE_A_FACTORY = Generation(a_precision=100, divisor_spare=0, divides_last=True, keeps=1)
"""The factory's, and the new generation's (stableswap-ng)."""
GENERATIONS = (LENDING, WHOLE_A, PRECISE_A, PRECISE_A_ETH, PRECISE_A_FACTORY)


class _Payment(NamedTuple):
    """One swap in the invariant's units: both coins after it, before fees; what is paid and the fee on it."""

    x: int
    y: int
    dy: int
    fee: int


@dataclass(frozen=True, slots=True)
class CurveStablePool:
    """A stable pool at one block. Raises InvalidPool.

    :param balances: base units, without the admin's
    :param rates: units of the invariant per base unit, times 10^18: 10^(36 - decimals) for plain coins; as they were at
        the block, though some rise with time
    :param amplification: A in the code's convention, A n^(n-1), times its generation's precision
    :param pool_fee: of what is paid out, in parts of 10^10
    :param admin_fee: the part of the fee that leaves the balances, in parts of 10^10
    :param offpeg_fee_multiplier: how many times the fee is charged far out of balance, in parts of 10^10; nought for
        pools that do not know it
    """

    address: str
    tokens: tuple[str, ...]
    balances: tuple[int, ...]
    rates: tuple[int, ...]
    amplification: int
    pool_fee: int
    admin_fee: int
    generation: Generation
    offpeg_fee_multiplier: int = 0
    _units: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _invariant: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        n = len(self.tokens)
        if not 2 <= n <= MAX_COINS or len(set(self.tokens)) != n:
            raise InvalidPool(f"pool {self.address}: {n} coins must be 2 to {MAX_COINS}, each another")
        if len(self.balances) != n or len(self.rates) != n or min(self.balances) < 0 or min(self.rates) <= 0:
            raise InvalidPool(f"pool {self.address}: {n} coins with balances {self.balances} and rates {self.rates}")
        if self.amplification <= 0 or self.amplification * n <= self.generation.a_precision:
            raise InvalidPool(f"pool {self.address}: A = {self.amplification} must be more than nought")
        if not (0 <= self.pool_fee < FEE_DENOMINATOR and 0 <= self.admin_fee <= FEE_DENOMINATOR):
            raise InvalidPool(f"pool {self.address}: fees {self.pool_fee}, {self.admin_fee} are not parts of 10^10")
        if not 0 <= self.offpeg_fee_multiplier * self.pool_fee < FEE_DENOMINATOR**2:
            raise InvalidPool(f"pool {self.address}: a fee times {self.offpeg_fee_multiplier} parts of 10^10 takes all")
        units = tuple(rate * balance // PRECISION for rate, balance in zip(self.rates, self.balances, strict=True))
        if sum(units) > MAX_UNITS:
            raise InvalidPool(f"pool {self.address}: balances {self.balances} are more than any pool holds")
        object.__setattr__(self, "_units", units)
        object.__setattr__(self, "_invariant", self._get_d(units) if min(units) else 0)

    @property
    def venue(self) -> str:
        """Always "curve"."""
        return "curve"

    @property
    def fee(self) -> int:
        """In ppm, rounded."""
        return round(self.pool_fee * FEE_UNIT / FEE_DENOMINATOR)

    @property
    def swap_gas(self) -> int:
        """Gas of `exchange` and of both transfers, by the number of coins."""
        return SWAP_GAS + COIN_GAS * len(self.tokens)

    def amount_out(self, token_in: str, token_out: str, amount_in: int) -> int:
        """`exchange`: every step floors as there; 0 for 0.

        A pool that keeps a unit cannot take so little that not even that comes out: InsufficientLiquidity, as it reverts.
        """
        check_amount(self, amount_in)
        i, j = self._indices(token_in, token_out)
        return self._paid(self._exchange(i, j, amount_in), j) if amount_in else 0

    def amount_in(self, token_in: str, token_out: str, amount_out: int) -> int:
        """An input that buys `amount_out`, while one base unit less does not.

        The invariant is solved the other way round, which is off by its rounding; then the chain's own answers decide.
        """
        check_amount(self, amount_out)
        i, j = self._indices(token_in, token_out)
        if amount_out == 0:
            return 0
        guess = self._guess_in(i, j, amount_out)
        low, high, step = guess, guess, 1
        while self._falls_short(i, j, high, amount_out):
            low, high, step = high, high + step, 2 * step
        step = 1
        while low and (low == high or not self._falls_short(i, j, low, amount_out)):
            low, high, step = max(low - step, 0), low, 2 * step
        while high - low > 1:
            middle = (low + high) // 2
            if self._falls_short(i, j, middle, amount_out):
                low = middle
            else:
                high = middle
        return high

    def swap(self, token_in: str, token_out: str, amount_in: int) -> tuple[int, CurveStablePool]:
        """Output and the pool after it; the admin's part of the fee leaves the balances."""
        check_amount(self, amount_in)
        i, j = self._indices(token_in, token_out)
        if amount_in == 0:
            return 0, self
        payment = self._exchange(i, j, amount_in)
        out = self._paid(payment, j)
        admin = payment.fee * self.admin_fee // FEE_DENOMINATOR
        balances = list(self.balances)
        if self.generation == LENDING:
            balances[i] = payment.x * PRECISION // self.rates[i]
            balances[j] = (payment.y + payment.fee - admin) * PRECISION // self.rates[j]
        else:
            balances[i] += amount_in
            balances[j] -= out + admin * PRECISION // self.rates[j]
        return out, replace(self, balances=tuple(balances))

    def marginal_price(self, token_in: str, token_out: str) -> float:
        """The invariant's slope after the fee."""
        i, j = self._indices(token_in, token_out)
        curve = self.price_curve(token_in, token_out)
        if curve is None:
            return 0.0
        return curve.marginal * (1 - self._fee_rate(self._units[i], self._units[j]) / FEE_DENOMINATOR)

    def price_curve(self, token_in: str, token_out: str) -> Stable | None:
        """The invariant in floats, with the least fee on the output that a swap in this direction is charged.

        A fee that moves is least in balance: on the way there it falls, on the way from there it rises.
        """
        i, j = self._indices(token_in, token_out)
        if not self._invariant:
            return None
        leaves_balance = self._units[i] >= self._units[j]
        fee = self._fee_rate(self._units[i], self._units[j]) if leaves_balance else self.pool_fee
        return Stable.of_pool(
            [float(units) for units in self._units],
            self._ann / self.generation.a_precision,
            i,
            j,
            self.rates[i] / PRECISION,
            self.rates[j] / PRECISION,
            gamma_out=1 - fee / FEE_DENOMINATOR,
        )

    def quotes(self, i: int, j: int, amount: int) -> tuple[int, ...]:
        """What the pool's view `get_dy` may say of coin `i` for coin `j`: the fee taken before or after the rounding.

        Nothing where it reverts. Pools are recognised by it; what a swap pays is `amount_out`.
        """
        try:
            payment = self._exchange(i, j, amount)
            paid = self._paid(payment, j)
        except InsufficientLiquidity:
            return ()
        gross = payment.dy * PRECISION // self.rates[j]
        return paid, gross - gross * self.pool_fee // FEE_DENOMINATOR

    @property
    def _ann(self) -> int:
        return self.amplification * len(self.tokens)

    def _indices(self, token_in: str, token_out: str) -> tuple[int, int]:
        check_tokens(self, token_in, token_out)
        return self.tokens.index(token_in), self.tokens.index(token_out)

    def _exchange(self, i: int, j: int, amount: int) -> _Payment:
        if not self._invariant:
            raise InsufficientLiquidity(f"pool {self.address} is empty, or too far out of balance")
        given = amount * self.rates[i] // PRECISION
        if sum(self._units) + given > MAX_UNITS:
            raise InsufficientLiquidity(f"pool {self.address} cannot hold {amount} more of {self.tokens[i]}")
        x = self._units[i] + given
        y = self._get_y(i, j, x)
        dy = self._units[j] - y - self.generation.keeps
        rate = self._fee_rate((self._units[i] + x) // 2, (self._units[j] + y) // 2)
        return _Payment(x, y, dy, dy * rate // FEE_DENOMINATOR)

    def _fee_rate(self, units_in: int, units_out: int) -> int:
        """_dynamic_fee of the mean balances during a swap, in parts of 10^10."""
        multiplier = self.offpeg_fee_multiplier
        if multiplier <= FEE_DENOMINATOR:
            return self.pool_fee
        balance = (multiplier - FEE_DENOMINATOR) * 4 * units_in * units_out // (units_in + units_out) ** 2
        return multiplier * self.pool_fee // (balance + FEE_DENOMINATOR)

    def _paid(self, payment: _Payment, j: int) -> int:
        if payment.dy < 0:
            raise InsufficientLiquidity(f"pool {self.address} takes no amount so small that it pays nothing")
        return (payment.dy - payment.fee) * PRECISION // self.rates[j]

    def _falls_short(self, i: int, j: int, amount: int, wanted: int) -> bool:
        payment = self._exchange(i, j, amount)
        return payment.dy < 0 or self._paid(payment, j) < wanted

    def _guess_in(self, i: int, j: int, amount_out: int) -> int:
        """Right but for rounding and for a fee that moves: the invariant with coin `j` as it has to be, solved for coin `i`."""
        net = -(-amount_out * self.rates[j] // PRECISION)
        gross = -(-net * FEE_DENOMINATOR // (FEE_DENOMINATOR - self.pool_fee))
        left = self._units[j] - gross - self.generation.keeps
        if not self._invariant or left <= 0:
            raise InsufficientLiquidity(
                f"pool {self.address} holds {self.balances[j]} of {self.tokens[j]}, asked for {amount_out}"
            )
        more = self._get_y(j, i, left) - self._units[i]
        return max(-(-more * PRECISION // self.rates[i]), 1)

    def _get_d(self, units: Sequence[int]) -> int:
        """get_D, for balances above nought; nought where it overflows there, and every swap with it."""
        n, total = len(units), sum(units)
        ann, precision = self._ann, self.generation.a_precision
        spare, last = self.generation.divisor_spare, self.generation.divides_last
        each, end = (1, n**n) if last else (n, 1)
        d = total
        for _ in range(_ROUNDS):
            product = d
            for x in units:
                product *= d
                if product > MAX_UINT:
                    return 0
                product //= x * each + spare
            product //= end
            before = d
            above = (ann * total // precision + product * n) * d
            if above > MAX_UINT:
                return 0
            d = above // ((ann - precision) * d // precision + (n + 1) * product)
            if abs(d - before) <= 1:
                break
        return d

    def _get_y(self, i: int, j: int, x: int) -> int:
        """get_y: coin `j` when there are `x` units of coin `i`. Raises InsufficientLiquidity where it overflows."""
        n, d, ann, precision = len(self.tokens), self._invariant, self._ann, self.generation.a_precision
        c, total = d, 0
        for k, held in enumerate(self._units):
            if k == j:
                continue
            units = x if k == i else held
            total += units
            c *= d
            if c > MAX_UINT:
                raise InsufficientLiquidity(f"pool {self.address} is too far out of balance for its own numbers")
            c //= units * n
        c = c * d * precision
        if c > MAX_UINT:
            raise InsufficientLiquidity(f"pool {self.address} is too far out of balance for its own numbers")
        c //= ann * n
        b = total + d * precision // ann - d
        y = d
        for _ in range(_ROUNDS):
            before = y
            y = (y * y + c) // (2 * y + b)
            if abs(y - before) <= 1:
                break
        return y
