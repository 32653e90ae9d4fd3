"""From what the services give to the shapes of the answers. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal

from keeper.api import models as m
from keeper.chain.abi import Trigger
from keeper.chain.snapshot import Block, VaultSnapshot, fault_line
from keeper.chain.tokens import Token
from keeper.policy import Kind
from keeper.report.books import Books
from keeper.report.costs import FillCost
from keeper.report.performance import Performance
from keeper.services.in_kind import Part, Prepared, Quote, Step, Way
from keeper.services.plan import Plan
from keeper.services.roles import Role

SHARE_DECIMALS = 18
_WAD = 10**18
_TRIGGERS: Mapping[Trigger, m.Trigger] = {
    Trigger.INTERVAL: "interval",
    Trigger.BAND: "band",
    Trigger.TARGETS: "targets",
}

_KINDS: Mapping[Kind, Literal["open", "rebalance", "wait"]] = {
    Kind.OPEN: "open",
    Kind.REBALANCE: "rebalance",
    Kind.WAIT: "wait",
}


def of_block(block: Block) -> m.Block:
    """A block."""
    return m.Block(number=block.number, hash=block.hash, time=block.timestamp)


def text_or_none(value: int | None) -> str | None:
    """An integer as its digits."""
    return None if value is None else str(value)


def of_summary(chain_id: int, snapshot: VaultSnapshot) -> m.VaultSummary:
    """A row of the list."""
    valuation = snapshot.valuation
    return m.VaultSummary(
        chain_id=chain_id,
        address=snapshot.address,
        name=snapshot.name,
        symbol=snapshot.symbol,
        decimals=SHARE_DECIMALS,
        supply=str(snapshot.supply),
        nav=None if valuation is None else str(valuation.nav),
        nav_per_share=text_or_none(per_share(snapshot)),
        drift=None if valuation is None else str(valuation.drift),
        paused=snapshot.paused,
        is_shut_down=snapshot.is_shut_down,
        is_rebalancing=snapshot.is_open,
        assets=[asset.symbol for asset in snapshot.assets],
        block=of_block(snapshot.block),
        problem=_problem(snapshot),
    )


def unread(chain_id: int, address: str, problem: str) -> m.VaultSummary:
    """A row of the list for a vault of which nothing is known."""
    return m.VaultSummary(
        chain_id=chain_id,
        address=address,
        name=None,
        symbol=None,
        decimals=SHARE_DECIMALS,
        supply=None,
        nav=None,
        nav_per_share=None,
        drift=None,
        paused=None,
        is_shut_down=None,
        is_rebalancing=None,
        assets=[],
        block=None,
        problem=problem,
    )


def of_vault(chain_id: int, snapshot: VaultSnapshot, roles: tuple[Role, ...]) -> m.Vault:
    """A vault's page."""
    valuation = snapshot.valuation
    return m.Vault(
        chain_id=chain_id,
        address=snapshot.address,
        block=of_block(snapshot.block),
        name=snapshot.name,
        symbol=snapshot.symbol,
        decimals=SHARE_DECIMALS,
        supply=str(snapshot.supply),
        supply_cap=str(snapshot.supply_cap),
        nav=None if valuation is None else str(valuation.nav),
        nav_per_share=text_or_none(per_share(snapshot)),
        drift=None if valuation is None else str(valuation.drift),
        paused=snapshot.paused,
        is_shut_down=snapshot.is_shut_down,
        problem=_problem(snapshot),
        holdings=[_holding(snapshot, place) for place in range(len(snapshot.assets))],
        targets_start=snapshot.schedule.start,
        targets_end=snapshot.schedule.end,
        rebalancing=_rebalancing(snapshot),
        fees=m.Fees(
            recipient=snapshot.fees.recipient,
            streaming=str(snapshot.fees.streaming),
            mint=str(snapshot.fees.mint),
            redeem=str(snapshot.fees.redeem),
        ),
        roles=[
            m.Role.model_validate(
                {
                    "name": role.name,
                    "holder": role.holder,
                    "pending": role.pending,
                    "is_contract": role.is_contract,
                    "may": role.may,
                }
            )
            for role in roles
        ],
        rebalancer=snapshot.rebalancer,
        oracle=snapshot.oracle,
    )


