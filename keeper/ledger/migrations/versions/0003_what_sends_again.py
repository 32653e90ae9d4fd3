"""What the lane needs to send a transaction again, to replace it or to give it up."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Rows of before have none of it: what of them is in flight is followed, and cancelled when it is not mined."""
    with op.batch_alter_table("transactions") as transactions:
        transactions.add_column(sa.Column("raw", sa.String()))
        transactions.add_column(sa.Column("deadline", _INTEGER))
        transactions.add_column(sa.Column("since_block", _INTEGER))
        transactions.add_column(sa.Column("benefit_cap", sa.String()))
        transactions.add_column(sa.Column("data_fee_max", sa.String(), nullable=False, server_default="0"))
    op.create_index("transactions_by_nonce", "transactions", ["chain_id", "sender", "nonce"])
