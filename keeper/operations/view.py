"""What a person who watches sees: one row a vault and one a chain, drawn from events alone.

On a terminal a table that stays; elsewhere a line for each thing that a person would want to know.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from keeper.operations import events
from keeper.operations.breakers import ALL, scope_of
from keeper.operations.events import Event, Outcome
from keeper.operations.redaction import neutral

_WAD = 10**18
_WEI = 10**18
_SYMBOL_MAX, _TEXT_MAX = 16, 80
_STALE_S = 60
_KIND_STYLE = {"open": "bold yellow", "rebalance": "bold green", "wait": "cyan"}


@dataclass(slots=True)
class _Vault:
    read: events.VaultRead | None = None
    decided: events.Decided | None = None
    failed: events.PlanFailed | None = None
    last: str = ""
    last_at: float | None = None
    outcome: Outcome | None = None


@dataclass(slots=True)
class _Chain:
    head: events.HeadSeen | None = None
    endpoints: dict[str, bool] = field(default_factory=dict)
    has_quorum: bool = True
    accounts: dict[str, events.AccountSeen] = field(default_factory=dict)


class Board:
    """A listener that keeps what is to be shown, and draws it.

    :param clock: unix s
    """

    def __init__(self, clock: Callable[[], float] = time.time):
        self._clock = clock
        self._lock = threading.Lock()  # a view draws from a thread of its own
        self._vaults: dict[tuple[int, str], _Vault] = {}
        self._chains: dict[int, _Chain] = {}
        self._open: dict[str, list[str]] = {}  # breakers by scope
        self._is_armed = False
        self._killed: str | None = None

    def __call__(self, event: Event) -> None:
        """Remember what an event shows."""
        with self._lock:
            self._remember(event)

    def _remember(self, event: Event) -> None:  # noqa: PLR0912 (a table, row by row)
        match event:
            case events.Started():
                self._is_armed = event.is_armed
                for chain_id, address in event.vaults:
                    self._vault(chain_id, address)
                    self._chain(chain_id)
            case events.HeadSeen():
                self._chain(event.chain_id).head = event
            case events.RpcAsked():
                self._chain(event.chain_id).endpoints.setdefault(event.endpoint, True)
            case events.EndpointExcluded() | events.EndpointRestored():
                self._chain(event.chain_id).endpoints[event.name] = isinstance(event, events.EndpointRestored)
            case events.QuorumFailed() | events.QuorumRestored():
                self._chain(event.chain_id).has_quorum = isinstance(event, events.QuorumRestored)
            case events.AccountSeen():
                self._chain(event.chain_id).accounts[event.account] = event
            case events.VaultRead():
                self._vault(event.chain_id, event.vault).read = event
            case events.Decided():
                vault = self._vault(event.chain_id, event.vault)
                vault.decided, vault.failed = event, None
            case events.PlanFailed():
                self._vault(event.chain_id, event.vault).failed = event
            case events.PassEnded():
                self._vault(event.chain_id, event.vault).outcome = event.outcome
            case events.Submitted() | events.Mined() | events.Confirmed() | events.Reverted() | events.SendFailed():
                for address in event.vaults:
                    acted = self._vault(event.chain_id, address)
                    acted.last, acted.last_at = _words(event), self._clock()
            case events.BreakerTripped():
                self._open.setdefault(event.scope, []).append(event.name)
            case events.BreakerReset():
                self._open[event.scope] = [name for name in self._open.get(event.scope, []) if name != event.name]
            case events.KillSwitch():
                self._killed = event.why if event.is_on else None

    def draw(self) -> RenderableType:
        """Everything as it stands now."""
        with self._lock:
            now = self._clock()
            parts: list[RenderableType] = [self._banner(), self._vault_table(now), self._chain_table(now)]
        return Group(*parts)

    def _banner(self) -> Text:
        if self._killed is not None:
            return Text(f"STOPPED  {neutral(self._killed)}", "bold red")
        if self._open.get(ALL):
            return Text("STOPPED  the breakers cannot be kept", "bold red")
        return Text("ARMED", "bold green") if self._is_armed else Text("DRY RUN: nothing is sent", "bold cyan")

    def _vault_table(self, now: float) -> Table:
        table = Table(title="Vaults", title_justify="left", title_style="bold")
        for heading, justify in (
            ("vault", "left"),
            ("NAV USD", "right"),
            ("drift", "right"),
            ("nearest band", "right"),
        ):
            table.add_column(heading, justify=justify)  # type: ignore[arg-type]
        for heading in ("does", "why", "for", "last action", "breakers"):
            table.add_column(heading)
        for (chain_id, address), vault in sorted(self._vaults.items()):
            read, decided = vault.read, vault.decided
            table.add_row(
                Text(_name(read.symbol if read else None, address)),
                Text("–" if read is None else f"{read.nav / _WAD:,.0f}"),
                Text("–") if read is None else _drift(read),
                Text("–") if read is None else _nearest_band(read),
                _does(vault),
                Text(neutral(_reason(vault), _TEXT_MAX)),
                Text("" if decided is None or vault.failed or decided.until is None else _left(decided.until - now)),
                Text("" if vault.last_at is None else f"{vault.last}, {_left(now - vault.last_at)} ago"),
                Text(", ".join(self._open.get(scope_of(chain_id, address), ())), "bold red"),
            )
        return table

    def _chain_table(self, now: float) -> Table:
        table = Table(title="Chains", title_justify="left", title_style="bold")
        for heading in ("chain", "head", "age", "endpoints", "account", "balance ETH", "in flight", "breakers"):
            table.add_column(heading)
        for chain_id, chain in sorted(self._chains.items()):
            head = chain.head
            age = None if head is None else now - head.timestamp
            up = sum(chain.endpoints.values())
            endpoints = f"{up} of {len(chain.endpoints)}" + ("" if chain.has_quorum else ", no quorum")
            rows: list[tuple[str, events.AccountSeen | None]] = [*sorted(chain.accounts.items())] or [("", None)]
            for account, seen in rows:
                since = None if seen is None else seen.in_flight_since
                table.add_row(
                    str(chain_id),
                    "–" if head is None else f"{head.number:,}",
                    Text("–" if age is None else _left(age), "" if age is not None and age <= _STALE_S else "bold red"),
                    Text(endpoints, "" if chain.has_quorum and up == len(chain.endpoints) else "bold red"),
                    account,
                    "" if seen is None else f"{seen.balance / _WEI:.4f}",
                    "" if seen is None or since is None else f"nonce {seen.nonce}, {_left(now - since)}",
                    Text(", ".join(self._open.get(scope_of(chain_id, account), ())), "bold red"),
                )
        return table

    def _vault(self, chain_id: int, address: str) -> _Vault:
        return self._vaults.setdefault((chain_id, address), _Vault())

    def _chain(self, chain_id: int) -> _Chain:
        return self._chains.setdefault(chain_id, _Chain())


class Lines:
    """A listener for where no table can stay: prints what changes, and nothing twice in a row."""

    def __init__(self, console: Console):
        self._console = console
        self._said: dict[tuple[int, str], str] = {}

    def __call__(self, event: Event) -> None:
        """Print a line, or nothing."""
        match event:
            case events.Decided():
                name = _name(event.symbol, event.vault)
                self._say(event.chain_id, event.vault, f"{name}: {event.kind}, {event.reason}")
            case events.PlanFailed():
                self._say(event.chain_id, event.vault, f"{event.vault}: failed, {event.error}")
            case events.Submitted() | events.Mined() | events.Confirmed() | events.Reverted() | events.SendFailed():
                self._print(f"{', '.join(event.vaults)}: {_words(event)} on chain {event.chain_id}")
            case events.BreakerTripped():
                self._print(f"breaker {event.name} of {event.scope} is open: {event.why}")
            case events.BreakerReset():
                self._print(f"breaker {event.name} of {event.scope} is closed by {event.by}")
            case events.KillSwitch():
                self._print(f"stopped: {event.why}" if event.is_on else "the kill switch is off")
            case events.EndpointExcluded():
                self._print(f"{event.name} is not asked for now: {event.why}")
            case events.Stopped():
                self._print(f"ends: {event.reason}")

    def _say(self, chain_id: int, vault: str, line: str) -> None:
        if self._said.get((chain_id, vault)) != line:
            self._said[chain_id, vault] = line
            self._print(line)

    def _print(self, line: str) -> None:
        self._console.print(Text(neutral(line)), soft_wrap=True)


class View:
    """Shows a board while it is entered: live on a terminal, by lines elsewhere. Add `listener` to the bus."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.time):
        self._live: Live | None = None
        self.listener: Board | Lines
        if console.is_terminal and not console.is_dumb_terminal:  # which shows nothing of what is live
            board = Board(clock)
            self.listener = board
            self._live = Live(get_renderable=board.draw, console=console, refresh_per_second=2, transient=True)
        else:
            self.listener = Lines(console)

    def __enter__(self) -> "View":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        if self._live is not None:
            self._live.stop()


