"""Lido's wstETH as a pool of it and stETH: wrap and unwrap.

One wstETH is one share of stETH, and stETH is counted in shares whatever its transfers say. With P ether behind S
shares:

    wrap(a)      floor(a S / P) wstETH; as many shares leave the holder
    unwrap(w)    a = floor(w P / S) stETH are sent, which moves t = floor(a S / P) shares: w, or one less

An executor measures what came as the difference of two balances, floor(s P / S) of its shares s before and after. For
one that has no stETH, that is floor(t P / S), and the amounts here are exact to the wei. Between transactions an
executor has none but a share or two of dust; with them it measures that amount or one wei more, never less.

The rate moves with the oracle's daily report, which is a transaction, and not with time. stETH that goes to any other
pool may arrive a wei or two short; the amounts of such a pool are for what arrives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from keeper.markets.pool import InvalidPool, check_amount, check_tokens
from keeper.markets.wrapper import Fraction, Wrapper

# 70,000 measured on the devnet, whose stETH stands behind no proxy.
SWAP_GAS = 110_000


@dataclass(frozen=True, slots=True)
class WstETHPool(Wrapper):
    """wstETH; its own address is the wrapped token. Raises InvalidPool.

    :param rate: stETH in wei (the assets) for shares
    :param most_wrap: stETH that can be wrapped at most: all that is not
    :param most_unwrap: wstETH that can be unwrapped at most: all there is
    """

    address: str
    steth: str
    rate: Fraction
    most_wrap: int
    most_unwrap: int

    def __post_init__(self) -> None:
        if self.steth == self.address:
            raise InvalidPool(f"wrapper {self.address} wraps itself")
        if self.rate.assets <= 0 or self.rate.shares <= 0:
            raise InvalidPool(
                f"wrapper {self.address}: {self.rate.assets} wei for {self.rate.shares} shares is no rate"
            )
        if self.most_wrap < 0 or self.most_unwrap < 0:
            raise InvalidPool(f"wrapper {self.address}: limits {self.most_wrap}, {self.most_unwrap} are negative")

    @property
    def venue(self) -> str:
        """Always "wsteth"."""
        return "wsteth"

    @property
    def unwrapped(self) -> str:
        """StETH."""
        return self.steth

    @property
    def swap_gas(self) -> int:
        """Gas of either direction with its transfers."""
        return SWAP_GAS

    def amount_out(self, token_in: str, token_out: str, amount_in: int) -> int:
        """What an executor without stETH of its own gets; a wei is worth no share. Raises InsufficientLiquidity."""
        check_amount(self, amount_in)
        self._check_limit(token_in, token_out, amount_in)
        shares = self.rate.to_shares_down(amount_in if token_in == self.steth else self.rate.to_assets_down(amount_in))
        return shares if token_in == self.steth else self.rate.to_assets_down(shares)

    def amount_in(self, token_in: str, token_out: str, amount_out: int) -> int:
        """The least input that is paid `amount_out`. Raises InsufficientLiquidity."""
        check_amount(self, amount_out)
        check_tokens(self, token_in, token_out)
        if token_in == self.steth:
            amount = self.rate.to_assets_up(amount_out)
        else:
            # Backwards through the three floors: shares that have to arrive, stETH that moves them, wstETH worth that.
            amount = self.rate.to_shares_up(self.rate.to_assets_up(self.rate.to_shares_up(amount_out)))
        self._check_limit(token_in, token_out, amount)
        return amount

    def swap(self, token_in: str, token_out: str, amount_in: int) -> tuple[int, WstETHPool]:
        """What is paid and the wrapper after it; the rate stays."""
        out = self.amount_out(token_in, token_out, amount_in)
        steth, wrapped = (amount_in, out) if token_in == self.steth else (-out, -amount_in)
        return out, replace(self, most_wrap=self.most_wrap - steth, most_unwrap=self.most_unwrap + wrapped)

    def _rate(self, *, wraps: bool) -> Fraction:
        return self.rate

    def _most(self, *, wraps: bool) -> int:
        return self.most_wrap if wraps else self.most_unwrap
