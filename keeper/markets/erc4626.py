"""ERC-4626 vaults as pools of an asset and the share that stands for it: deposit and redeem (EIP-4626).

What a vault says of itself with `previewDeposit` and `previewRedeem` is, for those that are pools here, one fraction:

    shares for a deposit      floor(amount * shares / assets)
    assets for a redemption   floor(amount * assets / shares)

A plain pot has (totalAssets, totalSupply), OpenZeppelin's adds its virtual pair (1, 10^offset) to it, and a vault by
index (Aave's static aTokens, Maker's savings DAI) has (index, 10^27). Which one, the reader finds out by asking; a
vault that none fits, one with a fee for example, is not a pool.

Interest makes shares dearer by the second, so the block in which a transaction lands decides. The pool therefore has
two fractions: a redemption is paid by that of the block that was read, a deposit by that of the last second at which
the transaction may land. Executed at these times the amounts are exact; in between the chain pays the same or more, as
long as nothing but time moves the rate. With no time between the two, both directions are exact, to the wei.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from keeper.markets.pool import InsufficientLiquidity, InvalidPool, check_amount
from keeper.markets.wrapper import Fraction, Wrapper

# Measured for a deposit into Aave's wrapper, which updates the reserve and mints twice; a redemption takes 200,000.
SWAP_GAS = 300_000


@dataclass(frozen=True, slots=True)
class ERC4626Pool(Wrapper):
    """An ERC-4626 vault; its own address is the share. Raises InvalidPool.

    :param paying: what redemptions are paid by, of the block that was read
    :param taking: what deposits are taken at, of the last moment
    :param most_deposit: assets that it takes at most
    :param most_redeem: shares that it takes back at most
    :param is_pot: whether deposits and redemptions move the fraction, which they do not where an index sets it
    """

    address: str
    asset: str
    paying: Fraction
    taking: Fraction
    most_deposit: int
    most_redeem: int
    is_pot: bool

    def __post_init__(self) -> None:
        if self.asset == self.address:
            raise InvalidPool(f"vault {self.address} is its own asset")
        for fraction in (self.paying, self.taking):
            if fraction.assets <= 0 or fraction.shares <= 0:
                raise InvalidPool(
                    f"vault {self.address}: {fraction.assets} assets for {fraction.shares} shares is no rate"
                )
        if self.most_deposit < 0 or self.most_redeem < 0:
            raise InvalidPool(f"vault {self.address}: limits {self.most_deposit}, {self.most_redeem} are negative")
        if self.is_pot and self.most_redeem >= min(self.paying.shares, self.taking.shares):
            raise InvalidPool(f"vault {self.address}: all of its shares, {self.most_redeem}, would leave no rate")

    @property
    def venue(self) -> str:
        """Always "erc4626"."""
        return "erc4626"

    @property
    def unwrapped(self) -> str:
        """The asset."""
        return self.asset

    @property
    def swap_gas(self) -> int:
        """Gas of a deposit or a redemption with its transfers."""
        return SWAP_GAS

    def amount_out(self, token_in: str, token_out: str, amount_in: int) -> int:
        """What the vault pays; 0 for 0. Raises InsufficientLiquidity beyond its limits.

        So it does for an amount that is worth nothing: most vaults refuse it.
        """
        check_amount(self, amount_in)
        self._check_limit(token_in, token_out, amount_in)
        deposits = token_in == self.asset
        out = self.taking.to_shares_down(amount_in) if deposits else self.paying.to_assets_down(amount_in)
        if amount_in and not out:
            raise InsufficientLiquidity(f"vault {self.address} pays nothing for {amount_in} of {token_in}")
        return out

    def amount_in(self, token_in: str, token_out: str, amount_out: int) -> int:
        """The least input that is paid `amount_out`. Raises InsufficientLiquidity beyond the vault's limits."""
        check_amount(self, amount_out)
        deposits = token_in == self.asset
        amount = self.taking.to_assets_up(amount_out) if deposits else self.paying.to_shares_up(amount_out)
        self._check_limit(token_in, token_out, amount)
        return amount

    def swap(self, token_in: str, token_out: str, amount_in: int) -> tuple[int, ERC4626Pool]:
        """What is paid and the vault after it."""
        out = self.amount_out(token_in, token_out, amount_in)
        assets, shares = (amount_in, out) if token_in == self.asset else (-out, -amount_in)
        moved = (assets, shares) if self.is_pot else (0, 0)
        return out, replace(
            self,
            paying=self.paying.grown(*moved),
            taking=self.taking.grown(*moved),
            most_deposit=self.most_deposit - assets,
            most_redeem=self.most_redeem + shares,
        )

    def _rate(self, *, wraps: bool) -> Fraction:
        return self.taking if wraps else self.paying

    def _most(self, *, wraps: bool) -> int:
        return self.most_deposit if wraps else self.most_redeem
