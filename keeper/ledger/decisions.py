"""Decisions and the prices that they were made at."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from keeper.chain.snapshot import VaultSnapshot
from keeper.ledger.models import AlternativeRow, DecisionRow, PriceRow
from keeper.ledger.store import Store
from keeper.policy import Decision, Kind


@dataclass(frozen=True, slots=True)
class Way:
    """How a decision could have been carried out: `worth` is WAD USD, gas paid; without it, `left_out` says why not."""

    name: str
    worth: int | None
    left_out: str | None = None


class Decisions:
    """The decisions of a ledger."""

    _store: Store

    def record_decision(
        self, chain_id: int, snapshot: VaultSnapshot, decision: Decision, armed: bool, ways: Sequence[Way] = ()
    ) -> int:
        """Write a decision down with the prices that it saw; its id.

        :param ways: those that were looked at, the chosen one first
        :raises LedgerError: it was not written
        """
        row = _row(chain_id, snapshot, decision, armed)
        row.alternatives = [
            AlternativeRow(
                position=position,
                name=way.name,
                worth=None if way.worth is None else str(way.worth),
                left_out=way.left_out,
            )
            for position, way in enumerate(ways)
        ]
        with self._store.writing() as session:
            session.add(row)
        return row.id

    def record_decisions(self, chain_id: int, made: Sequence[tuple[VaultSnapshot, Decision]], armed: bool) -> list[int]:
        """Write the decisions of many vaults down at once, which takes hardly longer than one; their ids in order.

        :raises LedgerError: none was written
        """
        rows = [_row(chain_id, snapshot, decision, armed) for snapshot, decision in made]
        with self._store.writing() as session:
            session.add_all(rows)
        return [row.id for row in rows]

    def decisions(self, vault: str | None = None) -> list[DecisionRow]:
        """Decisions, oldest first; of one vault or of all."""
        with self._store.reading() as session:
            query = select(DecisionRow).order_by(DecisionRow.id)
            return list(session.scalars(query if vault is None else query.where(DecisionRow.vault == vault)))

    def latest_decisions(self) -> list[DecisionRow]:
        """The newest decision about each vault, and the newest about its bands, by chain and vault."""
        is_about_bands = DecisionRow.kind == Kind.BANDS.value
        with self._store.reading() as session:
            newest = select(func.max(DecisionRow.id)).group_by(DecisionRow.chain_id, DecisionRow.vault, is_about_bands)
            query = select(DecisionRow).where(DecisionRow.id.in_(newest))
            return list(session.scalars(query.order_by(DecisionRow.chain_id, DecisionRow.vault, DecisionRow.id)))

    def alternatives(self, decision_id: int) -> list[AlternativeRow]:
        """The ways in which a decision could have been carried out, the chosen one first; none where no choice was made."""
        with self._store.reading() as session:
            query = select(AlternativeRow).where(AlternativeRow.decision_id == decision_id)
            return list(session.scalars(query.order_by(AlternativeRow.position)))

    def prices(self, decision_id: int) -> list[PriceRow]:
        """What the basket's assets cost at a decision, in basket order; none where the oracle failed."""
        with self._store.reading() as session:
            query = select(PriceRow).where(PriceRow.decision_id == decision_id).order_by(PriceRow.position)
            return list(session.scalars(query))

    def seen_prices(self, chain_id: int, vault: str) -> list[tuple[int, str, int]]:
        """What all decisions about a vault saw: unix s of the block, asset, and WAD USD per whole token, by time."""
        with self._store.reading() as session:
            query = (
                select(DecisionRow.block_timestamp, PriceRow.asset, PriceRow.price)
                .join(PriceRow)
                .where(
                    DecisionRow.chain_id == chain_id,
                    DecisionRow.vault == vault,
                    DecisionRow.block_timestamp.is_not(None),
                )
                .order_by(DecisionRow.block_timestamp, DecisionRow.id, PriceRow.position)
            )
            return [(at or 0, asset, int(price)) for at, asset, price in session.execute(query)]


def _row(chain_id: int, snapshot: VaultSnapshot, decision: Decision, armed: bool) -> DecisionRow:
    quote, valuation = decision.quote, snapshot.valuation
    return DecisionRow(
        at=int(time.time()),
        chain_id=chain_id,
        vault=snapshot.address,
        block_number=snapshot.block.number,
        block_hash=snapshot.block.hash,
        block_timestamp=snapshot.block.timestamp,
        armed=armed,
        kind=decision.kind.value,
        reason=decision.reason,
        until=decision.until,
        nav=None if valuation is None else str(valuation.nav),
        drift=None if valuation is None else str(valuation.drift),
        value_out=None if quote is None else str(quote.value_out),
        value_in=None if quote is None else str(quote.value_in),
        gas_cost=None if quote is None or quote.gas_cost is None else str(quote.gas_cost),
        native_price=None if snapshot.native_price is None else str(snapshot.native_price),
        prices=_prices(snapshot),
    )


def _prices(snapshot: VaultSnapshot) -> list[PriceRow]:
    if snapshot.prices is None:
        return []
    return [
        PriceRow(position=position, asset=asset.address, symbol=asset.symbol, decimals=asset.decimals, price=str(price))
        for position, (asset, price) in enumerate(zip(snapshot.assets, snapshot.prices, strict=True))
    ]
