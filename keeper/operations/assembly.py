"""All of it put together from the settings, for the loop: one object to emit on, to ask before signing, and to close."""

from contextlib import ExitStack
from typing import Self

from keeper.operations import logs, notify
from keeper.operations.alerts import Desk
from keeper.operations.breaker_file import BreakerFile
from keeper.operations.breakers import Breakers, Limits
from keeper.operations.bus import Bus, Listener
from keeper.operations.conditions import Rules
from keeper.operations.events import Event
from keeper.operations.health import Health
from keeper.operations.kill_switch import KillSwitch
from keeper.operations.metrics import Metrics
from keeper.operations.redaction import Redactor, secrets_of
from keeper.operations.server import Server
from keeper.settings import Settings


class Gate:
    """What is asked right before anything is signed: the kill switch, then the breakers."""

    def __init__(self, kill_switch: KillSwitch, breakers: Breakers):
        self._kill_switch, self._breakers = kill_switch, breakers

    @classmethod
    def of(cls, settings: Settings, bus: Bus | None = None) -> "Gate":
        """The gate that the settings describe.

        :raises ConfigurationError: the kill switch's folder cannot be made, the breakers' file cannot be read
        """
        kill_switch = KillSwitch(settings.operations.kill_switch_file, bus)
        kill_switch.prepare()
        file, limits = BreakerFile(settings.operations.breakers_file), Limits.of(settings.operations)
        breakers = Breakers(file, limits, bus)
        if bus is not None:
            bus.add(breakers)
        return cls(kill_switch, breakers)

    def refuse(self, chain_id: int, *addresses: str) -> None:
        """Return if these vaults and accounts may act now.

        :raises ActingRefused: they may not, or nobody can tell
        """
        self._kill_switch.refuse_if_killed()
        self._breakers.refuse(chain_id, *addresses)


class Operations:
    """Everything that listens, and the gate. Enter it before the loop and leave it after.

    :param secrets: texts that stand in no setting and must not be shown, such as a key file's password
    :param listeners: others, such as a live view's
    :raises ConfigurationError: an alert URL, a file or the HTTP address is wrong
    """

    def __init__(self, settings: Settings, secrets: tuple[str, ...] = (), listeners: tuple[Listener, ...] = ()):
        wanted = settings.operations
        self.bus = Bus()
        self.server: Server | None = None
        with ExitStack() as opened:
            urls, beat = notify.addresses(wanted), notify.heartbeat_url(wanted)
            hidden = (
                *secrets,
                *secrets_of(settings),
                *(url.get_secret_value() for url in (*urls, *filter(None, [beat]))),
            )
            logs.configure(wanted.log_format, wanted.log_file, hidden)
            self.metrics = Metrics()
            self.metrics.watch(self.bus)
            self.health = Health(wanted.silence_max_s, wanted.head_age_max_s)
            mine: tuple[Listener, ...] = (logs.EventLog(), self.metrics, self.health)
            for listener in (*mine, *listeners):
                self.bus.add(listener)
            self.gate = Gate.of(settings, self.bus)
            if urls:
                plugins = [notify.plugin(url, number, wanted.alert_timeout_s) for number, url in enumerate(urls, 1)]
                desk = Desk(Rules.of(wanted))
                notifier = notify.Notifier(plugins, desk, Redactor(hidden), counted=self.metrics.count_alerts())
                opened.callback(notifier.close)
                self.bus.add(notifier)
            if wanted.http_address is not None:
                self.server = server = Server(wanted.http_address, self.metrics.registry, self.health)
                opened.callback(server.close)
            if beat is not None:
                heart = notify.Heartbeat(beat, wanted.heartbeat_interval_s, self._is_well, wanted.alert_timeout_s)
                opened.callback(heart.close)
            self._opened = opened.pop_all()

    def emit(self, event: Event) -> None:
        """Tell whoever listens."""
        self.bus.emit(event)

    def refuse(self, chain_id: int, *addresses: str) -> None:
        """Return if these vaults and accounts may act now; to be asked each pass, and again right before signing.

        :raises ActingRefused: they may not, or nobody can tell
        """
        self.gate.refuse(chain_id, *addresses)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self._opened.close()

    def _is_well(self) -> bool:
        return all(check.is_ok for check in self.health.ready())
