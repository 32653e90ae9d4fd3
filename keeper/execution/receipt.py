"""What a mined transaction did, from its own logs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keeper.chain import abi
from keeper.chain.abi import checksum


@dataclass(frozen=True, slots=True)
class Swap:
    """One leg as the executor logged it, in base units."""

    pool: str
    venue: str
    token_in: str
    token_out: str
    amount_in: int
    amount_out: int


@dataclass(frozen=True, slots=True)
class Filled:
    """What a vault's rebalancer logged of a rebalance: WAD USD out and in, and the drift (WAD) after it."""

    value_out: int
    value_in: int
    drift_after: int


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction in a block, and by vault the rebalances in it."""

    hash: str
    mode: str
    block_number: int
    block_hash: str
    succeeded: bool
    gas_used: int
    gas_price: int  # wei per gas, paid
    filled: Mapping[str, Filled]
    swaps: tuple[Swap, ...]
    data_fee: int = 0  # wei for its data on layer 1, where that is paid beside the gas

    @property
    def value_out(self) -> int | None:
        """WAD USD out of all vaults; None where none was rebalanced."""
        return sum(each.value_out for each in self.filled.values()) if self.filled else None

    @property
    def value_in(self) -> int | None:
        """WAD USD into all vaults; None where none was rebalanced."""
        return sum(each.value_in for each in self.filled.values()) if self.filled else None


def read(receipt: Mapping[str, Any], mode: str, vaults: Mapping[str, str], venues: Mapping[str, str]) -> Mined:
    """Decode a receipt as JSON-RPC gives it.

    :param mode: open, rebalance, batch or bands
    :param vaults: by their rebalancers, whose words count and nobody else's: a token on the way may log what it likes
    :param venues: venue by pool of the legs that were planned
    """
    target = checksum(receipt["to"])
    filled: dict[str, Filled] = {}
    swaps: list[Swap] = []
    for log in receipt["logs"]:
        address, topics, data = checksum(log["address"]), log["topics"], bytes.fromhex(log["data"][2:])
        topic = bytes.fromhex(topics[0][2:]) if topics else b""
        if address in vaults and topic == abi.Rebalancer.rebalanced.topic:
            value_out, value_in, _, drift_after = abi.Rebalancer.rebalanced.decode(data)
            filled[vaults[address]] = Filled(value_out, value_in, drift_after)
        elif address == target and topic == abi.Executor.swap.topic:
            pool, token_in, token_out = (checksum(f"0x{word[-40:]}") for word in topics[1:])
            swaps.append(Swap(pool, venues.get(pool, "unknown"), token_in, token_out, *abi.Executor.swap.decode(data)))
    return Mined(
        hash=receipt["transactionHash"],
        mode=mode,
        block_number=int(receipt["blockNumber"], 16),
        block_hash=receipt["blockHash"],
        succeeded=int(receipt["status"], 16) == 1,
        gas_used=int(receipt["gasUsed"], 16),
        gas_price=int(receipt.get("effectiveGasPrice", "0x0"), 16),
        filled=filled,
        swaps=tuple(swaps),
        data_fee=int(receipt.get("l1Fee") or "0x0", 16),  # of OP-stack chains
    )
