"""Zaps: one token into shares, and back."""

import math
from collections.abc import Sequence

from keeper.api.models import zaps as m
from keeper.api.views.common import of_block, text_or_none
from keeper.api.views.transactions import of_simulation, of_steps
from keeper.chain.tokens import Token
from keeper.services.permits import Permission
from keeper.services.zap import ZapPlan
from keeper.services.zap_market import ETHER
from keeper.services.zap_order import Prepared, Quote


def of_zap(address: str, tokens: Sequence[Token]) -> m.Zap:
    """The zap of a vault's page."""
    return m.Zap(address=address, tokens=[_coin(token) for token in tokens])


def of_quote(chain_id: int, zap: str, quote: Quote) -> m.ZapQuote:
    """A quote."""
    plan = quote.plan
    return m.ZapQuote(
        chain_id=chain_id,
        vault=plan.vault,
        zap=zap,
        block=of_block(plan.block),
        way=plan.way.value,
        given=_coin(plan.given),
        wanted=_coin(plan.wanted),
        amount_in=str(plan.amount_in),
        amount_out=str(plan.amount_out),
        least_out=str(quote.least_out),
        slippage_bps=quote.slippage_bps,
        value_in=text_or_none(plan.value_in),
        value_out=text_or_none(plan.value_out),
        price_impact_bps=plan.impact_bps,
        back=[m.Returned(asset=_coin(plan.tokens[token]), amount=str(amount)) for token, amount in plan.back.items()],
        legs=[
            m.ZapLeg(
                venue=leg.venue,
                pool=leg.pool,
                token_in=_coin(plan.tokens[leg.token_in]),
                token_out=_coin(plan.tokens[leg.token_out]),
                amount_in=str(leg.amount_in),
                amount_out=str(leg.amount_out),
            )
            for leg in plan.legs
        ],
        certificate=_certificate(plan),
        gas=plan.gas,
        gas_price=str(plan.gas_price),
        account=quote.account,
        balance=text_or_none(quote.balance),
        allowance=text_or_none(quote.allowance),
        problem=plan.problem,
        shortfall=quote.shortfall,
    )


def of_transactions(chain_id: int, zap: str, prepared: Prepared) -> m.ZapTransactions:
    """What somebody is to sign."""
    quote = prepared.quote
    given = quote.plan.given
    assert quote.account is not None
    return m.ZapTransactions(
        chain_id=chain_id,
        sender=quote.account,
        receiver=quote.account,
        deadline=prepared.deadline,
        quote=of_quote(chain_id, zap, quote),
        transactions=of_steps(prepared.trial, {given.address: (given.symbol, given.decimals)}),
        simulation=of_simulation(prepared.trial, prepared.words),
        permit=None if prepared.permission is None else _permit(prepared.permission),
    )


def _permit(permission: Permission) -> m.Permit:
    return m.Permit.model_validate(
        {
            "means": str(permission.means.name).lower(),
            "nonce": str(permission.nonce),
            "deadline": permission.deadline,
            "typed_data": permission.typed_data,
        }
    )


def _certificate(plan: ZapPlan) -> m.ZapCertificate | None:
    if plan.certificate is None or not math.isfinite(plan.ceiling):
        return None
    return m.ZapCertificate(gap_bps=plan.certificate.gap_bps, ceiling=str(math.ceil(plan.ceiling)))


def _coin(token: Token) -> m.Coin:
    address = None if token.address == ETHER.address else token.address
    return m.Coin(address=address, symbol=token.symbol, decimals=token.decimals)
