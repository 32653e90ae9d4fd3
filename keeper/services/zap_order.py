"""A planned zap for an account: what it has and allows, the transactions to sign, and the words of what may refuse them."""

from dataclasses import dataclass

from keeper.chain import abi
from keeper.chain.multicall import Read, read_all
from keeper.chain.rpc import Client
from keeper.errors import ConfigurationError
from keeper.execution.signer import MessageSigner, Signer
from keeper.services import in_kind, unsigned
from keeper.services import vault as lifecycle
from keeper.services.in_kind import Way
from keeper.services.permits import NO_PERMIT, Permission, Permit, Signature, accepted, offered
from keeper.services.unsigned import Approval, Step, Trial, attempt, steps_of, time_now
from keeper.services.zap import ZapPlan
from keeper.services.zap_market import ETHER
from keeper.settings import Settings

_NO_ETHER = "insufficient funds"  # as nodes say it
_MOVED = "the pools moved since it was quoted: quote again, or allow more slippage"
_NOT_OURS = "this is not what was quoted: quote again"
# What the reasons of a zap mean to whoever asked for it: its own, its swaps', and the vault's.
WORDS = in_kind.WORDS | {
    "aggregator: call failed": "an aggregator refuses the swap: quote again",
    "aggregator: no such call": _NOT_OURS,
    "aggregator: not pinned": "the zap's owner does not allow this aggregator: use pools",
    "curve: not a coin": _NOT_OURS,
    "erc20: insufficient allowance": "the zap may not take the shares: approve them first",
    "executor: bad fee": _NOT_OURS,
    "executor: share over 1": _NOT_OURS,
    "executor: target in play": _NOT_OURS,
    "executor: too little out": _MOVED,
    "executor: unknown venue": _NOT_OURS,
    "uniswap: not a factory pool": _NOT_OURS,
    "uniswap: not the pool": _NOT_OURS,
    "uniswap: pool asks too much": _MOVED,
    "wrappers: not the wrapper": _NOT_OURS,
    "zap: a token does not move": (
        "a token that would be paid out or given back does not move: mint or redeem in kind; "
        "what a redemption then owes stays claimable"
    ),
    "zap: ether from a stranger": _NOT_OURS,
    "zap: ether not asked for": "the transaction carries ether for a zap of a token: quote again",
    "zap: expired": "the deadline has passed: quote again",
    "zap: too few shares": _MOVED,
    "zap: too little out": _MOVED,
    "zap: vault without shares": "the vault has no shares yet: make the first mint in kind",
    "zap: wrong amount of ether": "the transaction carries another amount of ether than was quoted: quote again",
    _NO_ETHER: "the account has too little ether",
}


