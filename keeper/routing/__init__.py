"""Routing: sell a basket, buy a basket, over many pools in one solve. Pure: pools and prices in, exact legs out."""

from keeper.routing.certificate import Certificate
from keeper.routing.flows import Flow, flows
from keeper.routing.network import reference_prices
from keeper.routing.problem import UNLIMITED, WAD, Goal, RebalanceProblem, RouteLimits, value_down, value_up
from keeper.routing.route import Leg, Route, replay
from keeper.routing.solver import prepare, solve
from keeper.routing.swap import exact_in, exact_out

__all__ = [
    "UNLIMITED",
    "WAD",
    "Certificate",
    "Flow",
    "Goal",
    "Leg",
    "RebalanceProblem",
    "Route",
    "RouteLimits",
    "exact_in",
    "exact_out",
    "flows",
    "prepare",
    "reference_prices",
    "replay",
    "solve",
    "value_down",
    "value_up",
]
