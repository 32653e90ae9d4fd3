"""Routing: sell a basket, buy a basket, over many pools in one solve. Pure: pools and prices in, exact legs out."""

from keeper.routing.problem import WAD, RebalanceProblem, RouteLimits, value_down, value_up
from keeper.routing.route import Leg, Route, replay
from keeper.routing.solver import solve

__all__ = [
    "WAD",
    "Leg",
    "RebalanceProblem",
    "Route",
    "RouteLimits",
    "replay",
    "solve",
    "value_down",
    "value_up",
]
