"""Opening a ledger's database: durability, waiting for others, and no secrets in what it says."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

BUSY_TIMEOUT_S = 10
WRITING = "equipoise_writes"  # execution option of connections whose transactions write


def sqlite_engine(file: Path) -> Engine:
    """The engine of a file; nothing is opened yet."""
    engine = create_engine(f"sqlite:///{file}", hide_parameters=True)
    event.listen(engine, "connect", _durable)
    event.listen(engine, "begin", _begin)
    return engine


def _durable(connection: Any, _record: object) -> None:
    """A commit that returned survives a killed process and a power cut; readers do not block the writer."""
    connection.isolation_level = None  # `_begin` says how transactions begin; the driver's own way leaves out DDL
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    # Whoever writes waits for its turn at once: one that has read before cannot wait, and would fail.
    writes = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
