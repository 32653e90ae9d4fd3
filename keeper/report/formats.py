"""Which CSV files there are."""

from enum import StrEnum


class Format(StrEnum):
    """Of a CSV file."""

    KOINLY = "koinly"
    COINTRACKING = "cointracking"
    GENERIC = "generic"
