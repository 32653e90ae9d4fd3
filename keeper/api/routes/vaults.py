"""The vaults of the settings: the list, and each one's page."""

from fastapi import APIRouter, Request, Response

from keeper.api.conditional import mark
from keeper.api.models import vaults as m
from keeper.api.problems import documented
from keeper.api.site import OneVault, Served
from keeper.api.views.vaults import of_summary, of_vault, unread
from keeper.api.views.zaps import of_zap
from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import ChainError

router = APIRouter(prefix="/vaults", tags=["vaults"])
ONE_VAULT = documented("bad-request", "vault-not-served", "rate-limited", "chain-unavailable", "not-ready")


@router.get("", responses=documented("rate-limited"))
def vaults(site: Served, request: Request, response: Response) -> m.VaultList:
    """Every vault of the settings; one that cannot be read says why."""
    rows, blocks = [], []
    for chain in site.chains:
        chain_id = chain.settings.chain_id
        try:
            block, found = chain.vaults()
        except ChainError:
            problem = f"chain {chain_id} gives no answer: try again"
            rows += [unread(chain_id, vault, problem) for vault in chain.settings.vaults]
            continue
        blocks.append((chain, block))
        rows += [
            of_summary(chain_id, each) if isinstance(each, VaultSnapshot) else unread(chain_id, vault, str(each))
            for vault, each in found.items()
        ]
    if len(blocks) == len(site.chains):
        mark(request, response, *blocks)
    else:
        response.headers["Cache-Control"] = "no-store"
    return m.VaultList(vaults=rows)


@router.get("/{address}", responses=ONE_VAULT)
def vault(asked: OneVault) -> m.Vault:
    """What a vault holds against its targets and bands, what it costs, what is due, and who may do what."""
    chain = asked.chain
    asked.mark(chain.head())
    view = chain.view(asked.vault)
    asked.mark(view.snapshot.block)
    zap = None if chain.settings.zap is None else of_zap(chain.settings.zap, view.zap_tokens)
    return of_vault(asked.chain_id, view.snapshot, view.roles, zap)
