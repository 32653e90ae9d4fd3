"""Asks several aggregators for the same swaps at once. One that fails, is slow or is asked too often stops no other."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache

from pyrate_limiter import Duration, Limiter, Rate

from keeper.aggregators.errors import AccessRefused, RateLimited
from keeper.aggregators.quote import Aggregator, Quote, SwapRequest
from keeper.errors import EquipoiseError

_MILLISECOND_S = 0.001


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A swap for which a venue gives nothing that may be used, and why, in one line."""

    venue: str
    sell_token: str
    buy_token: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Checked quotes with what they answer, in the order of the requests and then of the venues; and what is missing."""

    quotes: tuple[tuple[SwapRequest, Quote], ...]
    left_out: tuple[LeftOut, ...]


def ask(
    venues: Sequence[Aggregator], requests: Sequence[SwapRequest], timeout_s: float, quotes_per_s: float
) -> Answers:
    """What the venues answer within `timeout_s`, each asked one request after the other, most important first.

    :param quotes_per_s: of each venue, counted over this whole process
    """
    if not venues or not requests:
        return Answers((), ())
    until = time.monotonic() + timeout_s
    answers: dict[tuple[int, int], Quote | str] = {}
    threads = ThreadPoolExecutor(len(venues), thread_name_prefix="aggregator")
    asking: list[Future[None]] = [
        threads.submit(_ask_one, number, venue, requests, until, quotes_per_s, answers)
        for number, venue in enumerate(venues)
    ]
    wait(asking, timeout_s)
    threads.shutdown(wait=False, cancel_futures=True)  # who is late talks to nobody
    seen = dict(answers)
    quotes: list[tuple[SwapRequest, Quote]] = []
    left_out: list[LeftOut] = []
    for place, request in enumerate(requests):
        for number, venue in enumerate(venues):
            answer = seen.get((place, number), f"{venue.venue} gave no quote within {timeout_s:g} s")
            if isinstance(answer, Quote):
                quotes.append((request, answer))
            else:
                left_out.append(LeftOut(venue.venue, request.sell_token, request.buy_token, answer))
    return Answers(tuple(quotes), tuple(left_out))


def _ask_one(
    number: int,
    venue: Aggregator,
    requests: Sequence[SwapRequest],
    until: float,
    quotes_per_s: float,
    answers: dict[tuple[int, int], Quote | str],
) -> None:
    refusal: str | None = None  # that holds for all its swaps
    for place, request in enumerate(requests):
        if refusal is not None:
            answers[place, number] = refusal
            continue
        patience = until - time.monotonic()
        if patience <= 0 or not _acquire(venue.venue, quotes_per_s, patience):
            answers[place, number] = f"{venue.venue} may not be asked more than {quotes_per_s:g} times a second"
            continue
        try:
            answers[place, number] = venue.quote(request)
        except (RateLimited, AccessRefused) as error:
            answers[place, number] = refusal = str(error)
        except EquipoiseError as error:
            answers[place, number] = str(error)
        except Exception as error:
            # Whatever an adapter trips over is its own venue's loss; the text may be the venue's, so only its kind is kept.
            answers[place, number] = f"{venue.venue} gives no quote: {type(error).__name__}"


def _acquire(venue: str, quotes_per_s: float, patience_s: float) -> bool:
    """Wait for this venue's turn, up to `patience_s`."""
    limiter = _limiter(venue, quotes_per_s)
    return bool(limiter.try_acquire(venue, blocking=True, timeout=max(patience_s, _MILLISECOND_S)))


@cache
def _limiter(venue: str, quotes_per_s: float) -> Limiter:
    """One per venue and process, whichever vault asks."""
    return Limiter(Rate(1, max(1, round(int(Duration.SECOND) / quotes_per_s))))
