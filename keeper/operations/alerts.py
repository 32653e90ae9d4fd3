"""When a person is told of a condition, and when again. Pure: who delivers the messages is `notify`.

A condition (an endpoint that is out, a breaker that is open) is told of once, again after each cool-down while it lasts, and
once more when it is over. What merely happens (a transaction that reverts) is told of once a cool-down. Beyond so many
messages an hour, and within a cool-down, the rest is counted and summed up in one message. Critical ones are never held
back for being many.
"""

from collections import Counter, deque
from dataclasses import dataclass, field

from keeper.operations import events
from keeper.operations.conditions import AlertKind, Condition, Over, Rules, Severity, conditions
from keeper.operations.events import Event

_HOUR_S = 3_600


@dataclass(frozen=True, slots=True)
class Message:
    """What a person gets. The text may hold what strangers wrote, and is redacted by who sends it."""

    severity: Severity
    title: str
    text: str


@dataclass(slots=True)
class _Told:
    """What people know of one kind and scope."""

    condition: Condition
    is_open: bool
    at: float | None = None  # of the last message; None for none yet
    is_known_open: bool = False  # by a message that was sent


@dataclass(slots=True)
class Desk:
    """Decides message by message, by a clock of unix s."""

    rules: Rules
    held_back: int = 0  # in all
    _told: dict[tuple[AlertKind, str], _Told] = field(default_factory=dict)
    _sent: deque[float] = field(default_factory=deque)  # of the last hour, critical ones aside
    _summed: Counter[AlertKind] = field(default_factory=Counter)  # held back and not summed up yet
    _summed_since: float = 0.0
    _heads: dict[int, int] = field(default_factory=dict)  # unix s of the newest block by chain

    def hear(self, event: Event, now: float) -> list[Message]:
        """The messages that an event calls for, or time by itself: listen for `Ticked`."""
        messages: list[Message] = []
        match event:
            case events.HeadSeen():
                self._heads[event.chain_id] = event.timestamp
            case events.Started():
                for chain_id, _ in event.vaults:
                    self._heads.setdefault(chain_id, int(now))  # one whose first block never comes is late too
        for found in (*conditions(event, self.rules, now), *self._stale_heads(event, now)):
            messages += self._begin(found, now) if isinstance(found, Condition) else self._end(found, now)
        if isinstance(event, events.Ticked):
            messages += self._remind(now) + self._sum_up(now)
        return messages

    def _stale_heads(self, event: Event, now: float) -> list[Condition | Over]:
        """Of all chains when time passes, of one when its block came."""
        if isinstance(event, events.HeadSeen):
            chains = [event.chain_id]
        else:
            chains = list(self._heads) if isinstance(event, events.Ticked) else []
        found: list[Condition | Over] = []
        for chain_id in chains:
            age = now - self._heads[chain_id]
            if abs(age) <= self.rules.head_age_max_s:
                found.append(Over(AlertKind.HEAD_STALE, f"chain {chain_id}"))
            else:
                text = f"the newest block is {age:.0f} s old: its endpoints, or this machine's clock"
                found.append(Condition(AlertKind.HEAD_STALE, f"chain {chain_id}", Severity.ERROR, text))
        return found

    def _begin(self, condition: Condition, now: float) -> list[Message]:
        if condition.severity < self.rules.severity_min:
            return []
        told = self._told.setdefault((condition.kind, condition.scope), _Told(condition, False))
        is_news = not (told.is_open and condition.lasts)
        told.condition, told.is_open = condition, condition.lasts
        if told.at is not None and now < told.at + self.rules.cooldown_s:
            if is_news:
                self._hold_back(condition.kind, now)
            return []
        return self._say(told, now)

    def _end(self, over: Over, now: float) -> list[Message]:
        told = self._told.get((over.kind, over.scope))
        if told is None or not told.is_open:
            return []
        told.is_open = False
        if not told.is_known_open:
            return []
        told.is_known_open = False
        if not self._may_send(told.condition.severity, now):
            self._hold_back(over.kind, now)
            return []
        return [Message(Severity.INFO, f"resolved: {over.kind} of {over.scope}", f"it was: {told.condition.text}")]

    def _remind(self, now: float) -> list[Message]:
        messages: list[Message] = []
        # What nobody knows of yet comes before reminders: there may not be room for all.
        for told in sorted(self._told.values(), key=lambda told: told.is_known_open):
            if told.is_open and (told.at is None or now >= told.at + self.rules.cooldown_s):
                messages += self._say(told, now)
        # What is over and whose cool-down is too is as if it had never been.
        over = [
            key
            for key, told in self._told.items()
            if not told.is_open and (told.at is None or now >= told.at + self.rules.cooldown_s)
        ]
        for key in over:
            del self._told[key]
        return messages

    def _say(self, told: _Told, now: float) -> list[Message]:
        condition = told.condition
        if not self._may_send(condition.severity, now):
            # One that lasts is due at each tick, and counted once a cool-down.
            told.at = now if not condition.lasts else told.at
            if not condition.lasts or self._summed[condition.kind] == 0:
                self._hold_back(condition.kind, now)
            return []
        again = "still: " if told.is_known_open else ""
        told.at, told.is_known_open = now, condition.lasts
        return [Message(condition.severity, f"{again}{condition.kind} of {condition.scope}", condition.text)]

    def _may_send(self, severity: Severity, now: float) -> bool:
        if severity is Severity.CRITICAL:
            return True
        while self._sent and self._sent[0] <= now - _HOUR_S:
            self._sent.popleft()
        if len(self._sent) >= self.rules.per_hour_max:
            return False
        self._sent.append(now)
        return True

    def _hold_back(self, kind: AlertKind, now: float) -> None:
        if not self._summed:
            self._summed_since = now
        self._summed[kind] += 1
        self.held_back += 1

    def _sum_up(self, now: float) -> list[Message]:
        if not self._summed or now < self._summed_since + self.rules.cooldown_s:
            return []
        kinds = ", ".join(f"{count} × {kind}" for kind, count in self._summed.most_common())
        still = sorted(f"{kind} of {scope}" for (kind, scope), told in self._told.items() if told.is_open)
        text = f"{kinds}. Open now: {', '.join(still) or 'nothing'}"
        count = self._summed.total()
        self._summed.clear()
        return [Message(Severity.WARNING, f"{count} messages were held back", text)]
