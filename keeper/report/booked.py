"""What a keeper's ledger says about one vault, as the reports need it."""

from collections.abc import Mapping
from dataclasses import dataclass

from keeper.report.costs import Planned


@dataclass(frozen=True, slots=True)
class BookedPrices:
    """At which prices a decision was made, WAD USD per whole token by asset, and at which block."""

    block: int
    block_hash: str
    prices: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Booked:
    """A transaction in a block that a decision about the vault led to. Values are this vault's part, WAD USD; gas is wei."""

    id: int
    tx: str
    mode: str
    sender: str
    target: str
    block: int
    block_hash: str
    succeeded: bool
    gas_used: int | None
    gas_price: int | None
    data_fee: int | None
    gas_cost: int | None  # WAD USD, of the whole transaction
    native_price: int | None  # WAD USD
    value_out: int | None
    value_in: int | None
    values_out: tuple[int, ...]  # of all vaults that the transaction filled, in its order; this one's at `position`
    position: int
    legs: tuple[Planned, ...]
    decided_at: BookedPrices
