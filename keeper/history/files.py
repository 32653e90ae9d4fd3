"""Histories in files of our own: CSV or Parquet, a column `time` and one for each asset, USD per whole token.

`time` is whole unix seconds, or ISO 8601 in UTC. Every cell has a price; the rows are in order of time.
"""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keeper.errors import ConfigurationError, HistoryError
from keeper.history.moments import unix
from keeper.history.prices import PriceHistory

if TYPE_CHECKING:
    import pandas as pd

TIME = "time"
_SUFFIXES = (".csv", ".parquet")


def read(file: Path) -> PriceHistory:
    """The history in a file.

    :raises HistoryError: it is missing, of another kind or malformed; names the column, the time and the fix
    """
    pandas, is_csv = _pandas(), _is_csv(file)
    try:
        table = (
            # By default pandas reads the last digit of a float wrongly now and then.
            pandas.read_csv(file, float_precision="round_trip") if is_csv else pandas.read_parquet(file)
        )
    except FileNotFoundError:
        raise HistoryError(f"history {file} does not exist: `equipoise history download` makes one") from None
    except (OSError, ValueError, pandas.errors.ParserError) as error:
        raise HistoryError(f"history {file} cannot be read ({type(error).__name__}): is it CSV or Parquet?") from None
    if TIME not in table.columns:
        raise HistoryError(f"history {file} has no column {TIME!r}: it has {', '.join(map(str, table.columns))}")
    assets = [str(name) for name in table.columns if name != TIME]
    for asset in assets:
        if table[asset].dtype.kind not in "iuf":
            raise HistoryError(f"history {file}: column {asset!r} has something that is no number")
    try:
        return PriceHistory(tuple(assets), _times(table[TIME]), table[assets].to_numpy(dtype=np.float64))
    except HistoryError as error:
        raise HistoryError(f"history {file}: {error}") from None


def write(history: PriceHistory, file: Path) -> None:
    """Put a history into a file, all of it or nothing: what is there is replaced when the new one is complete.

    :raises HistoryError: the file is of another kind, or cannot be written
    """
    pandas, is_csv = _pandas(), _is_csv(file)
    table = pandas.DataFrame({TIME: history.times} | dict(zip(history.assets, history.prices.T, strict=True)))
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                if is_csv:
                    table.to_csv(stream, index=False)
                else:
                    table.to_parquet(stream, index=False)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise HistoryError(f"history {file} cannot be written ({error.strerror}): check its folder") from None


def _times(column: "pd.Series[Any]") -> Any:
    if column.dtype.kind in "iu":
        return column.to_numpy(dtype=np.int64)
    if column.dtype.kind == "M":
        return column.to_numpy(dtype="datetime64[s]").astype(np.int64)
    return np.array([unix(str(value)) for value in column], dtype=np.int64)


def _is_csv(file: Path) -> bool:
    if file.suffix.lower() not in _SUFFIXES:
        raise HistoryError(f"history {file}: its name has to end in {' or '.join(_SUFFIXES)}")
    return file.suffix.lower() == ".csv"


def _pandas() -> Any:
    try:
        import pandas
        import pyarrow  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{error.name} is not installed: add the extra, `uv sync --extra research`") from None
    return pandas
