"""A forecast of the volatility of what is in a file of prices. Sends nothing."""

from pathlib import Path

from keeper import history
from keeper.forecast import AUTO, Outlook, look


def forecast(file: Path, horizon: int | None = None, name: str = AUTO) -> Outlook:
    """The outlook after the file's last bar; `horizon` in bars, those of a day when None.

    :raises HistoryError: the file cannot be read
    :raises ForecastError: no such forecaster, or too few bars
    """
    return look(history.read(file), horizon, name)
