"""Whatever an aggregator answers, the caller gets a quote that holds what was requested, or a typed error."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from aggregator_cases import CALLED, CASES, LEAST, REQUEST, SOLD, Case
from aggregator_server import FakeAggregator, Reply
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keeper.aggregators import Quote, check, pins
from keeper.errors import AggregatorError

every = pytest.mark.parametrize("case", CASES, ids=[case.venue for case in CASES])
over_http = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# As JSON has it: numbers of any size, text with any character, and what looks like a field of an answer.
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**300), 2**300)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.from_regex(r"-?[0-9]{1,80}", fullmatch=True)
    | st.from_regex(r"0x[0-9a-fA-F]{40}", fullmatch=True)
    | st.binary(max_size=300).map(lambda data: "0x" + data.hex())
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def ways(body: object, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in an answer, the answer itself first."""
    yield prefix
    if isinstance(body, dict):
        for name, inner in body.items():
            yield from ways(inner, (*prefix, name))
    elif isinstance(body, list):
        for number, inner in enumerate(body):
            yield from ways(inner, (*prefix, number))


def replaced(body: Any, way: tuple[Any, ...], value: object) -> Any:
    if not way:
        return value
    changed = deepcopy(body)
    spot = changed
    for step in way[:-1]:
        spot = spot[step]
    spot[way[-1]] = value
    return changed


@pytest.fixture(scope="module")
def server() -> Iterator[FakeAggregator]:
    with FakeAggregator().running() as running:
        yield running


def ask(server: FakeAggregator, case: Case, *replies: Reply) -> Quote | None:
    """The quote, held against the request once more, or None for a typed error of one line."""
    server.answer(*replies)
    try:
        quote = case.adapter(server.url).quote(REQUEST)
    except AggregatorError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 600
        return None
    check(quote, REQUEST)
    pin = pins.PINS[case.venue][1]
    assert (quote.target, quote.spender, quote.value) == (pin.target, pin.spender, 0)
    assert (quote.sell_token, quote.buy_token, quote.sell_amount) == (REQUEST.sell_token, REQUEST.buy_token, SOLD)
    assert 0 < quote.buy_amount < 2**256
    return quote


@every
@given(data=st.data())
@over_http
def test_quote__any_json__is_a_typed_error(server: FakeAggregator, case: Case, data: st.DataObject) -> None:
    bodies = data.draw(st.lists(values, min_size=1, max_size=2))
    status = data.draw(st.sampled_from([200, 200, 201, 204, 400, 404, 418, 422, 500, 503]))
    assert ask(server, case, *(Reply(json.dumps(body).encode(), status) for body in bodies)) is None


@every
@given(data=st.data())
@over_http
def test_quote__documented_answer_with_any_value_anywhere__is_checked_or_a_typed_error(
    server: FakeAggregator, case: Case, data: st.DataObject
) -> None:
    answers = list(case.answers)
    number = data.draw(st.integers(0, len(answers) - 1))
    way = data.draw(st.sampled_from(list(ways(answers[number]))))
    answers[number] = replaced(answers[number], way, data.draw(values))
    ask(server, case, *map(Reply, answers))


@pytest.mark.parametrize("case", CALLED, ids=[case.venue for case in CALLED])
@given(data=st.data())
@over_http
def test_quote__calldata_with_any_bytes_in_it__is_checked_or_a_typed_error(
    server: FakeAggregator, case: Case, data: st.DataObject
) -> None:
    assert case.encode is not None
    (where,) = case.places["calldata"]
    spot: Any = case.answers[where[0]]
    for name in where[1]:
        spot = spot[name]
    calldata = bytes.fromhex(spot[2:])
    first = data.draw(st.integers(4, len(calldata)))
    last = data.draw(st.integers(first, min(first + 64, len(calldata))))
    odd = calldata[:first] + data.draw(st.binary(max_size=64)) + calldata[last:]
    quote = ask(server, case, *map(Reply, case.with_call(odd)))
    if quote is not None:
        terms = check(quote, REQUEST)
        assert terms is not None
        assert (terms.sell_amount, terms.receiver or quote.taker) == (SOLD, REQUEST.receiver)
        assert terms.least_buy >= REQUEST.least_of_down(quote.buy_amount)
        assert REQUEST.least_of_down(quote.buy_amount) <= LEAST


@every
@given(body=st.binary(max_size=200), status=st.integers(200, 599))
@over_http
def test_quote__any_bytes__are_a_typed_error(server: FakeAggregator, case: Case, body: bytes, status: int) -> None:
    assert ask(server, case, Reply(body, status)) is None
