"""Files that others write, by the name of their format."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from keeper.errors import HistoryError
from keeper.history import binance, coingecko, coinmetrics
from keeper.history.prices import PriceHistory
from keeper.history.series import joined

FORMATS: Mapping[str, Callable[[str, bytes], PriceHistory]] = {
    "binance": binance.parse,
    "coingecko": coingecko.parse,
    "coinmetrics": coinmetrics.parse,
}


def read_series(kind: str, asset: str, files: Sequence[Path]) -> PriceHistory:
    """One asset out of one or several files of a format.

    :raises HistoryError: an unknown format, or a file that is missing or malformed
    """
    if kind not in FORMATS:
        raise HistoryError(f"format {kind!r} is unknown: use one of {', '.join(FORMATS)}")
    parts = []
    for file in files:
        try:
            parts.append(FORMATS[kind](asset, file.read_bytes()))
        except OSError as error:
            raise HistoryError(f"{file} cannot be read ({error.strerror}): check its path") from None
        except HistoryError as error:
            raise HistoryError(f"{file}: {error}") from None
    return joined(asset, parts)
