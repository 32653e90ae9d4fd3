"""The executor's calldata with aggregators' calls and with a loan."""

from dataclasses import replace

import pytest
from eth_abi.abi import decode

from keeper.aggregators import Quote
from keeper.chain import abi
from keeper.chain.abi import Lender, Venue
from keeper.execution import forms
from keeper.execution.forms import Loan, Part, held_back_down, with_calls, with_loan
from keeper.execution.plan import Limit
from keeper.routing import WAD, Route
from keeper.routing.route import Leg

VAULT, EXECUTOR, TARGET, POOL, A, B, C = ("0x" + f"{number:040x}" for number in range(1, 8))
PLANNED = 10_007
SOLD = 9_996  # 9,996.993 rounded down


def quote(sell: str = A, buy: str = B, amount: int = SOLD, least: int = 900) -> Quote:
    return Quote("kyberswap", 1, EXECUTOR, sell, buy, amount, 1000, least, TARGET, TARGET, 0, b"calldata", None)


def decoded(call):
    return decode(abi.Executor.rebalance_with_calls.inputs, call.data[4:])


def test_held_back_down__is_ten_basis_points_less_rounded_down() -> None:
    assert held_back_down(PLANNED) == SOLD
    assert held_back_down(10_000) == 9_990


def test_with_calls__an_aggregator_alone__asks_the_vault_for_what_it_sells() -> None:
    call = with_calls(VAULT, EXECUTOR, [Part(quote(), PLANNED, 1_001)], None, 30, 77)
    vault, sells, buys, operations, deadline, loan, calls = decoded(call)
    assert call.data[:4] == abi.Executor.rebalance_with_calls.selector
    assert (vault, deadline, loan) == (VAULT, 77, forms.NO_LOAN)
    assert sells == ((A, SOLD),)
    assert buys == ((B, 998),)  # 997.997 rounded up
    assert operations == ((int(Venue.AGGREGATOR), TARGET, A, B, 0, WAD),)
    assert calls == ((998, b"calldata"),)
    assert call.sells == (Limit(A, SOLD),)
    assert [(leg.venue, leg.amount_in, leg.amount_out) for leg in call.legs] == [("kyberswap", SOLD, 1_001)]


def test_with_calls__the_quotes_own_minimum_is_held_where_it_is_more() -> None:
    *_, calls = decoded(with_calls(VAULT, EXECUTOR, [Part(quote(least=1_000), PLANNED, 1_001)], None, 30, 0))
    assert calls[0][0] == 1_000


def test_with_calls__beside_own_pools__leaves_them_what_it_does_not_sell() -> None:
    rest = Route((Leg(POOL, "uniswap_v2", A, C, 5_000, 70, WAD, 3000),), {A: 5_000}, {B: 0, C: 70}, 0, 0, 0)
    _, sells, buys, operations, *_ = decoded(with_calls(VAULT, EXECUTOR, [Part(quote(), PLANNED, 1_001)], rest, 0, 0))
    assert dict(sells) == {A: PLANNED + 5_000}
    assert dict(buys) == {B: 1_001, C: 70}
    first, second = operations
    share = first[-1]
    held = PLANNED + 5_000
    assert PLANNED <= held * share // WAD <= PLANNED + 1
    # Whatever the clamping leaves of it down to what the calldata says, its allowance suffices.
    assert (held * SOLD // PLANNED + 1) * share // WAD >= SOLD
    assert second == (int(Venue.UNISWAP_V2), POOL, A, C, 3000, WAD)


def test_with_calls__several_of_one_token__are_each_allowed_their_part_in_turn() -> None:
    parts = [Part(quote(amount=3_000), 3_003, 5), Part(quote(buy=C, amount=7_001), 7_009, 6)]
    _, sells, _, operations, *_ = decoded(with_calls(VAULT, EXECUTOR, parts, None, 0, 0))
    held = dict(sells)[A]
    assert held == 10_001
    for number, (operation, part) in enumerate(zip(operations, parts, strict=True)):
        assert operation[4] == number
        assert held * operation[5] // WAD == part.quote.sell_amount
        held -= part.quote.sell_amount
    assert held == 0


@pytest.mark.parametrize("many", ["calls", "swaps"])
def test_with_calls__more_than_the_executor_takes__is_refused(many: str) -> None:
    leg = Leg(POOL, "uniswap_v2", A, C, 1, 1, WAD, 3000)
    route = Route((leg,) * (40 if many == "swaps" else 1), {A: 1}, {C: 1}, 0, 0, 0)
    parts = [Part(quote(), PLANNED, 1)] * (5 if many == "calls" else 1)
    with pytest.raises(ValueError, match="more than the executor takes"):
        with_calls(VAULT, EXECUTOR, parts, route, 0, 0)
    with_calls(VAULT, EXECUTOR, parts[:4], replace(route, legs=route.legs[:36]), 0, 0)


def test_with_loan__names_the_lender_and_what_comes_before_the_vault() -> None:
    buying = Leg(POOL, "uniswap_v3", C, B, 10, 20, WAD, 500)
    repaying = Leg(POOL, "uniswap_v3", A, C, 30, 40, WAD, 500)
    loan = Loan(Lender.AAVE_V3, TARGET, C, 11, 3)
    call = with_loan(VAULT, EXECUTOR, {A: 30}, {B: 20}, [buying], [repaying, repaying], loan, 99)
    vault, sells, buys, operations, deadline, given = decode(abi.Executor.rebalance_with_loan.inputs, call.data[4:])
    assert call.data[:4] == abi.Executor.rebalance_with_loan.selector
    assert (vault, deadline) == (VAULT, 99)
    assert (sells, buys) == (((A, 30),), ((B, 20),))
    assert [operation[2] for operation in operations] == [C, A, A]
    assert given == (TARGET, 4, C, 11, 3, 1)
    with pytest.raises(ValueError, match="more than the executor takes"):
        with_loan(VAULT, EXECUTOR, {A: 30}, {B: 20}, [buying] * 20, [repaying] * 21, loan, 99)
