"""Type 2 transactions on the wire (EIP-1559, EIP-2718): `0x02 || rlp([fields, yParity, r, s])`. Pure.

    fields = [chainId, nonce, maxPriorityFeePerGas, maxFeePerGas, gas, to, value, data, accessList]

What a signer gives back is never taken apart and believed: the transaction is encoded here, from what was asked, and of the
answer only the signature is used.
"""

from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.conversions import to_bytes, to_hex

Transaction = dict[str, Any]

TYPE = 2
_PREFIX = bytes([TYPE])
_FIELDS = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value", "data", "accessList")
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0  # of secp256k1, EIP-2


class Mismatch(ValueError):
    """A signed transaction is not the one that was asked for; the text says in which field."""


def make(
    chain_id: int, nonce: int, to: str | None, data: bytes, gas: int, max_fee: int, tip: int, value: int = 0
) -> Transaction:
    """A transaction that carries `value` wei; `to` is None for a new contract. Fees are wei per gas."""
    transaction: Transaction = {
        "type": TYPE,
        "chainId": chain_id,
        "nonce": nonce,
        "value": value,
        "data": to_hex(data),
        "gas": gas,
        "maxFeePerGas": max_fee,
        "maxPriorityFeePerGas": tip,
    }
    return transaction | ({} if to is None else {"to": to})


def unsigned(transaction: Transaction) -> bytes:
    """What is hashed and signed."""
    return _PREFIX + bytes(rlp.encode(_values(transaction)))


def check(raw: bytes, asked: Transaction, sender: str) -> None:
    """Check that `raw` is `asked`, signed by `sender`, to the last byte.

    :raises Mismatch: it is anything else
    """
    values = _values(asked)
    items = _items(raw)
    for name, wanted, found in zip(_FIELDS, values, items, strict=False):
        if found != wanted:
            raise Mismatch(f"another {name} than was asked for")
    if not all(isinstance(item, bytes) for item in items[len(_FIELDS) :]):
        raise Mismatch("no signature")
    parity, r, s = (int.from_bytes(item, "big") for item in items[len(_FIELDS) :])
    if parity > 1 or not 0 < s <= HALF_ORDER:
        raise Mismatch("a signature that no node takes")
    if raw != _PREFIX + rlp.encode([*values, *(_quantity(each) for each in (parity, r, s))]):
        raise Mismatch("an encoding that is not canonical")
    try:
        signed_by = str(Account.recover_transaction(raw))
    except Exception:  # whatever the library makes of a curve point that is none
        raise Mismatch("a signature that no key made") from None
    if signed_by != sender:
        raise Mismatch(f"the signature of {signed_by}")


def decode(raw: bytes) -> Transaction:
    """The unsigned transaction in a signed one that this package made."""
    items = _items(raw)
    numbers = {name: int.from_bytes(item, "big") for name, item in zip(_FIELDS[:5], items, strict=False)}
    to = {"to": to_checksum_address(items[5])} if items[5] else {}
    return {"type": TYPE, **numbers, **to, "value": int.from_bytes(items[6], "big"), "data": to_hex(items[7])}


def _values(transaction: Transaction) -> list[bytes | list[object]]:
    """The fields in their order on the wire; a transaction of this package has no access list."""
    numbers = [_quantity(transaction[name]) for name in _FIELDS[:5]]
    to = to_bytes(hexstr=transaction["to"]) if "to" in transaction else b""
    return [*numbers, to, _quantity(transaction["value"]), to_bytes(hexstr=transaction["data"]), []]


def _items(raw: bytes) -> list[Any]:
    if raw[:1] != _PREFIX:
        raise Mismatch("no transaction of type 2")
    try:
        items = rlp.decode(raw[1:], strict=True)
    except (rlp.exceptions.RLPException, RecursionError):
        raise Mismatch("no transaction") from None
    if not isinstance(items, list) or len(items) != len(_FIELDS) + 3:
        raise Mismatch("no signed transaction")
    return items


def _quantity(value: int) -> bytes:
    """Big-endian without leading zeros, as RLP has integers."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