def per_share(snapshot: VaultSnapshot) -> int | None:
    """NAV per whole share, WAD USD, rounded down; None without prices or shares."""
    if snapshot.valuation is None or not snapshot.supply:
        return None
    return snapshot.valuation.nav * _WAD // snapshot.supply


def triggers(trigger: Trigger) -> list[m.Trigger]:
    """The reasons in a flag."""
    return [name for flag, name in _TRIGGERS.items() if flag in trigger]


def _problem(snapshot: VaultSnapshot) -> str | None:
    return None if snapshot.valuation is not None else fault_line(snapshot)


def _holding(snapshot: VaultSnapshot, place: int) -> m.Holding:
    asset, valuation = snapshot.assets[place], snapshot.valuation
    price = None if valuation is None else valuation.prices[place]
    weight = None if valuation is None else valuation.weights[place]
    return m.Holding(
        asset=asset.address,
        symbol=asset.symbol,
        decimals=asset.decimals,
        amount=str(asset.balance),
        price=text_or_none(price),
        value=None if price is None else str(asset.balance * price // 10**asset.decimals),
        weight=text_or_none(weight),
        target=str(asset.target),
        final_target=str(snapshot.schedule.targets[place]),
        band=str(asset.band),
        is_outside_band=None if weight is None else abs(weight - asset.target) > asset.band,
    )


def _rebalancing(snapshot: VaultSnapshot) -> m.Rebalancing:
    terms = snapshot.terms
    is_open = snapshot.is_open
    return m.Rebalancing(
        is_open=is_open,
        trigger=None if snapshot.valuation is None else triggers(snapshot.valuation.trigger),
        price_bound=str(snapshot.bound),
        opened_at=snapshot.opened_at if is_open else None,
        closes_at=snapshot.opened_at + terms.duration if is_open else None,
        closed_at=snapshot.closed_at or None,
        completed_at=snapshot.completed_at or None,
        head_start=snapshot.head_start,
        loss=str(snapshot.loss),
        terms=m.Terms(
            triggers=triggers(terms.triggers),
            require_all=terms.require_all,
            interval=terms.interval,
            cooldown=terms.cooldown,
            duration=terms.duration,
            start_premium=str(terms.start_premium),
            max_discount=str(terms.max_discount),
            closing_tolerance=str(terms.closing_tolerance),
            max_loss=str(terms.max_loss),
            loss_window=terms.loss_window,
        ),
    )


def of_quote(chain_id: int, quote: Quote) -> m.Quote:
    """A quote."""
    is_mint = quote.way is Way.MINT
    return m.Quote(
        chain_id=chain_id,
        vault=quote.snapshot.address,
        block=of_block(quote.snapshot.block),
        way=quote.way.value,
        shares=str(quote.shares),
        decimals=SHARE_DECIMALS,
        fee=str(quote.fee),
        slippage_bps=quote.slippage_bps,
        value=text_or_none(quote.value),
        parts=[
            m.Part(
                asset=part.asset,
                symbol=part.symbol,
                decimals=part.decimals,
                amount=str(part.amount),
                limit=str(part.limit),
                value=text_or_none(part.value),
                balance=text_or_none(part.balance),
                allowance=text_or_none(part.allowance),
                approval=str(part.limit) if is_mint and (part.allowance or 0) < part.limit else None,
            )
            for part in quote.parts
        ],
        account=quote.account,
        shares_held=text_or_none(quote.shares_held),
        problem=quote.problem,
        shortfall=quote.shortfall,
    )


def of_transactions(chain_id: int, prepared: Prepared) -> m.Transactions:
    """What somebody is to sign."""
    tokens = {part.asset: part for part in prepared.quote.parts}
    assert prepared.quote.account is not None
    return m.Transactions(
        chain_id=chain_id,
        sender=prepared.quote.account,
        receiver=prepared.receiver,
        deadline=prepared.deadline,
        quote=of_quote(chain_id, prepared.quote),
        transactions=[_transaction(step, tokens) for step in prepared.steps],
        simulation=m.Simulation(
            is_simulated=prepared.is_simulated,
            succeeds=prepared.failed is None if prepared.is_simulated else None,
            failed=prepared.failed,
            reason=prepared.reason,
            words=prepared.words,
        ),
    )


def _transaction(step: Step, tokens: Mapping[str, Part]) -> m.Transaction:
    token = tokens.get(step.asset or "")
    return m.Transaction(
        kind=step.kind,
        to=step.to,
        data="0x" + step.data.hex(),
        value="0",
        gas=step.gas,
        asset=step.asset,
        symbol=None if token is None else token.symbol,
        amount=text_or_none(step.amount),
        decimals=None if token is None else token.decimals,
    )


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
        block=m.Block(number=place.block, hash=place.block_hash, time=place.time),
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
                symbol_in=found.symbols.get(leg.token_in, _short(leg.token_in)),
                symbol_out=found.symbols.get(leg.token_out, _short(leg.token_out)),
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


def of_position(
    chain_id: int,
    snapshot: VaultSnapshot,
    shares: int,
    claims: Sequence[tuple[Token, int]],
    books: Books | None,
    problem: str | None,
) -> m.Position:
    """What an account has of a vault; claims are base units of each token that it is owed."""
    nav = None if snapshot.valuation is None else snapshot.valuation.nav
    value = None if nav is None else shares * nav // snapshot.supply if snapshot.supply else 0
    lots = None if books is None else [lot for lot in books.lots if lot.asset == snapshot.address]
    gone = None if books is None else [each for each in books.disposals if each.asset == snapshot.address]
    is_known = lots is not None and all(lot.cost is not None for lot in lots)
    cost = sum(lot.cost or 0 for lot in lots or ()) if is_known else None
    return m.Position(
        chain_id=chain_id,
        vault=snapshot.address,
        name=snapshot.name,
        symbol=snapshot.symbol,
        block=of_block(snapshot.block),
        shares=str(shares),
        decimals=SHARE_DECIMALS,
        value=text_or_none(value),
        assets=[
            m.Share(
                asset=asset.address,
                symbol=asset.symbol,
                decimals=asset.decimals,
                amount=str(asset.balance * shares // snapshot.supply if snapshot.supply else 0),
            )
            for asset in snapshot.assets
        ],
        claims=[
            m.Claim(asset=token.address, symbol=token.symbol, decimals=token.decimals, amount=str(amount))
            for token, amount in claims
        ],
        cost=text_or_none(cost),
        unrealised_gain=None if value is None or cost is None else str(value - cost),
        realised_gain=None if gone is None else str(sum(each.gain or 0 for each in gone)),
        lots=None
        if lots is None
        else [
            m.Lot(
                quantity=str(lot.quantity),
                cost=text_or_none(lot.cost),
                acquired_at=lot.acquired_at,
                source=lot.source,
                transaction=lot.tx,
            )
            for lot in lots
        ],
        disposals=None
        if gone is None
        else [
            m.Disposal(
                quantity=str(each.quantity),
                proceeds=str(each.proceeds),
                basis=text_or_none(each.basis),
                gain=text_or_none(each.gain),
                acquired_at=each.acquired_at,
                disposed_at=each.disposed_at,
                source=each.source,
                transaction=each.tx,
            )
            for each in gone
        ],
        books_problem=problem,
    )


def _symbol(snapshot: VaultSnapshot, token: str) -> str:
    found = snapshot.symbol_of(token)
    return _short(token) if found == token else found


def _short(address: str) -> str:
    return f"{address[:6]}…{address[-4:]}"
