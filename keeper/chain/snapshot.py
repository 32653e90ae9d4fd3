"""A vault as it stands at one block, frozen: what the policy decides on. Pure data; `keeper.chain.reader` fills it."""

from dataclasses import dataclass

from keeper.chain.abi import Trigger
from keeper.chain.reverts import PriceFault
from keeper.errors import OracleError


@dataclass(frozen=True, slots=True)
class Block:
    """One block's head."""

    number: int
    hash: str
    timestamp: int  # unix s
    base_fee: int  # wei per gas
    parent_hash: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """IIndexVault.Terms: when a rebalance opens and what bounds it."""

    triggers: Trigger
    require_all: bool
    interval: int  # s
    cooldown: int  # s
    duration: int  # s
    start_premium: int  # WAD
    max_discount: int  # WAD
    closing_tolerance: int  # WAD share of NAV
    max_loss: int  # WAD share of NAV
    loss_window: int  # s


@dataclass(frozen=True, slots=True)
class Fees:
    """IIndexVault.Fees, in shares."""

    recipient: str
    streaming: int  # WAD share a year
    mint: int  # WAD share of the shares made
    redeem: int  # WAD share of the shares redeemed


@dataclass(frozen=True, slots=True)
class Schedule:
    """The last change of targets, which move linearly from its start to its end."""

    targets: tuple[int, ...]  # WAD shares of NAV from the end on, in basket order
    start: int  # unix s
    end: int  # unix s


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset of the basket."""

    address: str
    symbol: str
    decimals: int
    balance: int  # base units
    target: int  # WAD share of NAV, now
    band: int  # WAD, half-width around the target


@dataclass(frozen=True, slots=True)
class Valuation:
    """The basket at the oracle's prices, in basket order."""

    prices: tuple[int, ...]  # WAD USD per whole token
    weights: tuple[int, ...]  # WAD share of NAV
    nav: int  # WAD USD
    drift: int  # WAD
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class VaultSnapshot:
    """A vault at one block. `valuation` is None when the oracle fails, and `faults` says why."""

    address: str
    block: Block
    name: str
    symbol: str
    rebalancer: str
    oracle: str
    supply: int  # shares, 18 decimals, with the streaming fee that is due
    supply_cap: int  # shares, 18 decimals
    fees: Fees
    paused: bool
    is_shut_down: bool
    assets: tuple[Asset, ...]
    schedule: Schedule
    terms: Terms
    is_open: bool
    opened_at: int  # unix s; 0 when not open
    closed_at: int  # unix s, end of the last opening
    completed_at: int  # unix s, when a rebalance last reached the targets
    bound: int  # WAD, least value in per value out now; when closed, at the opening
    loss: int  # WAD share of NAV
    head_start: int  # s from the opening on in which only listed keepers may fill
    is_keeper: bool  # whether the keeper's executor is listed
    valuation: Valuation | None
    faults: tuple[PriceFault, ...]
    native_price: int | None  # WAD USD per ether, for the cost of gas; None when the vault's oracle does not know it

    @property
    def prices(self) -> tuple[int, ...] | None:
        """WAD USD per whole token in basket order; None when the oracle fails."""
        return None if self.valuation is None else self.valuation.prices

    def priced(self) -> Valuation:
        """The valuation.

        :raises OracleError: the oracle fails; names the assets by symbol and the reasons
        """
        if self.valuation is None:
            raise OracleError(fault_line(self))
        return self.valuation

    def symbol_of(self, address: str) -> str:
        """An asset's symbol; the address itself for a token outside the basket."""
        return next((asset.symbol for asset in self.assets if asset.address == address), address)


def fault_line(snapshot: VaultSnapshot) -> str:
    """One line for a failing oracle."""
    named = "; ".join(f"{snapshot.symbol_of(fault.asset)}: {fault.text}" for fault in snapshot.faults)
    return f"no price at block {snapshot.block.number}: {named or 'the oracle fails'}; wait for the feed's next answer"
