"""Forecasts of volatility: a history in, variances and correlations out. Pure, in floats; nothing here trades."""

from keeper.forecast.outlook import AUTO, FORECASTERS, Outlook, look

__all__ = ["AUTO", "FORECASTERS", "Outlook", "look"]
