"""When a transaction left last, apart from since when it waits to be mined."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Before, one column was both."""
    with op.batch_alter_table("transactions") as transactions:
        transactions.add_column(sa.Column("left_block", _INTEGER))
    op.execute("UPDATE transactions SET left_block = since_block")
