"""What can go wrong between an aggregator and a quote that may be used.

    AggregatorError
    ├── AggregatorUnavailable (ConnectionError)   down, slow or failing; asked again a few times
    │   └── RateLimited                           too many requests; says how long to wait, where the answer does
    ├── AccessRefused (ConfigurationError)        the API key is missing or refused
    ├── NotPinned (ConfigurationError)            the executor's owner has not let this function be called
    ├── RequestRefused (ValueError)               this swap cannot be asked for there: a token, an amount, the chain
    ├── NoQuote (NoRoute)                         the aggregator has no route for it
    ├── MalformedAnswer (ValueError)              not JSON, not the documented fields, too long, or a redirect
    └── UnsafeQuote                               an answer that asks for something else than was requested

All but the first are final for this swap at this venue: the others go on without it.
"""

from keeper.errors import AggregatorError, ConfigurationError, NoRoute


class AggregatorUnavailable(AggregatorError, ConnectionError):
    """The aggregator gave no answer, or says that it failed."""


class RateLimited(AggregatorUnavailable):
    """Too many requests.

    :param retry_after_s: what the answer's Retry-After asks for; None where it has none
    """

    def __init__(self, message: str, retry_after_s: int | None):
        super().__init__(message)
        self.retry_after_s = retry_after_s


class AccessRefused(AggregatorError, ConfigurationError):
    """The API key is missing or refused."""


class NotPinned(AggregatorError, ConfigurationError):
    """The executor may not call what the answer names; its owner can let it."""


class RequestRefused(AggregatorError, ValueError):
    """The swap cannot be asked for at this aggregator."""


class NoQuote(AggregatorError, NoRoute):
    """The aggregator has no route."""


class MalformedAnswer(AggregatorError, ValueError):
    """The answer is not what the aggregator documents."""


class UnsafeQuote(AggregatorError):
    """The answer asks for something else than was requested."""
