"""States up to confirmed with an event for each step, prices, costs in USD, and fills beside their plan."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# `mined` was a transaction's end: nobody looked at its block again.
_STATES = {"INTENT": "intent", "SENT": "sent", "MINED": "confirmed", "FAILED": "failed"}


def upgrade() -> None:
    """Keep every row and all that it says."""
    with op.batch_alter_table("decisions") as decisions:
        decisions.add_column(sa.Column("block_timestamp", _INTEGER))
        decisions.add_column(sa.Column("native_price", sa.String()))
    op.create_table(
        "prices",
        sa.Column("id", _INTEGER, primary_key=True),
        sa.Column("decision_id", _INTEGER, sa.ForeignKey("decisions.id"), nullable=False),
        sa.Column("position", _INTEGER, nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("decimals", _INTEGER, nullable=False),
        sa.Column("price", sa.String(), nullable=False),
    )
    op.create_index("prices_once", "prices", ["decision_id", "position"], unique=True)
    _transactions()
    _legs()
    _events()
    _keep_events()
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA user_version=2")  # an equipoise that knows of no version table refuses the file by this


def _transactions() -> None:
    with op.batch_alter_table("transactions", recreate="auto") as transactions:
        transactions.add_column(sa.Column("decision_key", sa.String()))
        transactions.add_column(sa.Column("attempt", _INTEGER))
        transactions.add_column(sa.Column("replaces_id", _INTEGER))
        transactions.add_column(sa.Column("channel", sa.String()))
        transactions.add_column(sa.Column("calldata_hash", sa.String()))
        transactions.add_column(sa.Column("first_seen", _INTEGER))
        transactions.add_column(sa.Column("settled_at", _INTEGER))
        transactions.add_column(sa.Column("block_timestamp", _INTEGER))
        transactions.add_column(sa.Column("data_fee", sa.String()))
        transactions.add_column(sa.Column("gas_cost", sa.String()))
        transactions.alter_column("state", existing_type=sa.String(6), type_=sa.String(16), existing_nullable=False)
        transactions.create_foreign_key("transactions_replaces", "transactions", ["replaces_id"], ["id"])
    for before, after in _STATES.items():
        op.execute(f"UPDATE transactions SET state = '{after}' WHERE state = '{before}'")
    op.execute(
        """
        UPDATE transactions SET channel = 'public', decision_key = (
            SELECT decisions.chain_id || ':' || lower(decisions.vault) || ':' || decisions.block_hash || ':' || decisions.kind
            FROM decisions WHERE decisions.id = transactions.decision_id
        )
        """
    )
    op.execute(
        """
        UPDATE transactions SET attempt = (
            SELECT count(*) FROM transactions AS earlier
            WHERE earlier.decision_key = transactions.decision_key AND earlier.id < transactions.id
        )
        """
    )
    with op.batch_alter_table("transactions") as transactions:
        transactions.alter_column("decision_key", existing_type=sa.String(), nullable=False)
        transactions.alter_column("attempt", existing_type=_INTEGER, nullable=False)
        transactions.alter_column("channel", existing_type=sa.String(), nullable=False)
    op.create_index("transactions_once", "transactions", ["decision_key", "attempt"], unique=True)


def _legs() -> None:
    with op.batch_alter_table("legs") as legs:
        legs.alter_column("amount_in", new_column_name="planned_in", existing_type=sa.String(), nullable=True)
        legs.alter_column("amount_out", new_column_name="planned_out", existing_type=sa.String(), nullable=True)
        legs.add_column(sa.Column("realised_in", sa.String()))
        legs.add_column(sa.Column("realised_out", sa.String()))
    # What was mined had taken the place of the plan.
    op.execute(
        """
        UPDATE legs SET realised_in = planned_in, realised_out = planned_out, planned_in = NULL, planned_out = NULL
        WHERE transaction_id IN (SELECT id FROM transactions WHERE state = 'confirmed')
        """
    )


def _events() -> None:
    op.create_table(
        "transaction_events",
        sa.Column("id", _INTEGER, primary_key=True),
        sa.Column("transaction_id", _INTEGER, sa.ForeignKey("transactions.id"), nullable=False),
        sa.Column("at", _INTEGER, nullable=False),
        sa.Column("from_state", sa.String(16)),
        sa.Column("to_state", sa.String(16), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("block_number", _INTEGER),
        sa.Column("block_hash", sa.String()),
    )
    op.create_index("transaction_events_by_transaction", "transaction_events", ["transaction_id", "id"])
    op.execute(
        """
        INSERT INTO transaction_events (transaction_id, at, to_state, detail, block_number, block_hash)
        SELECT id, at, state, 'taken over from a ledger without events', block_number, block_hash
        FROM transactions ORDER BY id
        """
    )


def _keep_events() -> None:
    """Let the database itself refuse to change or delete an event."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER transaction_events_no_{change.lower()} BEFORE {change} ON transaction_events "
                "BEGIN SELECT RAISE(ABORT, 'events are kept as they are'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION ledger_keep() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'events are kept as they are'; END $$"
    )
    op.execute(
        "CREATE TRIGGER transaction_events_kept BEFORE UPDATE OR DELETE ON transaction_events "
        "FOR EACH ROW EXECUTE FUNCTION ledger_keep()"
    )
