"""Decisions, transactions and legs: the tables that ledgers without a version have."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "decisions",
        sa.Column("id", _INTEGER, primary_key=True),
        sa.Column("at", _INTEGER, nullable=False),
        sa.Column("chain_id", _INTEGER, nullable=False),
        sa.Column("vault", sa.String(), nullable=False),
        sa.Column("block_number", _INTEGER, nullable=False),
        sa.Column("block_hash", sa.String(), nullable=False),
        sa.Column("armed", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("until", _INTEGER),
        sa.Column("nav", sa.String()),
        sa.Column("drift", sa.String()),
        sa.Column("value_out", sa.String()),
        sa.Column("value_in", sa.String()),
        sa.Column("gas_cost", sa.String()),
    )
    op.create_index("decisions_by_vault", "decisions", ["chain_id", "vault", "at"])
    op.create_table(
        "transactions",
        sa.Column("id", _INTEGER, primary_key=True),
        sa.Column("decision_id", _INTEGER, sa.ForeignKey("decisions.id"), nullable=False),
        sa.Column("at", _INTEGER, nullable=False),
        sa.Column("chain_id", _INTEGER, nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("nonce", _INTEGER, nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("state", sa.String(6), nullable=False),
        sa.Column("hash", sa.String()),
        sa.Column("max_fee", sa.String(), nullable=False),
        sa.Column("tip", sa.String(), nullable=False),
        sa.Column("gas_limit", _INTEGER, nullable=False),
        sa.Column("block_number", _INTEGER),
        sa.Column("block_hash", sa.String()),
        sa.Column("gas_used", _INTEGER),
        sa.Column("gas_price", sa.String()),
        sa.Column("value_out", sa.String()),
        sa.Column("value_in", sa.String()),
        sa.Column("error", sa.String()),
    )
    op.create_index("transactions_by_sender", "transactions", ["chain_id", "sender", "state"])
    op.create_index("ix_transactions_hash", "transactions", ["hash"])
    op.create_table(
        "legs",
        sa.Column("id", _INTEGER, primary_key=True),
        sa.Column("transaction_id", _INTEGER, sa.ForeignKey("transactions.id"), nullable=False),
        sa.Column("position", _INTEGER, nullable=False),
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("venue", sa.String(), nullable=False),
        sa.Column("token_in", sa.String(), nullable=False),
        sa.Column("token_out", sa.String(), nullable=False),
        sa.Column("amount_in", sa.String(), nullable=False),
        sa.Column("amount_out", sa.String(), nullable=False),
        sa.UniqueConstraint("transaction_id", "position"),
    )
