"""The shapes of the answers. Amounts are strings of base units; USD, prices, weights and ratios are strings of WAD (1e18 = 1).

Times are unix seconds, durations seconds. None stands where the oracle, or the chain's past, gives nothing.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ADDRESS = r"^0x[0-9a-fA-F]{40}$"
Address = Annotated[str, Field(pattern=ADDRESS, examples=["0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"])]
Amount = Annotated[str, Field(pattern=r"^[0-9]{1,78}$", description="Base units.", examples=["1500000000000000000"])]
Wad = Annotated[str, Field(pattern=r"^-?[0-9]{1,96}$", description="WAD: 1e18 is 1.", examples=["1000000000000000000"])]
Hash = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{64}$")]
Hex = Annotated[str, Field(pattern=r"^0x([0-9a-fA-F]{2})*$")]
Time = Annotated[int, Field(ge=0, description="Unix seconds.")]
Seconds = Annotated[int, Field(ge=0)]
Trigger = Literal["interval", "band", "targets"]


class Shape(BaseModel):
    """An answer, or a part of one."""

    model_config = ConfigDict(frozen=True)


class Block(Shape):
    """The block that an answer is of."""

    number: int
    hash: str
    time: Time


class ChainHealth(Shape):
    """Whether a chain's endpoint answers, and how old its newest block is."""

    chain_id: int
    name: str
    is_ok: bool
    block: Block | None
    age_s: int | None = Field(description="Of the newest block, by the server's clock.")


class Health(Shape):
    """Whether the server can answer: `ok`, `degraded` where some chains do not answer, `down` where none does."""

    status: Literal["ok", "degraded", "down"]
    version: str
    chains: list[ChainHealth]


class Chain(Shape):
    """A chain, and the vaults on it that this server serves."""

    chain_id: int
    name: str
    block: Block | None
    block_time_s: float
    wrapped_native: Address
    vaults: list[Address]


class Chains(Shape):
    """The chains of the settings."""

    chains: list[Chain]


class VaultSummary(Shape):
    """A row of the list. `problem` says why a vault could not be read; then nothing else is known."""

    chain_id: int
    address: Address
    name: str | None
    symbol: str | None
    decimals: int = Field(description="Of the shares.")
    supply: Amount | None
    nav: Wad | None
    nav_per_share: Wad | None
    drift: Wad | None
    paused: bool | None
    is_shut_down: bool | None
    is_rebalancing: bool | None
    assets: list[str] = Field(description="Symbols, in basket order.")
    block: Block | None
    problem: str | None


class VaultList(Shape):
    """The vaults of the settings."""

    vaults: list[VaultSummary]


class Holding(Shape):
    """One asset of the basket, against its target and its band."""

    asset: Address
    symbol: str
    decimals: int
    amount: Amount
    price: Wad | None = Field(description="USD per whole token.")
    value: Wad | None = Field(description="USD.")
    weight: Wad | None
    target: Wad = Field(description="Now.")
    final_target: Wad = Field(description="From the end of a scheduled change on.")
    band: Wad = Field(description="Half-width around the target.")
    is_outside_band: bool | None


class Fees(Shape):
    """What the vault charges, in shares."""

    recipient: Address
    streaming: Wad = Field(description="Share a year.")
    mint: Wad = Field(description="Share of the shares made.")
    redeem: Wad = Field(description="Share of the shares redeemed.")


class Terms(Shape):
    """When a rebalance opens, and what bounds it."""

    triggers: list[Trigger]
    require_all: bool
    interval: Seconds
    cooldown: Seconds
    duration: Seconds
    start_premium: Wad
    max_discount: Wad
    closing_tolerance: Wad
    max_loss: Wad
    loss_window: Seconds


