"""A vault's past and its next step: rebalances with their cost, NAV over time, and what the keeper would do now."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from keeper.api.chains import Chain
from keeper.api.conditional import mark
from keeper.api.inputs import ChainId, VaultAddress
from keeper.api.models import past as m
from keeper.api.problems import documented
from keeper.api.routes.vaults import ONE_VAULT
from keeper.api.site import Served
from keeper.api.views.past import of_decision, of_nav, of_rebalances
from keeper.chain.snapshot import Block
from keeper.report.performance import Performance
from keeper.services import report
from keeper.services.plan import plan_on

router = APIRouter(prefix="/vaults/{address}", tags=["past and next"])
_PAST = ONE_VAULT | documented("chain-unavailable", "not-ready", "not-available", "oracle-unavailable")
_DECISION = ONE_VAULT | documented("chain-unavailable", "not-ready", "not-available", "oracle-unavailable", "no-route")


@router.get("/rebalances", responses=_PAST)
def rebalances(
    site: Served,
    request: Request,
    response: Response,
    address: VaultAddress,
    chain_id: ChainId = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int | None, Query(ge=0, le=2**53 - 1, description="Only of earlier blocks.")] = None,
) -> m.Rebalances:
    """Every fill, newest first, with what it cost and where that went; needs an endpoint that has old states."""
    chain = site.of(address, chain_id)
    block, found = _performance(chain, request, response, address)
    return of_rebalances(chain.settings.chain_id, block, found, limit, before)


@router.get("/nav", responses=_PAST)
def nav(
    site: Served, request: Request, response: Response, address: VaultAddress, chain_id: ChainId = None
) -> m.NavHistory:
    """NAV and NAV per share over time, next to holding the first basket and to the targets without cost."""
    chain = site.of(address, chain_id)
    block, found = _performance(chain, request, response, address)
    return of_nav(chain.settings.chain_id, block, found)


@router.get("/decision", responses=_DECISION)
def decision(
    site: Served, request: Request, response: Response, address: VaultAddress, chain_id: ChainId = None
) -> m.Decision:
    """What the keeper would do now and why, over its own pools; nothing is sent. Made once a block."""
    chain = site.of(address, chain_id)
    snapshot = chain.snapshot(address)
    mark(request, response, (chain, snapshot.block))
    block, found = chain.once(
        ("decision", address), snapshot.block, lambda: plan_on(chain.client, chain.settings, snapshot)
    )
    mark(request, response, (chain, block))
    return of_decision(chain.settings.chain_id, found)


def past(chain: Chain, vault: str, head: Block) -> tuple[Block, report.Past]:
    """All that happened to a vault up to a block; read once a block.

    :raises ApiError: it is not read yet
    :raises EquipoiseError: as `report.read`
    """
    read = partial(report.read, chain.client, chain.settings, vault, until=str(head.number))
    return chain.once(("history", vault), head, read)


def _performance(chain: Chain, request: Request, response: Response, vault: str) -> tuple[Block, Performance]:
    head = chain.head()
    mark(request, response, (chain, head))
    block, found = past(chain, vault, head)
    measured = chain.once(("performance", vault), block, lambda: report.performance_of(found))
    mark(request, response, (chain, measured[0]))
    return measured
