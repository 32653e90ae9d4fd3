"""Zaps: quotes of one token into shares and back, and unsigned transactions with what they would do."""

from functools import partial

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from keeper.api.chains import Chain
from keeper.api.conditional import mark
from keeper.api.inputs import (
    DEADLINE_S,
    SLIPPAGE_BPS,
    Account,
    Amount,
    AmountOrder,
    ChainId,
    Coin,
    CoinOrder,
    DeadlineS,
    Person,
    Shares,
    SharesOrder,
    SlippageBps,
    SlippageOrder,
    VaultAddress,
)
from keeper.api.models import zaps as m
from keeper.api.problems import ApiError, documented
from keeper.api.routes.vaults import ONE_VAULT
from keeper.api.site import Served
from keeper.api.views.zaps import of_quote, of_transactions
from keeper.services.in_kind import Way
from keeper.services.zap import Untradable, ZapPlan, minting, redeeming
from keeper.services.zap_order import prepare, quote

router = APIRouter(prefix="/vaults/{address}", tags=["zaps"])
_ZAPS = ONE_VAULT | documented(
    *("vault-not-served", "token-not-offered"),
    *("refused-by-vault", "amount-not-tradable"),
    *("chain-unavailable", "not-ready", "not-available", "no-route"),
)
_ORDERS = _ZAPS | documented("too-large")


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    account: Person = Field(description="Who signs, gives and gets.")
    slippage_bps: SlippageOrder = SLIPPAGE_BPS
    deadline_s: DeadlineS = DEADLINE_S


class ZapMintOrder(_Order):
    """A zap into shares that somebody wants to sign."""

    token: CoinOrder
    amount: AmountOrder


class ZapRedeemOrder(_Order):
    """A zap of shares that somebody wants to sign."""

    token: CoinOrder
    shares: SharesOrder


@router.get("/quotes/zap-mint", responses=_ZAPS)
def quote_zap_mint(
    site: Served,
    request: Request,
    response: Response,
    address: VaultAddress,
    token: Coin,
    amount: Amount,
    account: Account = None,
    slippage_bps: SlippageBps = SLIPPAGE_BPS,
    chain_id: ChainId = None,
) -> m.ZapQuote:
    """What shares a token buys, by which swaps, and how much better any others could be. Made once a block."""
    chain = site.of(address, chain_id)
    return _quote(chain, request, response, address, Way.MINT, token, amount, slippage_bps, account)


@router.get("/quotes/zap-redeem", responses=_ZAPS)
def quote_zap_redeem(
    site: Served,
    request: Request,
    response: Response,
    address: VaultAddress,
    shares: Shares,
    token: Coin,
    account: Account = None,
    slippage_bps: SlippageBps = SLIPPAGE_BPS,
    chain_id: ChainId = None,
) -> m.ZapQuote:
    """What shares bring of a token, by which swaps, and how much better any others could be. Made once a block."""
    chain = site.of(address, chain_id)
    return _quote(chain, request, response, address, Way.REDEEM, token, shares, slippage_bps, account)


@router.post("/transactions/zap-mint", responses=_ORDERS)
def prepare_zap_mint(
    site: Served, response: Response, address: VaultAddress, order: ZapMintOrder, chain_id: ChainId = None
) -> m.ZapTransactions:
    """The approval that is missing, then the zap, with ether where that is given: unsigned, simulated in this order."""
    return _prepared(site.of(address, chain_id), response, address, Way.MINT, order.token, order.amount, order)


@router.post("/transactions/zap-redeem", responses=_ORDERS)
def prepare_zap_redeem(
    site: Served, response: Response, address: VaultAddress, order: ZapRedeemOrder, chain_id: ChainId = None
) -> m.ZapTransactions:
    """The approval of the shares that is missing, then the zap: unsigned, simulated in this order."""
    return _prepared(site.of(address, chain_id), response, address, Way.REDEEM, order.token, order.shares, order)


def _quote(
    chain: Chain,
    request: Request,
    response: Response,
    vault: str,
    way: Way,
    token: str,
    amount: str,
    slippage_bps: int,
    account: str | None,
) -> m.ZapQuote:
    zap, private = _zap_of(chain), account is not None
    mark(request, response, (chain, chain.snapshot(vault).block), private=private)
    plan = _plan(chain, vault, way, token, amount)
    mark(request, response, (chain, plan.block), private=private)
    found = quote(chain.client, chain.settings, plan, slippage_bps, account)
    return of_quote(chain.settings.chain_id, zap, found)


def _prepared(
    chain: Chain, response: Response, vault: str, way: Way, token: str, amount: str, order: _Order
) -> m.ZapTransactions:
    response.headers["Cache-Control"] = "no-store"
    zap = _zap_of(chain)
    plan = _plan(chain, vault, way, token, amount)
    found = quote(chain.client, chain.settings, plan, order.slippage_bps, order.account)
    prepared = prepare(chain.client, chain.settings, found, order.deadline_s)
    return of_transactions(chain.settings.chain_id, zap, prepared)


def _plan(chain: Chain, vault: str, way: Way, token: str, amount: str) -> ZapPlan:
    """The plan at the newest block; made once a block."""
    known = chain.view(vault).zap_tokens
    if token not in {each.address for each in known}:
        symbols = ", ".join(each.symbol for each in known)
        raise ApiError(
            "token-not-offered",
            f"token {token} is none that zaps of this vault are offered with: choose one of {symbols}",
        )
    market = chain.market(vault)
    work = partial(minting if way is Way.MINT else redeeming, market, token, int(amount))
    try:
        return chain.quotes.get(("zap", vault, way.value, token, amount), market.snapshot.block, work)[1]
    except Untradable as error:
        raise ApiError("amount-not-tradable", str(error)) from None


def _zap_of(chain: Chain) -> str:
    if chain.settings.zap is None:
        raise ApiError("not-available", "this server offers no zaps: its operator sets zap to an IndexZap's address")
    return chain.settings.zap
