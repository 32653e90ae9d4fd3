"""What the contracts have to answer, in exact rationals, written from the specification and not from their code.

Amounts are base units, prices WAD USD per whole token, values WAD USD, ratios WAD. Nothing here rounds before its last step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

WAD = 10**18
RAY = 10**27
YEAR = 31_557_600  # s, 365.25 days


@dataclass(frozen=True, slots=True)
class Holding:
    """One asset of a basket."""

    balance: int
    decimals: int
    price: int
    target: int

    @property
    def value(self) -> int:
        """WAD USD, rounded down, as the vault counts what it holds."""
        return floor(Fraction(self.balance * self.price, 10**self.decimals))


def nav(basket: Sequence[Holding]) -> int:
    """WAD USD."""
    return sum(holding.value for holding in basket)


def weights(basket: Sequence[Holding]) -> list[int]:
    """WAD shares of NAV, rounded down; zeros for an empty basket."""
    total = nav(basket)
    return [floor(Fraction(holding.value * WAD, total)) if total else 0 for holding in basket]


def drift(basket: Sequence[Holding]) -> int:
    """Half the sum of |weight - target|, WAD, rounded down once; 0 for an empty basket."""
    total = nav(basket)
    if not total:
        return 0
    off = sum(abs(Fraction(holding.value, total) - Fraction(holding.target, WAD)) for holding in basket)
    return floor(off / 2 * WAD)


def outside_band(basket: Sequence[Holding], bands: Sequence[int]) -> bool:
    """Whether any weight is further from its target than its band."""
    total = nav(basket)
    return any(
        abs(Fraction(holding.value, total) - Fraction(holding.target, WAD)) > Fraction(band, WAD)
        for holding, band in zip(basket, bands, strict=True)
    )


def surplus(basket: Sequence[Holding], index: int) -> int:
    """Base units of an asset over its target, rounded down; 0 at or under target."""
    holding = basket[index]
    wanted = ceil(Fraction(holding.target * nav(basket), WAD))
    return max(0, floor(Fraction((holding.value - wanted) * 10**holding.decimals, holding.price)))


def deficit_value(basket: Sequence[Holding], index: int) -> int:
    """WAD USD of an asset under its target, rounded down; 0 at or over target."""
    holding = basket[index]
    return max(0, floor(Fraction(holding.target * nav(basket), WAD)) - holding.value)


def cost(balances: Sequence[int], shares: int, supply: int) -> list[int]:
    """What `shares` of `supply` cost, base units, rounded up."""
    return [ceil(Fraction(balance * shares, supply)) for balance in balances]


def payout(balances: Sequence[int], shares: int, supply: int) -> list[int]:
    """What `shares` of `supply` pay, base units, rounded down."""
    return [floor(Fraction(balance * shares, supply)) for balance in balances]


def seed_cost(units: Sequence[int], shares: int, dead_shares: int) -> list[int]:
    """What the first `shares` cost, the dead ones included, base units, rounded up."""
    return [ceil(Fraction(unit * (shares + dead_shares), WAD)) for unit in units]


def value_up(amount: int, price: int, decimals: int) -> int:
    """WAD USD of what leaves, rounded up."""
    return ceil(Fraction(amount * price, 10**decimals))


def value_down(amount: int, price: int, decimals: int) -> int:
    """WAD USD of what comes, rounded down."""
    return floor(Fraction(amount * price, 10**decimals))


def bound(elapsed: int, duration: int, start_premium: int, max_discount: int) -> int:
    """Least value in per value out after `elapsed` seconds, WAD, rounded up."""
    return ceil(WAD + start_premium - Fraction((start_premium + max_discount) * elapsed, duration))


def due(value_out: int, bound: int) -> int:
    """WAD USD that has to come for `value_out`, rounded up."""
    return ceil(Fraction(value_out * bound, WAD))


def loss_share(value_out: int, value_in: int, nav: int) -> int:
    """What a fill lost as a share of the NAV before it, WAD, rounded up; 0 without a loss."""
    return max(0, ceil(Fraction((value_out - value_in) * WAD, nav)))


def undrained(loss: int, elapsed: int, max_loss: int, window: int) -> int:
    """What is left of a loss when all of `max_loss` drains in a window, WAD share of NAV, rounded up."""
    return max(0, ceil(loss - Fraction(max_loss * elapsed, window)))


def targets_at(old: Sequence[int], new: Sequence[int], start: int, end: int, now: int) -> list[int]:
    """WAD targets on the way from `old` to `new`: differences of the interpolated sums, each rounded down."""
    if now >= end:
        return list(new)
    if now <= start:
        return list(old)
    part = Fraction(now - start, end - start)
    sums = [floor((1 - part) * sum(old[:upto]) + part * sum(new[:upto])) for upto in range(len(old) + 1)]
    return [upto - before for before, upto in pairwise(sums)]


def reach(speed: int, elapsed: int) -> int:
    """How far a band may move after so many seconds, WAD, rounded down."""
    return floor(Fraction(speed * elapsed, 86400))


def streamed(supply: int, fraction: int, annual: int, elapsed: int) -> tuple[int, int]:
    """Shares that a streaming fee (WAD a year) makes in so many seconds, base units and the WAD fraction left over.

    The power by squaring in RAY, from the lowest bit up, each product rounded down.
    """
    square, power, rest = RAY + annual // 10**12 * (RAY // 10**6) // YEAR, RAY, min(elapsed, 20 * YEAR)
    while rest:
        if rest % 2:
            power = power * square // RAY
        square = square * square // RAY
        rest //= 2
    return divmod((supply * WAD + fraction) * power // RAY - supply * WAD, WAD)


def mint_fee(shares: int, fee: int) -> int:
    """Shares on top of `shares`, so that they are `fee` (WAD) of all that are made, rounded up."""
    return ceil(Fraction(shares * WAD, WAD - fee)) - shares


def redeem_fee(shares: int, fee: int) -> int:
    """The part of `shares` that the recipient gets, rounded up."""
    return ceil(Fraction(shares * fee, WAD))
