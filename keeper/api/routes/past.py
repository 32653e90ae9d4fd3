"""A vault's past and its next step: rebalances with their cost, NAV over time, and what the keeper would do now."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query

from keeper.api.chains import Chain
from keeper.api.models import past as m
from keeper.api.problems import documented
from keeper.api.routes.vaults import ONE_VAULT
from keeper.api.site import Asked, OneVault
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
    asked: OneVault,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int | None, Query(ge=0, le=2**53 - 1, description="Only of earlier blocks.")] = None,
) -> m.Rebalances:
    """Every fill, newest first, with what it cost and where that went; needs an endpoint that has old states."""
    return of_rebalances(asked.chain_id, *_performance(asked), limit, before)


@router.get("/nav", responses=_PAST)
def nav(asked: OneVault) -> m.NavHistory:
    """NAV and NAV per share over time, next to holding the first basket and to the targets without cost."""
    return of_nav(asked.chain_id, *_performance(asked))


@router.get("/decision", responses=_DECISION)
def decision(asked: OneVault) -> m.Decision:
    """What the keeper would do now and why, over its own pools; nothing is sent. Made once a block."""
    chain = asked.chain
    snapshot = chain.snapshot(asked.vault)
    asked.mark(snapshot.block)
    block, found = chain.once(
        ("decision", asked.vault), snapshot.block, lambda: plan_on(chain.client, chain.settings, snapshot)
    )
    asked.mark(block)
    return of_decision(asked.chain_id, found)


def past(chain: Chain, vault: str, head: Block) -> tuple[Block, report.Past]:
    """All that happened to a vault up to a block; read once a block.

    :raises ApiError: it is not read yet
    :raises EquipoiseError: as `report.read`
    """
    read = partial(report.read, chain.client, chain.settings, vault, until=str(head.number))
    return chain.once(("history", vault), head, read)


def _performance(asked: Asked) -> tuple[Block, Performance]:
    chain, vault = asked.chain, asked.vault
    head = chain.head()
    asked.mark(head)
    block, found = past(chain, vault, head)
    measured = chain.once(("performance", vault), block, lambda: report.performance_of(found))
    asked.mark(measured[0])
    return measured
