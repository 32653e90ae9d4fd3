"""What wrapped tokens have in common as pools: two tokens, a rate in each direction, a limit, and no fee."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from keeper.markets.pool import InsufficientLiquidity, check_tokens
from keeper.markets.price_curves import Rate


class Fraction(NamedTuple):
    """`assets` base units for `shares` base units."""

    assets: int
    shares: int

    def to_shares_down(self, assets: int) -> int:
        """Shares for so many assets."""
        return assets * self.shares // self.assets

    def to_assets_down(self, shares: int) -> int:
        """Assets for so many shares."""
        return shares * self.assets // self.shares

    def to_shares_up(self, assets: int) -> int:
        """The least shares that are worth so many assets."""
        return -(-assets * self.shares // self.assets)

    def to_assets_up(self, shares: int) -> int:
        """The least assets that are worth so many shares."""
        return -(-shares * self.assets // self.shares)

    def grown(self, assets: int, shares: int) -> Fraction:
        """With more on both sides, or less."""
        return Fraction(self.assets + assets, self.shares + shares)


class Wrapper(ABC):
    """A token and the one that stands for it; subclasses say at what rate and up to which limit."""

    __slots__ = ()

    address: str

    @property
    @abstractmethod
    def unwrapped(self) -> str:
        """The token that is wrapped."""

    @abstractmethod
    def _rate(self, *, wraps: bool) -> Fraction: ...

    @abstractmethod
    def _most(self, *, wraps: bool) -> int: ...

    @property
    def tokens(self) -> tuple[str, ...]:
        """The two, the wrapped one's own address last."""
        return self.unwrapped, self.address

    @property
    def fee(self) -> int:
        """None."""
        return 0

    def marginal_price(self, token_in: str, token_out: str) -> float:
        """The rate; 0.0 if there is nothing to take."""
        curve = self.price_curve(token_in, token_out)
        return 0.0 if curve is None else curve.rate

    def price_curve(self, token_in: str, token_out: str) -> Rate | None:
        """One rate up to the limit."""
        check_tokens(self, token_in, token_out)
        wraps = token_in == self.unwrapped
        assets, shares = self._rate(wraps=wraps)
        most = self._most(wraps=wraps)
        return Rate(shares / assets if wraps else assets / shares, float(most)) if most else None

    def _check_limit(self, token_in: str, token_out: str, amount: int) -> None:
        check_tokens(self, token_in, token_out)
        most = self._most(wraps=token_in == self.unwrapped)
        if amount > most:
            raise InsufficientLiquidity(f"wrapper {self.address} takes at most {most} of {token_in}, not {amount}")
