"""What is asked of an aggregator and what it answers. Amounts are integers in base units."""

from dataclasses import dataclass, field
from typing import Protocol

from eth_utils.address import is_checksum_address

from keeper.aggregators.errors import RequestRefused

# How aggregators name the chain's own coin. The executor trades ERC-20 tokens alone.
NATIVE = "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE"
SLIPPAGE_MAX_BPS = 2_000  # what the keeper's policy, and KyberSwap, allow at most
_BPS = 10_000


@dataclass(frozen=True, slots=True)
class SwapRequest:
    """A swap of an exact amount. Addresses are checksummed.

    :param taker: who calls the aggregator and owns what is sold: the executor
    :param receiver: who gets what is bought; the executor too, or nothing could measure it
    :param origin: the account that signs the transaction; some venues price it, 1inch wants it
    :param vault: the vault that is being rebalanced, which no aggregator may call
    :param slippage_bps: by how much what arrives may fall short of the quote
    :param gas_price: wei, for venues that weigh routes by their gas
    :raises RequestRefused: an address without its checksum, a native coin, one token twice, a number out of range
    """

    chain_id: int
    sell_token: str
    buy_token: str
    sell_amount: int
    sell_decimals: int
    buy_decimals: int
    taker: str
    receiver: str
    origin: str
    vault: str
    slippage_bps: int
    gas_price: int

    def __post_init__(self) -> None:
        for name in ("sell_token", "buy_token", "taker", "receiver", "origin", "vault"):
            value = getattr(self, name)
            if not is_checksum_address(value) or not int(value, 16):
                raise RequestRefused(f"{name} {value!r} is no checksummed address: give one")
            if value == NATIVE:
                raise RequestRefused(f"{name} is the native coin: name its wrapped token")
        if self.sell_token == self.buy_token:
            raise RequestRefused(f"sell_token and buy_token are both {self.sell_token}: name two tokens")
        limits = {
            "chain_id": (1, 2**64),
            "sell_amount": (1, 2**256),
            "sell_decimals": (0, 256),
            "buy_decimals": (0, 256),
            "slippage_bps": (0, SLIPPAGE_MAX_BPS + 1),
            "gas_price": (1, 2**64),
        }
        for name, (least, beyond) in limits.items():
            value = getattr(self, name)
            if not least <= value < beyond:
                raise RequestRefused(f"{name} {value} is not in {least} to {beyond - 1}: give one that is")

    def least_of_down(self, buy_amount: int) -> int:
        """The least that may arrive of a quoted amount; rounded down, as venues round their minimum."""
        return buy_amount * (_BPS - self.slippage_bps) // _BPS


@dataclass(frozen=True, slots=True)
class Quote:
    """An aggregator's answer. What it promises is not what arrives: only a simulation tells.

    :param taker: who has to call `target`
    :param least_buy: what the venue says will arrive at least
    :param target: the contract to call with `calldata`
    :param spender: who needs an allowance of `sell_amount`
    :param value: wei to send along
    :param calldata: empty where the venue only tells a price
    :param gas: of the call, as the venue estimates it; None where it says nothing
    """

    venue: str
    chain_id: int
    taker: str
    sell_token: str
    buy_token: str
    sell_amount: int
    buy_amount: int
    least_buy: int
    target: str
    spender: str
    value: int
    calldata: bytes = field(repr=False)
    gas: int | None

    @property
    def selector(self) -> bytes:
        """The function that is called; with target and spender what the executor's owner pins."""
        return self.calldata[:4]

    @property
    def is_executable(self) -> bool:
        """Whether this is a call, or only a price to hold others against."""
        return bool(self.calldata)


def percent(bps: int) -> str:
    """As in `0.30` for 30."""
    return f"{bps // 100}.{bps % 100:02d}"


class Aggregator(Protocol):
    """A venue that quotes swaps over HTTP."""

    @property
    def venue(self) -> str:
        """Its name, as quotes and errors carry it."""

    def quote(self, request: SwapRequest) -> Quote:
        """A quote that `check` has let through.

        :raises AggregatorError: there is none; the class says why
        """
