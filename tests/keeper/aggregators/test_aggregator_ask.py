"""Asking several aggregators at once: whoever fails, is slow or refuses stops no other."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from aggregator_cases import CASES, DAI, REQUEST, USDC, WETH, Case
from aggregator_server import FakeAggregator, Reply

from keeper.aggregators import AccessRefused, Aggregator, NoQuote, Quote, RateLimited, SwapRequest, pins
from keeper.aggregators.ask import Answers, _limiter, ask

SECOND = replace(REQUEST, buy_token=DAI, buy_decimals=18)
OFTEN = 1000.0


@dataclass
class Played:
    """A venue that answers, raises or dawdles."""

    venue: str
    fault: Exception | None = None
    delay_s: float = 0.0
    asked: list[SwapRequest] = field(default_factory=list)

    def quote(self, request: SwapRequest) -> Quote:
        self.asked.append(request)
        time.sleep(self.delay_s)
        if self.fault is not None:
            raise self.fault
        return Quote(
            self.venue, 1, request.taker, request.sell_token, request.buy_token, request.sell_amount, 1, 1,
            request.vault, request.vault, 0, b"data", None,
        )  # fmt: skip


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    _limiter.cache_clear()


def reasons(answers: Answers) -> list[tuple[str, str, str]]:
    return [(each.venue, each.buy_token, each.reason) for each in answers.left_out]


def test_ask__answers_are_in_the_order_of_requests_and_venues() -> None:
    venues = [Played("slow", delay_s=0.1), Played("fast")]
    answers = ask(venues, [REQUEST, SECOND], 5, OFTEN)
    assert [(request.buy_token, quote.venue) for request, quote in answers.quotes] == [
        (USDC, "slow"),
        (USDC, "fast"),
        (DAI, "slow"),
        (DAI, "fast"),
    ]
    assert answers.left_out == ()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (NoQuote("a has no route"), "a has no route"),
        (RecursionError("\x1b[2Jtext of a stranger"), "a gives no quote: RecursionError"),
    ],
)
def test_ask__one_that_fails__is_left_out_with_its_reason_for_each_swap(fault: Exception, reason: str) -> None:
    venues = [Played("a", fault), Played("b")]
    answers = ask(venues, [REQUEST, SECOND], 5, OFTEN)
    assert [quote.venue for _, quote in answers.quotes] == ["b", "b"]
    assert reasons(answers) == [("a", USDC, reason), ("a", DAI, reason)]
    assert len(venues[0].asked) == 2


@pytest.mark.parametrize("fault", [RateLimited("a refuses more", 3), AccessRefused("a refuses access")])
def test_ask__one_that_refuses_all__is_not_asked_again(fault: Exception) -> None:
    venue = Played("a", fault)
    answers = ask([venue], [REQUEST, SECOND], 5, OFTEN)
    assert reasons(answers) == [("a", USDC, str(fault)), ("a", DAI, str(fault))]
    assert len(venue.asked) == 1


def test_ask__one_that_is_too_slow__is_not_waited_for() -> None:
    begun = time.monotonic()
    answers = ask([Played("a", delay_s=2.0), Played("b")], [REQUEST], 0.2, OFTEN)
    assert time.monotonic() - begun < 1.5
    assert [quote.venue for _, quote in answers.quotes] == ["b"]
    assert reasons(answers) == [("a", USDC, "a gave no quote within 0.2 s")]


def test_ask__more_often_than_allowed__is_left_out_over_all_vaults_of_the_process() -> None:
    venue = Played("a")
    assert len(ask([venue], [REQUEST], 0.2, 0.2).quotes) == 1
    answers = ask([venue, Played("b")], [REQUEST], 0.2, 0.2)
    assert [quote.venue for _, quote in answers.quotes] == ["b"]
    ((name, _, reason),) = reasons(answers)
    assert name == "a" and reason in (
        "a may not be asked more than 0.2 times a second",
        "a gave no quote within 0.2 s",
    )
    assert len(venue.asked) == 1


def test_ask__within_its_patience__waits_for_its_turn() -> None:
    venue = Played("a")
    begun = time.monotonic()
    assert len(ask([venue], [REQUEST, SECOND], 5, 5.0).quotes) == 2
    assert time.monotonic() - begun >= 0.15


def test_ask__nobody_or_nothing__is_nothing() -> None:
    assert ask([], [REQUEST], 1, 1) == ask([Played("a")], [], 1, 1) == Answers((), ())


@pytest.fixture
def servers() -> Iterator[list[tuple[Case, FakeAggregator]]]:
    """A server for every venue, with its documented answers."""
    found = [(case, FakeAggregator()) for case in CASES]
    running = [server.running() for _, server in found]
    for context in running:
        context.__enter__()
    yield found
    for context in running:
        context.__exit__(None, None, None)


def test_ask__every_venue_over_http__answers_beside_one_that_drips_and_one_that_is_limited(
    servers: list[tuple[Case, FakeAggregator]],
) -> None:
    venues: list[Aggregator] = []
    for case, server in servers:
        answers = [Reply(body) for body in case.answers]
        if case.venue == pins.VELORA:
            answers = [Reply(answers[0].body, drip_s=0.2)]
        if case.venue == pins.OPENOCEAN:
            answers = [Reply({}, 429, {"Retry-After": "60"})]
        server.answer(*answers)
        venues.append(case.adapter(server.url, timeout_s=1.0, patience_s=1.0))
    answers = ask(venues, [REQUEST], 3, OFTEN)
    left_out = {each.venue: each.reason for each in answers.left_out}
    assert set(left_out) == {pins.VELORA, pins.OPENOCEAN}
    assert "HTTP status 429" in left_out[pins.OPENOCEAN]
    quoted = {quote.venue: (quote.sell_token, quote.buy_token) for _, quote in answers.quotes}
    assert quoted == dict.fromkeys({case.venue for case in CASES} - set(left_out), (WETH, USDC))
