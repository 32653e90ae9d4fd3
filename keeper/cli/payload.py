"""The JSON that programs read. USD, shares of NAV and basis points are numbers; amounts in base units are strings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keeper.chain.snapshot import VaultSnapshot
    from keeper.chain.tokens import Token
    from keeper.execution.receipt import Mined, Swap
    from keeper.routing import Certificate, Leg
    from keeper.services.alternatives import Alternatives
    from keeper.services.demo import Holding, Story
    from keeper.services.doctor import Row
    from keeper.services.keeper_pass import PassResult
    from keeper.services.plan import Plan
    from keeper.services.route import SwapRoute
    from keeper.services.status import KeeperStatus

WAD = 10**18


def of_snapshot(snapshot: VaultSnapshot) -> dict[str, Any]:
    """NAV in USD, drift and bands as shares of NAV, weights and targets by symbol; None where the oracle fails."""
    valuation = snapshot.valuation
    names = _names(snapshot)
    return {
        "block": snapshot.block.number,
        "nav": None if valuation is None else valuation.nav / WAD,
        "drift": None if valuation is None else valuation.drift / WAD,
        "weights": None if valuation is None else {n: w / WAD for n, w in zip(names, valuation.weights, strict=True)},
        "targets": {name: asset.target / WAD for name, asset in zip(names, snapshot.assets, strict=True)},
        "final_targets": {name: target / WAD for name, target in zip(names, snapshot.schedule.targets, strict=True)},
        "targets_start": snapshot.schedule.start,
        "targets_end": snapshot.schedule.end,
        "bands": {name: asset.band / WAD for name, asset in zip(names, snapshot.assets, strict=True)},
        "prices": None if valuation is None else {n: p / WAD for n, p in zip(names, valuation.prices, strict=True)},
        "is_open": snapshot.is_open,
        "price_bound": snapshot.bound / WAD,
        "head_start": snapshot.head_start,
        "is_keeper": snapshot.is_keeper,
        "paused": snapshot.paused,
        "is_shut_down": snapshot.is_shut_down,
        "supply": str(snapshot.supply),
        "supply_cap": str(snapshot.supply_cap),
        "fees": {
            "recipient": snapshot.fees.recipient,
            "streaming": snapshot.fees.streaming / WAD,
            "mint": snapshot.fees.mint / WAD,
            "redeem": snapshot.fees.redeem / WAD,
        },
    }


def of_status(found: KeeperStatus) -> dict[str, Any]:
    """Kill switch, breakers, each vault's last decision, the last transactions."""
    return {
        "killed": found.killed,
        "breakers": [breaker.model_dump(mode="json") for breaker in found.breakers],
        "vaults": [
            {
                "chain_id": row.chain_id,
                "vault": row.vault,
                "at": row.at,
                "block": row.block_number,
                "armed": row.armed,
                "decision": row.kind,
                "reason": row.reason,
                "until": row.until,
                "nav": None if row.nav is None else int(row.nav) / WAD,
                "drift": None if row.drift is None else int(row.drift) / WAD,
            }
            for row in found.decisions
        ],
        "transactions": [
            {
                "chain_id": row.chain_id,
                "at": row.at,
                "sender": row.sender,
                "nonce": row.nonce,
                "mode": row.mode,
                "state": row.state.value,
                "hash": row.hash,
                "error": row.error,
            }
            for row in found.transactions
        ],
    }


def of_plan(plan: Plan) -> dict[str, Any]:
    """What would be done, and why."""
    decision, route, simulation = plan.decision, plan.route, plan.simulation
    quote = decision.quote
    return {
        "vault": plan.snapshot.address,
        "now": plan.now,
        "decision": decision.kind.value,
        "reason": decision.reason,
        "until": decision.until,
        "snapshot": of_snapshot(plan.snapshot),
        "value_out": None if quote is None else quote.value_out / WAD,
        "value_in": None if quote is None else quote.value_in / WAD,
        "cost_bps": None if route is None else float(route.cost_bps),
        "gas_cost_usd": None if quote is None or quote.gas_cost is None else quote.gas_cost / WAD,
        "partial_reason": None if route is None else route.partial_reason,
        "certificate": None if route is None or route.certificate is None else of_certificate(route.certificate),
        "legs": [] if route is None else of_legs(route.legs, plan.snapshot),
        "dropped_pools": [
            {
                "pool": lie.pool,
                "venue": lie.venue,
                "token_in": lie.token_in,
                "token_out": lie.token_out,
                "promised": str(lie.promised),
                "paid": str(lie.paid),
                "reverted": lie.reverted,
            }
            for lie in plan.dropped
        ],
        "call_legs": [] if plan.call is None else of_legs(plan.call.legs, plan.snapshot),
        "alternatives": None if plan.alternatives is None else of_alternatives(plan.alternatives),
        "simulated_gas": None if simulation is None else simulation.gas,
        "calldata": None if plan.call is None else "0x" + plan.call.data.hex(),
        "target": None if plan.call is None else plan.call.target,
    }


