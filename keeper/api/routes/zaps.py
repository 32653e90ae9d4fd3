"""Zaps: quotes of one token into shares and back, and unsigned transactions with what they would do."""

from functools import partial

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from keeper.api.chains import Chain
from keeper.api.inputs import (
    DEADLINE_S,
    SLIPPAGE_BPS,
    Amount,
    AmountOrder,
    Coin,
    CoinOrder,
    DeadlineS,
    PermitOrder,
    Person,
    Quoted,
    Shares,
    SharesOrder,
    SlippageOrder,
    Terms,
)
from keeper.api.models import zaps as m
from keeper.api.problems import ApiError, documented
from keeper.api.routes.vaults import ONE_VAULT
from keeper.api.site import Asked, OneVault
from keeper.api.views.zaps import of_quote, of_transactions
from keeper.services.in_kind import Way
from keeper.services.permits import BadPermit
from keeper.services.zap import Untradable, ZapPlan, minting, redeeming
from keeper.services.zap_order import prepare, quote

router = APIRouter(prefix="/vaults/{address}", tags=["zaps"])
_ZAPS = ONE_VAULT | documented(
    *("vault-not-served", "token-not-offered"),
    *("refused-by-vault", "amount-not-tradable"),
    *("chain-unavailable", "not-ready", "not-available", "no-route"),
)
_ORDERS = _ZAPS | documented("too-large", "permit-refused")


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: CoinOrder
    account: Person = Field(description="Who signs, gives and gets.")
    slippage_bps: SlippageOrder = SLIPPAGE_BPS
    deadline_s: DeadlineS = DEADLINE_S
    permit: PermitOrder | None = Field(default=None, description="In place of the approval that is missing.")


class ZapMintOrder(_Order):
    """A zap into shares that somebody wants to sign."""

    amount: AmountOrder


class ZapRedeemOrder(_Order):
    """A zap of shares that somebody wants to sign."""

    shares: SharesOrder


@router.get("/quotes/zap-mint", responses=_ZAPS)
def quote_zap_mint(token: Coin, amount: Amount, terms: Terms, asked: OneVault) -> m.ZapQuote:
    """What shares a token buys, by which swaps, and how much better any others could be. Made once a block."""
    return _quote(asked, Way.MINT, token, amount, terms)


@router.get("/quotes/zap-redeem", responses=_ZAPS)
def quote_zap_redeem(shares: Shares, token: Coin, terms: Terms, asked: OneVault) -> m.ZapQuote:
    """What shares bring of a token, by which swaps, and how much better any others could be. Made once a block."""
    return _quote(asked, Way.REDEEM, token, shares, terms)


@router.post("/transactions/zap-mint", responses=_ORDERS)
def prepare_zap_mint(order: ZapMintOrder, asked: OneVault) -> m.ZapTransactions:
    """The approval that is missing, then the zap, with ether where that is given: unsigned, simulated in this order.

    `permit` is what may be signed in place of the approval; ordered with its signature, the zap comes alone.
    """
    return _prepared(asked, Way.MINT, order.amount, order)


@router.post("/transactions/zap-redeem", responses=_ORDERS)
def prepare_zap_redeem(order: ZapRedeemOrder, asked: OneVault) -> m.ZapTransactions:
    """The approval of the shares that is missing, then the zap: unsigned, simulated in this order. `permit` as for a mint."""
    return _prepared(asked, Way.REDEEM, order.shares, order)


def _quote(asked: Asked, way: Way, token: str, amount: str, terms: Quoted) -> m.ZapQuote:
    chain, private = asked.chain, terms.account is not None
    zap = _zap_of(chain)
    asked.mark(chain.snapshot(asked.vault).block, private=private)
    plan = _plan(asked, way, token, amount)
    asked.mark(plan.block, private=private)
    found = quote(chain.client, chain.settings, plan, terms.slippage_bps, terms.account)
    return of_quote(asked.chain_id, zap, found)


def _prepared(asked: Asked, way: Way, amount: str, order: _Order) -> m.ZapTransactions:
    asked.forget()
    chain = asked.chain
    zap = _zap_of(chain)
    plan = _plan(asked, way, order.token, amount)
    found = quote(chain.client, chain.settings, plan, order.slippage_bps, order.account)
    signature = None if order.permit is None else order.permit.signed
    try:
        prepared = prepare(chain.client, chain.settings, found, order.deadline_s, signature)
    except BadPermit as error:
        raise ApiError("permit-refused", str(error)) from None
    return of_transactions(asked.chain_id, zap, prepared)


def _plan(asked: Asked, way: Way, token: str, amount: str) -> ZapPlan:
    """The plan at the newest block; made once a block."""
    chain, vault = asked.chain, asked.vault
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
