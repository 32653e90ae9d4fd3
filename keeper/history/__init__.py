"""Prices over time: what they are, where they are read from, and paths that a model draws."""

from keeper.history.prices import PriceHistory, PricePaths

__all__ = ["PriceHistory", "PricePaths"]
