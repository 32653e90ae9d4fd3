"""What an account has of the vaults of this server: shares, value, gains and lots."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from keeper.api.chains import Chain
from keeper.api.conditional import mark
from keeper.api.inputs import AccountAddress
from keeper.api.models import accounts as m
from keeper.api.problems import ApiError, documented
from keeper.api.routes.past import past
from keeper.api.site import Served
from keeper.api.views.accounts import of_position
from keeper.chain import abi
from keeper.chain.multicall import Read, read_all
from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import ChainError, EquipoiseError
from keeper.report.books import Books
from keeper.report.lots import Method
from keeper.services import report

router = APIRouter(prefix="/accounts", tags=["accounts"])


@router.get("/{address}/positions", responses=documented("bad-request", "rate-limited", "chain-unavailable"))
def positions(
    site: Served,
    request: Request,
    response: Response,
    address: AccountAddress,
    method: Annotated[Method, Query(description="Which lots a disposal takes.")] = Method.FIFO,
) -> m.Positions:
    """Shares, value, gains and lots of every vault that the account has, or had, shares of. Bookkeeping, not tax advice."""
    rows: list[m.Position] = []
    unread: list[str] = []
    blocks = []
    for chain in site.chains:
        try:
            block, vaults = chain.vaults()
            blocks.append((chain, block))
            snapshots = [each for each in vaults.values() if isinstance(each, VaultSnapshot)]
            unread += [vault for vault, each in vaults.items() if not isinstance(each, VaultSnapshot)]
            reads = [Read(each.address, abi.Vault.balance_of, (address,)) for each in snapshots]
            held = [answer.value for answer in read_all(chain.client, reads, block, chain.settings.multicall)]
        except ChainError:
            unread += chain.settings.vaults
            continue
        for snapshot, shares in zip(snapshots, held, strict=True):
            books, problem = _books(chain, snapshot, address, method)
            if shares or (books is not None and (books.quantity(snapshot.address) or books.disposals)):
                rows.append(of_position(chain.settings.chain_id, snapshot, int(shares or 0), books, problem))
    if len(blocks) == len(site.chains) and not unread:
        mark(request, response, *blocks, private=True)
    else:
        response.headers["Cache-Control"] = "no-store"
    return m.Positions(account=address, method=method.value, positions=rows, unread=unread)


def _books(chain: Chain, snapshot: VaultSnapshot, account: str, method: Method) -> tuple[Books | None, str | None]:
    """The account's books, or why there are none: the shares are there all the same."""
    try:
        _, found = past(chain, snapshot.address, snapshot.block)
        return report.books_of(found, method, [account]), None
    except ApiError as error:
        return None, error.detail
    except EquipoiseError:
        return None, "the vault's past cannot be read now: the server's endpoint may lack old states"
