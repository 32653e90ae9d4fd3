"""EIP-1559 fees: twice the base fee and a tip that recent blocks accepted, under a cap; the form of Lido's keepers."""

from dataclasses import dataclass
from decimal import Decimal
from statistics import median_low

from keeper.chain.rpc import Client
from keeper.errors import TransactionError
from keeper.settings import FeeSettings

GWEI = 10**9


class GasTooExpensive(TransactionError):
    """The price of gas is above the cap."""


@dataclass(frozen=True, slots=True)
class Fees:
    """Wei per gas."""

    base_fee: int
    tip: int
    max_fee: int

    @property
    def expected(self) -> int:
        """What a transaction in the next block pays, as far as is known: the base fee may rise by an eighth."""
        return min(self.base_fee + self.base_fee // 8 + self.tip, self.max_fee)


def choose(base_fee: int, tips: list[int], settings: FeeSettings) -> Fees:
    """Fees from the latest base fee and the tips that recent blocks paid, in wei per gas.

    `max_fee` stays valid through six full blocks in a row (1.125^6 > 2), unless the cap cuts it.

    :raises GasTooExpensive: base fee and tip together are above `gas_price_max_gwei`
    """
    cap = wei(settings.gas_price_max_gwei)
    tip = min(max(median_low(tips) if tips else 0, wei(settings.tip_min_gwei)), wei(settings.tip_max_gwei))
    if base_fee + tip > cap:
        raise GasTooExpensive(
            f"gas costs {(base_fee + tip) / GWEI:.2f} gwei, more than gas_price_max_gwei "
            f"({settings.gas_price_max_gwei:g}): wait or raise it"
        )
    return Fees(base_fee, tip, min(2 * base_fee + tip, cap))


def current(client: Client, settings: FeeSettings) -> Fees:
    """Fees for a transaction that is sent now.

    :raises GasTooExpensive: see `choose`
    :raises ChainError: the endpoint fails
    """
    history = client.read("eth_feeHistory", hex(settings.tip_blocks), "latest", [settings.tip_percentile])
    # The last entry is the base fee of the block to come.
    base_fee = int(history["baseFeePerGas"][-1], 16)
    tips = [int(rewards[0], 16) for rewards in history.get("reward") or [] if rewards]
    return choose(base_fee, tips, settings)


def wei(gwei: float) -> int:
    """Wei of a decimal number of gwei, exactly."""
    return int(Decimal(str(gwei)) * GWEI)
