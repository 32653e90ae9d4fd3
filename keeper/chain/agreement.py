"""What of an answer is compared between endpoints. Only that is handed on: a field that is not compared may be a lie.

Nodes of different makes spell the same thing differently: numbers with leading zeros, addresses in other cases, further
fields. Each shape is brought into one spelling; an answer that does not have the shape is none.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Shape = Callable[[Any], Any]

_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")


def shaped(method: str, result: Any) -> Any:
    """The result in the one spelling of its method.

    :raises ValueError: it does not have the method's shape
    """
    try:
        return _SHAPES.get(method, _as_it_is)(result)
    except (TypeError, KeyError, AttributeError, IndexError) as error:
        raise ValueError(type(error).__name__) from None


def _as_it_is(value: Any) -> Any:
    return value


def _data(value: Any) -> str:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise ValueError("no hex")
    return value.lower()


def _quantity(value: Any) -> str:
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise ValueError("no number")
    return hex(int(value, 16))


def _block(block: Any) -> dict[str, str] | None:
    if block is None:
        return None
    return {
        "number": _quantity(block["number"]),
        "hash": _data(block["hash"]),
        "parentHash": _data(block.get("parentHash", "0x")),
        "timestamp": _quantity(block["timestamp"]),
        "baseFeePerGas": _quantity(block.get("baseFeePerGas", "0x0")),
    }


def _event(log: Any) -> dict[str, Any]:
    return {
        "address": _data(log["address"]),
        "topics": [_data(topic) for topic in log["topics"]],
        "data": _data(log["data"]),
    }


def _log(log: Any) -> dict[str, Any]:
    where = {name: _data(log[name]) for name in ("blockHash", "transactionHash") if log.get(name) is not None}
    when = {name: _quantity(log[name]) for name in ("blockNumber", "logIndex") if log.get(name) is not None}
    return _event(log) | where | when


def _logs(logs: Any) -> list[dict[str, Any]]:
    if not isinstance(logs, list):
        raise ValueError("no list")  # noqa: TRY004 (of what a stranger answered, every fault is one)
    return [_log(log) for log in logs]


def _receipt(receipt: Any) -> dict[str, Any] | None:
    # Some nodes show a receipt without a block for a transaction that is only pending.
    if receipt is None or receipt.get("blockNumber") is None:
        return None
    to, created = receipt.get("to"), receipt.get("contractAddress")
    return {
        "transactionHash": _data(receipt["transactionHash"]),
        "blockHash": _data(receipt["blockHash"]),
        "blockNumber": _quantity(receipt["blockNumber"]),
        "status": _quantity(receipt["status"]),
        "gasUsed": _quantity(receipt["gasUsed"]),
        "from": _data(receipt["from"]),
        "to": None if to is None else _data(to),
        "contractAddress": None if created is None else _data(created),
        "logs": _logs(receipt["logs"]),
        **_given(receipt, "effectiveGasPrice", "l1Fee"),
    }


def _given(values: Mapping[str, Any], *names: str) -> dict[str, str]:
    return {name: _quantity(values[name]) for name in names if values.get(name) is not None}


def _simulated(blocks: Any) -> list[dict[str, Any]]:
    return [
        {
            "calls": [
                {
                    "status": _quantity(call["status"]),
                    "returnData": _data(call["returnData"]),
                    "gasUsed": _quantity(call["gasUsed"]),
                    "logs": [_event(log) for log in call["logs"]],
                }
                for call in block["calls"]
            ]
        }
        for block in blocks
    ]


class FeeHistory:
    """Base fees, and tips by block and percentile, in hex. Equal where the base fees are: makes differ about the tips."""

    def __init__(self, history: Any):
        self.base_fees = [_quantity(fee) for fee in history["baseFeePerGas"]]
        self.tips = [[_quantity(tip) for tip in tips] for tips in history.get("reward") or []]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FeeHistory) and self.base_fees == other.base_fees

    __hash__ = None  # type: ignore[assignment]


_SHAPES: dict[str, Shape] = {
    "eth_call": _data,
    "eth_getCode": _data,
    "eth_getStorageAt": _data,
    "eth_getBalance": _quantity,
    "eth_getTransactionCount": _quantity,
    "eth_estimateGas": _quantity,
    "eth_chainId": _quantity,
    "eth_blockNumber": _quantity,
    "eth_getBlockByNumber": _block,
    "eth_getBlockByHash": _block,
    "eth_getLogs": _logs,
    "eth_getTransactionReceipt": _receipt,
    "eth_simulateV1": _simulated,
    "eth_feeHistory": FeeHistory,
}