def of_alternatives(found: Alternatives) -> dict[str, Any]:
    """The ways to rebalance, best first, and the quotes that were not taken. Worth is what the beneficiary ends with."""
    return {
        "beneficiary": found.beneficiary,
        "candidates": [
            {
                "name": each.name,
                "worth_usd": None if each.worth is None else each.worth / WAD,
                "value_out": None if each.simulation is None else each.simulation.value_out / WAD,
                "value_in": None if each.simulation is None else each.simulation.value_in / WAD,
                "gas": None if each.simulation is None else each.simulation.gas,
                "left_out": each.left_out,
            }
            for each in found.candidates
        ],
        "quotes_left_out": [
            {
                "venue": quote.venue,
                "sell_token": quote.sell_token,
                "buy_token": quote.buy_token,
                "reason": quote.reason,
            }
            for quote in found.quotes_left_out
        ],
        "warnings": list(found.warnings),
    }


def of_pass(result: PassResult) -> dict[str, Any]:
    """A pass: its plan, and what was sent."""
    sent = [] if result.mined is None else [of_transaction(result.mined, result.plan.snapshot)]
    return of_plan(result.plan) | {"armed": result.armed, "transactions": sent}


def of_transaction(mined: Mined, snapshot: VaultSnapshot) -> dict[str, Any]:
    """A mined transaction."""
    return {
        "hash": mined.hash,
        "mode": mined.mode,
        "block": mined.block_number,
        "gas_used": mined.gas_used,
        "gas_price": str(mined.gas_price),
        "value_out": None if mined.value_out is None else mined.value_out / WAD,
        "value_in": None if mined.value_in is None else mined.value_in / WAD,
        "legs": of_legs(mined.swaps, snapshot),
    }


def of_legs(legs: Iterable[Leg | Swap], snapshot: VaultSnapshot) -> list[dict[str, Any]]:
    """Swaps, with amounts in base units."""
    return [_leg(leg, snapshot.symbol_of) for leg in legs]


def of_certificate(certificate: Certificate) -> dict[str, float]:
    """What a route is worth, what no other exceeds, and the difference in basis points of the value sold."""
    return {
        "bound_usd": certificate.bound,
        "worth_usd": certificate.worth,
        "gas_usd": certificate.gas,
        "turnover_usd": certificate.turnover,
        "gap_bps": certificate.gap_bps,
    }


def of_route(legs: Iterable[Leg], tokens: Mapping[str, Token]) -> list[dict[str, Any]]:
    """A route's swaps, with amounts in base units; shares of a balance are WAD."""
    return [_leg(leg, lambda token: tokens[token].symbol) | {"share": str(leg.share)} for leg in legs]


def _leg(leg: Leg | Swap, symbol_of: Callable[[str], str]) -> dict[str, Any]:
    return {
        "pool": leg.pool,
        "venue": leg.venue,
        "token_in": leg.token_in,
        "token_out": leg.token_out,
        "symbol_in": symbol_of(leg.token_in),
        "symbol_out": symbol_of(leg.token_out),
        "amount_in": str(leg.amount_in),
        "amount_out": str(leg.amount_out),
    }


def of_swap_route(found: SwapRoute) -> dict[str, Any]:
    """A swap's route; prices are whole tokens bought per whole token sold, shares of a balance are WAD."""
    route = found.route
    return {
        "block": found.block.number,
        "goal": "exact_out" if found.is_exact_out else "exact_in",
        "token_in": found.sold.address,
        "token_out": found.bought.address,
        "symbol_in": found.sold.symbol,
        "symbol_out": found.bought.symbol,
        "decimals_in": found.sold.decimals,
        "decimals_out": found.bought.decimals,
        "amount": str(found.amount),
        "amount_in": str(found.amount_in),
        "amount_out": str(found.amount_out),
        "price": found.price,
        "marginal_price": found.marginal_price,
        "impact_bps": found.impact_bps,
        "gas": route.gas,
        "gas_price": str(found.gas_price),
        "gas_cost_usd": None if found.eth_price is None else found.certificate.gas,
        "certificate": of_certificate(found.certificate),
        "usd_token": found.usd_token.address,
        "pools_read": len(found.pools),
        "partial_reason": route.partial_reason,
        "simulated": False,
        "legs": of_route(route.legs, found.tokens),
    }


def of_doctor(rows: Iterable[Row]) -> list[dict[str, str]]:
    """The doctor's checks."""
    return [{"check": row.check, "status": row.status.value, "detail": row.detail} for row in rows]


def of_story(story: Story) -> dict[str, Any]:
    """The demo."""
    return {
        "vault": story.vault,
        "oracle": story.oracle,
        "executor": story.executor,
        "before": of_snapshot(story.before),
        "after": of_snapshot(story.after),
        "transactions": [of_transaction(mined, story.before) for mined in story.mined],
        "value_out": story.value_out / WAD,
        "value_in": story.value_in / WAD,
        "cost_bps": float(story.cost_bps),
        "legs": [leg for mined in story.mined for leg in of_legs(mined.swaps, story.before)],
        "waits": [{"reason": reason, "seconds": seconds} for reason, seconds in story.waits],
        "depositors": [_of_holding(holding) for holding in story.holdings],
    }


def _of_holding(holding: Holding) -> dict[str, Any]:
    return {
        "name": holding.name,
        "address": holding.address,
        "shares": str(holding.shares),
        "worth": holding.worth / WAD,
        "tokens": {symbol: str(amount) for symbol, amount in holding.tokens.items()},
    }


def _names(snapshot: VaultSnapshot) -> list[str]:
    """Symbols, which tokens choose themselves: where two are alike, the address tells them apart."""
    symbols = [asset.symbol for asset in snapshot.assets]
    return [
        asset.symbol if symbols.count(asset.symbol) == 1 else f"{asset.symbol}@{asset.address}"
        for asset in snapshot.assets
    ]
