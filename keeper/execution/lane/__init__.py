"""How a transaction leaves, and what becomes of it: `docs/explanation/sending.md` tells it in order.

orders     what the lane is asked to do, and what it tells
moves      what to do next about the transactions that share a nonce; pure
lane       the lane itself
launch     checks → signature → intent → wire
renewal    sent again, replaced, cancelled
booking    mined, confirmed, out of its block
nonces     the next nonce, and who used the others
sight      what the chain says
channels   the public pool and private relays
checks     caps, policy, funds
steps      where a process may be killed
"""

from keeper.execution.lane.errors import FalseReceipt, ForeignUse, InFlight, NotMined, NotTaken, Unfunded
from keeper.execution.lane.lane import Lane
from keeper.execution.lane.orders import ALERTS, Event, Notice, Order, Ticket, Worth
from keeper.execution.lane.orphans import settle
from keeper.execution.lane.steps import At, Step

__all__ = [
    "ALERTS",
    "At",
    "Event",
    "FalseReceipt",
    "ForeignUse",
    "InFlight",
    "Lane",
    "NotMined",
    "NotTaken",
    "Notice",
    "Order",
    "Step",
    "Ticket",
    "Unfunded",
    "Worth",
    "settle",
]
