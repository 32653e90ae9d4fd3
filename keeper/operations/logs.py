"""Structured logs: one JSON object a line for machines, short lines for people; both without secrets.

Lines go to stderr, which journald or the container's runtime keeps and rotates; or to a file that is appended to, so that
logrotate's `copytruncate` works on it. A log that cannot be written stops nothing.
"""

import dataclasses
import logging
import re
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from keeper.errors import ConfigurationError
from keeper.operations import events
from keeper.operations.events import Event
from keeper.operations.redaction import Redactor

_TRACEBACK_MAX = 200  # lines
_INDENT = "\n    "
_LEVELS: dict[type[Event], int] = {
    events.Ticked: logging.DEBUG,
    events.RpcAsked: logging.DEBUG,
    events.VaultRead: logging.DEBUG,
    events.PassEnded: logging.DEBUG,
    events.EndpointExcluded: logging.WARNING,
    events.Replaced: logging.WARNING,
    events.RelayFailed: logging.ERROR,
    events.PlanFailed: logging.WARNING,
    events.SendFailed: logging.ERROR,
    events.Reverted: logging.ERROR,
    events.QuorumFailed: logging.ERROR,
    events.LedgerFailed: logging.ERROR,
    events.SignerFailed: logging.ERROR,
    events.BreakerTripped: logging.ERROR,
    events.KillSwitch: logging.WARNING,
}


def configure(
    log_format: str = "auto", file: Path | None = None, secrets: Iterable[str] = (), level: int = logging.INFO
) -> None:
    """Set up the logs of this process, those of libraries included; once, before anything is logged.

    :param log_format: `json`, `console`, or `auto`: for people on a terminal and for machines elsewhere
    :param secrets: texts that are taken out wherever they appear
    :raises ConfigurationError: the file cannot be opened
    """
    stream = sys.stderr if file is None else _opened(file)
    is_json = log_format == "json" or (log_format == "auto" and not stream.isatty())
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer() if is_json else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redacting(Redactor(secrets)),
                renderer,
            ],
        )
    )
    # A full disk or a closed pipe is no reason to stop, nor to print tracebacks of its own.
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # of libraries
    logging.getLogger("keeper").setLevel(level)
    logging.getLogger("apprise").disabled = True  # it logs what servers answer; the notifier says what has to be said
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def redacting(redactor: Redactor) -> Processor:
    """The processor that every line passes last before it is written."""

    @lru_cache(512)
    def name(key: str) -> str:
        return redactor.text(key, 100)

    def process(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
        shown: EventDict = {}
        for key, value in fields.items():
            if key == "exception":
                # Lines of its own, each indented: a message cannot pass for a line of the log.
                lines = str(value).splitlines()[-_TRACEBACK_MAX:]
                shown[key] = _INDENT.join(redactor.text(line) for line in lines)
            else:
                shown[name(key)] = redactor.value(value, key)
        return shown

    return process


class EventLog:
    """A listener that writes every event down."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("keeper.events")

    def __call__(self, event: Event) -> None:
        """One line; its name is the event's."""
        level = _LEVELS.get(type(event), logging.INFO)
        if isinstance(event, events.Stopped) and not event.is_clean:
            level = logging.CRITICAL
        fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
        self._log.log(level, _snake(type(event).__name__), **fields)


@lru_cache
def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _opened(file: Path) -> TextIO:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ConfigurationError(
            f"log file {file} cannot be written ({error.strerror}): set operations.log_file"
        ) from None
