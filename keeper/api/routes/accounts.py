"""What an account has of the vaults of this server: shares, value, gains and lots."""

from collections.abc import Sequence
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
from keeper.chain.snapshot import Block, VaultSnapshot
from keeper.chain.tokens import Token
from keeper.errors import ChainError, EquipoiseError
from keeper.report.books import Books
from keeper.report.lots import Method
from keeper.services import report

router = APIRouter(prefix="/accounts", tags=["accounts"])
_NO_PAST = "the vault's past cannot be read now: the server's endpoint may lack old states"


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
            pasts = [_past(chain, each) for each in snapshots]
            tokens = [_tokens(each, found) for each, (found, _) in zip(snapshots, pasts, strict=True)]
            owned = _owned(chain, address, block, snapshots, tokens)
        except ChainError:
            unread += chain.settings.vaults
            continue
        for snapshot, known, (shares, claims) in zip(snapshots, pasts, owned, strict=True):
            books, problem = _books(*known, address, method)
            has_had = books is not None and bool(books.quantity(snapshot.address) or books.disposals)
            if shares or claims or has_had:
                rows.append(of_position(chain.settings.chain_id, snapshot, shares, claims, books, problem))
    if len(blocks) == len(site.chains) and not unread:
        mark(request, response, *blocks, private=True)
    else:
        response.headers["Cache-Control"] = "no-store"
    return m.Positions(account=address, method=method.value, positions=rows, unread=unread)


def _past(chain: Chain, snapshot: VaultSnapshot) -> tuple[report.Past | None, str | None]:
    """What happened to a vault, or why that is not known: shares and claims are there all the same."""
    try:
        return past(chain, snapshot.address, snapshot.block)[1], None
    except ApiError as error:
        return None, error.detail
    except EquipoiseError:
        return None, _NO_PAST


def _tokens(snapshot: VaultSnapshot, found: report.Past | None) -> list[Token]:
    """That the vault may owe: the basket's, and those that left it where the past is known."""
    basket = [Token(asset.address, asset.symbol, asset.decimals) for asset in snapshot.assets]
    if found is None:
        return basket
    present = {token.address for token in basket}
    gone = [asset for asset in found.story.assets if asset not in present]
    return basket + [Token(asset, found.symbols[asset], found.decimals[asset]) for asset in gone]


def _owned(
    chain: Chain,
    account: str,
    block: Block,
    snapshots: Sequence[VaultSnapshot],
    tokens: Sequence[Sequence[Token]],
) -> list[tuple[int, list[tuple[Token, int]]]]:
    """Of each vault the account's shares, and the tokens that it is owed, in base units. Raises ChainError."""
    reads: list[Read] = []
    for snapshot, known in zip(snapshots, tokens, strict=True):
        reads.append(Read(snapshot.address, abi.Vault.balance_of, (account,)))
        reads += [Read(snapshot.address, abi.Vault.claims, (account, token.address)) for token in known]
    answers = (int(answer.value or 0) for answer in read_all(chain.client, reads, block, chain.settings.multicall))
    return [(next(answers), [(token, owed) for token in known if (owed := next(answers))]) for known in tokens]


def _books(
    found: report.Past | None, problem: str | None, account: str, method: Method
) -> tuple[Books | None, str | None]:
    if found is None:
        return None, problem
    try:
        return report.books_of(found, method, [account]), None
    except EquipoiseError:
        return None, _NO_PAST
