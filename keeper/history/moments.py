"""Moments and spans of time as people and files write them: ISO 8601 in UTC, `1h`, `1d`."""

import re
from datetime import UTC, datetime

from keeper.errors import HistoryError

_SPAN = re.compile(r"([1-9][0-9]{0,6})([smhdw]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def iso(moment: int) -> str:
    """Unix seconds as `2025-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unix(text: str) -> int:
    """Unix seconds of an ISO 8601 date or date and time, in UTC where it names no zone; a fraction is rounded up.

    :raises HistoryError: it is none
    """
    # Coin Metrics writes nanoseconds, of which Python reads six digits.
    shortened = re.sub(r"(\.\d{6})\d+", r"\1", text.strip())
    try:
        moment = datetime.fromisoformat(shortened)
    except ValueError:
        raise HistoryError(
            f"time {text!r} is no ISO 8601 date: write it as 2025-01-31 or 2025-01-31T12:00:00Z"
        ) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return -int(-aware.timestamp() // 1)


def span(text: str) -> int:
    """Seconds of `30s`, `5m`, `1h`, `1d`, `1w`.

    :raises HistoryError: it is none
    """
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise HistoryError(f"{text!r} is no span of time: write it as 5m, 1h or 1d")
    return int(found[1]) * _SECONDS[found[2]]
