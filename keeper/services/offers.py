"""What the aggregators offer for the flows of a route: asked at once, each simulated, the best by what it delivered."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from keeper.aggregators import Aggregator, Quote, SwapRequest, check
from keeper.aggregators.ask import LeftOut, ask
from keeper.chain.rpc import Client
from keeper.errors import AggregatorError
from keeper.execution.trial import Place, Trial, try_out
from keeper.settings import AggregatorSettings

_BPS = 10_000
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Offer:
    """A quote with what a simulation saw it deliver; `worth` is that in WAD USD less its gas."""

    request: SwapRequest
    quote: Quote
    trial: Trial
    worth: int


@dataclass(frozen=True, slots=True)
class Offers:
    """By tokens sold and bought: what may be used, best first, and what CoW Protocol says that it is worth."""

    ranked: Mapping[tuple[str, str], tuple[Offer, ...]]
    references: Mapping[tuple[str, str], Quote]
    left_out: tuple[LeftOut, ...]


def gather(
    client: Client,
    settings: AggregatorSettings,
    venues: Sequence[Aggregator],
    requests: Sequence[SwapRequest],
    place: Place,
    worth: Callable[[str, int, int], int],
) -> Offers:
    """Ask, simulate and rank. What fails is left out with its reason.

    :param worth: WAD USD of base units of a token, less gas
    :raises ChainError: the endpoint fails, or cannot simulate
    """
    answers = ask(venues, requests, settings.timeout_s, settings.quotes_per_s)
    references = {
        (request.sell_token, request.buy_token): quote for request, quote in answers.quotes if not quote.is_executable
    }
    calls = [(request, quote) for request, quote in answers.quotes if quote.is_executable]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="trial") as threads:
        trials = list(threads.map(lambda pair: _try(client, pair[0], pair[1], place), calls))
    left_out = list(answers.left_out)
    ranked: dict[tuple[str, str], list[Offer]] = {}
    for (request, quote), trial in zip(calls, trials, strict=True):
        if isinstance(trial, Trial):
            value = worth(quote.buy_token, trial.delivered, trial.gas)
            ranked.setdefault((request.sell_token, request.buy_token), []).append(Offer(request, quote, trial, value))
        else:
            left_out.append(LeftOut(quote.venue, request.sell_token, request.buy_token, str(trial)))
    return Offers(
        {
            pair: tuple(sorted(found, key=lambda offer: (-offer.worth, offer.quote.venue)))
            for pair, found in ranked.items()
        },
        references,
        tuple(left_out),
    )


def behind_reference_bps(reference: int, best: int) -> int:
    """By how many basis points the best that can be executed falls short of a reference price; rounded down."""
    return (reference - best) * _BPS // reference if reference > 0 else 0


def _try(client: Client, request: SwapRequest, quote: Quote, place: Place) -> Trial | AggregatorError:
    try:
        terms = check(quote, request)
        assert terms is not None  # only a price has none
        return try_out(client, quote, request, terms, place)
    except AggregatorError as error:
        return error
