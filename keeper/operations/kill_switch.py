"""The kill switch: a file. While it exists, or while nobody can tell whether it does, nothing is signed or sent."""

from datetime import UTC, datetime
from pathlib import Path

from keeper.errors import ActingRefused, ConfigurationError
from keeper.operations import events
from keeper.operations.bus import Bus


class Killed(ActingRefused):
    """The kill switch is on."""


class KillSwitch:
    """A switch that any process on this machine may turn, `equipoise keeper stop` or `touch` among them.

    :param bus: hears of each turn that `refuse_if_killed` meets, and at the first look whether it is on
    """

    def __init__(self, file: Path, bus: Bus | None = None):
        self.file = file
        self._bus = bus
        self._was_on = False

    def prepare(self) -> None:
        """Make the folder, once at the start: one that is missing later, an unmounted disk say, counts as killed.

        :raises ConfigurationError: it cannot be made
        """
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"the kill switch's folder {self.file.parent} cannot be made ({error.strerror}): "
                "set operations.kill_switch_file"
            ) from None

    def why(self) -> str | None:
        """Why nothing may be signed; None when the switch is off."""
        try:
            self.file.lstat()  # a link to nowhere is a file too
        except FileNotFoundError:
            if self.file.parent.is_dir():
                return None
            return f"the kill switch's folder {self.file.parent} is missing: `equipoise keeper resume` makes it"
        except OSError as error:
            return f"the kill switch {self.file} cannot be looked at ({error.strerror}): mend its folder"
        return f"the kill switch {self.file} is on: `equipoise keeper resume` turns it off"

    def refuse_if_killed(self) -> None:
        """Return while the switch is off. To be asked each round, and again right before anything is signed.

        :raises Killed: it is on, or cannot be looked at
        """
        why = self.why()
        if (why is not None) != self._was_on:
            self._was_on = why is not None
            if self._bus is not None:
                self._bus.emit(events.KillSwitch(self._was_on, why or ""))
        if why is not None:
            raise Killed(why)

    def turn_on(self, reason: str = "") -> None:
        """Stop every keeper that looks at this file; what it says is for people.

        :raises ConfigurationError: it cannot be written
        """
        self.prepare()
        line = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC {reason}".strip()
        try:
            self.file.write_text(line + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(
                f"the kill switch {self.file} cannot be written ({error.strerror}): stop the process instead"
            ) from None

    def turn_off(self) -> bool:
        """Let keepers act again; whether the switch was on.

        :raises ConfigurationError: the file cannot be removed
        """
        self.prepare()
        try:
            self.file.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise ConfigurationError(
                f"the kill switch {self.file} cannot be removed ({error.strerror}): remove it by hand"
            ) from None
        return True
