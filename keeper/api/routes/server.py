"""What the server is: its health, and its chains."""

import time
from http import HTTPStatus

from fastapi import APIRouter, Response

from keeper.api.chains import Chain
from keeper.api.conditional import VERSION
from keeper.api.models import server as m
from keeper.api.site import Served
from keeper.api.views.common import of_block
from keeper.chain.snapshot import Block
from keeper.errors import ChainError

router = APIRouter(tags=["server"])


@router.get(
    "/health", responses={HTTPStatus.SERVICE_UNAVAILABLE: {"model": m.Health, "description": "No chain answers"}}
)
def health(site: Served, response: Response) -> m.Health:
    """Whether the server can answer; 503 when no chain does."""
    heads = [(chain, _head(chain)) for chain in site.chains]
    response.headers["Cache-Control"] = "no-store"
    count = sum(head is not None for _, head in heads)
    if not count:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return m.Health(
        status="ok" if count == len(heads) else "degraded" if count else "down",
        version=VERSION,
        chains=[
            m.ChainHealth(
                chain_id=chain.settings.chain_id,
                name=chain.name,
                is_ok=head is not None,
                block=None if head is None else of_block(head),
                age_s=None if head is None else int(time.time()) - head.timestamp,
            )
            for chain, head in heads
        ],
    )


@router.get("/chains")
def chains(site: Served, response: Response) -> m.Chains:
    """The chains of the settings, and the vaults on them."""
    response.headers["Cache-Control"] = "no-store"
    return m.Chains(
        chains=[
            m.Chain(
                chain_id=chain.settings.chain_id,
                name=chain.name,
                block=None if (head := _head(chain)) is None else of_block(head),
                block_time_s=chain.settings.block_time_s,
                wrapped_native=chain.settings.wrapped_native,
                vaults=list(chain.settings.vaults),
            )
            for chain in site.chains
        ]
    )


def _head(chain: Chain) -> Block | None:
    try:
        return chain.head()
    except ChainError:
        return None
