"""Several endpoints that are believed where enough of them say the same, and asked as if they were one.

An endpoint may lie, to this keeper alone; others may be kept from answering so that the liars remain. So what is read counts
when `quorum` endpoints give the same answer for the same block, whose hash they agree on; with fewer nothing is read, and
nothing is sent. A quorum of 2 of 3 holds against one liar, and against two who do not agree with each other: they stop the
keeper. Two who collude are a quorum of 2; `rpc_quorum = 3` refuses them too, and stops when one endpoint is down.

    what                                      rule
    at a block's hash, or `latest`            equal at the hash of the agreed head; who says otherwise is left out as a liar
    head                                      the highest block on which a quorum agrees in every field that is used
    a block by number, logs                   equal; who differs may only be behind, and is not left out
    receipt                                   equal in every field that is used; none where a quorum has none and nobody one
    transaction by hash                       what anybody knows: a transaction that may still come is waited for
    nonce, `pending`                          the highest of a quorum: the same
    call, `pending`                           of a quorum each one runs it; a revert of one is a revert. The blocks that nodes
                                              build differ, and so may what is returned: it is the first one's, and no more
                                              than an estimate
    time of the pending block                 the lowest of a quorum: the bound falls with time, and a deadline comes sooner
    gas estimate                              the highest of a quorum, a revert of one is a revert
    fee history                               base fees equal, of the tips the lower median
    raw transaction (sent)                    to all; taken when one takes it or has it, refused when all refuse
    any other transaction (sent)              to the first: only a devnet's node signs itself

What one endpoint alone says can stop the keeper, or cost it a higher gas limit within the caps; it cannot make it send.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median_low
from typing import Any

from keeper.chain import abi
from keeper.chain.errors import BlockMissing, NoQuorum, RpcError, TransientError
from keeper.chain.gather import gather, largest
from keeper.chain.head_vote import height, in_time, together
from keeper.chain.member import Event, Look, Member, Said, Trouble, WrongChain
from keeper.chain.rpc import SEND_RAW, Client, block_of, hash_of, retrying
from keeper.chain.snapshot import Block
from keeper.chain.transport import Listener, Transport
from keeper.chain.wire import is_known, without_secrets
from keeper.errors import ChainError, ConfigurationError
from keeper.exchange import in_background

# Where a method's parameters have the block.
_BLOCK_AT = {"eth_call": 1, "eth_getBalance": 1, "eth_getTransactionCount": 1, "eth_getCode": 1, "eth_getStorageAt": 2}
_ESTIMATES = frozenset({"eth_estimateGas"})
_NUMBERS = _ESTIMATES | {"eth_getTransactionCount", "eth_getBalance"}

_log = logging.getLogger(__name__)


def log_event(event: Event) -> None:
    """Where events go when nobody else wants them."""
    _log.warning("%s: %s", event.trouble, event.text)


def majority(endpoints: int) -> int:
    """The least number of endpoints that are more than half of them."""
    return endpoints // 2 + 1


class Pool(Client):
    """Several endpoints as one client. Safe between threads.

    :param urls: as of `Client`, in the order in which they are asked
    :param timeout_s: hard limit of one request
    :param attempts: how often a read is tried in all when too few endpoints answer
    :param quorum: how many have to agree; more than half of them when None
    :param lag_max_blocks: heads that are further apart than this are not compared: those that are no quorum have no say
    :param future_max_s: nor has one whose head is this far ahead of `now`, unless all of them are: a devnet's clock
    :param tell: gets a line for each endpoint that lies, lags, fails or changes its chain
    :param clock: s of a clock that only goes forward
    :param now: unix s
    :raises ConfigurationError: a quorum that these endpoints cannot reach
    """

    def __init__(
        self,
        urls: Sequence[str],
        chain_id: int = 1,
        timeout_s: float = 20.0,
        attempts: int = 4,
        quorum: int | None = None,
        lag_max_blocks: int = 3,
        future_max_s: float = 30.0,
        tell: Callable[[Event], None] = log_event,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ):
        self.quorum = majority(len(urls)) if quorum is None else quorum
        if not 1 <= self.quorum <= len(urls):
            raise ConfigurationError(f"rpc_quorum is {self.quorum} of {len(urls)} endpoints: set it from 1 to that")
        self.chain_id = chain_id
        self.members = [
            Member(f"{without_secrets(url)} (endpoint {place})", Transport(url, timeout_s, clock), tell, clock)
            for place, url in enumerate(urls, 1)
        ]
        self.name = f"the quorum of {self.quorum} of {len(urls)} endpoints"
        self._lag_max = lag_max_blocks
        self._future_max_s = future_max_s
        self._tell = tell
        self._now = now
        self._retrying = retrying(attempts, sleep)

    @property
    def counts(self) -> dict[str, Counter[str]]:
        """Requests that were made, by endpoint and method."""
        return {member.name: member.transport.counts for member in self.members}

    def listen(self, listener: Listener) -> None:
        """As `Client`: of every request to every endpoint."""
        for member in self.members:
            member.transport.listener = partial(listener, member.name)

    def check_chain(self) -> None:
        """See that a quorum serves the chain now; an endpoint that serves another one is left out.

        :raises NoQuorum: fewer do
        """
        self._verified([member for member in self.members if member.is_up])
        self._ready()

    def connect(self) -> "Pool":
        """Check that a quorum answers, and that none that answers serves another chain.

        :raises ChainError: one does, or fewer answer
        """
        said = self._verified(self.members)
        for each in said:
            if isinstance(each.error, WrongChain):
                raise each.error
        self._ready()
        return self

    def read(self, method: str, *params: object) -> Any:
        """The result of a method that changes nothing, by the rule of its kind: see this module.

        :raises NoQuorum: too few endpoints answer, or agree
        :raises RpcError: a quorum refuses it
        """
        return self._retrying(partial(self._read, method, params))

    def read_all(self, method: str, many: Sequence[Sequence[object]]) -> list[Any]:
        """The results of one method at one block's hash for many parameters, in one request. Raises as `read`."""
        assert all(map(_is_pinned, many))
        found: list[Any] = self._retrying(
            partial(self._alike, lambda member: member.ask_all(method, many), method, is_pinned=True)
        )
        return found

    def send(self, method: str, *params: object) -> Any:
        """Hand over a transaction, to every endpoint where it is signed.

        :raises RpcError: all refuse it
        :raises ChainError: it may have been taken or not
        """
        members = self._ready()
        if method != SEND_RAW:
            return members[0].transport.ask(method, params)
        expected = hash_of(params)

        def is_taken(said: Said) -> bool:
            if isinstance(said.error, RpcError):
                return is_known(said.error)
            return said.error is None and str(said.value).lower() == expected

        said = gather(
            lambda member: member.ask(method, params),
            members,
            missing=lambda said: len(members) - len(said),
            at_first=len(members),
            enough=lambda said: any(map(is_taken, said)),
        )
        if any(map(is_taken, said)):
            return expected
        refusals = [each.error for each in said if isinstance(each.error, RpcError)]
        if len(refusals) == len(members):
            raise refusals[0]
        lost = next((each.error for each in said if each.error is not None and each.error not in refusals), None)
        raise lost or ChainError(
            f"{self.name} gave the transaction another hash: look for {expected} before it is sent again"
        )

    def head(self) -> Block:
        """The highest block on which a quorum agrees.

        :raises NoQuorum: there is none among the last few
        """
        return self._retrying(self._head)

    def pending_time(self, multicall: str) -> int:
        """Unix s of the block that a transaction sent now would be in: the lowest that one of a quorum sees."""
        call = {"to": multicall, "data": "0x" + abi.Multicall.block_timestamp.encode().hex()}
        said = self._retrying(partial(self._several, "eth_call", (call, "pending")))
        return min(int(each.value, 16) for each in said)

    def software(self) -> str:
        """The name and version of the first endpoint that tells."""
        return str(self.read("web3_clientVersion"))

    def look(self) -> list[Look]:
        """What every endpoint shows now, in their order, whatever is held against it."""
        views = [in_background(member.look, f"look at {member.name}") for member in self.members]
        return [view.result() for view in views]

    def _read(self, method: str, params: tuple[object, ...]) -> Any:
        at = _BLOCK_AT.get(method, len(params))
        tag = params[at] if at < len(params) else None
        if tag == "latest":
            params = (*params[:at], {"blockHash": self._head().hash}, *params[at + 1 :])
        by_kind = {
            "eth_feeHistory": self._fee_history,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getTransactionByHash": self._known,
        }
        if method in by_kind:
            return by_kind[method](params)
        if tag == "pending" or method in _ESTIMATES:
            return self._estimated(method, params)
        if method == "web3_clientVersion":
            return self._several(method, params, needed=1)[0].value
        if method == "eth_getBlockByNumber" and params[0] == "latest":
            params = (hex(self._head().number), *params[1:])
        return self._agreed(method, params)

    def _estimated(self, method: str, params: Sequence[object]) -> Any:
        """The highest number of a quorum; of what is no number, the first one's."""
        values = [each.value for each in self._several(method, params)]
        return max(values, key=_number) if method in _NUMBERS else values[0]

    def _agreed(self, method: str, params: Sequence[object]) -> Any:
        """What a quorum says alike."""
        return self._alike(lambda member: member.ask(method, params), method, is_pinned=_is_pinned(params))

    def _alike(self, ask: Callable[[Member], Said], method: str, *, is_pinned: bool) -> Any:
        said = gather(ask, self._ready(), self._missing, at_first=self.quorum)
        group = largest(said)
        if len(group) < self.quorum:
            raise self._disagreement(method, said, is_pinned=is_pinned)
        if is_pinned:
            self._punish(method, [each for each in said if each.is_answer and not each.agrees(group[0])])
        if group[0].error is not None:
            raise group[0].error
        return group[0].value

    def _several(self, method: str, params: Sequence[object], needed: int | None = None) -> list[Said]:
        """What a quorum answers, alike or not, in the order of the endpoints. A revert of one is raised."""
        needed = self.quorum if needed is None else needed
        said = gather(
            lambda member: member.ask(method, params),
            self._ready(),
            missing=lambda said: needed - sum(each.is_answer for each in said),
            at_first=needed,
        )
        for each in said:
            if each.is_revert and each.error is not None:
                raise each.error
        answers = [each for each in said if each.is_answer]
        if len(answers) < needed:
            raise self._disagreement(method, said, is_pinned=False)
        return sorted(answers, key=lambda each: self.members.index(each.member))

    def _fee_history(self, params: tuple[object, ...]) -> Any:
        blocks, newest, *rest = params
        if newest == "latest":
            newest = hex(self._head().number)
        said = gather(
            lambda member: member.ask("eth_feeHistory", (blocks, newest, *rest)),
            self._ready(),
            self._missing,
            at_first=self.quorum,
        )
        group = largest(said)
        if len(group) < self.quorum:
            raise self._disagreement("eth_feeHistory", said, is_pinned=False)
        rewards = [each.value.tips for each in group]
        return {
            "baseFeePerGas": group[0].value.base_fees,
            # A block's tips are those of whoever gives the fewest percentiles.
            "reward": [
                [median_low(sorted(tips, key=_number)) for tips in zip(*block, strict=False)]
                for block in zip(*rewards, strict=False)
            ],
        }

    def _receipt(self, params: Sequence[object]) -> Any:
        members = self._ready()

        def missing(said: Sequence[Said]) -> int:
            agreeing = len(largest([each for each in said if each.value is not None]))
            return self.quorum - agreeing if agreeing else len(members) - len(said)

        said = gather(
            lambda member: member.ask("eth_getTransactionReceipt", params),
            members,
            missing,
            at_first=self.quorum,
            enough=self._is_enough,
        )
        group = largest([each for each in said if each.value is not None])
        if len(group) >= self.quorum:
            agreed = group[0].value
            others = [each for each in said if each.value is not None and not each.agrees(group[0])]
            # Where the chain forks an honest one may tell of another block; of the same block it tells the same.
            self._punish(
                "eth_getTransactionReceipt",
                [each for each in others if each.value["blockHash"] == agreed["blockHash"]],
            )
            return agreed
        answers = [each for each in said if each.is_answer]
        if not group and len(answers) >= self.quorum:
            return None
        raise self._disagreement("eth_getTransactionReceipt", said, is_pinned=False)

    def _known(self, params: Sequence[object]) -> Any:
        members = self._ready()
        said = gather(
            lambda member: member.ask("eth_getTransactionByHash", params),
            members,
            missing=lambda said: 0 if any(each.value for each in said) else len(members) - len(said),
            at_first=len(members),
            enough=self._is_enough,
        )
        found = next((each.value for each in said if each.value), None)
        if found is None and not self._is_enough(said):
            raise self._disagreement("eth_getTransactionByHash", said, is_pinned=False)
        return found

    def _head(self) -> Block:
        members = self._ready()
        said = gather(
            lambda member: member.ask("eth_getBlockByNumber", ("latest", False)),
            members,
            missing=lambda said: len(members) - len(said),
            at_first=len(members),
            enough=self._is_enough,
        )
        shown = [each for each in said if each.error is None and each.value is not None]
        heads = in_time(shown, self._now() + self._future_max_s)
        for each in shown:
            if each not in heads:
                name = each.member.name
                self._tell(Event(name, Trouble.FUTURE, f"{name} shows a block of a time to come: check it"))
        if len(heads) < self.quorum:
            raise self._disagreement("eth_getBlockByNumber", said, is_pinned=False)
        current = together(heads, self.quorum, self._lag_max)
        for each in heads:
            self._place(each, current)
        if len(current) < self.quorum:
            numbers = ", ".join(str(height(each)) for each in heads)
            raise NoQuorum(
                f"the endpoints' heads ({numbers}) are further apart than {self._lag_max} blocks: wait, or check rpc_urls",
                may_pass=True,
            )
        reached = sorted((height(each) for each in current), reverse=True)[self.quorum - 1]
        for number in range(reached, max(-1, reached - self._lag_max - 1), -1):
            votes = self._votes(current, number)
            group = largest(votes)
            if len(group) >= self.quorum:
                agreed = group[0].value
                others = [each for each in votes if each.value is not None and not each.agrees(group[0])]
                self._punish("eth_getBlockByNumber", [each for each in others if each.value["hash"] == agreed["hash"]])
                return block_of(agreed, self.name)
        raise NoQuorum(
            f"fewer than {self.quorum} endpoints agree on any of the last {self._lag_max + 1} blocks up to {reached}: "
            "wait, or check rpc_urls",
            may_pass=True,
        )

    def _place(self, head: Said, current: Sequence[Said]) -> None:
        """Keep, and tell once, whether an endpoint is apart from a quorum."""
        if head in current or not current:
            head.member.is_apart = False
            return
        number, others, name = height(head), max(map(height, current)), head.member.name
        if not head.member.is_apart:
            way = "behind" if number < others else "ahead"
            text = f"{name} is at block {number}, {abs(number - others)} {way} of the others: it has no say; check it"
            self._tell(Event(name, Trouble.APART, text))
        head.member.is_apart = True

    def _votes(self, heads: Sequence[Said], number: int) -> list[Said]:
        """The block with this number as each has it: its head, or asked for where that is higher and it matters."""
        votes = [each for each in heads if height(each) == number]
        ahead = [each.member for each in heads if height(each) > number]
        if len(largest(votes)) >= self.quorum or not ahead:
            return votes
        return votes + gather(
            lambda member: member.ask("eth_getBlockByNumber", (hex(number), False)),
            ahead,
            missing=lambda said: len(ahead) - len(said),
            at_first=len(ahead),
            enough=lambda said: len(largest([*votes, *said])) >= self.quorum,
        )

    def _ready(self) -> list[Member]:
        """Who may be asked, seen on the right chain not long ago; those that are apart last.

        :raises NoQuorum: fewer than the quorum
        """
        stale = [member for member in self.members if member.is_up and not member.is_verified]
        if stale:
            self._verified(stale)
        ready = [member for member in self.members if member.is_up and member.is_verified]
        if len(ready) < self.quorum:
            states = "; ".join(filter(None, (member.state() for member in self.members)))
            raise NoQuorum(
                f"{len(ready)} of {len(self.members)} endpoints can be asked, {self.quorum} have to agree"
                f"{f' ({states})' if states else ''}: nothing is done; check rpc_urls"
            )
        return sorted(ready, key=lambda member: member.is_apart)

    def _verified(self, members: Sequence[Member]) -> list[Said]:
        """Ask for their chain ids; who takes long is waited for only where others are too few."""
        others = [member for member in self.members if member not in members and member.is_up and member.is_verified]
        return gather(
            lambda member: member.verify(self.chain_id),
            members,
            missing=lambda said: len(members) - len(said),
            at_first=len(members),
            enough=lambda said: len(others) + sum(each.error is None for each in said) >= self.quorum,
        )

    def _missing(self, said: Sequence[Said]) -> int:
        return self.quorum - len(largest(said))

    def _is_enough(self, said: Sequence[Said]) -> bool:
        return sum(each.is_answer for each in said) >= self.quorum

    def _punish(self, method: str, liars: Sequence[Said]) -> None:
        for each in liars:
            text = f"{each.member.name} contradicts {self.quorum} others on {method} at the same block: check it"
            each.member.leave_out(Trouble.LIE, text)

    def _disagreement(self, method: str, said: Sequence[Said], *, is_pinned: bool) -> ChainError:
        """What to raise where no quorum says the same: what a quorum complains about, or that there is none."""
        errors = [each.error for each in said if each.error is not None and not each.is_revert]
        for kind in (RpcError, BlockMissing):
            alike = [error for error in errors if isinstance(error, kind)]
            if len(alike) >= self.quorum:
                return alike[0]
        answers = [each for each in said if each.is_answer]
        agreeing = len(largest(answers))
        complaints = "; ".join(dict.fromkeys(str(error) for error in errors))
        return NoQuorum(
            f"{agreeing} of {len(self.members)} endpoints agree on {method}, {self.quorum} have to: nothing is done; "
            f"{complaints or 'the others answer otherwise'}",
            may_pass=not is_pinned or any(isinstance(error, TransientError) for error in errors),
        )


def _is_pinned(params: Sequence[object]) -> bool:
    """Whether the parameters name a block by its hash: whoever has that block has to say the same."""
    return any(isinstance(each, dict) and "blockHash" in each for each in params)


def _number(value: str) -> int:
    return int(value, 16)
