"""What happens while the keeper runs. Frozen and pure; who emits them and who listens is none of their business.

Values and prices are WAD USD, shares and ratios WAD, times unix seconds, hashes 0x and 64 hex digits. Texts may hold what
strangers wrote (a token's symbol, a node's error): a listener that shows them neutralises them.

    Event
    ├── Started, Ticked, Stopped                                      the process
    ├── HeadSeen, RpcAsked, EndpointExcluded, EndpointRestored,
    │   QuorumFailed, QuorumRestored                                  a chain
    ├── VaultRead, Decided, PlanFailed, PassEnded                     a vault
    ├── Signed, Submitted, Replaced, SendFailed, Mined, Confirmed,
    │   Reverted, AccountSeen, RelayFailed                            an account and its transactions
    └── LedgerFailed, LedgerRestored, SignerFailed, SignerRestored,
        BreakerTripped, BreakerReset, KillSwitch                      what acting depends on
"""

from dataclasses import dataclass
from enum import StrEnum

from keeper.errors import (
    AggregatorError,
    ChainError,
    ConfigurationError,
    NoRoute,
    OracleError,
    SignerError,
    TransactionError,
)


class Failure(StrEnum):
    """Kinds of failure: few and fixed, so that they can be counted by name."""

    AGGREGATOR = "aggregator"
    CHAIN = "chain"
    CONFIGURATION = "configuration"
    NO_ROUTE = "no_route"
    ORACLE = "oracle"
    SIGNER = "signer"
    TRANSACTION = "transaction"
    UNEXPECTED = "unexpected"

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """The kind of an error; one that is not this package's is unexpected."""
        return next((kind for of, kind in _KINDS.items() if isinstance(error, of)), cls.UNEXPECTED)


_KINDS = {
    AggregatorError: Failure.AGGREGATOR,
    ConfigurationError: Failure.CONFIGURATION,
    ChainError: Failure.CHAIN,
    NoRoute: Failure.NO_ROUTE,
    OracleError: Failure.ORACLE,
    SignerError: Failure.SIGNER,
    TransactionError: Failure.TRANSACTION,
}


class Outcome(StrEnum):
    """How a pass over one vault ended."""

    WAITED = "waited"  # nothing to do, or not yet
    PLANNED = "planned"  # a dry run would have sent
    SENT = "sent"
    REFUSED = "refused"  # the kill switch or a breaker kept it from acting
    FAILED = "failed"


class Breaker(StrEnum):
    """The circuit breakers."""

    LOSS_BUDGET = "loss_budget"
    PRICE_DEVIATION = "price_deviation"
    VAULT_FAILURES = "vault_failures"
    ACCOUNT_FAILURES = "account_failures"
    BROKEN = "broken"  # the breakers themselves failed: nobody knows what they would have said


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; base of all."""


# --- the process


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The loop begins."""

    is_armed: bool
    vaults: tuple[tuple[int, str], ...]  # chain id and address


@dataclass(frozen=True, slots=True)
class Ticked(Event):
    """The loop went round, whether or not a block came; every few seconds."""


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """The loop ended: `is_clean` by a signal or a command, otherwise by a fault."""

    reason: str
    is_clean: bool


# --- a chain


@dataclass(frozen=True, slots=True)
class HeadSeen(Event):
    """A new head. `skipped`: blocks since the last one that were not looked at; `reorged`: blocks that are gone."""

    chain_id: int
    number: int
    hash: str
    timestamp: int
    skipped: int = 0
    reorged: int = 0


@dataclass(frozen=True, slots=True)
class RpcAsked(Event):
    """One request to an endpoint, answered or not."""

    chain_id: int
    endpoint: str  # scheme, host and port
    method: str
    seconds: float
    succeeded: bool


@dataclass(frozen=True, slots=True)
class EndpointExcluded(Event):
    """An endpoint is not asked for now."""

    chain_id: int
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class EndpointRestored(Event):
    """An endpoint is asked again."""

    chain_id: int
    name: str


@dataclass(frozen=True, slots=True)
class QuorumFailed(Event):
    """Too few endpoints agree on what money depends on: nothing is done on that chain."""

    chain_id: int
    why: str


@dataclass(frozen=True, slots=True)
class QuorumRestored(Event):
    """Enough of them agree again."""

    chain_id: int


# --- a vault


@dataclass(frozen=True, slots=True)
class AssetRead:
    """One asset of a basket."""

    address: str
    symbol: str
    price: int
    weight: int
    target: int
    band: int  # half-width around the target


