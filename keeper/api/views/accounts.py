"""What accounts have."""

from collections.abc import Sequence

from keeper.api.models import accounts as m
from keeper.api.views.common import SHARE_DECIMALS, of_block, text_or_none
from keeper.chain.snapshot import VaultSnapshot
from keeper.chain.tokens import Token
from keeper.report.books import Books


def of_position(
    chain_id: int,
    snapshot: VaultSnapshot,
    shares: int,
    claims: Sequence[tuple[Token, int]],
    books: Books | None,
    problem: str | None,
) -> m.Position:
    """What an account has of a vault; claims are base units of each token that it is owed."""
    nav = None if snapshot.valuation is None else snapshot.valuation.nav
    value = None if nav is None else shares * nav // snapshot.supply if snapshot.supply else 0
    lots = None if books is None else [lot for lot in books.lots if lot.asset == snapshot.address]
    gone = None if books is None else [each for each in books.disposals if each.asset == snapshot.address]
    is_known = lots is not None and all(lot.cost is not None for lot in lots)
    cost = sum(lot.cost or 0 for lot in lots or ()) if is_known else None
    return m.Position(
        chain_id=chain_id,
        vault=snapshot.address,
        name=snapshot.name,
        symbol=snapshot.symbol,
        block=of_block(snapshot.block),
        shares=str(shares),
        decimals=SHARE_DECIMALS,
        value=text_or_none(value),
        assets=[
            m.Share(
                asset=asset.address,
                symbol=asset.symbol,
                decimals=asset.decimals,
                amount=str(asset.balance * shares // snapshot.supply if snapshot.supply else 0),
            )
            for asset in snapshot.assets
        ],
        claims=[
            m.Claim(asset=token.address, symbol=token.symbol, decimals=token.decimals, amount=str(amount))
            for token, amount in claims
        ],
        cost=text_or_none(cost),
        unrealised_gain=None if value is None or cost is None else str(value - cost),
        realised_gain=None if gone is None else str(sum(each.gain or 0 for each in gone)),
        lots=None
        if lots is None
        else [
            m.Lot(
                quantity=str(lot.quantity),
                cost=text_or_none(lot.cost),
                acquired_at=lot.acquired_at,
                source=lot.source,
                transaction=lot.tx,
            )
            for lot in lots
        ],
        disposals=None
        if gone is None
        else [
            m.Disposal(
                quantity=str(each.quantity),
                proceeds=str(each.proceeds),
                basis=text_or_none(each.basis),
                gain=text_or_none(each.gain),
                acquired_at=each.acquired_at,
                disposed_at=each.disposed_at,
                source=each.source,
                transaction=each.tx,
            )
            for each in gone
        ],
        books_problem=problem,
    )
