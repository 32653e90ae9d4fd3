"""Prices over time: what they are, where they are read from, and paths that a model draws."""

from keeper.history.alignment import align
from keeper.history.files import read, write
from keeper.history.prices import PriceHistory, PricePaths
from keeper.history.readers import FORMATS, read_series

__all__ = ["FORMATS", "PriceHistory", "PricePaths", "align", "read", "read_series", "write"]
