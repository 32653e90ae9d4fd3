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
MAX_SUPPLY = 2**96 - 1
MAX_ELAPSED = 20 * YEAR


class Fees(NamedTuple):
    """IIndexVault.Fees, in its order."""

    recipient: str = ZERO
    streaming: int = 0  # WAD share a year
    mint: int = 0  # WAD share of what is made
    redeem: int = 0  # WAD share of what is redeemed

    def check(self, vault: str) -> Rules:
        """What is wrong with them."""
        rules = Rules()
        charges = (self.streaming, self.mint, self.redeem)
        rules.need(not any(charges) or self.recipient not in (ZERO, vault), "fees: bad recipient")
        rules.need(self.streaming <= MAX_STREAMING and max(self.mint, self.redeem) <= MAX_FEE, "fees: too high")
        rules.need(all(charge % FEE_UNIT == 0 for charge in charges), "fees: not in millionths")
        return rules

    def priced(self, shares: int) -> int:
        """The shares that a mint of `shares` pays for, rounded up."""
        return up(shares * WAD, WAD - self.mint)

    def kept(self, shares: int) -> int:
        """The shares that a redemption of `shares` leaves to the recipient, rounded up."""
        return up(shares * self.redeem, WAD)


def growth(yearly: int, seconds: int, unit: int = RAY) -> int:
    """(1 + yearly / YEAR)^seconds in `unit`: by squaring, each product rounded down.

    :param yearly: WAD; the share of a second is rounded down to a RAY first
    """
    square = (RAY + down(yearly * (RAY // WAD), YEAR)) * unit // RAY
    found = unit
    while seconds:
        if seconds % 2:
            found = down(found * square, unit)
        square = down(square * square, unit)
        seconds //= 2
    return found


@dataclass
class Shares:
    """Who holds how many, and what is due to the recipient of fees."""

    accrued_at: int
    fees: Fees
    cap: int = MAX_SUPPLY
    total: int = 0
    carried: int = 0  # WAD of a base unit that the recipient has earned already
    balances: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    allowances: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    claims: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def due(self, now: int) -> tuple[int, int]:
        """Base units that the streaming fee has earned and that are not made yet, and the part of one that is left, WAD."""
        if not self.fees.streaming:
            return 0, self.carried
        elapsed = min(now - self.accrued_at, MAX_ELAPSED)
        grown = down((self.total * WAD + self.carried) * growth(self.fees.streaming, elapsed), RAY)
        return divmod(grown - self.total * WAD, WAD)

    def supply(self, now: int) -> int:
        """What mint, redeem and the previews divide by."""
        return self.total + self.due(now)[0]

    def accrue(self, now: int) -> int:
        """Make what is due; the supply after it."""
        made, self.carried = self.due(now)
        self.accrued_at = now
        self.make(self.fees.recipient, made)
        return self.total

    def make(self, receiver: str, shares: int) -> None:
        """New shares."""
        self.total += shares
        if shares:
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
