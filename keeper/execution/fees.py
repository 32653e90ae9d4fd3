"""What a transaction costs: EIP-1559 fees, what a rollup asks for its data on layer 1, and the caps on both.

Fees are twice the base fee and a tip that recent blocks accepted, under a cap; the form of Lido's keepers.

    TransactionError
    ├── GasTooExpensive    the price of gas is above its cap
    ├── CostAboveCap       the transaction costs more wei than it may
    └── CostAboveBenefit   it costs more than its share of what it brings
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from statistics import median_low
from typing import Any, Protocol

from eth_abi.exceptions import DecodingError
from eth_utils.conversions import to_bytes

from keeper.chain.abi import Function
from keeper.chain.rpc import Client
from keeper.errors import ChainError, TransactionError
from keeper.execution.eip1559 import Transaction, unsigned
from keeper.settings import FeeSettings

GWEI = 10**9

# https://specs.optimism.io/protocol/predeploys.html#gaspriceoracle: wei for the data of an unsigned transaction; it adds the
# signature's bytes itself.
GAS_PRICE_ORACLE = "0x420000000000000000000000000000000000000F"
GET_L1_FEE = Function("getL1Fee", ("bytes",), ("uint256",))
# https://docs.arbitrum.io/arbitrum-essentials/nodeinterface/reference: total gas, the part of it that pays for layer 1, the
# base fee of layer 2 and that of layer 1. No contract: the node itself answers there.
NODE_INTERFACE = "0x00000000000000000000000000000000000000C8"
GAS_ESTIMATE_COMPONENTS = Function(
    "gasEstimateComponents", ("address", "bool", "bytes"), ("uint64", "uint64", "uint256", "uint256")
)

_ZERO_ADDRESS = "0x" + "0" * 40
# geth, core/txpool/legacypool: both fees have to rise by so much, and by a wei at least. Other makes ask for the same.
_NODE_BUMP_PERCENT = 10


class GasTooExpensive(TransactionError):
    """The price of gas is above the cap."""


class CostAboveCap(TransactionError):
    """The transaction costs more wei than it may."""


class CostAboveBenefit(TransactionError):
    """The transaction costs more than its share of what it brings."""


class Rollup(StrEnum):
    """A kind of layer 2 that charges for the data it posts on layer 1."""

    OP_STACK = "op_stack"
    ARBITRUM = "arbitrum"


class Caller(Protocol):
    """What is asked for the price of data: `keeper.chain.rpc.Client`, or whatever calls like it."""

    def call(self, to: str, data: bytes, block: str = "latest", sender: str | None = None) -> bytes:
        """What a call returns.

        :raises Reverted: the call reverted
        :raises ChainError: the endpoint fails
        """


@dataclass(frozen=True, slots=True)
class DataFee:
    """Wei for a transaction's data on layer 1. `is_in_gas`: the gas of an estimate already pays it, as on Arbitrum."""

    wei: int
    is_in_gas: bool


NO_DATA_FEE = DataFee(0, is_in_gas=False)


@dataclass(frozen=True, slots=True)
class CostCaps:
    """What one transaction may cost.

    :param wei: at most
    :param benefit_wei: as far as is known before it is mined: a share of what it brings; None where that has no price
    """

    wei: int
    benefit_wei: int | None


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


def replacement(stuck: Fees, market: Fees, settings: FeeSettings, node_bump_percent: int = _NODE_BUMP_PERCENT) -> Fees:
    """Fees for a transaction that takes the place of a stuck one with the same nonce, in wei per gas.

    Each fee is the stuck one's times 1.125, rounded up, which is as far as a base fee rises in a block; what the node's rule
    asks, if that is more; and what the market asks now, if that is more. The tip may pass `tip_max_gwei`: a node wants both.

    :param market: of a new transaction, see `current`
    :param node_bump_percent: by which the node wants both fees to rise
    :raises GasTooExpensive: that is above `gas_price_max_gwei`; the stuck one stays
    """
    tip = max(_bumped_up(stuck.tip, node_bump_percent), market.tip)
    max_fee = max(_bumped_up(stuck.max_fee, node_bump_percent), market.max_fee)
    if max_fee > wei(settings.gas_price_max_gwei):
        raise GasTooExpensive(
            f"replacing a stuck transaction takes a max fee of {max_fee} wei per gas, more than gas_price_max_gwei "
            f"({settings.gas_price_max_gwei:g}): wait for it or raise the cap"
        )
    return Fees(market.base_fee, tip, max_fee)


