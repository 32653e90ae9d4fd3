"""Mint and redeem in kind: quotes, and unsigned transactions with what they would do."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from keeper.api.chains import Chain
from keeper.api.conditional import mark
from keeper.api.inputs import (
    DEADLINE_S,
    SLIPPAGE_BPS,
    Account,
    ChainId,
    DeadlineS,
    Person,
    Shares,
    SharesOrder,
    SlippageBps,
    SlippageOrder,
    VaultAddress,
)
from keeper.api.models import in_kind as m
from keeper.api.problems import documented
from keeper.api.routes.vaults import ONE_VAULT
from keeper.api.site import Served
from keeper.api.views.in_kind import of_quote, of_transactions
from keeper.services.in_kind import Quote, Way, prepare, quote

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
def quote_mint(
    site: Served,
    request: Request,
    response: Response,
    address: VaultAddress,
    shares: Shares,
    account: Account = None,
    slippage_bps: SlippageBps = SLIPPAGE_BPS,
    chain_id: ChainId = None,
) -> m.Quote:
    """What so many shares cost of every asset, and the approvals that a mint needs."""
    return _quote(site.of(address, chain_id), request, response, address, Way.MINT, shares, account, slippage_bps)


@router.get("/quotes/redeem", responses=_MOVES)
def quote_redeem(
    site: Served,
    request: Request,
    response: Response,
    address: VaultAddress,
    shares: Shares,
    account: Account = None,
    slippage_bps: SlippageBps = SLIPPAGE_BPS,
    chain_id: ChainId = None,
) -> m.Quote:
    """What so many shares pay of every asset; a redemption needs no approval and cannot be paused."""
    return _quote(site.of(address, chain_id), request, response, address, Way.REDEEM, shares, account, slippage_bps)


@router.post("/transactions/mint", responses=_MOVES)
def prepare_mint(
    site: Served, response: Response, address: VaultAddress, order: Order, chain_id: ChainId = None
) -> m.Transactions:
    """The approvals that are missing, then the mint: unsigned, simulated in this order."""
    return _prepared(site.of(address, chain_id), response, address, Way.MINT, order)


@router.post("/transactions/redeem", responses=_MOVES)
def prepare_redeem(
    site: Served, response: Response, address: VaultAddress, order: Order, chain_id: ChainId = None
) -> m.Transactions:
    """The redemption: unsigned, simulated."""
    return _prepared(site.of(address, chain_id), response, address, Way.REDEEM, order)


def _quote(
    chain: Chain,
    request: Request,
    response: Response,
    vault: str,
    way: Way,
    shares: str,
    account: str | None,
    slippage_bps: int,
) -> m.Quote:
    snapshot = chain.snapshot(vault)
    mark(request, response, (chain, snapshot.block), private=account is not None)
    found = quote(chain.client, chain.settings, snapshot, way, int(shares), slippage_bps, account)
    return of_quote(chain.settings.chain_id, found)


def _prepared(chain: Chain, response: Response, vault: str, way: Way, order: Order) -> m.Transactions:
    response.headers["Cache-Control"] = "no-store"
    snapshot = chain.snapshot(vault)
    found: Quote = quote(
        chain.client, chain.settings, snapshot, way, int(order.shares), order.slippage_bps, order.account
    )
    prepared = prepare(chain.client, chain.settings, found, order.receiver or order.account, order.deadline_s)
    return of_transactions(chain.settings.chain_id, prepared)
