"""Shares, the fees in shares, and what redemptions could not pay."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from fuzz.evm import ZERO
from fuzz.model.numbers import RAY, WAD, YEAR, Rules, down, up

DEAD_SHARES = 10**16
DEAD = "0x000000000000000000000000000000000000dead"
MIN_SEED = 10_000  # base units
MAX_STREAMING = 5 * WAD // 100
MAX_FEE = 2 * WAD // 100
FEE_UNIT = 10**12
NO_CAP = 2**256 - 1


class Fees(NamedTuple):
    """IIndexVault.Fees, in its order."""

    recipient: str = ZERO
    streaming: int = 0  # WAD share a year
    mint: int = 0  # WAD share
    redeem: int = 0  # WAD share

    def check(self) -> Rules:
        """What is wrong with them."""
        rules = Rules()
        has_some = bool(self.streaming or self.mint or self.redeem)
        rules.need(not has_some or self.recipient != ZERO, "fees: no recipient")
        rules.need(self.streaming <= MAX_STREAMING, "fees: streaming too large")
        rules.need(self.mint <= MAX_FEE and self.mint % FEE_UNIT == 0, "fees: bad mint fee")
        rules.need(self.redeem <= MAX_FEE and self.redeem % FEE_UNIT == 0, "fees: bad redeem fee")
        return rules

    def priced(self, shares: int) -> int:
        """The shares that a mint of `shares` pays for, rounded up."""
        return up(shares * WAD, WAD - self.mint)

    def kept(self, shares: int) -> int:
        """The shares that a redemption of `shares` leaves to the recipient, rounded up."""
        return up(shares * self.redeem, WAD)


def power(base: int, exponent: int) -> int:
    """base^exponent in RAY, each multiplication rounded to the nearest, as MakerDAO's `rpow`."""
    found = base if exponent % 2 else RAY
    exponent //= 2
    while exponent:
        base = down(base * base + RAY // 2, RAY)
        if exponent % 2:
            found = down(found * base + RAY // 2, RAY)
        exponent //= 2
    return found


@dataclass
class Shares:
    """Who holds how many, and what is due to the recipient of fees."""

    accrued_at: int
    fees: Fees = Fees()
    cap: int = NO_CAP
    total: int = 0
    carried: int = 0  # of a share's wei, in RAY, that belongs to the recipient already
    balances: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    allowances: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    claims: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def due(self, now: int) -> tuple[int, int]:
        """Shares that the streaming fee has earned and that are not made yet, and what is carried over."""
        rate = RAY + down(self.fees.streaming * (RAY // WAD), YEAR)
        grown = self.total * RAY + self.carried if self.fees.streaming else self.total * RAY
        grown = down((self.total * RAY + self.carried) * power(rate, now - self.accrued_at), RAY)
        return divmod(grown - self.total * RAY, RAY)

    def supply(self, now: int) -> int:
        """What mint, redeem and the previews divide by."""
        return self.total + self.due(now)[0]

    def accrue(self, now: int) -> int:
        """Make what is due; how much that was."""
        made, self.carried = self.due(now)
        self.accrued_at = now
        self.make(self.fees.recipient, made)
        return made

    def make(self, receiver: str, shares: int) -> None:
        """New shares."""
        self.total += shares
        self.balances[receiver] += shares

    def burn(self, owner: str, shares: int) -> None:
        """Shares into nothing; the owner has them."""
        self.total -= shares
        self.balances[owner] -= shares

    def move(self, owner: str, receiver: str, shares: int) -> Rules:
        """A transfer; what is wrong with it."""
        rules = Rules()
        rules.need(receiver != ZERO, "erc20: transfer to the zero address")
        if rules.need(self.balances[owner] >= shares, "erc20: transfer amount exceeds balance") and not rules.broken:
            self.balances[owner] -= shares
            self.balances[receiver] += shares
        return rules

    def claimed(self, asset: str) -> int:
        """Base units of all claims on an asset."""
        return sum(amount for (_, of), amount in self.claims.items() if of == asset)
