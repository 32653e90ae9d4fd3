"""How the ledger's tables came to be, step by step; the steps are files of `versions`, run by alembic.

A new step is a new file there, and its number here. Steps that were released are never changed.
"""

from pathlib import Path

from sqlalchemy import Connection

VERSION_TABLE = "ledger_version"
KNOWN = ("0001", "0002", "0003", "0004", "0005")
HEAD = KNOWN[-1]
# Ledgers from before there was a version table are SQLite files with the tables of this step.
UNMARKED = "0001"
UNMARKED_USER_VERSION = 1


def run(connection: Connection, found: str | None) -> None:
    """Run all steps that are missing, in the connection's transaction.

    :param found: the version that the tables have; None without any
    """
    from alembic import command  # it is slow to load, and hardly ever needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    if found == UNMARKED:
        command.stamp(config, UNMARKED)
    command.upgrade(config, HEAD)
