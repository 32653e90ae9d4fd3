"""Mint and redeem in kind, for somebody else to sign: what it takes or pays, the transactions in order, and what they would do.

Nothing is signed or sent. Amounts are base units in basket order; shares have 18 decimals.
"""

from dataclasses import dataclass
from enum import StrEnum

from keeper.chain import abi
from keeper.chain.multicall import Read, read_all
from keeper.chain.reverts import reason
from keeper.chain.rpc import Client
from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import TransactionError
from keeper.services import unsigned
from keeper.services.unsigned import Approval, Step, Trial, attempt, time_now
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
        return None if self.way is Way.REDEEM else problem_of(self.snapshot, self.shares + self.fee)

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
class Prepared:
    """The steps in order, with what they would do together; `words` says what a revert means."""

    quote: Quote
    receiver: str
    deadline: int  # unix s
    trial: Trial
    words: str | None


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
    assert quoted.account is not None
    now = time_now(client, settings, snapshot.block)
    deadline = now + deadline_s
    vault, limits = snapshot.address, [part.limit for part in quoted.parts]
    if quoted.way is Way.MINT:
        approvals = [Approval(part.asset, vault, part.limit, part.allowance or 0) for part in quoted.parts]
        last = Step("mint", vault, abi.Vault.mint.encode(quoted.shares, receiver, limits, deadline))
    else:
        approvals = []
        last = Step("redeem", vault, abi.Vault.redeem.encode(quoted.shares, receiver, limits, deadline))
    trial = attempt(client, settings, quoted.account, snapshot.block, now, approvals, last)
    words = None if trial.reason is None else words_of(trial.reason, quoted)
    return Prepared(quoted, receiver, deadline, trial, words)


def words_of(why: str, quoted: Quote | None = None) -> str:
    """What a revert's reason means, in words; what the account lacks, where that explains it."""
    return unsigned.words_of(why, WORDS, None if quoted is None else quoted.shortfall, "a token or the vault")


def problem_of(snapshot: VaultSnapshot, made: int) -> str | None:
    """Why the vault would not mint now, in words.

    :param made: base units of shares, the fee among them
    """
    if snapshot.is_shut_down:
        return WORDS["vault: shut down"]
    if snapshot.paused:
        return WORDS["vault: paused"]
    return WORDS["vault: over supply cap"] if snapshot.supply + made > snapshot.supply_cap else None


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
