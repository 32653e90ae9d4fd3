"""What alembic runs to run a step: on the connection that `run` hands over, in its transaction."""

from alembic import context

from keeper.ledger.migrations import VERSION_TABLE
from keeper.ledger.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
