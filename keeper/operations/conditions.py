"""Which events begin or end something that is worth a person's time. Pure, and without a memory."""

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum
from functools import singledispatch

from keeper.operations import events
from keeper.operations.events import Event, Failure
from keeper.settings import OperationsSettings

_WEI = 10**18


class Severity(IntEnum):
    """How soon a person should look."""

    INFO = 0
    WARNING = 1  # today
    ERROR = 2  # within the hour
    CRITICAL = 3  # now


class AlertKind(StrEnum):
    """What a message is about; each has its section in the runbook, docs/how-to/operate.md."""

    BREAKER_TRIPPED = "breaker_tripped"
    ENDPOINT_EXCLUDED = "endpoint_excluded"
    HEAD_STALE = "head_stale"
    HIGH_BALANCE = "high_balance"
    KEEPER_STOPPED = "keeper_stopped"
    KILL_SWITCH = "kill_switch"
    LEDGER_FAILED = "ledger_failed"
    LOW_BALANCE = "low_balance"
    NO_ROUTE = "no_route"
    ORACLE_FAULT = "oracle_fault"
    PLAN_FAILED = "plan_failed"
    QUORUM_FAILED = "quorum_failed"
    RELAY_FAILED = "relay_failed"
    REORG = "reorg"
    SEND_FAILED = "send_failed"
    SIGNER_FAILED = "signer_failed"
    STUCK_TRANSACTION = "stuck_transaction"
    TRANSACTION_REVERTED = "transaction_reverted"


@dataclass(frozen=True, slots=True)
class Condition:
    """Something begins or goes on; `lasts` until the same kind and scope is over, otherwise it merely happened."""

    kind: AlertKind
    scope: str
    severity: Severity
    text: str
    lasts: bool = True


@dataclass(frozen=True, slots=True)
class Over:
    """A condition is over."""

    kind: AlertKind
    scope: str


@dataclass(frozen=True, slots=True)
class Rules:
    """When a message is sent. Times in s, balances in wei."""

    severity_min: Severity
    cooldown_s: int
    per_hour_max: int
    head_age_max_s: int
    stuck_after_s: int
    reorg_blocks: int
    balance_min: int
    balance_max: int

    @classmethod
    def of(cls, settings: OperationsSettings) -> "Rules":
        """From the settings."""
        return cls(
            severity_min=Severity[settings.alert_severity_min.upper()],
            cooldown_s=settings.alert_cooldown_s,
            per_hour_max=settings.alerts_per_hour_max,
            head_age_max_s=settings.head_age_max_s,
            stuck_after_s=settings.stuck_after_s,
            reorg_blocks=settings.reorg_alert_blocks,
            balance_min=int(Decimal(str(settings.balance_min_eth)) * _WEI),
            balance_max=int(Decimal(str(settings.balance_max_eth)) * _WEI),
        )


@singledispatch
def conditions(event: Event, rules: Rules, now: float) -> list[Condition | Over]:
    """What an event says about conditions, whatever was said before.

    :param now: unix s
    """
    return []