class Rebalancing(Shape):
    """The rebalance that is open, or what would open one."""

    is_open: bool
    trigger: list[Trigger] | None = Field(description="The reasons that hold now; none: nothing is due.")
    price_bound: Wad = Field(description="Least value in per value out; while none is open, at the opening.")
    opened_at: Time | None
    closes_at: Time | None
    closed_at: Time | None = Field(description="End of the last opening.")
    completed_at: Time | None = Field(description="When a rebalance last reached the targets.")
    head_start: Seconds = Field(description="From the opening on, in which only listed keepers may fill.")
    loss: Wad = Field(description="Of NAV, that counts against the loss budget now.")
    terms: Terms


class Role(Shape):
    """Who may do what."""

    name: Literal["owner", "guardian", "strategist", "oracle owner", "fee recipient", "anybody"]
    holder: Address | None
    pending: Address | None = Field(description="Who may accept the role.")
    is_contract: bool = Field(description="Whether the holder is one, such as a timelock.")
    may: str


class Vault(Shape):
    """A vault at a block."""

    chain_id: int
    address: Address
    block: Block
    name: str
    symbol: str
    decimals: int = Field(description="Of the shares.")
    supply: Amount = Field(description="With the streaming fee that is due.")
    supply_cap: Amount
    nav: Wad | None = Field(description="USD.")
    nav_per_share: Wad | None = Field(description="USD.")
    drift: Wad | None = Field(description="Half the sum of all distances from target: the share of NAV that is off.")
    paused: bool
    is_shut_down: bool
    problem: str | None = Field(description="Why there are no prices.")
    holdings: list[Holding]
    targets_start: Time = Field(description="Of the last scheduled change.")
    targets_end: Time
    rebalancing: Rebalancing
    fees: Fees
    roles: list[Role]
    rebalancer: Address
    oracle: Address


class Part(Shape):
    """One asset of a quote, in basket order. `balance` and `allowance` are the account's, where one is named."""

    asset: Address
    symbol: str
    decimals: int
    amount: Amount
    limit: Amount = Field(description="Taken at most, or paid at least: what the transaction says.")
    value: Wad | None = Field(description="USD.")
    balance: Amount | None
    allowance: Amount | None
    approval: Amount | None = Field(description="That the account has to give the vault before; none: it has.")


class Quote(Shape):
    """What a mint takes or a redemption pays, in kind, at a block."""

    chain_id: int
    vault: Address
    block: Block
    way: Literal["mint", "redeem"]
    shares: Amount
    decimals: int = Field(description="Of the shares.")
    fee: Amount = Field(description="In shares: of a mint on top, of a redemption a part of them.")
    slippage_bps: int
    value: Wad | None = Field(description="USD.")
    parts: list[Part]
    account: Address | None
    shares_held: Amount | None = Field(description="By the account.")
    problem: str | None = Field(description="Why the vault would refuse this now.")
    shortfall: str | None = Field(description="What the account lacks.")


class Transaction(Shape):
    """One unsigned transaction, for a wallet."""

    kind: Literal["approve", "reset", "mint", "redeem"]
    to: Address
    data: Hex
    value: Amount = Field(description="Wei.")
    gas: int | None = Field(description="A limit with room to spare; none where it could not be simulated or reverts.")
    asset: Address | None = Field(description="That is approved.")
    symbol: str | None
    amount: Amount | None = Field(description="That is approved.")
    decimals: int | None


class Simulation(Shape):
    """What the transactions would do one after the other, on top of the quote's block."""

    is_simulated: bool = Field(description="False where the chain's endpoint cannot.")
    succeeds: bool | None
    failed: int | None = Field(description="Place of the transaction that reverts.")
    reason: str | None = Field(description="As the contract says it.")
    words: str | None = Field(description="What that means, and the mend.")


class Transactions(Shape):
    """The transactions of a mint or a redemption, in order. Every one has to be mined before the next is sent."""

    chain_id: int
    sender: Address
    receiver: Address
    deadline: Time
    quote: Quote
    transactions: list[Transaction]
    simulation: Simulation


class Leg(Shape):
    """A swap."""

    pool: Address
    venue: str | None = Field(description="None where the pool does not tell.")
    token_in: Address
    token_out: Address
    symbol_in: str
    symbol_out: str
    decimals_in: int | None
    decimals_out: int | None
    amount_in: Amount
    amount_out: Amount


