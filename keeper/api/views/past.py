"""A vault's past, and its next step."""

from collections.abc import Mapping
from typing import Literal

from keeper.api.models import past as m
from keeper.api.models.common import Block as BlockShape
from keeper.api.views.common import of_block, short, text_or_none
from keeper.chain.snapshot import Block, VaultSnapshot
from keeper.policy import Kind
from keeper.report.costs import FillCost
from keeper.report.performance import Performance
from keeper.services.plan import Plan

_KINDS: Mapping[Kind, Literal["open", "rebalance", "wait"]] = {
    Kind.OPEN: "open",
    Kind.REBALANCE: "rebalance",
    Kind.WAIT: "wait",
}


def of_rebalances(chain_id: int, block: Block, found: Performance, limit: int, before: int | None) -> m.Rebalances:
    """A page of the fills. Those of one block stay on one page, which may have a few more for it."""
    fills = [fill for fill in reversed(found.fills) if before is None or fill.filled.place.block < before]
    shown = fills[:limit]
    shown += [fill for fill in fills[limit:] if fill.filled.place.block == shown[-1].filled.place.block]
    is_last = len(shown) == len(fills)
    return m.Rebalances(
        chain_id=chain_id,
        vault=found.vault,
        block=of_block(block),
        rebalances=[_rebalance(fill, found) for fill in shown],
        next_before=None if is_last else shown[-1].filled.place.block,
    )


def _rebalance(fill: FillCost, found: Performance) -> m.Rebalance:
    filled = fill.filled
    place = filled.place
    return m.Rebalance(
        transaction=place.tx,
        block=BlockShape(number=place.block, hash=place.block_hash, time=place.time),
        value_out=str(filled.value_out),
        value_in=str(filled.value_in),
        drift_before=str(filled.drift_before),
        drift_after=str(filled.drift_after),
        oracle_difference=str(fill.oracle_difference),
        pool_fees=str(fill.pool_fees),
        impact=str(fill.impact),
        kept=str(fill.kept),
        gas=text_or_none(fill.gas),
        gas_wei=str(fill.gas_wei),
        legs=[
            m.Leg(
                pool=leg.pool,
                venue=leg.venue,
                token_in=leg.token_in,
                token_out=leg.token_out,
                symbol_in=found.symbols.get(leg.token_in, short(leg.token_in)),
                symbol_out=found.symbols.get(leg.token_out, short(leg.token_out)),
                decimals_in=found.decimals.get(leg.token_in),
                decimals_out=found.decimals.get(leg.token_out),
                amount_in=str(leg.amount_in),
                amount_out=str(leg.amount_out),
            )
            for leg in fill.legs
        ],
    )


def of_nav(chain_id: int, block: Block, found: Performance) -> m.NavHistory:
    """NAV over time."""
    return m.NavHistory(
        chain_id=chain_id,
        vault=found.vault,
        block=of_block(block),
        points=[
            m.NavPoint(
                block=point.block,
                time=point.time,
                nav=str(point.nav),
                nav_per_share=str(point.per_share),
                hold=text_or_none(point.hold),
                target=str(point.target),
            )
            for point in found.points
        ],
    )


def of_decision(chain_id: int, plan: Plan) -> m.Decision:
    """What the keeper would do."""
    decision, route, snapshot = plan.decision, plan.route, plan.snapshot
    quote = decision.quote
    certificate = None if route is None else route.certificate
    decimals = {asset.address: asset.decimals for asset in snapshot.assets}
    legs = plan.call.legs if plan.call is not None and plan.call.legs else () if route is None else route.legs
    return m.Decision(
        chain_id=chain_id,
        vault=snapshot.address,
        block=of_block(snapshot.block),
        kind=_KINDS[decision.kind],
        reason=decision.reason,
        until=decision.until,
        value_out=None if quote is None else str(quote.value_out),
        value_in=None if quote is None else str(quote.value_in),
        gas_cost=None if quote is None else text_or_none(quote.gas_cost),
        simulated_gas=None if plan.simulation is None else plan.simulation.gas,
        partial_reason=None if route is None else route.partial_reason,
        gap_bps=None if certificate is None else certificate.gap_bps,
        legs=[
            m.Leg(
                pool=leg.pool,
                venue=leg.venue,
                token_in=leg.token_in,
                token_out=leg.token_out,
                symbol_in=_symbol(snapshot, leg.token_in),
                symbol_out=_symbol(snapshot, leg.token_out),
                decimals_in=decimals.get(leg.token_in),
                decimals_out=decimals.get(leg.token_out),
                amount_in=str(leg.amount_in),
                amount_out=str(leg.amount_out),
            )
            for leg in legs
        ],
        alternatives=[
            m.Alternative(name=each.name, worth=text_or_none(each.worth), left_out=each.left_out)
            for each in (() if plan.alternatives is None else plan.alternatives.candidates)
        ],
    )


def _symbol(snapshot: VaultSnapshot, token: str) -> str:
    found = snapshot.symbol_of(token)
    return short(token) if found == token else found
