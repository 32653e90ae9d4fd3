"""What is known of a pool before its state is read, and what a token is worth."""

from dataclasses import dataclass

WAD = 10**18
ZERO = "0x" + "0" * 40


@dataclass(frozen=True, slots=True)
class Priced:
    """A token that the oracle prices: WAD USD per whole token."""

    price: int
    decimals: int

    def usd(self, amount: int) -> float:
        """What base units are worth, to rank pools by depth; not for money maths."""
        return amount / 10.0**self.decimals * (self.price / WAD)


@dataclass(frozen=True, slots=True)
class Found:
    """A pool that exists; its state is read when it is deep enough."""

    venue: str
    address: str
    tokens: tuple[str, ...]
    fee: int = 0  # ppm, where the venue tells pools apart by it
    pool_id: str = ""  # bytes32 in hex, on Balancer
