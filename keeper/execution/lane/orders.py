"""What the lane is asked to do, and what it tells."""

from dataclasses import dataclass
from enum import StrEnum

from keeper.execution.fees import Fees
from keeper.execution.plan import Call
from keeper.ledger import TransactionRow


@dataclass(frozen=True, slots=True)
class Worth:
    """What a transaction is about, in WAD USD: the value traded, and the price of a whole native token."""

    traded: int
    native_price: int


@dataclass(frozen=True, slots=True)
class Order:
    """A call that a decision wants to have mined, once.

    :param together_with: the decisions about the call's other vaults, in its order
    :param gas: as simulated; `gas_limit_percent` of it becomes the limit
    :param deadline: unix s by the chain's clock, from which on it is worth nothing and is cancelled
    :param worth: None where ether has no price: then the cost is capped in wei alone
    """

    decision_id: int
    call: Call
    fees: Fees
    gas: int
    deadline: int
    worth: Worth | None
    together_with: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ticket:
    """An order that was sent, or perhaps was: the row of its first transaction."""

    row_id: int
    nonce: int
    hash: str


class Event(StrEnum):
    """What happened to a transaction."""

    SENT = "sent"
    UNCERTAIN = "perhaps sent"
    RESENT = "sent again"
    REPLACED = "replaced"
    CANCELLED = "cancellation sent"
    MINED = "mined"
    REVERTED = "reverted"
    CONFIRMED = "confirmed"
    REORGED = "out of its block"
    DROPPED = "dropped"
    DELAYED = "delayed"  # it could not be replaced or sent again now
    FOREIGN = "not ours"
    REFUSED = "refused"


# What a person should hear of at once.
ALERTS = frozenset({Event.UNCERTAIN, Event.REVERTED, Event.REORGED, Event.DELAYED, Event.FOREIGN, Event.REFUSED})


@dataclass(frozen=True, slots=True)
class Notice:
    """One line about one transaction of the ledger."""

    event: Event
    row: TransactionRow
    text: str

    @property
    def is_alert(self) -> bool:
        """Whether a person should hear of it at once."""
        return self.event in ALERTS
