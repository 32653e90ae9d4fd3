"""Mint and redeem in kind, for somebody else to sign: what it takes or pays, the transactions in order, and what they would do.

Nothing is signed or sent. Amounts are base units in basket order; shares have 18 decimals.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from keeper.chain import abi
from keeper.chain.multicall import Read, read_all
from keeper.chain.reverts import reason
from keeper.chain.rpc import Client, Outcome, SimulatedCall
from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import ChainError, TransactionError
from keeper.settings import Settings

WAD = 10**18
_BPS = 10_000
# What the vault's reasons for not minting or not redeeming mean to whoever asked for it.
WORDS = {
    "basket: first mint too small": "the first mint of this vault has to be larger: ask for more shares",
    "basket: too little arrived": "a token takes a fee on the way to the vault: it cannot be minted with",
    "erc20: burn amount exceeds balance": "the account has fewer shares than it wants to redeem",
    "erc20: transfer amount exceeds balance": "the account has fewer shares than it wants to redeem",
    "vault: amount over maximum": "the vault asks for more of an asset than was quoted: quote again, or allow more slippage",
    "vault: amount under minimum": "the vault pays less of an asset than was quoted: quote again, or allow more slippage",
    "vault: bad receiver": "the receiver is the vault itself or nobody: name another",
    "vault: expired": "the deadline has passed: quote again",
    "vault: more than supply": "these are more shares than there are",
    "vault: over supply cap": "the vault's supply is capped, and these shares would exceed the cap: ask for fewer",
    "vault: paused": "the vault is paused: nothing can be minted now; redeeming works",
    "vault: shut down": "the vault is shut down for good: nothing can be minted; redeeming works",
    "vault: wrong number of amounts": "the vault's assets have changed: quote again",
    "vault: zero shares": "no shares: ask for some",
}


class Way(StrEnum):
    """Into the vault, or out of it."""

    MINT = "mint"
    REDEEM = "redeem"


class Refused(TransactionError):
    """The vault would not do it now."""


@dataclass(frozen=True, slots=True)
class Part:
    """One asset. `limit` is what may be taken at most, or has to be paid at least; of an account what it has and allows."""

    asset: str
    symbol: str
    decimals: int
    amount: int
    limit: int
    value: int | None  # WAD USD, rounded down
    balance: int | None = None
    allowance: int | None = None

    @property
    def is_short(self) -> bool:
        """Whether the account has less than is asked for."""
        return self.balance is not None and self.balance < self.amount


@dataclass(frozen=True, slots=True)
class Quote:
    """What a mint takes, or a redemption pays, at the snapshot's block. The fee, in shares, is on top or a part of them."""

    snapshot: VaultSnapshot
    way: Way
    shares: int
    fee: int
    slippage_bps: int
    parts: tuple[Part, ...]
    account: str | None = None
    shares_held: int | None = None  # of the account

    @property
    def value(self) -> int | None:
        """WAD USD; None without prices."""
        values = [part.value for part in self.parts]
        return None if None in values else sum(value or 0 for value in values)

    @property
    def problem(self) -> str | None:
        """Why the vault would not do it as it stands, in words; what the account has is not looked at."""
        if self.way is Way.REDEEM:
            return None
        if self.snapshot.is_shut_down:
            return WORDS["vault: shut down"]
        if self.snapshot.paused:
            return WORDS["vault: paused"]
        is_over = self.snapshot.supply + self.shares + self.fee > self.snapshot.supply_cap
        return WORDS["vault: over supply cap"] if is_over else None

    @property
    def shortfall(self) -> str | None:
        """What the account lacks, in words."""
        if self.shares_held is not None and self.way is Way.REDEEM and self.shares_held < self.shares:
            return f"the account has {self.shares_held} base units of shares, and {self.shares} are to be redeemed"
        short = [part for part in self.parts if part.is_short]
        if self.way is Way.REDEEM or not short:
            return None
        named = ", ".join(f"{part.symbol}: {part.balance} of {part.amount} base units" for part in short)
        return f"the account has too little of {named}"


@dataclass(frozen=True, slots=True)
class Step:
    """One unsigned transaction. `gas` is a limit with room to spare; None where the node cannot simulate."""

    kind: Literal["approve", "reset", "mint", "redeem"]
    to: str
    data: bytes
    asset: str | None = None  # that is approved
    amount: int | None = None
    gas: int | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """The steps in order, and what they would do together. `failed` is the step that reverts, and `reason` why."""

    quote: Quote
    receiver: str
    deadline: int  # unix s
    steps: tuple[Step, ...]
    is_simulated: bool
    failed: int | None = None
    reason: str | None = None
    words: str | None = None


def quote(
    client: Client,
    settings: Settings,
    snapshot: VaultSnapshot,
    way: Way,
    shares: int,
    slippage_bps: int,
    account: str | None = None,
) -> Quote:
    """What it takes or pays at the snapshot's block.

    :param account: whose balances and allowances are looked at
    :raises Refused: the vault would refuse, says why
    :raises ChainError: the endpoint fails
    """
    vault = snapshot.address
    function = abi.Vault.preview_mint if way is Way.MINT else abi.Vault.preview_redeem
    reads = [Read(vault, function, (shares,))]
    if account is not None:
        reads.append(Read(vault, abi.Vault.balance_of, (account,)))
        for asset in snapshot.assets:
            reads.append(Read(asset.address, abi.Token.balance_of, (account,)))
            reads.append(Read(asset.address, abi.Token.allowance, (account, vault)))
    asked, *owned = read_all(client, reads, snapshot.block, settings.multicall)
    if asked.failed:
        raise Refused(_refusal(vault, way, asked.data))
    prices = snapshot.prices
    held: list[int | None] = [answer.value for answer in owned] or [None] * (1 + 2 * len(snapshot.assets))
    parts = tuple(
        Part(
            asset.address,
            asset.symbol,
            asset.decimals,
            amount,
            _limit(way, amount, slippage_bps),
            None if prices is None else amount * prices[place] // int(10**asset.decimals),
            held[1 + 2 * place],
            held[2 + 2 * place],
        )
        for place, (asset, amount) in enumerate(zip(snapshot.assets, asked.value, strict=True))
    )
    return Quote(snapshot, way, shares, _fee_up(snapshot, way, shares), slippage_bps, parts, account, held[0])


