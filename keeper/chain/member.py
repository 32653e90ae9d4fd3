"""One endpoint of a pool: what it says, and whether it may be asked."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from keeper.chain.agreement import shaped
from keeper.chain.breaker import Breaker
from keeper.chain.errors import RpcError
from keeper.chain.reverts import printable
from keeper.chain.transport import Transport
from keeper.chain.wire import revert_data
from keeper.errors import ChainError

# A liar is left out for a minute, then for twice as long each time.
_OUT_FIRST_S, _OUT_MOST_S = 60.0, 3600.0
_VERIFIED_FOR_S = 60.0
_EXECUTING = frozenset({"eth_call", "eth_estimateGas"})


class Trouble(StrEnum):
    """What an endpoint was found to do."""

    LIE = "lie"  # it contradicted a quorum about a block that it agreed on
    WRONG_CHAIN = "wrong chain"
    APART = "apart"  # its head is far from those of the others
    FUTURE = "future"  # its head is of a time to come
    DOWN = "down"  # it failed so often that it is left alone


@dataclass(frozen=True, slots=True)
class Event:
    """One line for whoever watches the endpoints."""

    endpoint: str
    trouble: Trouble
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """What one endpoint said: `value` is in the method's one spelling; for a revert its data."""

    member: "Member"
    value: Any = None
    error: ChainError | None = None  # no answer; or a revert, which is one

    @property
    def is_answer(self) -> bool:
        """Whether it can be agreed with."""
        return self.error is None or self.is_revert

    @property
    def is_revert(self) -> bool:
        """Whether a call ran and reverted."""
        return isinstance(self.error, RpcError) and self.value is not None

    def agrees(self, other: "Said") -> bool:
        """Whether both say the same. A revert's data is bytes, a result never is."""
        return bool(self.value == other.value)


@dataclass(frozen=True, slots=True)
class Look:
    """What an endpoint shows: `fault` where it does not answer, and the rest as far as it came."""

    endpoint: str
    chain_id: int = 0
    number: int = 0
    software: str = ""
    fault: str = ""


class Member:
    """An endpoint and what is known of it. Raises nothing: what goes wrong is part of what it said."""

    def __init__(
        self,
        name: str,
        transport: Transport,
        tell: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
    ):
        self.name = name
        self.transport = transport
        self.is_apart = False  # at the last look at the heads
        self._out = Breaker(0, _OUT_FIRST_S, _OUT_MOST_S, clock)
        self._tell = tell
        self._clock = clock
        self._verified_at: float | None = None

    @property
    def is_up(self) -> bool:
        """Whether it may be asked for its chain id: it is neither left out nor left alone."""
        return self._out.wait_s == 0 and self.transport.breaker.wait_s == 0

    @property
    def is_verified(self) -> bool:
        """Whether it was seen on the right chain not long ago, and has not been away since."""
        return self._verified_at is not None and self._clock() - self._verified_at < _VERIFIED_FOR_S

    def ask(self, method: str, params: Sequence[object]) -> Said:
        """Ask once."""
        return self._said(method, lambda: shaped(method, self.transport.ask(method, params)))

    def ask_all(self, method: str, many: Sequence[Sequence[object]]) -> Said:
        """Ask once for all of them; the value is a list."""
        return self._said(method, lambda: [shaped(method, each) for each in self.transport.ask_all(method, many)])

    def _said(self, method: str, ask: Callable[[], Any]) -> Said:
        try:
            return Said(self, ask())
        except RpcError as error:
            data = revert_data(error) if method in _EXECUTING else None
            return Said(self, data, error)
        except ValueError:
            self.transport.breaker.failed()
            text = f"{self.name} answered {method} with something else: check rpc_urls"
            return Said(self, error=ChainError(text))
        except ChainError as error:
            if self.transport.breaker.wait_s > 0 and self._verified_at is not None:
                self._verified_at = None  # whoever answers there next may be another
                self._tell(Event(self.name, Trouble.DOWN, str(error)))
            return Said(self, error=error)

    def look(self) -> Look:
        """Its chain, its head and its make, asked now."""
        asked = (("eth_chainId", ()), ("eth_getBlockByNumber", ("latest", False)), ("web3_clientVersion", ()))
        values: list[Any] = []
        for method, params in asked:
            said = self.ask(method, params)
            if said.error is not None or said.value is None:
                return Look(self.name, fault=str(said.error or f"{self.name} has no block: check rpc_urls"))
            values.append(said.value)
        chain_id, block, software = values
        return Look(self.name, int(chain_id, 16), int(block["number"], 16), printable(str(software), 60))

    def verify(self, chain_id: int) -> Said:
        """Ask for the chain id; one that serves another chain is left out."""
        said = self.ask("eth_chainId", ())
        if said.error is not None:
            return said
        found = int(said.value, 16)
        if found == chain_id:
            self._verified_at = self._clock()
            return said
        text = f"wrong chain id: expected {chain_id}, got {found} at {self.name}; set chain_id or rpc_urls"
        self.leave_out(Trouble.WRONG_CHAIN, text)
        return Said(self, error=WrongChain(text))

    def leave_out(self, why: Trouble, text: str) -> None:
        """Ask it nothing for a while that grows with each time."""
        self._out.failed()
        self._verified_at = None
        self._tell(Event(self.name, why, text))

    def state(self) -> str:
        """Why it may not be asked; empty when it may."""
        if self._out.wait_s > 0:
            return f"{self.name} is left out for {self._out.wait_s:.0f} s"
        if self.transport.breaker.wait_s > 0:
            return f"{self.name} is down"
        return ""


class WrongChain(ChainError):
    """An endpoint serves another chain."""
