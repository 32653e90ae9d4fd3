"""Ticks of a cron line, UTC."""

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from keeper.errors import ConfigurationError

Ints = npt.NDArray[np.int64]


def ticks_of(line: str, times: Ints) -> Ints:
    """The last tick not after each time; 0 where there is none since the first time.

    :param line: five fields: minute, hour, day of month, month, day of week
    :param times: (bars,) unix s, increasing
    :raises ConfigurationError: the line makes no sense
    """
    from cronsim import CronSim, CronSimError

    found: list[int] = [0]
    try:
        for tick in CronSim(line, datetime.fromtimestamp(int(times[0]), UTC)):
            at = int(tick.timestamp())
            if at > times[-1]:
                break
            found.append(at)
    except CronSimError as error:
        raise ConfigurationError(f"cron {line!r}: {error}; give five fields, as in '0 0 1 * *'") from None
    places = np.searchsorted(np.array(found), times, side="right") - 1
    last: Ints = np.array(found, dtype=np.int64)[places]
    return last


def tick_between(line: str, since: int, now: int) -> int:
    """The first tick after `since` and not after `now`, unix s; 0 where there is none. Raises as `ticks_of`."""
    from cronsim import CronSim, CronSimError

    try:
        at = int(next(CronSim(line, datetime.fromtimestamp(since, UTC))).timestamp())
    except (CronSimError, StopIteration) as error:
        raise ConfigurationError(f"cron {line!r}: {error}; give five fields, as in '0 0 1 * *'") from None
    return at if at <= now else 0
