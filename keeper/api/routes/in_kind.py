"""Mint and redeem in kind: quotes, and unsigned transactions with what they would do."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from keeper.api.inputs import (
    DEADLINE_S,
    SLIPPAGE_BPS,
    DeadlineS,
    Person,
    Quoted,
    Shares,
    SharesOrder,
    SlippageOrder,
    Terms,
)
from keeper.api.models import in_kind as m
from keeper.api.problems import documented
from keeper.api.routes.vaults import ONE_VAULT
from keeper.api.site import Asked, OneVault
from keeper.api.views.in_kind import of_quote, of_transactions
from keeper.services.in_kind import Way, prepare, quote

router = APIRouter(prefix="/vaults/{address}", tags=["in kind"])
_MOVES = ONE_VAULT | documented("refused-by-vault", "too-large")


class Order(BaseModel):
    """A mint or a redemption that somebody wants to sign."""

    model_config = ConfigDict(extra="forbid")

    account: Person = Field(description="Who signs.")
    receiver: Person | None = Field(default=None, description="Of the shares, or of the assets; the account.")
    shares: SharesOrder
    slippage_bps: SlippageOrder = SLIPPAGE_BPS
    deadline_s: DeadlineS = DEADLINE_S


@router.get("/quotes/mint", responses=_MOVES)
def quote_mint(shares: Shares, terms: Terms, asked: OneVault) -> m.Quote:
    """What so many shares cost of every asset, and the approvals that a mint needs."""
    return _quote(asked, Way.MINT, shares, terms)


@router.get("/quotes/redeem", responses=_MOVES)
def quote_redeem(shares: Shares, terms: Terms, asked: OneVault) -> m.Quote:
    """What so many shares pay of every asset; a redemption needs no approval and cannot be paused."""
    return _quote(asked, Way.REDEEM, shares, terms)


@router.post("/transactions/mint", responses=_MOVES)
def prepare_mint(order: Order, asked: OneVault) -> m.Transactions:
    """The approvals that are missing, then the mint: unsigned, simulated in this order."""
    return _prepared(asked, Way.MINT, order)


@router.post("/transactions/redeem", responses=_MOVES)
def prepare_redeem(order: Order, asked: OneVault) -> m.Transactions:
    """The redemption: unsigned, simulated."""
    return _prepared(asked, Way.REDEEM, order)


def _quote(asked: Asked, way: Way, shares: str, terms: Quoted) -> m.Quote:
    chain = asked.chain
    snapshot = chain.snapshot(asked.vault)
    asked.mark(snapshot.block, private=terms.account is not None)
    found = quote(chain.client, chain.settings, snapshot, way, int(shares), terms.slippage_bps, terms.account)
    return of_quote(asked.chain_id, found)


def _prepared(asked: Asked, way: Way, order: Order) -> m.Transactions:
    asked.forget()
    chain = asked.chain
    snapshot = chain.snapshot(asked.vault)
    found = quote(chain.client, chain.settings, snapshot, way, int(order.shares), order.slippage_bps, order.account)
    prepared = prepare(chain.client, chain.settings, found, order.receiver or order.account, order.deadline_s)
    return of_transactions(asked.chain_id, prepared)