@dataclass(frozen=True, slots=True)
class VaultRead(Event):
    """A vault's snapshot with prices; one without is a `PlanFailed` of the oracle's kind."""

    chain_id: int
    vault: str
    symbol: str
    block_number: int
    nav: int
    nav_per_share: int
    drift: int
    closing_tolerance: int
    is_open: bool
    assets: tuple[AssetRead, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided(Event):
    """What is to be done with a vault, and why. `until` is when a wait is over as far as is known."""

    chain_id: int
    vault: str
    symbol: str
    kind: str  # open, rebalance or wait
    reason: str
    until: int | None = None
    nav: int | None = None
    drift: int | None = None
    bound: int | None = None
    value_out: int | None = None
    value_in: int | None = None


@dataclass(frozen=True, slots=True)
class PlanFailed(Event):
    """No decision could be made, or none that could be carried out."""

    chain_id: int
    vault: str
    kind: Failure
    error: str


@dataclass(frozen=True, slots=True)
class PassEnded(Event):
    """One vault's pass is over."""

    chain_id: int
    vault: str
    outcome: Outcome
    seconds: float


# --- an account and its transactions


@dataclass(frozen=True, slots=True)
class Fill:
    """What a confirmed rebalance did for one vault, as the vault logged it."""

    vault: str
    value_out: int
    value_in: int
    nav: int


@dataclass(frozen=True, slots=True)
class Signed(Event):
    """A transaction was signed, so long after the loop saw the block that it answers to."""

    chain_id: int
    account: str
    hash: str
    seconds_since_head: float


@dataclass(frozen=True, slots=True)
class Submitted(Event):
    """A transaction was handed over; `via` names the relay, or is `public`."""

    chain_id: int
    account: str
    vaults: tuple[str, ...]
    hash: str
    nonce: int
    mode: str
    via: str = "public"


@dataclass(frozen=True, slots=True)
class Replaced(Event):
    """A stuck transaction has a successor with the same nonce; `is_cancel` where that does nothing."""

    chain_id: int
    account: str
    nonce: int
    hash: str
    replaced_by: str
    is_cancel: bool = False


@dataclass(frozen=True, slots=True)
class SendFailed(Event):
    """A transaction was not signed, or nobody took it."""

    chain_id: int
    account: str
    vaults: tuple[str, ...]
    kind: Failure
    error: str


@dataclass(frozen=True, slots=True)
class Mined(Event):
    """A transaction is in a block and did what it should; a reorg may still undo that."""

    chain_id: int
    account: str
    vaults: tuple[str, ...]
    hash: str
    block_number: int
    block_hash: str


@dataclass(frozen=True, slots=True)
class Confirmed(Event):
    """A transaction that did what it should has the confirmations that accounting waits for."""

    chain_id: int
    account: str
    vaults: tuple[str, ...]
    hash: str
    gas_used: int
    gas_price: int  # wei per gas
    gas_usd: int | None = None  # None where ether has no price
    fills: tuple[Fill, ...] = ()


@dataclass(frozen=True, slots=True)
class Reverted(Event):
    """A transaction is in a block and did nothing but cost gas."""

    chain_id: int
    account: str
    vaults: tuple[str, ...]
    hash: str
    gas_used: int
    gas_price: int  # wei per gas
    gas_usd: int | None = None


@dataclass(frozen=True, slots=True)
class AccountSeen(Event):
    """What an account holds, and since when its oldest transaction is on its way; None for none."""

    chain_id: int
    account: str
    balance: int  # wei
    nonce: int
    in_flight_since: int | None = None


@dataclass(frozen=True, slots=True)
class RelayFailed(Event):
    """A private relay did not take a transaction; nothing was sent in public in its place."""

    chain_id: int
    name: str
    why: str


# --- what acting depends on


@dataclass(frozen=True, slots=True)
class LedgerFailed(Event):
    """The ledger cannot be written: nothing is signed."""

    why: str


@dataclass(frozen=True, slots=True)
class LedgerRestored(Event):
    """It can be written again."""


@dataclass(frozen=True, slots=True)
class SignerFailed(Event):
    """The signer does not sign."""

    account: str
    why: str


@dataclass(frozen=True, slots=True)
class SignerRestored(Event):
    """It signs again."""

    account: str


@dataclass(frozen=True, slots=True)
class BreakerTripped(Event):
    """A breaker stops acting for its scope (`chain id/address`, or `all`); reading goes on."""

    name: Breaker
    scope: str
    why: str


@dataclass(frozen=True, slots=True)
class BreakerReset(Event):
    """A breaker lets its scope act again; `by` says who closed it: a person, or time."""

    name: Breaker
    scope: str
    by: str


@dataclass(frozen=True, slots=True)
class KillSwitch(Event):
    """The kill switch was turned; while it is on nothing is signed or sent."""

    is_on: bool
    why: str = ""
