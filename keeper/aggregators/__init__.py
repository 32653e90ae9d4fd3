"""Aggregators over HTTP: 0x, 1inch, Velora, KyberSwap and OpenOcean as venues, CoW Protocol as a price to compare with.

What they answer is hostile input. Each adapter asks with the documented fields, takes the documented form alone, and
gives a quote only after `check` has held it against the request and the pinned contracts. What the quote delivers is
still a claim: nothing from here is sent before a simulation has shown what it changes.
"""

from keeper.aggregators.calldata import Terms
from keeper.aggregators.check import check
from keeper.aggregators.cow import Cow
from keeper.aggregators.errors import (
    AccessRefused,
    AggregatorUnavailable,
    MalformedAnswer,
    NoQuote,
    NotPinned,
    RateLimited,
    RequestRefused,
    UnsafeQuote,
)
from keeper.aggregators.kyberswap import KyberSwap
from keeper.aggregators.oneinch import OneInch
from keeper.aggregators.openocean import OpenOcean
from keeper.aggregators.quote import Aggregator, Quote, SwapRequest
from keeper.aggregators.transport import Connection
from keeper.aggregators.velora import Velora
from keeper.aggregators.zerox import ZeroX

__all__ = [
    "AccessRefused",
    "Aggregator",
    "AggregatorUnavailable",
    "Connection",
    "Cow",
    "KyberSwap",
    "MalformedAnswer",
    "NoQuote",
    "NotPinned",
    "OneInch",
    "OpenOcean",
    "Quote",
    "RateLimited",
    "RequestRefused",
    "SwapRequest",
    "Terms",
    "UnsafeQuote",
    "Velora",
    "ZeroX",
    "check",
]
