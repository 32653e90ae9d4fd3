"""Several decisions in one transaction, and the ways that each decision could have been carried out."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """A transaction of before has one part; the ways of decisions of before are not known."""
    op.create_table(
        "parts",
        sa.Column("id", _INTEGER, primary_key=True),
        sa.Column("transaction_id", _INTEGER, sa.ForeignKey("transactions.id"), nullable=False),
        sa.Column("position", _INTEGER, nullable=False),
        sa.Column("decision_id", _INTEGER, sa.ForeignKey("decisions.id"), nullable=False),
        sa.Column("decision_key", sa.String(), nullable=False),
        sa.Column("attempt", _INTEGER, nullable=False),
        sa.Column("value_out", sa.String()),
        sa.Column("value_in", sa.String()),
        sa.UniqueConstraint("transaction_id", "position"),
    )
    op.execute(
        """
        INSERT INTO parts (transaction_id, position, decision_id, decision_key, attempt, value_out, value_in)
        SELECT id, 0, decision_id, decision_key, attempt, value_out, value_in FROM transactions ORDER BY id
        """
    )
    op.create_index("parts_once", "parts", ["decision_key", "attempt"], unique=True)
    op.create_index("parts_by_decision", "parts", ["decision_id"])
    op.drop_index("transactions_once", "transactions")
    op.drop_column("transactions", "decision_key")
    op.drop_column("transactions", "attempt")
    op.create_table(
        "alternatives",
        sa.Column("id", _INTEGER, primary_key=True),
        sa.Column("decision_id", _INTEGER, sa.ForeignKey("decisions.id"), nullable=False),
        sa.Column("position", _INTEGER, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("worth", sa.String()),
        sa.Column("left_out", sa.String()),
    )
    op.create_index("alternatives_once", "alternatives", ["decision_id", "position"], unique=True)
