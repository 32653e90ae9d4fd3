"""Engines of a ledger's database: durability, waiting for others, and no secret in what they say."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

BUSY_TIMEOUT_S = 10
WRITING = "equipoise_writes"  # execution option of connections whose transactions write

# A server that loses sight of a keeper's machine gives its locks to others after about a minute.
_KEEPALIVE = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}
_LOCAL_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


def of_file(file: Path, foreign_keys: bool = True) -> Engine:
    """The engine of an SQLite file; nothing is opened yet.

    :param foreign_keys: off while tables are rebuilt
    """

    def durable(connection: Any, _record: object) -> None:
        """A commit that returned survives a killed process and a power cut; readers do not block the writer."""
        connection.isolation_level = None  # `_begin` says how transactions begin; the driver's own way leaves out DDL
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    engine = create_engine(URL.create("sqlite", database=str(file)), hide_parameters=True)
    event.listen(engine, "connect", durable)
    event.listen(engine, "begin", _begin)
    return engine


def of_server(url: URL) -> Engine:
    """The engine of a PostgreSQL database; nothing is opened yet."""
    arguments = {"connect_timeout": BUSY_TIMEOUT_S, **_LOCAL_KEEPALIVE}
    engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments)
    event.listen(engine, "connect", _prepared)
    return engine


def _begin(connection: Connection) -> None:
    # Whoever writes waits for its turn at once: one that has read before cannot wait, and would fail.
    writes = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepared(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET lock_timeout = '{BUSY_TIMEOUT_S}s'")
    for name, value in _KEEPALIVE.items():
        cursor.execute(f"SET {name} = {value}")
    # The session that holds the locks may have nothing to say for hours. Older servers do not know the setting.
    cursor.execute("SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'")
    # A commit that returned survives a power cut, whatever the database's own default is.
    cursor.execute("SHOW synchronous_commit")
    if cursor.fetchone()[0] in {"off", "local"}:
        cursor.execute("SET synchronous_commit = on")
    cursor.close()
    connection.commit()
