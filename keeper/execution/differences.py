"""What a call changes: every balance and allowance that it may concern, before and after, in a simulated block.

The block is simulated twice. The logs of the first run tell which tokens moved and who was allowed what; the second run
reads all of that, and what is watched anyway, before and after. No view is believed about another block than this one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from eth_abi.exceptions import DecodingError
from eth_utils.conversions import to_bytes

from keeper.aggregators.pins import PERMIT2
from keeper.chain import abi
from keeper.chain.abi import Function, checksum
from keeper.chain.rpc import Client, Outcome, SimulatedCall
from keeper.chain.snapshot import Block

# More of either in the logs of one call than any honest route has.
TOKENS_MAX = 64
APPROVALS_MAX = 128
# Enough for every balance that is known, an aToken's among them, and too little for a hostile one to matter.
_READ_GAS = 300_000
_CALL_GAS = 16_000_000
_NOBODY = "0x" + "0" * 40


class Unexpected(ValueError):
    """A change that nobody asked for, or too much to look at; the message says what, for a sentence."""


@dataclass(frozen=True, slots=True)
class Change:
    """Base units before and after; None where the token did not say."""

    before: int | None
    after: int | None

    @property
    def delta(self) -> int:
        """What came; negative for what left. A token that never answers moves nothing that counts."""
        return (self.after or 0) - (self.before or 0)

    @property
    def known(self) -> bool:
        """Whether the token answered both times."""
        return self.before is not None and self.after is not None


@dataclass(frozen=True, slots=True)
class Watched:
    """Whose balances are compared, and what for.

    :param parties: whose balances, ether and allowances count; the first one is who allows
    :param tokens: in play whether or not they move
    :param spenders: whom the first party may have allowed something, whether or not a log tells of it
    """

    parties: tuple[str, ...]
    tokens: tuple[str, ...]
    spenders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Allowance:
    """One allowance, of a token itself or of Permit2's own table."""

    token: str
    owner: str
    spender: str
    of_permit2: bool = False


@dataclass(frozen=True, slots=True)
class Differences:
    """What a call did, and what it changed."""

    outcome: Outcome
    balances: Mapping[tuple[str, str], Change]  # by token and holder
    allowances: Mapping[Allowance, Change]
    ether: Mapping[str, Change]  # by holder, wei

    @property
    def tokens(self) -> tuple[str, ...]:
        """All that were looked at, those in play first."""
        return tuple(dict.fromkeys(token for token, _ in self.balances))

    def delta(self, token: str, *holders: str) -> int:
        """What came to these holders together."""
        return sum(self.balances[token, holder].delta for holder in holders)

    def check_side_effects(self) -> None:
        """Return where no ether moved and nobody is allowed more than before.

        :raises Unexpected: says what changed
        """
        for holder, change in self.ether.items():
            if not change.known or change.delta:
                raise Unexpected(f"changes the ether of {holder} by {change.delta} wei")
        for allowance, change in self.allowances.items():
            if change.delta > 0:
                where = " at Permit2" if allowance.of_permit2 else ""
                raise Unexpected(
                    f"leaves {allowance.spender} an allowance{where} of {change.after} of {allowance.token} "
                    f"from {allowance.owner}"
                )


def observe(
    client: Client,
    call: SimulatedCall,
    watched: Watched,
    block: Block,
    now: int,
    multicall: str,
    prelude: Sequence[SimulatedCall] = (),
    codes: Mapping[str, bytes] | None = None,
) -> Differences:
    """Run `call` after `prelude` on the state of `block`, at `now`.

    :param multicall: Multicall3, which knows balances of ether
    :param codes: as `Client.simulate`
    :raises Unexpected: its logs name more than is looked at
    :raises ChainError: the endpoint fails, or cannot simulate
    """
    call = replace(call, gas=_CALL_GAS)
    first = client.simulate([*prelude, call], block, now, codes)[-1]
    tokens, allowances = _named(first, watched)
    reads: list[tuple[str, bytes, Function]] = [
        (token, abi.Token.balance_of.encode(party), abi.Token.balance_of)
        for token in tokens
        for party in watched.parties
    ]
    reads += [_read(each) for each in allowances]
    reads += [
        (multicall, abi.Multicall.eth_balance.encode(party), abi.Multicall.eth_balance) for party in watched.parties
    ]
    asking = [SimulatedCall(_NOBODY, target, data, _READ_GAS) for target, data, _ in reads]
    outcomes = client.simulate([*prelude, *asking, call, *asking], block, now, codes)[len(prelude) :]
    before, after = outcomes[: len(reads)], outcomes[len(reads) + 1 :]
    changes = iter(
        Change(_value(function, old), _value(function, new))
        for (_, _, function), old, new in zip(reads, before, after, strict=True)
    )
    return Differences(
        outcomes[len(reads)],
        {(token, party): next(changes) for token in tokens for party in watched.parties},
        {each: next(changes) for each in allowances},
        {party: next(changes) for party in watched.parties},
    )


def _named(outcome: Outcome, watched: Watched) -> tuple[list[str], list[Allowance]]:
    """The tokens and allowances to read: those watched, and those of the logs."""
    owner = watched.parties[0]
    logged = list(_allowances(outcome, watched.parties))
    moved = [checksum(log["address"]) for log in outcome.logs if _topic(log) == abi.Token.transferred.topic]
    tokens = list(dict.fromkeys([*watched.tokens, *moved, *(each.token for each in logged)]))
    if len(tokens) > TOKENS_MAX + len(watched.tokens):
        raise Unexpected(f"moves {len(tokens)} tokens, more than are looked at")
    expected = [
        Allowance(token, owner, spender, of_permit2)
        for of_permit2 in (False, True)
        for token in tokens
        for spender in dict.fromkeys((*watched.spenders, PERMIT2))
        if not (of_permit2 and spender == PERMIT2)
    ]
    allowances = list(dict.fromkeys([*expected, *logged]))
    if len(allowances) > APPROVALS_MAX + len(expected):
        raise Unexpected(f"makes {len(allowances) - len(expected)} approvals, more than are looked at")
    return tokens, allowances


def _allowances(outcome: Outcome, parties: Iterable[str]) -> Iterator[Allowance]:
    """What the logs say that a party allowed somebody; what a log says may be a lie, and is only looked up."""
    for log in outcome.logs:
        emitter, topics = checksum(log["address"]), [to_bytes(hexstr=topic) for topic in log["topics"]]
        named = [checksum(topic[12:].hex()) for topic in topics[1:]]
        if topics and topics[0] == abi.Token.approved.topic and len(named) == 2 and named[0] in parties:
            yield Allowance(emitter, named[0], named[1])
        permits = (abi.Permit2.approved.topic, abi.Permit2.permitted.topic)
        if emitter == PERMIT2 and topics and topics[0] in permits and len(named) == 3 and named[0] in parties:
            yield Allowance(named[1], named[0], named[2], of_permit2=True)


def _topic(log: Mapping[str, Sequence[str]]) -> bytes:
    return to_bytes(hexstr=log["topics"][0]) if log["topics"] else b""


def _read(each: Allowance) -> tuple[str, bytes, Function]:
    if each.of_permit2:
        function = abi.Permit2.allowance
        return PERMIT2, function.encode(each.owner, each.token, each.spender), function
    return each.token, abi.Token.allowance.encode(each.owner, each.spender), abi.Token.allowance


def _value(function: Function, outcome: Outcome) -> int | None:
    if not outcome.succeeded:
        return None
    try:
        value = function.decode(outcome.data)
    except (DecodingError, OverflowError):
        return None
    return int(value[0] if isinstance(value, tuple) else value)
