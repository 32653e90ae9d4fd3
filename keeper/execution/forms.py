"""The executor's other forms of a rebalance as transactions: with aggregators' calls, and with a loan. Pure.

A call of an aggregator sells what stands in its calldata, and fails where the vault's clamping left less. So it is asked to
sell a little under its part of the route; what it leaves goes on to a pool, or back to the vault.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from keeper.aggregators import Quote
from keeper.chain import abi
from keeper.chain.abi import Lender, Venue
from keeper.execution.plan import Call, Limit, operation
from keeper.routing import WAD, Route
from keeper.routing.route import Leg

CALLS_MAX = 4
OPERATIONS_MAX = 40
_BPS = 10_000
_HELD_BACK_BPS = 10
_NOBODY = "0x" + "0" * 40
NO_LOAN = (_NOBODY, 0, _NOBODY, 0, 0, 0)  # IRouteExecutor.Loan


@dataclass(frozen=True, slots=True)
class Part:
    """What an aggregator does of a rebalance.

    :param planned: base units of its part of the route, of which the calldata sells a little less
    :param delivered: what the simulation saw arrive
    """

    quote: Quote
    planned: int
    delivered: int


@dataclass(frozen=True, slots=True)
class Loan:
    """IRouteExecutor.Loan, without how many operations come first."""

    kind: Lender
    lender: str
    token: str
    amount: int
    least_left: int


def held_back_down(planned: int) -> int:
    """What an aggregator is to sell of its part: less by ten basis points, and rounded down."""
    return planned * (_BPS - _HELD_BACK_BPS) // _BPS


def with_calls(
    vault: str,
    executor: str,
    parts: Sequence[Part],
    rest: Route | None,
    slippage_bps: int,
    deadline: int,
) -> Call:
    """The callback form, in which aggregators swap their parts first and pools what is left.

    :param rest: what own pools do; None for nothing
    :param slippage_bps: how much less of each bought asset than planned is acceptable
    :param deadline: unix s
    :raises ValueError: more calls or operations than the executor takes
    """
    own = rest.sold if rest is not None else {}
    # Where no pool takes what an aggregator leaves, no more is asked for than it sells.
    sold = dict(own)
    for part in parts:
        amount = part.planned if own.get(part.quote.sell_token) else part.quote.sell_amount
        sold[part.quote.sell_token] = sold.get(part.quote.sell_token, 0) + amount
    bought: dict[str, int] = dict(rest.bought) if rest is not None else {}
    for part in parts:
        bought[part.quote.buy_token] = bought.get(part.quote.buy_token, 0) + part.delivered
    legs = [*_legs(parts, sold, own), *(rest.legs if rest is not None else ())]
    if len(parts) > CALLS_MAX or len(legs) > OPERATIONS_MAX:
        raise ValueError(f"{len(parts)} calls and {len(legs)} swaps are more than the executor takes")
    sells = tuple(Limit(asset, amount) for asset, amount in sold.items() if amount)
    buys = tuple(Limit(asset, _least_up(amount, slippage_bps)) for asset, amount in bought.items() if amount)
    operations = [_call_operation(leg) for leg in legs[: len(parts)]] + [operation(leg) for leg in legs[len(parts) :]]
    data = abi.Executor.rebalance_with_calls.encode(
        vault,
        _pairs(sells),
        _pairs(buys),
        operations,
        deadline,
        NO_LOAN,
        [(_least_of_part(part, slippage_bps), part.quote.calldata) for part in parts],
    )
    return Call("rebalance", vault, executor, data, sells, buys, tuple(legs))


def with_loan(
    vault: str,
    executor: str,
    sells: Mapping[str, int],
    buys: Mapping[str, int],
    buying: Sequence[Leg],
    repaying: Sequence[Leg],
    loan: Loan,
    deadline: int,
) -> Call:
    """The pull form on borrowed tokens; what is left is the executor's owner's.

    :param sells: base units that the vault gives at most
    :param buys: base units that it may take at most, in the order in which it takes its due
    :param buying: swaps before the vault, from the borrowed token
    :param repaying: swaps after it, to the borrowed token
    :param deadline: unix s
    :raises ValueError: more operations than the executor takes
    """
    legs = (*buying, *repaying)
    if len(legs) > OPERATIONS_MAX:
        raise ValueError(f"{len(legs)} swaps are more than the executor takes")
    given = tuple(Limit(asset, amount) for asset, amount in sells.items() if amount)
    taken = tuple(Limit(asset, amount) for asset, amount in buys.items() if amount)
    data = abi.Executor.rebalance_with_loan.encode(
        vault,
        _pairs(given),
        _pairs(taken),
        [operation(leg) for leg in legs],
        deadline,
        (loan.lender, int(loan.kind), loan.token, loan.amount, loan.least_left, len(buying)),
    )
    return Call("rebalance", vault, executor, data, given, taken, legs)


def _legs(parts: Sequence[Part], sold: Mapping[str, int], own: Mapping[str, int]) -> Iterable[Leg]:
    """The aggregators' swaps, each allowed its part of what is there when its turn comes."""
    held = dict(sold)
    for number, part in enumerate(parts):
        quote = part.quote
        allowed = part.planned if own.get(quote.sell_token) else quote.sell_amount
        share = min(WAD, -(-allowed * WAD // held[quote.sell_token]))  # up: its calldata's amount has to fit
        held[quote.sell_token] -= quote.sell_amount
        yield Leg(
            quote.target,
            quote.venue,
            quote.sell_token,
            quote.buy_token,
            quote.sell_amount,
            part.delivered,
            share,
            number,
        )


def _call_operation(leg: Leg) -> tuple[int, str, str, str, int, int]:
    """IRouteExecutor.Operation of an aggregator's swap; its fee is the number of its call."""
    return int(Venue.AGGREGATOR), leg.pool, leg.token_in, leg.token_out, leg.fee, leg.share


def _least_of_part(part: Part, slippage_bps: int) -> int:
    """What has to come of an aggregator's swap: by its own word, or by what was seen, whichever is more."""
    return max(part.quote.least_buy, _least_up(part.delivered, slippage_bps))


def _least_up(amount: int, slippage_bps: int) -> int:
    """Rounded up: a minimum protects the vault."""
    return -(-amount * (_BPS - slippage_bps) // _BPS)


def _pairs(limits: Iterable[Limit]) -> list[tuple[str, int]]:
    return [(limit.asset, limit.amount) for limit in limits]
