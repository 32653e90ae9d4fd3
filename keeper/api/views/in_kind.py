"""Mint and redeem in kind."""

from keeper.api.models import in_kind as m
from keeper.api.views.common import SHARE_DECIMALS, of_block, text_or_none
from keeper.api.views.transactions import of_simulation, of_steps
from keeper.services.in_kind import Prepared, Quote, Way


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
    tokens = {part.asset: (part.symbol, part.decimals) for part in prepared.quote.parts}
    assert prepared.quote.account is not None
    return m.Transactions(
        chain_id=chain_id,
        sender=prepared.quote.account,
        receiver=prepared.receiver,
        deadline=prepared.deadline,
        quote=of_quote(chain_id, prepared.quote),
        transactions=of_steps(prepared.trial, tokens),
        simulation=of_simulation(prepared.trial, prepared.words),
    )