@conditions.register
def _(_event: events.Started, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [Over(AlertKind.KEEPER_STOPPED, "keeper")]


@conditions.register
def _(event: events.Stopped, _rules: Rules, _now: float) -> list[Condition | Over]:
    severity = Severity.INFO if event.is_clean else Severity.CRITICAL
    return [Condition(AlertKind.KEEPER_STOPPED, "keeper", severity, event.reason)]


@conditions.register
def _(event: events.HeadSeen, rules: Rules, _now: float) -> list[Condition | Over]:
    if event.reorged < rules.reorg_blocks:
        return []
    text = f"{event.reorged} blocks below {event.number + 1} are gone"
    return [Condition(AlertKind.REORG, f"chain {event.chain_id}", Severity.WARNING, text, lasts=False)]


@conditions.register
def _(event: events.EndpointExcluded, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [Condition(AlertKind.ENDPOINT_EXCLUDED, _named(event.name, event.chain_id), Severity.WARNING, event.why)]


@conditions.register
def _(event: events.EndpointRestored, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [Over(AlertKind.ENDPOINT_EXCLUDED, _named(event.name, event.chain_id))]


@conditions.register
def _(event: events.QuorumFailed, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [Condition(AlertKind.QUORUM_FAILED, f"chain {event.chain_id}", Severity.CRITICAL, event.why)]


@conditions.register
def _(event: events.QuorumRestored, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [Over(AlertKind.QUORUM_FAILED, f"chain {event.chain_id}")]


@conditions.register
def _(event: events.VaultRead, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [Over(AlertKind.ORACLE_FAULT, _named(event.vault, event.chain_id))]


@conditions.register
def _(event: events.Decided, _rules: Rules, _now: float) -> list[Condition | Over]:
    scope = _named(event.vault, event.chain_id)
    return [Over(AlertKind.PLAN_FAILED, scope), Over(AlertKind.NO_ROUTE, scope)]


@conditions.register
def _(event: events.PlanFailed, _rules: Rules, _now: float) -> list[Condition | Over]:
    scope = _named(event.vault, event.chain_id)
    match event.kind:
        case Failure.ORACLE:
            return [Condition(AlertKind.ORACLE_FAULT, scope, Severity.WARNING, event.error)]
        case Failure.NO_ROUTE:
            return [Condition(AlertKind.NO_ROUTE, scope, Severity.WARNING, event.error)]
        case Failure.CHAIN | Failure.AGGREGATOR:
            return []  # the endpoints' own alerts tell; aggregators are one source of several
    return [Condition(AlertKind.PLAN_FAILED, scope, Severity.ERROR, event.error)]


@conditions.register
def _(event: events.SendFailed, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [Condition(AlertKind.SEND_FAILED, _named(event.account, event.chain_id), Severity.ERROR, event.error)]


@conditions.register
def _(event: events.Submitted, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [
        Over(AlertKind.SEND_FAILED, _named(event.account, event.chain_id)),
        Over(AlertKind.RELAY_FAILED, _named(event.via, event.chain_id)),
    ]


@conditions.register
def _(event: events.Reverted, _rules: Rules, _now: float) -> list[Condition | Over]:
    text = f"transaction {event.hash} cost gas and did nothing"
    scope = _named(event.account, event.chain_id)
    return [Condition(AlertKind.TRANSACTION_REVERTED, scope, Severity.ERROR, text, lasts=False)]


@conditions.register
def _(event: events.RelayFailed, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [Condition(AlertKind.RELAY_FAILED, _named(event.name, event.chain_id), Severity.ERROR, event.why)]


@conditions.register
def _(event: events.AccountSeen, rules: Rules, now: float) -> list[Condition | Over]:
    held = f"it holds {event.balance / _WEI:.6f} ETH"
    age = 0 if event.in_flight_since is None else now - event.in_flight_since
    late = f"a transaction after nonce {event.nonce} is on its way for {age:.0f} s"
    scope = _named(event.account, event.chain_id)
    found: list[Condition | Over] = []
    for kind, is_so, severity, text in (
        (AlertKind.LOW_BALANCE, event.balance < rules.balance_min, Severity.ERROR, f"{held}: fund it"),
        (AlertKind.HIGH_BALANCE, event.balance > rules.balance_max, Severity.WARNING, f"{held}: take some off"),
        (AlertKind.STUCK_TRANSACTION, age > rules.stuck_after_s, Severity.ERROR, late),
    ):
        found.append(Condition(kind, scope, severity, text) if is_so else Over(kind, scope))
    return found


@conditions.register
def _(event: events.LedgerFailed, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [Condition(AlertKind.LEDGER_FAILED, "ledger", Severity.CRITICAL, event.why)]


@conditions.register
def _(_event: events.LedgerRestored, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [Over(AlertKind.LEDGER_FAILED, "ledger")]


@conditions.register
def _(event: events.SignerFailed, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [Condition(AlertKind.SIGNER_FAILED, event.account, Severity.CRITICAL, event.why)]


@conditions.register
def _(event: events.SignerRestored, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [Over(AlertKind.SIGNER_FAILED, event.account)]


@conditions.register
def _(event: events.BreakerTripped, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [Condition(AlertKind.BREAKER_TRIPPED, f"{event.name} of {event.scope}", Severity.CRITICAL, event.why)]


@conditions.register
def _(event: events.BreakerReset, _rules: Rules, _now: float) -> list[Condition | Over]:
    return [Over(AlertKind.BREAKER_TRIPPED, f"{event.name} of {event.scope}")]


@conditions.register
def _(event: events.KillSwitch, _rules: Rules, _now: float) -> list[Condition | Over]:
    if not event.is_on:
        return [Over(AlertKind.KILL_SWITCH, "keeper")]
    return [Condition(AlertKind.KILL_SWITCH, "keeper", Severity.ERROR, event.why)]


def _named(what: str, chain_id: int) -> str:
    return f"{what} on chain {chain_id}"
