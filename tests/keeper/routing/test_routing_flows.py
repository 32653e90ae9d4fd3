"""A route as flows from what it sells to what it buys."""

from keeper.routing import WAD, Flow, Route, flows
from keeper.routing.route import Leg


def leg(token_in: str, token_out: str, amount_in: int, amount_out: int) -> Leg:
    return Leg("pool", "uniswap_v2", token_in, token_out, amount_in, amount_out, WAD, 3000)


def route(legs: list[Leg], sold: dict[str, int], bought: dict[str, int]) -> Route:
    return Route(tuple(legs), sold, bought, 0, 0, 0)


def test_flows__one_leg__is_one_flow() -> None:
    assert flows(route([leg("A", "B", 100, 90)], {"A": 100}, {"B": 90})) == (Flow("A", "B", 100, 90),)


def test_flows__two_sold_through_a_hub__are_split_in_proportion() -> None:
    legs = [leg("A", "H", 100, 300), leg("B", "H", 50, 100), leg("H", "C", 200, 20), leg("H", "D", 200, 40)]
    assert flows(route(legs, {"A": 100, "B": 50}, {"C": 20, "D": 40})) == (
        Flow("A", "C", 50, 15),
        Flow("A", "D", 50, 30),
        Flow("B", "C", 25, 5),
        Flow("B", "D", 25, 10),
    )


def test_flows__a_sold_token_on_the_way_of_another__keeps_its_own_part() -> None:
    # 60 of A come as 30 of B to the 70 that are sold of it, and all of that goes on.
    legs = [leg("A", "B", 60, 30), leg("B", "C", 100, 1000)]
    assert flows(route(legs, {"A": 60, "B": 70}, {"C": 1000})) == (Flow("A", "C", 60, 300), Flow("B", "C", 70, 700))


def test_flows__what_is_left_over__is_in_none() -> None:
    found = flows(route([leg("A", "B", 40, 40), leg("B", "C", 20, 21)], {"A": 100}, {"C": 21}))
    assert found == (Flow("A", "C", 20, 21),)


def test_flows__never_more_than_the_route() -> None:
    legs = [leg("A", "H", 7, 11), leg("B", "H", 5, 3), leg("H", "C", 13, 17)]
    found = flows(route(legs, {"A": 7, "B": 5}, {"C": 17}))
    assert sum(flow.amount_out for flow in found) <= 17
    assert [flow.amount_in <= {"A": 7, "B": 5}[flow.sell] for flow in found] == [True, True]