class Rebalance(Shape):
    """One fill, and what it cost: the oracle difference is pool fees, impact and what was kept, to the unit. USD."""

    transaction: Hash
    block: Block
    value_out: Wad
    value_in: Wad
    drift_before: Wad
    drift_after: Wad
    oracle_difference: Wad = Field(description="Value out less value in, at the oracle's prices.")
    pool_fees: Wad
    impact: Wad
    kept: Wad = Field(description="By the executor's owner; below zero: added.")
    gas: Wad | None = Field(description="USD; paid by whoever sent it, not by the vault.")
    gas_wei: Amount
    legs: list[Leg]


class Rebalances(Shape):
    """The fills of a vault, newest first."""

    chain_id: int
    vault: Address
    block: Block = Field(description="Up to which was read.")
    rebalances: list[Rebalance]
    next_before: int | None = Field(description="`before` of the next page; none: this is the last.")


class NavPoint(Shape):
    """A vault at the end of a block. USD; hold is the first basket, kept; target one that is at its targets at no cost."""

    block: int
    time: Time
    nav: Wad
    nav_per_share: Wad
    hold: Wad | None
    target: Wad


class NavHistory(Shape):
    """NAV over time, oldest first."""

    chain_id: int
    vault: Address
    block: Block = Field(description="Up to which was read.")
    points: list[NavPoint]


class Alternative(Shape):
    """A way to rebalance that was looked at."""

    name: str
    worth: Wad | None = Field(description="USD that its beneficiary ends with.")
    left_out: str | None


class Decision(Shape):
    """What the keeper would do now, and why; nothing is sent."""

    chain_id: int
    vault: Address
    block: Block
    kind: Literal["open", "rebalance", "wait"]
    reason: str
    until: Time | None = Field(description="When a wait is over, as far as is known.")
    value_out: Wad | None
    value_in: Wad | None
    gas_cost: Wad | None = Field(description="USD.")
    simulated_gas: int | None
    partial_reason: str | None = Field(description="Why less trades than the vault would allow.")
    gap_bps: float | None = Field(description="How much better any other route could be, at most.")
    legs: list[Leg]
    alternatives: list[Alternative]


class Lot(Shape):
    """Shares that came at once. Of what came from elsewhere cost and time are not known."""

    quantity: Amount
    cost: Wad | None = Field(description="USD.")
    acquired_at: Time | None
    source: str
    transaction: str


class Disposal(Shape):
    """Shares that went."""

    quantity: Amount
    proceeds: Wad
    basis: Wad | None
    gain: Wad | None
    acquired_at: Time | None
    disposed_at: Time
    source: str
    transaction: str


class Share(Shape):
    """What the account's shares hold of an asset, before fees."""

    asset: Address
    symbol: str
    decimals: int
    amount: Amount


class Claim(Shape):
    """What a redemption could not pay of an asset: the vault keeps it for the account, whose `claim` fetches it."""

    asset: Address
    symbol: str
    decimals: int
    amount: Amount


class Position(Shape):
    """What an account has of one vault. `books_problem` says why nothing is known of the past; bookkeeping, not tax advice."""

    chain_id: int
    vault: Address
    name: str
    symbol: str
    block: Block
    shares: Amount
    decimals: int
    value: Wad | None = Field(description="USD.")
    assets: list[Share]
    claims: list[Claim] = Field(description="Also on assets that left the basket, where the past is known.")
    cost: Wad | None = Field(description="USD that the shares cost; none where some have no known cost.")
    unrealised_gain: Wad | None
    realised_gain: Wad | None
    lots: list[Lot] | None
    disposals: list[Disposal] | None
    books_problem: str | None


class Positions(Shape):
    """What an account has of the vaults of this server."""

    account: Address
    method: Literal["fifo", "lifo", "hifo", "average"]
    positions: list[Position]
    unread: list[Address] = Field(description="Vaults that could not be read.")