@dataclass(frozen=True, slots=True)
class Quote:
    """A plan, and what an account has and allows of what is given; base units, None without an account."""

    plan: ZapPlan
    slippage_bps: int
    account: str | None = None
    balance: int | None = None
    allowance: int | None = None  # None for ether too

    @property
    def least_out(self) -> int:
        """What has to come."""
        return self.plan.least_out(self.slippage_bps)

    @property
    def shortfall(self) -> str | None:
        """What the account lacks, in words."""
        if self.balance is None or self.balance >= self.plan.amount_in:
            return None
        return (
            f"the account has too little {self.plan.given.symbol}: {self.balance} of {self.plan.amount_in} base units"
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """The steps in order, with what they would do together; `words` says what a revert means."""

    quote: Quote
    deadline: int  # unix s
    trial: Trial
    words: str | None
    permission: Permission | None  # that the account may sign in place of the approval


def quote(client: Client, settings: Settings, plan: ZapPlan, slippage_bps: int, account: str | None = None) -> Quote:
    """A plan for an account, whose balance and allowance are looked at.

    :raises ConfigurationError: no zap is set
    :raises ChainError: the endpoint fails
    """
    zap, given = zap_of(settings), plan.given
    if account is None:
        return Quote(plan, slippage_bps)
    if given == ETHER:
        reads = [Read(settings.multicall, abi.Multicall.eth_balance, (account,))]
    else:
        reads = [
            Read(given.address, abi.Token.balance_of, (account,)),
            Read(given.address, abi.Token.allowance, (account, zap)),
        ]
    values = [answer.value for answer in read_all(client, reads, plan.block, settings.multicall)]
    return Quote(plan, slippage_bps, account, values[0], values[1] if len(values) > 1 else None)


def prepare(
    client: Client, settings: Settings, quoted: Quote, deadline_s: int, signature: Signature | None = None
) -> Prepared:
    """The transactions of a quote's account, simulated one after the other on top of the quote's block.

    The approval is exact. A token that refuses to change an allowance that is not zero gets one to zero before. With a signed
    permission no approval is needed, and the zap's deadline is the permission's; where none is missing it is left aside.

    :param signature: what the account signed of an earlier answer's `permission`
    :raises BadPermit: it does not let the zap take what is given
    :raises ConfigurationError: no zap is set
    :raises ChainError: the endpoint fails
    """
    plan, zap, account = quoted.plan, zap_of(settings), quoted.account
    assert account is not None
    now = time_now(client, settings, plan.block)
    is_ether = plan.given == ETHER
    approvals = [] if is_ether else [Approval(plan.given.address, zap, plan.amount_in, quoted.allowance or 0)]
    permit, permission, deadline = NO_PERMIT, None, now + deadline_s
    if any(each.is_missing for each in approvals):
        if signature is None:
            permission = offered(client, settings, account, approvals[0], deadline, plan.block)
        else:
            permit = accepted(client, settings, account, approvals[0], signature, now, plan.block)
            deadline, approvals = signature.deadline, []
    data = plan.data(quoted.slippage_bps, deadline, permit)
    last = Step("zap", zap, data, plan.amount_in if is_ether else 0)
    if is_ether and quoted.shortfall is not None:
        # A node may refuse to simulate at all what cannot be paid for.
        trial = Trial(steps_of(approvals, last), is_simulated=True, failed=0, reason=_NO_ETHER)
    else:
        trial = attempt(client, settings, account, plan.block, now, approvals, last)
    words = None if trial.reason is None else words_of(trial.reason, quoted)
    return Prepared(quoted, deadline, trial, words, permission)


def permitted(client: Client, settings: Settings, signer: Signer, plan: ZapPlan, deadline: int) -> Permit:
    """What the signer signs in place of the approval that is missing; none where it signs no messages, or the token takes none.

    :param deadline: unix s, the zap's
    :raises ConfigurationError: no zap is set
    :raises ChainError: the endpoint fails
    """
    if plan.given == ETHER or not isinstance(signer, MessageSigner):
        return NO_PERMIT
    approval = _approval(client, settings, signer, plan)
    permission = (
        offered(client, settings, signer.address, approval, deadline, plan.block) if approval.is_missing else None
    )
    return NO_PERMIT if permission is None else permission.signed(signer.sign_message(permission.signable))


def execute(
    client: Client, settings: Settings, signer: Signer, plan: ZapPlan, data: bytes, permit: Permit = NO_PERMIT
) -> tuple[int, int]:
    """Let the zap take what is given, exactly, and call it: what came of what is wanted, and the gas of the zap.

    :param data: the plan's
    :param permit: that is in the data, in place of an approval
    :raises ConfigurationError: no zap is set
    :raises TransactionError: it reverts, by the plan's own limit or otherwise
    """
    zap, given, value = zap_of(settings), plan.given.address, 0
    if plan.given == ETHER:
        value = plan.amount_in
    elif permit == NO_PERMIT and (allowed := _approval(client, settings, signer, plan).allowed) != plan.amount_in:
        # USDT changes no allowance into another.
        amounts = (0, plan.amount_in) if allowed else (plan.amount_in,)
        for amount in amounts:
            lifecycle.transact(client, settings, signer, given, abi.Token.approve.encode(zap, amount))
    receipt = lifecycle.transact(client, settings, signer, zap, data, value)
    event = abi.Zap.minted if plan.way is Way.MINT else abi.Zap.redeemed
    (told,) = (log["data"] for log in receipt["logs"] if log["topics"][:1] == [f"0x{event.topic.hex()}"])
    return int(event.decode(bytes.fromhex(told[2:]))[1]), int(receipt["gasUsed"], 16)


def _approval(client: Client, settings: Settings, signer: Signer, plan: ZapPlan) -> Approval:
    """What the zap needs, and is allowed now."""
    zap, given = zap_of(settings), plan.given.address
    allowed = abi.Token.allowance.decode(client.call(given, abi.Token.allowance.encode(signer.address, zap)))
    return Approval(given, zap, plan.amount_in, allowed)


def zap_of(settings: Settings) -> str:
    """The zap's address. Raises ConfigurationError where none is set."""
    if settings.zap is None:
        raise ConfigurationError("no zap: set zap to the IndexZap's address, or give --zap")
    return settings.zap


def words_of(why: str, quoted: Quote | None = None) -> str:
    """What a revert's reason means, in words; what the account lacks, where that explains it."""
    lacks = None if quoted is None else quoted.shortfall
    if why == _NO_ETHER:
        return lacks or WORDS[why]
    return unsigned.words_of(why, WORDS, lacks, "a token, a pool or the vault")