def prepare(client: Client, settings: Settings, quoted: Quote, receiver: str, deadline_s: int) -> Prepared:
    """The transactions of a quote's account, simulated one after the other on top of the quote's block.

    Approvals are exact. A token that refuses to change an allowance that is not zero gets one to zero before.

    :raises ChainError: the endpoint fails
    """
    snapshot = quoted.snapshot
    now = max(client.pending_time(settings.multicall), snapshot.block.timestamp)
    deadline = now + deadline_s
    prepared = Prepared(quoted, receiver, deadline, _steps(quoted, receiver, deadline), False)
    tried = _tried(client, settings, prepared, now)
    if tried.failed is not None and tried.steps[tried.failed].kind == "approve":
        again = _tried(client, settings, replace(prepared, steps=_with_resets(quoted, prepared.steps)), now)
        if again.failed is None or again.steps[again.failed].kind != "approve":
            return again
    return tried


def words_of(why: str, quoted: Quote | None = None) -> str:
    """What a revert's reason means, in words; what the account lacks, where that explains it."""
    lacks = None if quoted is None else quoted.shortfall
    if why in WORDS and (lacks is None or why.startswith("vault: ")):
        return WORDS[why]
    return lacks or WORDS.get(why, f"a token or the vault refuses: {why}")


def _refusal(vault: str, way: Way, data: bytes) -> str:
    why = reason(data)
    # Amounts beyond all that fits into a word are refused by arithmetic, without a reason.
    meant = WORDS.get(why, "these are more shares than the vault can count: ask for fewer")
    return f"{way} of vault {vault}: {meant}"


def _limit(way: Way, amount: int, slippage_bps: int) -> int:
    """Rounded in the account's favour: a maximum down, a minimum up; but never beyond the amount itself."""
    if way is Way.MINT:
        return amount * (_BPS + slippage_bps) // _BPS
    return -(-amount * (_BPS - slippage_bps) // _BPS)


def _fee_up(snapshot: VaultSnapshot, way: Way, shares: int) -> int:
    """Base units of shares, as contracts/modules/share_fees.vy: of a mint a share of all that are made; the first pays none."""
    if way is Way.REDEEM:
        return -(-shares * snapshot.fees.redeem // WAD)
    if not snapshot.supply or not snapshot.fees.mint:
        return 0
    return -(-shares * WAD // (WAD - snapshot.fees.mint)) - shares


def _steps(quoted: Quote, receiver: str, deadline: int) -> tuple[Step, ...]:
    vault, limits = quoted.snapshot.address, [part.limit for part in quoted.parts]
    if quoted.way is Way.REDEEM:
        return (Step("redeem", vault, abi.Vault.redeem.encode(quoted.shares, receiver, limits, deadline)),)
    approvals = [
        _approval("approve", vault, part.asset, part.limit)
        for part in quoted.parts
        if (part.allowance or 0) < part.limit
    ]
    return (*approvals, Step("mint", vault, abi.Vault.mint.encode(quoted.shares, receiver, limits, deadline)))


def _with_resets(quoted: Quote, steps: Sequence[Step]) -> tuple[Step, ...]:
    allowed = {part.asset for part in quoted.parts if part.allowance}
    found: list[Step] = []
    for step in steps:
        if step.asset in allowed:
            found.append(_approval("reset", quoted.snapshot.address, step.asset or "", 0))
        found.append(step)
    return tuple(found)


def _approval(kind: Literal["approve", "reset"], vault: str, asset: str, amount: int) -> Step:
    return Step(kind, asset, abi.Token.approve.encode(vault, amount), asset, amount)


def _tried(client: Client, settings: Settings, prepared: Prepared, now: int) -> Prepared:
    """With what a simulated block says; as it is where the node simulates none."""
    account = prepared.quote.account
    assert account is not None
    calls = [SimulatedCall(account, step.to, step.data) for step in prepared.steps]
    try:
        outcomes = client.simulate(calls, prepared.quote.snapshot.block, now)
    except ChainError:
        client.check_chain()  # a node that is down is an error; one that cannot simulate is none
        return prepared
    percent = settings.fees.gas_limit_percent
    steps = tuple(
        replace(step, gas=outcome.gas * percent // 100 if outcome.succeeded else None)
        for step, outcome in zip(prepared.steps, outcomes, strict=True)
    )
    failed = next((place for place, outcome in enumerate(outcomes) if not outcome.succeeded), None)
    if failed is None:
        return replace(prepared, steps=steps, is_simulated=True)
    why = _why(outcomes[failed])
    return replace(
        prepared, steps=steps, is_simulated=True, failed=failed, reason=why, words=words_of(why, prepared.quote)
    )


def _why(outcome: Outcome) -> str:
    return reason(outcome.data)