def _name(symbol: str | None, address: str) -> str:
    short = f"{address[:6]}…{address[-4:]}"
    return short if not symbol else f"{neutral(symbol, _SYMBOL_MAX)} {short}"


def _drift(read: events.VaultRead) -> Text:
    text = f"{read.drift / _WAD:.2%} / {read.closing_tolerance / _WAD:.2%}"
    return Text(text, "" if read.drift <= read.closing_tolerance else "yellow")


def _nearest_band(read: events.VaultRead) -> Text:
    """How far the weight nearest to its band's edge is from it, and whose."""
    if not read.assets:
        return Text("–")
    asset = min(read.assets, key=lambda asset: asset.band - abs(asset.weight - asset.target))
    left = asset.band - abs(asset.weight - asset.target)
    return Text(f"{neutral(asset.symbol, _SYMBOL_MAX)} {left / _WAD:+.2%}", "bold red" if left < 0 else "")


def _does(vault: _Vault) -> Text:
    if vault.outcome is Outcome.REFUSED:
        return Text("held back", "bold red")
    if vault.failed is not None:
        return Text(f"fails ({vault.failed.kind})", "bold red")
    if vault.decided is None:
        return Text("–")
    return Text(vault.decided.kind, _KIND_STYLE.get(vault.decided.kind, ""))


def _reason(vault: _Vault) -> str:
    if vault.failed is not None:
        return vault.failed.error
    return "" if vault.decided is None else vault.decided.reason


def _left(seconds: float) -> str:
    """A span for people: `0:42`, `1:02:03`, `3 d 1:02:03`."""
    whole = max(int(seconds), 0)
    days, rest = divmod(whole, 86_400)
    hours, minutes, seconds_ = rest // 3_600, rest // 60 % 60, rest % 60
    clock = f"{hours}:{minutes:02}:{seconds_:02}" if days or hours else f"{minutes}:{seconds_:02}"
    return f"{days} d {clock}" if days else clock


def _words(event: Event) -> str:
    match event:
        case events.Submitted():
            return f"{event.mode} sent via {event.via} ({event.hash[:10]})"
        case events.Mined():
            return f"mined in block {event.block_number:,} ({event.hash[:10]})"
        case events.Confirmed():
            return f"confirmed ({event.hash[:10]})"
        case events.Reverted():
            return f"reverted ({event.hash[:10]})"
        case events.SendFailed():
            return f"not sent: {neutral(event.error, _TEXT_MAX)}"
    return ""