def data_fee(caller: Caller, rollup: Rollup | None, transaction: Transaction, sender: str) -> DataFee:
    """What the transaction's data costs on layer 1, as the chain estimates it now; it is part of what is paid, and no cap
    that stands in the transaction bounds it on an OP-stack chain.

    :param rollup: the chain's kind; None for one that has no layer below
    :param sender: who is to send it: Arbitrum runs the transaction for its estimate
    :raises Reverted: on Arbitrum, the transaction reverts
    :raises ChainError: the endpoint fails, or is no such rollup's
    """
    match rollup:
        case None:
            return NO_DATA_FEE
        case Rollup.OP_STACK:
            answer = caller.call(GAS_PRICE_ORACLE, GET_L1_FEE.encode(unsigned(transaction)))
            return DataFee(_decode(GET_L1_FEE, answer, rollup), is_in_gas=False)
        case Rollup.ARBITRUM:
            to = transaction.get("to")
            asked = GAS_ESTIMATE_COMPONENTS.encode(
                _ZERO_ADDRESS if to is None else to, to is None, to_bytes(hexstr=transaction["data"])
            )
            answer = caller.call(NODE_INTERFACE, asked, sender=sender)
            gas, gas_for_data, base_fee, _ = _decode(GAS_ESTIMATE_COMPONENTS, answer, rollup)
            if gas_for_data > gas:
                raise ChainError(
                    f"the node estimates {gas_for_data} gas for data, of {gas} in all: use another endpoint"
                )
            return DataFee(gas_for_data * base_fee, is_in_gas=True)


def cost(gas: int, price: int, data: DataFee = NO_DATA_FEE) -> int:
    """Wei that a transaction costs, with its data on layer 1.

    :param gas: the estimate for what it costs, the limit for what it costs at most
    :param price: wei per gas, likewise
    """
    return gas * price + (0 if data.is_in_gas else data.wei)


def check_cost(most: int, expected: int, caps: CostCaps) -> None:
    """Return if a transaction may cost `most` wei, of which it is expected to cost `expected`.

    :raises CostAboveCap, CostAboveBenefit: it may not
    """
    if most > caps.wei:
        raise CostAboveCap(
            f"the transaction may cost {most} wei, more than transaction_max_eth ({caps.wei} wei): wait, or raise it"
        )
    if caps.benefit_wei is not None and expected > caps.benefit_wei:
        raise CostAboveBenefit(
            f"the transaction is expected to cost {expected} wei, more than its share of what it brings "
            f"({caps.benefit_wei} wei): wait for cheaper gas, or raise cost_max_bps"
        )


def wei(gwei: float) -> int:
    """Wei of a decimal number of gwei, exactly."""
    return int(Decimal(str(gwei)) * GWEI)


def to_wei(ether: float) -> int:
    """Wei of a decimal number of ether, exactly."""
    return int(Decimal(str(ether)) * 10**18)


def _bumped_up(fee: int, node_bump_percent: int) -> int:
    """Rounded up; a wei more at least, without which no node takes it."""
    return max(-(-fee * 9 // 8), -(-fee * (100 + node_bump_percent) // 100), fee + 1)


def _decode(function: Function, answer: bytes, rollup: Rollup) -> Any:
    try:
        return function.decode(answer)
    except DecodingError:
        raise ChainError(
            f"the endpoint answered {function.name} with something else: is it a chain of {rollup}?"
        ) from None
